//! Which headers a trigger can ask for.

use super::super::term::{Node, Term};
use super::Checker;
use crate::llm;
use crate::policy::error::{HeaderProblem, TriggerProblem};
use crate::policy::variable::Variable;

impl Checker {
    /// Checks a written name that is looked for in `map`, where that is of headers.
    pub fn header_within(&mut self, map: &Node, name: Option<&Node>) {
        if let Some(Node { at, term: Term::Text(name) }) = name {
            self.header_of(map, *at, name);
        }
    }

    /// The same of a name at a place.
    pub fn header_of(&mut self, map: &Node, at: usize, name: &str) {
        let lower = name.to_ascii_lowercase();
        if !self.is_headers(map) {
            return;
        }
        if llm::is_credential_header(&lower) {
            let problem = HeaderProblem::Credential { name: lower };
            self.note(at, TriggerProblem::Header(problem));
        } else if lower != name {
            self.note(at, TriggerProblem::Header(HeaderProblem::Case { name: lower }));
        }
    }

    /// The node is `request.headers`.
    pub fn is_headers(&self, node: &Node) -> bool {
        matches!(&node.term, Term::Field { of, field, test: false }
            if field == "headers" && self.is_variable(of, Variable::Request))
    }

    /// The node is that variable, and no loop hides it.
    pub fn is_variable(&self, node: &Node, variable: Variable) -> bool {
        matches!(&node.term, Term::Name(name)
            if self.bound(name).is_none() && Variable::parse(name) == Some(variable))
    }
}
