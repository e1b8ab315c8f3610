//! What can be said of an expression without facts: names it does not have, comparisons that can
//! never match, and what would cost too much on the largest exchange. Evaluates nothing.

mod operator;
mod texts;

use super::term::{Node, Term};
use crate::policy::error::{TriggerProblem, nearest};
use crate::policy::variable::{FUNCTIONS, FUNCTIONS_LATER, MACROS, Type, VARIABLES, Variable};
use operator::{common, literal};

/// A loop reads a large text once for each item: 64 MiB at most, some 10 ms, and over the tools
/// that a request offers twice as much.
const LOOP_ITEMS_MAX: usize = 64;

/// Reads of `prompt` and `output` in one trigger, together.
const LARGE_READS_MAX: usize = 16;

/// Fields of an item of `tool_calls`.
const TOOL_CALL: &[(&str, Type)] = &[("name", Type::Text), ("arguments", Type::Text)];

/// What the check found.
pub struct Checked {
    /// Variables read, without duplicates.
    pub variables: Vec<Variable>,
    /// The length of the prompt is read, or may be.
    pub counts_prompt: bool,
    /// Problems with their byte offsets.
    pub problems: Vec<(usize, TriggerProblem)>,
}

/// Checks a whole expression.
pub fn check(root: &Node) -> Checked {
    let mut checker = Checker {
        variables: Vec::new(),
        counts_prompt: false,
        problems: Vec::new(),
        bindings: Vec::new(),
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
    let Checker { variables, counts_prompt, problems, .. } = checker;
    Checked { variables, counts_prompt, problems }
}

/// The name that a loop binds, and what is known of its items.
struct Binding {
    name: String,
    kind: Option<Type>,
    fields: Option<&'static [(&'static str, Type)]>,
}

struct Checker {
    variables: Vec<Variable>,
    counts_prompt: bool,
    problems: Vec<(usize, TriggerProblem)>,
    /// The innermost last.
    bindings: Vec<Binding>,
    loops: usize,
    large_reads: usize,
    large_reads_in_loop: usize,
}

impl Checker {
    /// The type of a node where it is always the same; notes what is wrong on the way.
    fn infer(&mut self, node: &Node) -> Option<Type> {
        match &node.term {
            Term::Literal(kind) => Some(*kind),
            Term::Text(_) => Some(Type::Text),
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

    fn bound(&self, name: &str) -> Option<&Binding> {
        self.bindings.iter().rev().find(|binding| binding.name == name)
    }

    fn note(&mut self, at: usize, problem: TriggerProblem) {
        self.problems.push((at, problem));
    }

    fn name(&mut self, at: usize, name: &str) -> Option<Type> {
        if let Some(binding) = self.bound(name) {
            return binding.kind;
        }
        let Some(variable) = Variable::parse(name) else {
            let nearest = nearest(name, VARIABLES.iter().map(|row| row.1));
            let name = name.to_owned();
            self.note(at, TriggerProblem::UnknownVariable { name, nearest });
            return None;
        };
        self.counts_prompt |= variable == Variable::Input;
        if !self.variables.contains(&variable) {
            self.variables.push(variable);
        }
        if variable.is_large() {
            self.large_reads += 1;
            self.large_reads_in_loop += usize::from(!self.bindings.is_empty());
            // Told once, where the bound is passed.
            let in_loop = !self.bindings.is_empty() && self.large_reads_in_loop == 2;
            if self.large_reads == LARGE_READS_MAX + 1 || in_loop {
                self.note(at, TriggerProblem::TooManyReads { max: LARGE_READS_MAX });
            }
        }
        variable.kind()
    }

    fn field(&mut self, at: usize, of: &Node, field: &str) -> Option<Type> {
        let counted = self.counts_prompt;
        let kind = self.infer(of);
        let Term::Name(name) = &of.term else { return self.field_of_text(at + 1, of, field, kind) };
        let bound = self.bound(name);
        let variable = Variable::parse(name).filter(|_| bound.is_none());
        let fields = match (bound, variable) {
            (Some(binding), _) => binding.fields,
            (None, Some(variable)) => variable.fields(),
            (None, None) => return None,
        };
        if variable == Some(Variable::Input) {
            self.counts_prompt = counted || field == "characters";
        }
        // The parser places a field at its dot.
        let at = at + 1;
        let Some(fields) = fields else {
            self.expect(at, ".", kind, &[Type::Map], "a map");
            return None;
        };
        if let Some((_, kind)) = fields.iter().find(|(name, _)| *name == field) {
            return Some(*kind);
        }
        let problem = TriggerProblem::UnknownField {
            variable: variable.map_or("tool_calls", Variable::as_str),
            name: field.to_owned(),
            nearest: nearest(field, fields.iter().map(|(name, _)| *name)),
        };
        self.note(at, problem);
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
            Term::Name(name) if name == "tool_calls" => {
                (bound.kind, bound.fields) = (Some(Type::Map), Some(TOOL_CALL));
            }
            _ => bound.kind = self.items(range),
        }
        self.bindings.push(bound);
        let kinds = self.infer_all(body);
        self.bindings.pop();
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
        // The parser leaves a macro that is written wrongly as a call.
        if let Some((_, usage)) = MACROS.iter().find(|(known, _)| *known == name) {
            self.note(at, TriggerProblem::WrongArguments { name: name.to_owned(), usage });
            return None;
        }
        let target_kind = target.and_then(|target| self.infer(target));
        let kinds = self.infer_all(args);
        if let Some(kind) = self.operator(at, name, args, &kinds) {
            return kind;
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
}
