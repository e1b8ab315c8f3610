//! Words of health and finance, with their weights. English; a word that has another everyday
//! meaning is not enough by itself.

/// What a text can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    Healthcare,
    Financial,
}

/// Points from which on a text is about a topic: one clear term, or two different vague ones.
pub(super) const ENOUGH: u32 = 2;

/// All terms: their topic and how many points each gives.
pub(super) const TERMS: [(Topic, u32, &[&str]); 4] = [
    (Topic::Healthcare, ENOUGH, HEALTHCARE_CLEAR),
    (Topic::Healthcare, 1, HEALTHCARE_VAGUE),
    (Topic::Financial, ENOUGH, FINANCIAL_CLEAR),
    (Topic::Financial, 1, FINANCIAL_VAGUE),
];

/// Terms that mean nothing else.
#[rustfmt::skip]
const HEALTHCARE_CLEAR: &[&str] = &[
    "antibiotic", "antidepressant", "biopsy", "blood pressure", "blood sugar", "blood test",
    "cardiologist", "chemotherapy", "chest pain", "chronic pain", "clinical trial", "diabetes",
    "diabetic", "diagnosed with", "dialysis", "electronic health record", "epilepsy",
    "health insurance", "health record", "hemoglobin", "hiv", "hypertension", "icd 10", "insulin",
    "ischemic stroke", "lab results", "leukemia", "medical advice", "medical condition",
    "medical history", "medical record", "mental health", "metastatic", "metformin", "oncologist",
    "oncology", "patient id", "patient record", "protected health information", "psychiatrist",
    "radiology", "schizophrenia", "tumor", "tumour", "x ray image",
];

/// Terms that are figures of speech as often.
#[rustfmt::skip]
const HEALTHCARE_VAGUE: &[&str] = &[
    "allergic", "allergy", "anxiety", "asthma", "cancer", "chronic", "clinic", "clinical",
    "depression", "diagnose", "diagnosis", "disease", "doctor", "dosage", "dose", "fever",
    "hospital", "illness", "infection", "insomnia", "medical", "medication", "medicine", "mg",
    "migraine", "nurse", "patient", "pharmacy", "physician", "pregnancy", "pregnant", "prescribed",
    "prescription", "side effects", "surgeon", "surgery", "symptom", "therapist", "therapy",
    "treatment", "vaccine", "x ray",
];

/// Terms that mean nothing else.
#[rustfmt::skip]
const FINANCIAL_CLEAR: &[&str] = &[
    "account balance", "account number", "annual income", "bank account", "bank sort code",
    "bank statement", "bank transfer", "credit card", "credit history", "credit limit",
    "credit rating", "credit report", "credit score", "debit card", "debt consolidation",
    "direct debit", "iban", "income tax", "investment advice", "loan application", "loan officer",
    "money laundering", "mortgage", "mortgage rate", "net worth", "overdraft", "pension fund",
    "retirement fund", "routing number", "stock market", "stock portfolio", "stock price",
    "tax return", "wire transfer",
];

/// Terms that are used of other things as well.
#[rustfmt::skip]
const FINANCIAL_VAGUE: &[&str] = &[
    "bank", "bankruptcy", "borrower", "credit", "debt", "dividend", "equity", "income",
    "interest rate", "invest", "investment", "invoice", "lender", "loan", "payment", "payroll",
    "pension", "portfolio", "refinance", "repayment", "salary", "savings", "tax",
];
