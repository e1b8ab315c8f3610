//! What can be said of an expression without facts: names it does not have, comparisons that can
//! never match, and what would cost too much on the largest exchange. Evaluates nothing.

mod function;
mod header;
mod idiom;
mod operator;
mod shape;

use super::functions::Called;
use super::term::{Node, Term};
use crate::policy::error::{HINTS, TriggerProblem, nearest};
use crate::policy::variable::{Type, VARIABLES, Variable};
use operator::carried;
use shape::Shape;

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
    /// Functions called that are not the interpreter's own.
    pub called: Called,
    /// Problems with their byte offsets.
    pub problems: Vec<(usize, TriggerProblem)>,
}

/// Checks a whole expression.
pub fn check(root: &Node) -> Checked {
    let mut checker = Checker {
        variables: Vec::new(),
        counts_prompt: false,
        called: Called::default(),
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
    let Checker { variables, counts_prompt, called, problems, .. } = checker;
    Checked { variables, counts_prompt, called, problems }
}

/// The name that a loop binds, and what is known of its items.
struct Binding {
    name: String,
    shape: Shape,
    /// Items are parts of the exchange as they are.
    of_facts: bool,
    /// Some item may be this large text.
    carries: Option<Variable>,
}

struct Checker {
    variables: Vec<Variable>,
    counts_prompt: bool,
    called: Called,
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
            Term::Number(_) => Some(Type::Number),
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
            return binding.shape.kind;
        }
        let Some(variable) = Variable::parse(name) else {
            if HINTS && let Some(found) = idiom::field_alone(name) {
                self.note(at, TriggerProblem::Idiom { found });
                return None;
            }
            let words = VARIABLES.iter().map(|row| row.1).chain(["true", "false"]);
            let nearest = nearest(name, words);
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
        if self.is_variable(of, Variable::Input) {
            self.counts_prompt = counted || field == "characters";
        }
        // The parser places a field at its dot.
        self.has_field(at + 1, of, kind, field)
    }

    /// The type of a field; notes where there is none of that name.
    fn has_field(&mut self, at: usize, of: &Node, kind: Option<Type>, field: &str) -> Option<Type> {
        let shape = self.shape(of);
        let Some((map, fields)) = shape.fields else {
            self.expect(at, ".", kind, &[Type::Map], "a map");
            self.header_of(of, at, field);
            return shape.items.and_then(|item| item.kind);
        };
        if let Some((_, kind)) = fields.iter().find(|(name, _)| *name == field) {
            return Some(*kind);
        }
        let problem = TriggerProblem::UnknownField {
            variable: map,
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
        if let Term::List(items) = &range.term
            && items.len() > LOOP_ITEMS_MAX
        {
            let problem = TriggerProblem::LoopTooLong { found: items.len(), max: LOOP_ITEMS_MAX };
            self.note(range.at, problem);
        }
        let bound = Binding {
            name: binding.to_owned(),
            shape: self.shape(range).items.map(|item| *item).unwrap_or_default(),
            of_facts: matches!(range.term, Term::Name(_) | Term::Field { .. }),
            carries: carried(range),
        };
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
}
