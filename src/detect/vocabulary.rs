//! Topics by vocabulary: health and finance. English; a word that has another everyday meaning
//! is not enough by itself.

use std::collections::HashSet;
use std::sync::OnceLock;

/// What a text is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Topics {
    pub(super) healthcare: bool,
    pub(super) financial: bool,
}

/// Points from which on a text is about a topic: one clear term, or two different vague ones.
const ENOUGH: u32 = 2;

/// Most words of a term.
const TERM_WORDS_MAX: usize = 3;

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
    let words = Words::of(text);
    Topics {
        healthcare: words.points(HEALTHCARE_CLEAR, HEALTHCARE_VAGUE) >= ENOUGH,
        financial: words.points(FINANCIAL_CLEAR, FINANCIAL_VAGUE) >= ENOUGH,
    }
}

/// The text's terms of one to three words, lower case, each once.
struct Words(HashSet<String>);

// === impl Words ===

impl Words {
    /// Keeps only what some list knows, so that the set stays small whatever the text.
    fn of(text: &str) -> Words {
        let mut kept = HashSet::new();
        let mut recent: Vec<String> = Vec::with_capacity(TERM_WORDS_MAX + 1);
        let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '\'');
        for word in words.filter(|word| !word.is_empty()) {
            recent.push(word.to_ascii_lowercase());
            if recent.len() > TERM_WORDS_MAX {
                recent.remove(0);
            }
            for from in 0..recent.len() {
                let term = recent.get(from..).unwrap_or_default().join(" ");
                let singular = term.strip_suffix('s').unwrap_or(&term);
                for form in [term.as_str(), singular] {
                    if is_known(form) && !kept.contains(form) {
                        kept.insert(form.to_owned());
                    }
                }
            }
        }
        Words(kept)
    }

    fn points(&self, clear: &[&str], vague: &[&str]) -> u32 {
        let met = |terms: &[&str]| terms.iter().filter(|term| self.0.contains(**term)).count();
        (met(clear) as u32) * ENOUGH + met(vague) as u32
    }
}

fn is_known(term: &str) -> bool {
    static TERMS: OnceLock<HashSet<&'static str>> = OnceLock::new();
    let terms = TERMS.get_or_init(|| {
        let lists = [HEALTHCARE_CLEAR, HEALTHCARE_VAGUE, FINANCIAL_CLEAR, FINANCIAL_VAGUE];
        lists.into_iter().flatten().copied().collect()
    });
    terms.contains(term)
}
