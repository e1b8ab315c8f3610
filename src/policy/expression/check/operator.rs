//! The operators: which types they take and give, which comparisons can never match, and that
//! none joins large texts. Knows no names.

use super::super::term::{Node, Term};
use super::Checker;
use crate::policy::error::TriggerProblem;
use crate::policy::variable::{Type, Variable};

impl Checker {
    /// The type an operator gives; the outer `None` where `name` is no operator.
    pub fn operator(
        &mut self,
        at: usize,
        name: &str,
        args: &[Node],
        kinds: &[Option<Type>],
    ) -> Option<Option<Type>> {
        let first = kinds.first().copied().flatten();
        let second = kinds.get(1).copied().flatten();
        match name {
            "_&&_" | "_||_" | "!_" => {
                for (arg, kind) in args.iter().zip(kinds) {
                    self.expect(arg.at, written(name), *kind, &[Type::Bool], "a condition");
                }
                Some(Some(Type::Bool))
            }
            "_?_:_" => {
                let condition = args.first().map_or(at, |arg| arg.at);
                self.expect(condition, "?", first, &[Type::Bool], "a condition");
                Some(common(kinds.get(1..).unwrap_or(&[])))
            }
            "_==_" | "_!=_" => {
                self.comparable(at, args, first, second);
                Some(Some(Type::Bool))
            }
            "_<_" | "_<=_" | "_>_" | "_>=_" => {
                if self.comparable(at, args, first, second) {
                    for (arg, kind) in args.iter().zip(kinds) {
                        let ordered = [Type::Number, Type::Text, Type::Bool];
                        self.expect(arg.at, written(name), *kind, &ordered, "a number or a string");
                    }
                }
                Some(Some(Type::Bool))
            }
            "_+_" => {
                self.plus(at, args, kinds);
                Some(common(kinds))
            }
            "_-_" | "_*_" | "_/_" | "_%_" | "-_" => {
                for (arg, kind) in args.iter().zip(kinds) {
                    self.expect(arg.at, written(name), *kind, &[Type::Number], "a number");
                }
                Some(Some(Type::Number))
            }
            "@in" => {
                self.within(at, args, first, second);
                Some(Some(Type::Bool))
            }
            "_[_]" => Some(None),
            _ => None,
        }
    }

    /// Two sides of different types are never equal, whatever the facts.
    fn comparable(
        &mut self,
        at: usize,
        args: &[Node],
        first: Option<Type>,
        second: Option<Type>,
    ) -> bool {
        let (Some(left), Some(right)) = (first, second) else { return true };
        if left == right {
            return true;
        }
        // The side that is no literal is the one to speak of.
        let literal_first = args.first().is_some_and(|arg| matches!(arg.term, Term::Literal(_) | Term::Text(_)));
        let (index, is, with) = if literal_first { (1, right, left) } else { (0, left, right) };
        let name = match args.get(index).map(|arg| &arg.term) {
            Some(Term::Name(name)) => format!("`{name}`"),
            _ if index == 0 => "the left side".to_owned(),
            _ => "the right side".to_owned(),
        };
        let (is, with) = (is.as_str(), with.as_str());
        self.note(at, TriggerProblem::NeverMatches { name, is, with });
        false
    }

    fn within(&mut self, at: usize, args: &[Node], first: Option<Type>, second: Option<Type>) {
        let Some(list) = args.get(1) else { return };
        self.expect(list.at, "in", second, &[Type::List, Type::Map], "a list");
        let items = match &list.term {
            Term::List(items) => items.iter().map(literal).collect(),
            Term::Name(name) if name == "categories" => vec![Some(Type::Text)],
            _ => return,
        };
        let (Some(is), Some(with)) = (first, common(&items)) else { return };
        if is != with {
            let name = match args.first().map(|arg| &arg.term) {
                Some(Term::Name(name)) => format!("`{name}`"),
                _ => "the left side".to_owned(),
            };
            let (is, with) = (is.as_str(), with.as_str());
            self.note(at, TriggerProblem::NeverMatches { name, is, with });
        }
    }

    fn plus(&mut self, at: usize, args: &[Node], kinds: &[Option<Type>]) {
        for (arg, kind) in args.iter().zip(kinds) {
            let joined = [Type::Number, Type::Text, Type::List];
            self.expect(arg.at, "+", *kind, &joined, "a number, a string or a list");
            // Joining copies: a few of these would double a mebibyte into gigabytes.
            if let Some(variable) = carried(arg) {
                let name = variable.as_str();
                self.note(arg.at, TriggerProblem::LargeJoined { name });
            }
        }
        if let (Some(Some(left)), Some(Some(right))) = (kinds.first(), kinds.get(1))
            && left != right
        {
            let (expected, found) = (left.as_str(), right.as_str());
            let operator = "+".to_owned();
            self.note(at, TriggerProblem::WrongOperand { operator, expected, found });
        }
    }

    pub fn expect(
        &mut self,
        at: usize,
        operator: &str,
        kind: Option<Type>,
        fit: &[Type],
        expected: &'static str,
    ) {
        if let Some(kind) = kind.filter(|kind| !fit.contains(kind)) {
            let operator = operator.to_owned();
            let found = kind.as_str();
            self.note(at, TriggerProblem::WrongOperand { operator, expected, found });
        }
    }
}

/// The large text that a value holds, rather than something computed from it.
pub fn carried(node: &Node) -> Option<Variable> {
    match &node.term {
        Term::Name(name) => Variable::parse(name).filter(|variable| variable.is_large()),
        Term::Call { name, args, .. } if name == "string" => args.iter().find_map(carried),
        Term::Call { name, args, .. } if name == "_?_:_" => args.iter().skip(1).find_map(carried),
        Term::Call { name, args, .. } if name == "_[_]" => args.first().and_then(carried),
        Term::Field { of, test: false, .. } => carried(of),
        Term::List(items) | Term::Map(items) => items.iter().find_map(carried),
        Term::Loop { name, range, body, .. } if matches!(name.as_str(), "map" | "filter") => {
            carried(range).or_else(|| body.iter().find_map(carried))
        }
        Term::Literal(_)
        | Term::Text(_)
        | Term::Field { .. }
        | Term::Call { .. }
        | Term::Loop { .. }
        | Term::Other => None,
    }
}

/// The type of a written value.
pub fn literal(node: &Node) -> Option<Type> {
    match &node.term {
        Term::Literal(kind) => Some(*kind),
        Term::Text(_) => Some(Type::Text),
        Term::Name(_)
        | Term::Field { .. }
        | Term::Call { .. }
        | Term::List(_)
        | Term::Map(_)
        | Term::Loop { .. }
        | Term::Other => None,
    }
}

/// The type that all have.
pub fn common(kinds: &[Option<Type>]) -> Option<Type> {
    let first = kinds.first().copied().flatten()?;
    kinds.iter().all(|kind| *kind == Some(first)).then_some(first)
}

/// An operator as it is written.
fn written(name: &str) -> &str {
    name.trim_matches('_')
}
