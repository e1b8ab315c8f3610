//! Lists and maps of texts: what their items are, and which headers a trigger can ask for.

use super::super::term::{Node, Term};
use super::Checker;
use crate::llm;
use crate::policy::error::TriggerProblem;
use crate::policy::variable::{Type, Variable};

impl Checker {
    /// The type of what stands in a list or a map, where it is always the same.
    pub fn items(&self, node: &Node) -> Option<Type> {
        let (variable, field) = self.place(node)?;
        variable.is_of_texts(field).then_some(Type::Text)
    }

    /// The type of a field of something that is no variable.
    pub fn field_of_text(
        &mut self,
        at: usize,
        of: &Node,
        field: &str,
        kind: Option<Type>,
    ) -> Option<Type> {
        self.expect(at, ".", kind, &[Type::Map], "a map");
        if self.is_headers(of) {
            self.header(at, field);
        }
        self.items(of)
    }

    /// Checks the header that is looked for, where `map` is that of the headers.
    pub fn header_within(&mut self, map: &Node, name: Option<&Node>) {
        if let Some(Node { at, term: Term::Text(name) }) = name
            && self.is_headers(map)
        {
            self.header(*at, name);
        }
    }

    fn header(&mut self, at: usize, name: &str) {
        let lower = name.to_ascii_lowercase();
        if llm::is_credential_header(&lower) {
            self.note(at, TriggerProblem::CredentialHeader { name: lower });
        } else if lower != name {
            self.note(at, TriggerProblem::HeaderCase { name: lower });
        }
    }

    fn is_headers(&self, node: &Node) -> bool {
        self.place(node) == Some((Variable::Request, Some("headers")))
    }

    /// A variable that no loop hides, or a field of one.
    fn place<'n>(&self, node: &'n Node) -> Option<(Variable, Option<&'n str>)> {
        match &node.term {
            Term::Name(name) if self.bound(name).is_none() => Some((Variable::parse(name)?, None)),
            Term::Field { of, field, test: false } => match self.place(of)? {
                (variable, None) => Some((variable, Some(field))),
                (_, Some(_)) => None,
            },
            _ => None,
        }
    }
}
