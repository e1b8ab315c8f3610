//! The operators: which types they take and give, which comparisons can never match, and that
//! none joins large texts. Knows no names.

use super::super::term::{Node, Number, Term};
use super::Checker;
use super::shape::Words;
use crate::policy::error::{TriggerProblem, nearest};
use crate::policy::variable::{FUNCTIONS, Type, Variable};

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
                if let (Some(then), Some(other)) = (second, args.get(2)) {
                    let kind = kinds.get(2).copied().flatten();
                    self.expect(other.at, ":", kind, &[then], then.as_str());
                }
                Some(common(kinds.get(1..).unwrap_or(&[])))
            }
            "_==_" | "_!=_" => {
                if self.comparable(at, args, first, second) {
                    self.words(args.first(), args.get(1));
                    self.words(args.get(1), args.first());
                }
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
                self.alike(at, name, args);
                Some(common(kinds))
            }
            "_-_" | "_*_" | "_/_" | "_%_" | "-_" => {
                for (arg, kind) in args.iter().zip(kinds) {
                    self.expect(arg.at, written(name), *kind, &[Type::Number], "a number");
                }
                self.alike(at, name, args);
                Some(Some(Type::Number))
            }
            "@in" => {
                self.within(at, args, first, second);
                Some(Some(Type::Bool))
            }
            "_[_]" => Some(self.index(args, first, second)),
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
        let literal_first = args.first().is_some_and(|arg| {
            matches!(arg.term, Term::Literal(_) | Term::Number(_) | Term::Text(_))
        });
        let (index, is, with) = if literal_first { (1, right, left) } else { (0, left, right) };
        let side = if index == 0 { "the left side" } else { "the right side" };
        let name = spoken(args.get(index), side);
        let (is, with) = (is.as_str(), with.as_str());
        self.note(at, TriggerProblem::NeverMatches { name, is, with });
        false
    }

    fn within(&mut self, at: usize, args: &[Node], first: Option<Type>, second: Option<Type>) {
        let Some(list) = args.get(1) else { return };
        self.expect(list.at, "in", second, &[Type::List, Type::Map], "a list");
        self.header_within(list, args.first());
        if let Term::List(items) = &list.term {
            for item in items {
                self.words(args.first(), Some(item));
            }
        }
        let Some(item) = self.shape(list).items else { return };
        if let (Some(is), Some(with)) = (first, item.kind)
            && is != with
        {
            let name = spoken(args.first(), "the left side");
            let (is, with) = (is.as_str(), with.as_str());
            self.note(at, TriggerProblem::NeverMatches { name, is, with });
        } else if let (Some(words), Some(written)) = (item.words, args.first()) {
            self.is_one_of(words, spoken(Some(list), "the list"), written);
        }
    }

    /// An entry of a map or of a list.
    fn index(&mut self, args: &[Node], of: Option<Type>, key: Option<Type>) -> Option<Type> {
        let [map, index] = args else { return None };
        self.expect(map.at, "[]", of, &[Type::List, Type::Map], "a list or a map");
        self.header_within(map, Some(index));
        match (&index.term, of) {
            (Term::Text(field), Some(Type::Map)) if self.shape(map).fields.is_some() => {
                return self.has_field(index.at, map, of, field);
            }
            (_, Some(Type::Map)) if self.shape(map).fields.is_some() => {
                self.expect(index.at, "[]", key, &[Type::Text], "a string");
            }
            (_, Some(Type::List)) => {
                self.expect(index.at, "[]", key, &[Type::Number], "a number");
            }
            _ => {}
        }
        self.shape(map).items.and_then(|item| item.kind)
    }

    /// A written text that is compared with a value of few words is one of them.
    fn words(&mut self, value: Option<&Node>, written: Option<&Node>) {
        let (Some(value), Some(written)) = (value, written) else { return };
        if let Some(words) = self.shape(value).words {
            self.is_one_of(words, spoken(Some(value), "this text"), written);
        }
    }

    fn is_one_of(&mut self, words: Words, name: String, written: &Node) {
        let Term::Text(found) = &written.term else { return };
        let words = words.list();
        if !words.contains(&found.as_str()) {
            let nearest = nearest(found, words.iter().copied());
            let found = found.clone();
            self.note(written.at, TriggerProblem::NeverWord { name, found, nearest, words });
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

    /// Numbers of two types compare, but nothing else can be done with both; a double has no
    /// remainder.
    fn alike(&mut self, at: usize, operator: &str, args: &[Node]) {
        let [left, right] = args else { return };
        let (left, right) = (self.shape(left).number, self.shape(right).number);
        let (Some(left), Some(right)) = (left, right) else { return };
        let operator = written(operator).to_owned();
        if left != right {
            let (left, right) = (left.as_str(), right.as_str());
            self.note(at, TriggerProblem::MixedNumbers { operator, left, right });
        } else if left == Number::Double && operator == "%" {
            let (expected, found) = ("an int", left.as_str());
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
        | Term::Number(_)
        | Term::Text(_)
        | Term::Field { .. }
        | Term::Call { .. }
        | Term::Loop { .. }
        | Term::Other => None,
    }
}

/// A value by its name where it has a short one.
fn spoken(node: Option<&Node>, otherwise: &str) -> String {
    match node.map(|node| &node.term) {
        Some(Term::Name(name)) => format!("`{name}`"),
        Some(Term::Field { of, field, test: false }) => match written_name(of) {
            Some(map) => format!("`{map}.{field}`"),
            None => otherwise.to_owned(),
        },
        Some(Term::Call { name, target: None, .. }) if FUNCTIONS.iter().any(|f| f.name == name) => {
            format!("`{name}`")
        }
        _ => otherwise.to_owned(),
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

/// A variable, or a field of one, as it is written.
pub fn written_name(node: &Node) -> Option<String> {
    match &node.term {
        Term::Name(name) => Some(name.clone()),
        Term::Field { of, field, test: false } => Some(format!("{}.{field}", written_name(of)?)),
        _ => None,
    }
}
