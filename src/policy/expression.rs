//! One CEL expression: bounded, compiled and checked at load, evaluated on facts. It
//! and `functions` alone import the interpreter, whose errors are mapped to a closed set: their
//! text, which repeats values, goes nowhere.

mod bounds;
mod check;
mod compared;
mod functions;
mod parts;
mod pattern;
mod syntax;
mod term;

use std::collections::HashMap;
use std::sync::Arc;

use cel_interpreter::common::ast::{ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue};
use cel_interpreter::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelString,
};
use cel_interpreter::common::value::Val;
use cel_interpreter::{Context, Env, ExecutionError, Program, Value};

use super::error::TriggerProblem;
use super::variable::{Phase, Type, Variable};
use functions::Called;
use pattern::Pattern;
use term::{Node, Number, Term};

pub use bounds::{SOURCE_BYTES_MAX, normalised, tokens};
pub use compared::{Compared, Written};
pub use functions::Findings;

/// The functions of CEL, made once for all expressions of a policy.
#[derive(Clone)]
pub struct Functions(Arc<Env>);

/// A compiled condition.
pub struct Expression {
    source: Box<str>,
    program: Program,
    functions: Functions,
    called: Arc<Called>,
    variables: Vec<Variable>,
    counts_prompt: bool,
}

/// The value of a variable.
pub enum Fact<'a> {
    Text(&'a str),
    Int(u64),
    Double(f64),
    Bool(bool),
    List(Vec<Fact<'a>>),
    Map(Vec<(&'a str, Fact<'a>)>),
}

/// What evaluation gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Fired,
    NotFired,
    Failed(Failure),
}

/// Why evaluation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A variable has no value in this exchange.
    Unknown(Variable),
    /// A map or list has no such entry.
    NoSuchKey,
    /// An operator met a value of another type.
    TypeMismatch,
    /// A number left its range.
    Overflow,
    /// The result is neither true nor false.
    NotBoolean,
    /// The text that was read is not whole.
    Truncated,
    /// Anything else.
    Other,
}

// === impl Functions ===

impl Functions {
    /// The standard ones.
    pub fn new() -> Self {
        Functions(Arc::new(Env::stdlib()))
    }
}

// === impl Expression ===

impl Expression {
    /// Compiles and checks a source. Problems carry their byte offset in it.
    pub fn compile(
        source: &str,
        functions: &Functions,
    ) -> Result<Expression, Vec<(usize, TriggerProblem)>> {
        bounds::check(source).map_err(|problem| vec![problem])?;
        let program = Program::compile(source).map_err(|errors| {
            let places = errors.errors.iter().map(|error| (error.pos, error.msg.as_str()));
            vec![syntax::problem(source, places)]
        })?;
        let root = Lowering { source, program: &program }.node(program.expression());
        let checked = check::check(&root);
        if !checked.problems.is_empty() {
            return Err(checked.problems);
        }
        let (variables, counts_prompt) = (checked.variables, checked.counts_prompt);
        let (source, functions) = (source.into(), functions.clone());
        let called = Arc::new(checked.called);
        Ok(Expression { source, program, functions, called, variables, counts_prompt })
    }

    /// As it is written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Its parts between `&&` or `||`; none where there is only one.
    pub fn parts(&self) -> Vec<Expression> {
        let parts = parts::of(&self.source).into_iter();
        parts.filter_map(|part| Expression::compile(part, &self.functions).ok()).collect()
    }

    /// Of `variable` it reads nothing but these fields.
    pub fn reads_only_fields(&self, variable: Variable, kept: &[&str]) -> bool {
        parts::mentions_only(&self.source, variable.as_str(), kept)
    }

    /// The word stands in it, outside of texts.
    pub fn mentions(&self, word: &str) -> bool {
        parts::mentions(&self.source, word)
    }

    /// What it compares with written values.
    pub fn compared(&self) -> Vec<Compared> {
        compared::of(&self.source)
    }

    /// Its parts between `||`; none where there is only one.
    pub fn alternatives(&self) -> Vec<(usize, Expression)> {
        let parts = parts::alternatives(&self.source).into_iter();
        let compiled = parts
            .filter_map(|(at, part)| Some((at, Expression::compile(part, &self.functions).ok()?)));
        compiled.collect()
    }

    /// The word stands in it as a whole, be it as a text.
    pub fn spells(&self, word: &str) -> bool {
        parts::spells(&self.source, word)
    }

    /// The variables it reads.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// It reads `variable`.
    pub fn reads(&self, variable: Variable) -> bool {
        self.variables.contains(&variable)
    }

    /// It reads how long the prompt is, or may do so.
    pub fn counts_prompt(&self) -> bool {
        self.counts_prompt
    }

    /// It reads something of an answer's body.
    pub fn reads_answer_body(&self) -> bool {
        self.variables.iter().any(|variable| variable.is_of_answer_body())
    }

    /// What its patterns take of the bound on all of a file.
    pub fn pattern_bytes(&self) -> usize {
        self.called.patterns.iter().map(Pattern::bytes).sum()
    }

    /// The first phase that has all it reads.
    pub fn phase(&self) -> Phase {
        self.variables.iter().map(|variable| variable.phase()).max().unwrap_or(Phase::Request)
    }

    /// Evaluates on the facts that `fact` gives; `None` is a value that nobody knows. Texts that
    /// `fact` lends must outlive `findings`, which know them by their place.
    pub fn evaluate<'a>(
        &self,
        findings: &Arc<Findings>,
        fact: impl Fn(Variable) -> Option<Fact<'a>>,
    ) -> Outcome {
        let mut context = Context::with_env(Arc::clone(&self.functions.0));
        functions::add(&mut context, &self.called, findings);
        for variable in &self.variables {
            // A value nobody knows is left out: reading it is then an error, not a guess.
            if let Some(fact) = fact(*variable) {
                context.add_variable_as_val(variable.as_str(), fact.into_val());
            }
        }
        match self.program.execute(&context) {
            Ok(Value::Bool(true)) => Outcome::Fired,
            Ok(Value::Bool(false)) => Outcome::NotFired,
            Ok(_) => Outcome::Failed(Failure::NotBoolean),
            Err(error) => Outcome::Failed(Failure::of(&error)),
        }
    }
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Expression").field("variables", &self.variables).finish_non_exhaustive()
    }
}

// === impl Fact ===

impl<'a> Fact<'a> {
    fn into_val(self) -> Box<dyn Val + 'a> {
        match self {
            Fact::Text(text) => Box::new(CelString::from(text)),
            Fact::Int(number) => Box::new(CelInt::from(i64::try_from(number).unwrap_or(i64::MAX))),
            Fact::Double(number) => Box::new(CelDouble::from(number)),
            Fact::Bool(is) => Box::new(CelBool::from(is)),
            Fact::List(items) => {
                let items: Vec<Box<dyn Val + 'a>> = items.into_iter().map(Fact::into_val).collect();
                Box::new(CelList::from(items))
            }
            Fact::Map(entries) => {
                let entries = entries.into_iter().map(|(key, fact)| (key.into(), fact.into_val()));
                let entries: HashMap<CelMapKey<'a>, Box<dyn Val + 'a>> = entries.collect();
                Box::new(CelMap::from(entries))
            }
        }
    }
}

// === impl Failure ===

impl Failure {
    /// The word that the record holds.
    pub fn kind(self) -> String {
        match self {
            Failure::Unknown(Variable::Confidence) => "confidence_unknown".to_owned(),
            Failure::Unknown(variable) => format!("unknown_{}", variable.as_str()),
            Failure::NoSuchKey => "no_such_key".to_owned(),
            Failure::TypeMismatch => "type_mismatch".to_owned(),
            Failure::Overflow => "overflow".to_owned(),
            Failure::NotBoolean => "not_boolean".to_owned(),
            Failure::Truncated => "truncated".to_owned(),
            Failure::Other => "other".to_owned(),
        }
    }

    fn of(error: &ExecutionError) -> Failure {
        use ExecutionError as E;
        match error {
            E::UndeclaredReference(name) => {
                Variable::parse(name).map_or(Failure::Other, Failure::Unknown)
            }
            E::NoSuchKey(_) | E::IndexOutOfBounds(_) => Failure::NoSuchKey,
            E::Overflow(..) => Failure::Overflow,
            E::InvalidArgumentCount { .. }
            | E::UnsupportedTargetType { .. }
            | E::NotSupportedAsMethod { .. }
            | E::UnsupportedKeyType(_)
            | E::UnexpectedType { .. }
            | E::NoSuchOverload(_)
            | E::ValuesNotComparable(..)
            | E::UnsupportedBinaryOperator(..)
            | E::UnsupportedIndex(..) => Failure::TypeMismatch,
            // The interpreter's set is open, so a closed match is not to be had here.
            _ => Failure::Other,
        }
    }
}

// === impl Lowering ===

/// Turns the interpreter's tree into terms. Recursion is bounded by `bounds`.
struct Lowering<'a> {
    source: &'a str,
    program: &'a Program,
}

impl Lowering<'_> {
    fn node(&self, expr: &IdedExpr) -> Node {
        let at = self.offset(expr);
        let term = match &expr.expr {
            Expr::Unspecified | Expr::Struct(_) => Term::Other,
            Expr::Literal(LiteralValue::String(text)) => Term::Text(text.inner().to_owned()),
            Expr::Literal(LiteralValue::Int(_)) => Term::Number(Number::Int),
            Expr::Literal(LiteralValue::UInt(_)) => Term::Number(Number::Uint),
            Expr::Literal(LiteralValue::Double(_)) => Term::Number(Number::Double),
            Expr::Literal(LiteralValue::Boolean(_)) => Term::Literal(Type::Bool),
            Expr::Literal(LiteralValue::Null) => Term::Literal(Type::Null),
            Expr::Literal(LiteralValue::Bytes(_)) => Term::Other,
            Expr::Ident(name) => Term::Name(name.clone()),
            Expr::Select(select) => Term::Field {
                of: Box::new(self.node(&select.operand)),
                field: select.field.clone(),
                test: select.test,
            },
            Expr::List(list) => Term::List(self.nodes(&list.elements)),
            Expr::Map(map) => {
                let mut nodes = Vec::new();
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        nodes.push(self.node(&entry.key));
                        nodes.push(self.node(&entry.value));
                    }
                }
                Term::Map(nodes)
            }
            Expr::Comprehension(comprehension) => self.comprehension(at, comprehension),
            Expr::Call(call) => {
                return Node {
                    at: self.name_start(at, &call.func_name),
                    term: Term::Call {
                        name: call.func_name.clone(),
                        target: call.target.as_ref().map(|target| Box::new(self.node(target))),
                        args: self.nodes(&call.args),
                    },
                };
            }
        };
        Node { at, term }
    }

    /// The parser has unfolded a macro into a loop over an accumulator; only what was written
    /// matters here, so parts that speak of the accumulator alone are left out.
    fn comprehension(&self, at: usize, comprehension: &ComprehensionExpr) -> Term {
        let before = self.source.get(..at).unwrap_or("").trim_end();
        let start = before.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
        let mut body = Vec::new();
        self.written(&comprehension.loop_step, at, &comprehension.accu_var, &mut body);
        Term::Loop {
            name: before.get(start..).unwrap_or("").to_owned(),
            range: Box::new(self.node(&comprehension.iter_range)),
            binding: comprehension.iter_var.clone(),
            body,
        }
    }

    /// Gathers the parts of an unfolded macro that stand elsewhere than the macro itself.
    fn written(&self, expr: &IdedExpr, macro_at: usize, accumulator: &str, body: &mut Vec<Node>) {
        if self.offset(expr) != macro_at {
            body.push(self.node(expr));
            return;
        }
        match &expr.expr {
            Expr::Call(call) => {
                for part in call.target.iter().map(AsRef::as_ref).chain(&call.args) {
                    self.written(part, macro_at, accumulator, body);
                }
            }
            Expr::List(list) => {
                for part in &list.elements {
                    self.written(part, macro_at, accumulator, body);
                }
            }
            Expr::Ident(name) if name == accumulator => {}
            Expr::Literal(_) | Expr::Unspecified => {}
            _ => body.push(self.node(expr)),
        }
    }

    fn nodes(&self, exprs: &[IdedExpr]) -> Vec<Node> {
        exprs.iter().map(|expr| self.node(expr)).collect()
    }

    fn offset(&self, expr: &IdedExpr) -> usize {
        let range = self.program.source_info().offset_for(expr.id);
        range.and_then(|(start, _)| usize::try_from(start).ok()).unwrap_or(0)
    }

    /// The parser places a call at its bracket; people look for its name.
    fn name_start(&self, at: usize, name: &str) -> usize {
        let before = self.source.get(..at).unwrap_or("").trim_end();
        if before.ends_with(name) { before.len() - name.len() } else { at }
    }
}
