//! Topics by vocabulary: health and finance. English; a word that has another everyday meaning
//! is not enough by itself.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

/// What a text is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Topics {
    pub(super) healthcare: bool,
    pub(super) financial: bool,
}

/// Points from which on a text is about a topic: one clear term, or two different vague ones.
const ENOUGH: u32 = 2;

/// 26 letters, and one for all digits.
const INITIALS: usize = 27;

/// Terms that mean nothing else.
#[rustfmt::skip]
const HEALTHCARE_CLEAR: &[&str] = &[
    "antibiotic", "antidepressant", "biopsy", "blood pressure", "blood sugar", "blood test",
    "cardiologist", "chemotherapy", "clinical trial", "diabetes", "diabetic", "diagnosed with",
    "dialysis", "electronic health record", "epilepsy", "health insurance", "health record",
    "hemoglobin", "hiv", "hypertension", "icd 10", "insulin", "lab results", "leukemia",
    "medical advice", "medical condition", "medical history", "medical record", "mental health",
    "metastatic", "metformin", "oncologist", "oncology", "patient id", "patient record",
    "protected health information", "psychiatrist", "radiology", "schizophrenia", "side effects",
    "tumor", "tumour", "x ray",
];

/// Terms that are figures of speech as often.
#[rustfmt::skip]
const HEALTHCARE_VAGUE: &[&str] = &[
    "allergic", "allergy", "anxiety", "asthma", "cancer", "chronic", "clinic", "clinical",
    "depression", "diagnose", "diagnosis", "disease", "doctor", "dosage", "dose", "fever",
    "hospital", "illness", "infection", "insomnia", "medical", "medication", "medicine", "mg",
    "migraine", "nurse", "pain", "patient", "pharmacy", "physician", "pregnancy", "pregnant",
    "prescribed", "prescription", "stroke", "surgeon", "surgery", "symptom", "therapist", "therapy",
    "treatment", "vaccine",
];

/// Terms that mean nothing else.
#[rustfmt::skip]
const FINANCIAL_CLEAR: &[&str] = &[
    "account balance", "account number", "annual income", "bank account", "bank statement",
    "bank transfer", "credit card", "credit history", "credit limit", "credit rating",
    "credit report", "credit score", "debit card", "debt consolidation", "direct debit", "iban",
    "income tax", "interest rate", "investment advice", "loan application", "loan officer",
    "money laundering", "mortgage", "net worth", "overdraft", "pension fund", "retirement fund",
    "routing number", "sort code", "stock portfolio", "swift code", "tax return", "wire transfer",
];

/// Terms that are used of other things as well.
#[rustfmt::skip]
const FINANCIAL_VAGUE: &[&str] = &[
    "bank", "bankruptcy", "borrower", "broker", "credit", "debt", "dividend", "equity", "income",
    "invest", "investment", "invoice", "lender", "loan", "payment", "payroll", "pension",
    "portfolio", "refinance", "repayment", "salary", "savings", "shares", "stock", "tax",
    "transaction",
];

/// Which topics a text is about.
pub(super) fn topics(text: &str) -> Topics {
    let mut met: HashSet<&'static str> = HashSet::new();
    let mut points = Points::default();
    let (mut before, mut second_before) = ("", "");
    for word in text.split(|letter: char| !letter.is_alphanumeric() && letter != '\'') {
        if word.is_empty() {
            continue;
        }
        for term in index().ending_in(word) {
            let is_here =
                |wanted: &str, found: &str| wanted.is_empty() || wanted.eq_ignore_ascii_case(found);
            let preceded =
                is_here(term.before, before) && is_here(term.second_before, second_before);
            if preceded && met.insert(term.whole) {
                points.add(term);
            }
        }
        (second_before, before) = (before, word);
    }
    Topics { healthcare: points.healthcare >= ENOUGH, financial: points.financial >= ENOUGH }
}

/// A term, its words apart; what it has not is empty.
struct Term {
    whole: &'static str,
    before: &'static str,
    second_before: &'static str,
    topic: Topic,
    points: u32,
}

#[derive(Clone, Copy)]
enum Topic {
    Healthcare,
    Financial,
}

#[derive(Default)]
struct Points {
    healthcare: u32,
    financial: u32,
}

/// All terms by their last word.
struct Index {
    terms: HashMap<&'static str, Vec<Term>>,
    /// Bit n of an initial: some last word begins with it and has n letters. Most words of a text
    /// end here, before they are hashed.
    lengths: [u32; INITIALS],
}

fn index() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| {
        let mut index = Index { terms: HashMap::new(), lengths: [0; INITIALS] };
        index.add(HEALTHCARE_CLEAR, Topic::Healthcare, ENOUGH);
        index.add(HEALTHCARE_VAGUE, Topic::Healthcare, 1);
        index.add(FINANCIAL_CLEAR, Topic::Financial, ENOUGH);
        index.add(FINANCIAL_VAGUE, Topic::Financial, 1);
        index
    })
}

// === impl Points ===

impl Points {
    fn add(&mut self, term: &Term) {
        match term.topic {
            Topic::Healthcare => self.healthcare += term.points,
            Topic::Financial => self.financial += term.points,
        }
    }
}

// === impl Index ===

impl Index {
    fn add(&mut self, terms: &[&'static str], topic: Topic, points: u32) {
        for whole in terms {
            let mut words = whole.rsplit(' ');
            let last = words.next().unwrap_or_default();
            let before = words.next().unwrap_or_default();
            let second_before = words.next().unwrap_or_default();
            let term = Term { whole, before, second_before, topic, points };
            self.terms.entry(last).or_default().push(term);
            // A plural is one letter longer.
            let bits = (1 << last.len()) | (1 << (last.len() + 1));
            if let Some(lengths) = initial(last).and_then(|at| self.lengths.get_mut(at)) {
                *lengths |= bits;
            }
        }
    }

    /// Terms whose last word is this one, or its singular.
    fn ending_in(&self, word: &str) -> impl Iterator<Item = &Term> {
        let lengths = initial(word).and_then(|at| self.lengths.get(at)).copied().unwrap_or(0);
        let possible = word.len() < 32 && lengths & (1 << word.len()) != 0;
        let lower = if possible { word.to_ascii_lowercase() } else { String::new() };
        let singular = lower.strip_suffix('s').unwrap_or_default();
        let found = |word: &str| self.terms.get(word).map(Vec::as_slice).unwrap_or_default();
        found(&lower).iter().chain(found(singular))
    }
}

/// Which of the [`INITIALS`] a word begins with: a letter of the alphabet, or a digit.
fn initial(word: &str) -> Option<usize> {
    match word.bytes().next()?.to_ascii_lowercase() {
        first @ b'a'..=b'z' => Some(usize::from(first - b'a')),
        b'0'..=b'9' => Some(INITIALS - 1),
        _ => None,
    }
}
