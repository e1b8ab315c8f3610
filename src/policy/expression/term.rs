//! An expression as the load-time check sees it: the interpreter's tree with its macros folded
//! back into what was written. Plain data; parses nothing and evaluates nothing.

use crate::policy::variable::Type;

/// A part of an expression.
#[derive(Debug)]
pub struct Node {
    /// Byte offset in the source.
    pub at: usize,
    /// What it is.
    pub term: Term,
}

/// What a part of an expression is.
#[derive(Debug)]
pub enum Term {
    /// A written value.
    Literal(Type),
    /// A written number.
    Number(Number),
    /// A written text.
    Text(String),
    /// A name: a variable's, or one that a loop binds.
    Name(String),
    /// `of.field`, `has(of.field)`.
    Field { of: Box<Node>, field: String, test: bool },
    /// An operator by CEL's own name (`_<_`) or a function.
    Call { name: String, target: Option<Box<Node>>, args: Vec<Node> },
    /// `[a, b]`.
    List(Vec<Node>),
    /// `{a: b}`, keys and values in turn.
    Map(Vec<Node>),
    /// `all`, `exists`, `exists_one`, `map`, `filter`.
    Loop { name: String, range: Box<Node>, binding: String, body: Vec<Node> },
    /// Messages, bytes and what else no condition needs.
    Other,
}

/// The types of numbers: they compare with each other, but do not add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    Int,
    Uint,
    Double,
}

impl Number {
    /// What it is called in a message.
    pub fn as_str(self) -> &'static str {
        match self {
            Number::Int => "an int",
            Number::Uint => "a uint",
            Number::Double => "a double",
        }
    }
}
