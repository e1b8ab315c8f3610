//! Policy unit tests as written: a `*_test.yml` read into cases, every problem at once. It opens no
//! other file and judges nothing; that is left to who runs the cases.

mod facts;
mod keys;

use std::collections::HashMap;

use super::Action;
use super::error::{At, CaseProblem, PolicyErrors, ProblemKind, Problems, ValueProblem};
use super::schema::{Reader, words};
use super::yaml::{self, Data, Node};
use crate::facts::{AnswerFacts, RequestFacts};

/// Most cases of one file.
const CASES_MAX: usize = 1_000;

/// A file without a case would pass.
const NO_CASES: ValueProblem = ValueProblem::Count { found: 0, min: 1, max: CASES_MAX };

/// A file of cases.
#[derive(Debug, Default)]
pub struct CaseFile {
    /// The policy that they are about, as a path from the file's folder. Key: `policy`.
    pub policy: Option<String>,
    /// In the order of the file. Key: `cases`.
    pub cases: Vec<Case>,
}

/// One case.
#[derive(Debug)]
pub struct Case {
    /// What it shows. Key: `name`.
    pub name: String,
    /// Where it stands, from 1.
    pub line: usize,
    /// What happens.
    pub given: Given,
    /// What the policy is to make of it. Key: `expect`.
    pub expected: Expected,
}

/// What happens in a case.
#[derive(Debug)]
pub enum Given {
    /// A recorded exchange, as a path from the file's folder, and its id where the file holds
    /// several. Key: `exchange`.
    Exchange {
        /// The file.
        path: String,
        /// What stands behind `#`.
        id: Option<String>,
    },
    /// Facts as written. Keys: `request`, `answer`.
    Facts {
        /// What is asked.
        request: Box<RequestFacts>,
        /// What is answered; absent where the provider is not to be called.
        answer: Option<Box<AnswerFacts>>,
        /// What the policy takes for the confidence, whatever its source.
        confidence: Option<f64>,
    },
}

/// What is expected; what is absent may be anything.
#[derive(Debug, Default)]
pub struct Expected {
    /// What the caller gets. Key: `verdict`.
    pub verdict: Option<FinalVerdict>,
    /// Exactly these enforced actions. Key: `actions`.
    pub actions: Option<Vec<Action>>,
    /// Exactly these policies fired. Key: `fired`.
    pub fired: Option<Vec<String>>,
    /// Exactly these policies could not be evaluated. Key: `failed`.
    pub failed: Option<Vec<String>>,
    /// Exactly these policies would have fired, were they not observed. Key: `would_fire`.
    pub would_fire: Option<Vec<String>>,
    /// Part of what the refused caller is told. Key: `message`.
    pub message: Option<String>,
}

/// What the caller gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinalVerdict {
    /// The answer.
    Allowed,
    /// A refusal.
    Denied,
    /// A refusal until a person approves.
    Held,
}

const VERDICTS: &[(&str, FinalVerdict)] = &[
    ("allowed", FinalVerdict::Allowed),
    ("denied", FinalVerdict::Denied),
    ("held", FinalVerdict::Held),
];

/// Reads a file of cases, or says everything that is wrong with it.
pub fn parse(text: &str) -> Result<CaseFile, PolicyErrors> {
    let mut problems = Problems::new(text);
    let root = yaml::read(text, &mut problems);
    let says_nothing = |line: &str| line.trim().is_empty() || line.trim().starts_with('#');
    if root.is_none() && text.lines().all(says_nothing) {
        let (key, expected) = ("a file of cases".to_owned(), "a mapping");
        let kind = ProblemKind::WrongType { key, expected, found: "nothing".to_owned() };
        problems.add(At { line: 1, column: 1 }, kind);
    }
    let file = root.map(|root| Reader { problems: &mut problems }.cases_file(&root));
    problems.or(file)
}

// === impl FinalVerdict ===

impl FinalVerdict {
    /// The word of the file.
    pub fn as_str(self) -> &'static str {
        match self {
            FinalVerdict::Allowed => "allowed",
            FinalVerdict::Denied => "denied",
            FinalVerdict::Held => "held",
        }
    }
}

// === impl Reader ===

impl Reader<'_, '_> {
    fn cases_file(&mut self, root: &Node) -> CaseFile {
        let mut file = CaseFile::default();
        if root.value_of("cases").is_none() && matches!(root.data, Data::Mapping(_)) {
            self.bad(root, "cases", NO_CASES);
        }
        for (key, _, value) in self.mapping(root, "a file of cases", keys::CASES) {
            match key {
                "policy" => file.policy = self.text(value, "policy", 1_000),
                "cases" => {
                    let nodes = self.list(value, "cases");
                    if matches!(&value.data, Data::Sequence(none) if none.is_empty()) {
                        self.bad(value, "cases", NO_CASES);
                    }
                    let nodes = self.at_most(value, "cases", nodes, CASES_MAX);
                    self.distinct_names(nodes);
                    file.cases = nodes.iter().filter_map(|node| self.case(node)).collect();
                }
                _ => {}
            }
        }
        file
    }

    /// Reports name a case by its name alone.
    fn distinct_names(&mut self, nodes: &[Node]) {
        let mut first_lines = HashMap::new();
        for node in nodes.iter().filter_map(|node| node.value_of("name")) {
            let Data::Scalar(name, _) = &node.data else { continue };
            match first_lines.get(name) {
                None => {
                    first_lines.insert(name, node.at.line);
                }
                Some(first_line) => {
                    let (key, expected) = ("name".to_owned(), "a name of its own");
                    let found = format!("one that stands twice, first on line {first_line}");
                    let kind = ProblemKind::WrongType { key, expected, found };
                    self.problems.add(node.at, kind);
                }
            }
        }
    }

    fn case(&mut self, node: &Node) -> Option<Case> {
        let (mut name, mut exchange, mut request, mut answer) = (None, None, None, None);
        let mut confidence = None;
        let mut expected = None;
        for (key, _, value) in self.mapping(node, "cases", keys::CASE) {
            match key {
                "name" => name = self.text(value, "name", 200),
                "exchange" => exchange = self.text(value, "exchange", 1_000),
                "request" => request = Some(Box::new(self.request_facts(value))),
                "answer" => {
                    let (facts, stated) = self.answer_facts(value);
                    (answer, confidence) = (Some(Box::new(facts)), stated);
                }
                "expect" => expected = Some(self.expected(value)),
                _ => {}
            }
        }
        if !matches!(node.data, Data::Mapping(_)) {
            return None;
        }
        for key in ["name", "expect"] {
            if node.value_of(key).is_none() {
                let entry = "cases";
                self.problems.add(node.at, ProblemKind::MissingKey { entry, key });
            }
        }
        let given = match (exchange, request) {
            (Some(exchange), None) if answer.is_none() => {
                let (path, id) = match exchange.split_once('#') {
                    Some((path, id)) => (path.to_owned(), Some(id.to_owned())),
                    None => (exchange, None),
                };
                Given::Exchange { path, id }
            }
            (None, Some(request)) => Given::Facts { request, answer, confidence },
            _ => {
                self.problems.add(node.at, ProblemKind::Case(CaseProblem::Facts));
                return None;
            }
        };
        Some(Case { name: name?, line: node.at.line, given, expected: expected? })
    }

    fn expected(&mut self, node: &Node) -> Expected {
        let mut expected = Expected::default();
        let known = self.mapping(node, "expect", keys::EXPECT);
        if known.is_empty() && matches!(node.data, Data::Mapping(_)) {
            self.problems.add(node.at, ProblemKind::Case(CaseProblem::NothingExpected));
        }
        for (key, _, value) in known {
            match key {
                "verdict" => expected.verdict = self.word(value, "verdict", VERDICTS),
                "actions" => expected.actions = Some(self.words(value, "actions", words::ACTIONS)),
                "fired" => expected.fired = Some(self.distinct(value, "fired")),
                "failed" => expected.failed = Some(self.distinct(value, "failed")),
                "would_fire" => expected.would_fire = Some(self.distinct(value, "would_fire")),
                "message" => expected.message = self.text(value, "message", 1_000),
                _ => {}
            }
        }
        expected
    }
}
