//! What can be said of an expression without facts: names it does not have, comparisons that can
//! never match, and what would cost too much on the largest exchange. Evaluates nothing.

use super::term::{Node, Term};
use crate::policy::error::{TriggerProblem, nearest};
use crate::policy::variable::{
    FUNCTIONS, FUNCTIONS_LATER, MACROS, Type, VARIABLES, VARIABLES_LATER, Variable,
};

/// A loop reads a large text once for each item: 64 MiB at most, some 10 ms.
const LOOP_ITEMS_MAX: usize = 64;

/// Reads of `prompt` and `output` in one trigger, together.
const LARGE_READS_MAX: usize = 16;

/// Fields of an item of `tool_calls`.
const TOOL_CALL: &[(&str, Type)] = &[("name", Type::Text), ("arguments", Type::Text)];

/// What the check found.
pub struct Checked {
    /// Variables read, without duplicates.
    pub variables: Vec<Variable>,
    /// Problems with their byte offsets.
    pub problems: Vec<(usize, TriggerProblem)>,
}

/// Checks a whole expression.
pub fn check(root: &Node) -> Checked {
    let mut checker = Checker {
        variables: Vec::new(),
        problems: Vec::new(),
        binding: None,
        loops: 0,
        large_reads: 0,
        large_reads_in_loop: 0,
    };
    match checker.infer(root) {
        None | Some(Type::Bool) => {}
        Some(other) => {
            let problem = TriggerProblem::NotACondition { found: other.as_str() };
            checker.problems.push((root.at, problem));
        }
    }
    Checked { variables: checker.variables, problems: checker.problems }
}

/// The name that a loop binds, and what is known of its items.
struct Binding {
    name: String,
    kind: Option<Type>,
    fields: Option<&'static [(&'static str, Type)]>,
}

struct Checker {
    variables: Vec<Variable>,
    problems: Vec<(usize, TriggerProblem)>,
    binding: Option<Binding>,
    loops: usize,
    large_reads: usize,
    large_reads_in_loop: usize,
}

impl Checker {
    /// The type of a node where it is always the same; notes what is wrong on the way.
    fn infer(&mut self, node: &Node) -> Option<Type> {
        match &node.term {
            Term::Literal(kind) => Some(*kind),
            Term::Name(name) => self.name(node.at, name),
            Term::Field { of, field, test } => {
                let kind = self.field(node.at, of, field);
                if *test { Some(Type::Bool) } else { kind }
            }
            Term::Call { name, target, args } => self.call(node.at, name, target.as_deref(), args),
            Term::List(items) => {
                self.infer_all(items);
                Some(Type::List)
            }
            Term::Map(entries) => {
                self.infer_all(entries);
                Some(Type::Map)
            }
            Term::Loop { name, range, binding, body } => {
                self.looping(node.at, name, range, binding, body)
            }
            Term::Other => {
                self.note(node.at, TriggerProblem::Construct);
                None
            }
        }
    }

    fn infer_all(&mut self, nodes: &[Node]) -> Vec<Option<Type>> {
        nodes.iter().map(|node| self.infer(node)).collect()
    }

    fn note(&mut self, at: usize, problem: TriggerProblem) {
        self.problems.push((at, problem));
    }

    fn name(&mut self, at: usize, name: &str) -> Option<Type> {
        if let Some(binding) = self.binding.as_ref().filter(|binding| binding.name == name) {
            return binding.kind;
        }
        let Some(variable) = Variable::parse(name) else {
            let name = name.to_owned();
            self.note(
                at,
                if VARIABLES_LATER.contains(&name.as_str()) {
                    TriggerProblem::Unsupported { what: "variable", name }
                } else {
                    let nearest = nearest(&name, VARIABLES.iter().map(|row| row.1));
                    TriggerProblem::UnknownVariable { name, nearest }
                },
            );
            return None;
        };
        if !self.variables.contains(&variable) {
            self.variables.push(variable);
        }
        if variable.is_large() {
            self.large_reads += 1;
            self.large_reads_in_loop += usize::from(self.binding.is_some());
            if self.large_reads > LARGE_READS_MAX || self.large_reads_in_loop > 1 {
                let name = variable.as_str();
                self.note(at, TriggerProblem::TooManyReads { name, max: LARGE_READS_MAX });
            }
        }
        variable.kind()
    }

    fn field(&mut self, at: usize, of: &Node, field: &str) -> Option<Type> {
        let kind = self.infer(of);
        let Term::Name(name) = &of.term else { return None };
        let bound = self.binding.as_ref().filter(|binding| binding.name == *name);
        let variable = Variable::parse(name).filter(|_| bound.is_none());
        let fields = match (bound, variable) {
            (Some(binding), _) => binding.fields,
            (None, Some(variable)) => variable.fields(),
            (None, None) => return None,
        };
        // The parser places a field at its dot.
        let at = at + 1;
        let Some(fields) = fields else {
            if let Some(found) = kind.filter(|kind| *kind != Type::Map) {
                let operator = ".".to_owned();
                let found = found.as_str();
                self.note(at, TriggerProblem::WrongOperand { operator, expected: "a map", found });
            }
            return None;
        };
        if let Some((_, kind)) = fields.iter().find(|(name, _)| *name == field) {
            return Some(*kind);
        }
        let later = variable.is_some_and(|variable| variable.has_later_field(field));
        self.note(
            at,
            if later {
                let name = format!("{name}.{field}");
                TriggerProblem::Unsupported { what: "field", name }
            } else {
                TriggerProblem::UnknownField {
                    variable: variable.map_or("tool_calls", Variable::as_str),
                    name: field.to_owned(),
                    nearest: nearest(field, fields.iter().map(|(name, _)| *name)),
                }
            },
        );
        None
    }

    fn looping(
        &mut self,
        at: usize,
        name: &str,
        range: &Node,
        binding: &str,
        body: &[Node],
    ) -> Option<Type> {
        self.loops += 1;
        if self.loops > 1 {
            self.note(at, TriggerProblem::TooManyLoops { name: name.to_owned() });
        }
        let kind = self.infer(range);
        self.expect(range.at, name, kind, &[Type::List, Type::Map], "a list");
        let mut bound = Binding { name: binding.to_owned(), kind: None, fields: None };
        match &range.term {
            Term::List(items) => {
                if items.len() > LOOP_ITEMS_MAX {
                    let problem =
                        TriggerProblem::LoopTooLong { found: items.len(), max: LOOP_ITEMS_MAX };
                    self.note(range.at, problem);
                }
                bound.kind = common(&items.iter().map(literal).collect::<Vec<_>>());
            }
            Term::Name(name) if name == "categories" => bound.kind = Some(Type::Text),
            Term::Name(name) if name == "tool_calls" => {
                (bound.kind, bound.fields) = (Some(Type::Map), Some(TOOL_CALL));
            }
            _ => {}
        }
        let outer = self.binding.replace(bound);
        let kinds = self.infer_all(body);
        self.binding = outer;
        if matches!(name, "map" | "filter") {
            return Some(Type::List);
        }
        if let (Some(condition), Some(kind)) = (body.last(), kinds.last()) {
            self.expect(condition.at, name, *kind, &[Type::Bool], "a condition");
        }
        Some(Type::Bool)
    }

    fn call(
        &mut self,
        at: usize,
        name: &str,
        target: Option<&Node>,
        args: &[Node],
    ) -> Option<Type> {
        let target_kind = target.and_then(|target| self.infer(target));
        let kinds = self.infer_all(args);
        if let Some(kind) = self.operator(at, name, args, &kinds) {
            return kind;
        }
        if let Some((_, usage)) = MACROS.iter().find(|(known, _)| *known == name) {
            self.note(at, TriggerProblem::WrongArguments { name: name.to_owned(), usage });
            return None;
        }
        let Some((_, usage, takes, gives)) = FUNCTIONS.iter().find(|row| row.0 == name) else {
            let name = name.to_owned();
            self.note(
                at,
                if FUNCTIONS_LATER.contains(&name.as_str()) {
                    TriggerProblem::Unsupported { what: "function", name }
                } else {
                    let functions = FUNCTIONS.iter().map(|row| row.0);
                    let names = functions.chain(MACROS.iter().map(|row| row.0));
                    let nearest = nearest(&name, names);
                    TriggerProblem::UnknownFunction { name, nearest }
                },
            );
            return None;
        };
        let fits = match (takes, target.is_some(), args.len()) {
            (Some(_), true, 1) | (None, false, 1) => true,
            (None, true, 0) => name == "size",
            _ => false,
        };
        if !fits {
            self.note(at, TriggerProblem::WrongArguments { name: name.to_owned(), usage });
        } else if let (Some(takes), Some(part)) = (takes, args.first()) {
            let expected = takes.as_str();
            let target_at = target.map_or(at, |target| target.at);
            self.expect(target_at, name, target_kind, &[*takes], expected);
            self.expect(part.at, name, kinds.first().copied().flatten(), &[*takes], expected);
        }
        Some(*gives)
    }

    /// The type an operator gives; the outer `None` where `name` is no operator.
    fn operator(
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
        let literal_first = args.first().is_some_and(|arg| matches!(arg.term, Term::Literal(_)));
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
        if let (Some(_), Some(items)) = (first, common(&items)) {
            self.comparable(at, args, first, Some(items));
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

    fn expect(
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
fn carried(node: &Node) -> Option<Variable> {
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
        | Term::Field { .. }
        | Term::Call { .. }
        | Term::Loop { .. }
        | Term::Other => None,
    }
}

fn literal(node: &Node) -> Option<Type> {
    match &node.term {
        Term::Literal(kind) => Some(*kind),
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
fn common(kinds: &[Option<Type>]) -> Option<Type> {
    let first = kinds.first().copied().flatten()?;
    kinds.iter().all(|kind| *kind == Some(first)).then_some(first)
}

/// An operator as it is written.
fn written(name: &str) -> &str {
    name.trim_matches('_')
}
