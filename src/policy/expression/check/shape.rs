//! What a value holds whatever the facts are: the fields of a map, the items of a list, the words
//! that a text can be. Notes nothing.

use super::super::term::{Node, Number, Term};
use super::{Binding, Checker, TOOL_CALL};
use crate::detect::Kind;
use crate::llm;
use crate::policy::variable::{FUNCTIONS, Type, Variable};

/// Names and types of a map's fields.
type Fields = &'static [(&'static str, Type)];

/// What is known of a value.
#[derive(Clone, Default)]
pub struct Shape {
    /// Its type.
    pub kind: Option<Type>,
    /// Of a number: its type.
    pub number: Option<Number>,
    /// Of a map that has no others: its fields, and what the map is called.
    pub fields: Option<(&'static str, Fields)>,
    /// Of a list: each of its items.
    pub items: Option<Box<Shape>>,
    /// Of a text that is nothing else: what it can be.
    pub words: Option<Words>,
}

/// A closed set of texts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Words {
    Providers,
    Operations,
    PersonalData,
}

impl Words {
    /// The texts.
    pub fn list(self) -> Vec<&'static str> {
        match self {
            Words::Providers => llm::providers(),
            Words::Operations => llm::operations(),
            Words::PersonalData => {
                let kinds = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Secret);
                kinds.map(Kind::as_str).collect()
            }
        }
    }
}

impl Shape {
    fn of(kind: Type) -> Shape {
        Shape { kind: Some(kind), ..Shape::default() }
    }

    fn number(number: Number) -> Shape {
        Shape { number: Some(number), ..Shape::of(Type::Number) }
    }

    fn text(words: Words) -> Shape {
        Shape { words: Some(words), ..Shape::of(Type::Text) }
    }

    fn list(items: Shape) -> Shape {
        Shape { items: Some(Box::new(items)), ..Shape::of(Type::List) }
    }

    fn variable(variable: Variable) -> Shape {
        match variable {
            Variable::Provider => Shape::text(Words::Providers),
            Variable::Operation => Shape::text(Words::Operations),
            Variable::Confidence => Shape::number(Number::Double),
            Variable::Status | Variable::LatencyMs => Shape::number(Number::Int),
            _ if variable.is_of_texts(None) => Shape::list(Shape::of(Type::Text)),
            Variable::ToolCalls => {
                let call = Shape::of(Type::Map);
                Shape::list(Shape { fields: Some(("tool_calls", TOOL_CALL)), ..call })
            }
            _ => Shape {
                kind: variable.kind(),
                fields: variable.fields().map(|fields| (variable.as_str(), fields)),
                ..Shape::default()
            },
        }
    }

    /// What holds of both.
    fn and(self, other: Shape) -> Shape {
        Shape {
            kind: self.kind.filter(|kind| other.kind == Some(*kind)),
            number: self.number.filter(|number| other.number == Some(*number)),
            fields: self.fields.filter(|(name, _)| other.fields.is_some_and(|of| of.0 == *name)),
            items: self.items.zip(other.items).map(|(left, right)| Box::new(left.and(*right))),
            words: self.words.filter(|words| other.words == Some(*words)),
        }
    }

    /// The field of that name.
    fn field(&self, name: &str) -> Shape {
        let Some((map, fields)) = self.fields else { return Shape::default() };
        let Some((_, kind)) = fields.iter().find(|(field, _)| *field == name) else {
            return Shape::default();
        };
        match (map, *kind) {
            ("input", Type::Number) if name == "temperature" => Shape::number(Number::Double),
            // Counts, lengths and times.
            ("usage" | "input" | "now", Type::Number) => Shape::number(Number::Int),
            (_, kind) => {
                let of_texts = Variable::parse(map).is_some_and(|map| map.is_of_texts(Some(name)));
                let items = of_texts.then(|| Box::new(Shape::of(Type::Text)));
                Shape { items, ..Shape::of(kind) }
            }
        }
    }

    fn item(self) -> Shape {
        self.items.map(|item| *item).unwrap_or_default()
    }
}

impl Checker {
    /// What is known of a node's value.
    pub fn shape(&self, node: &Node) -> Shape {
        match &node.term {
            Term::Literal(kind) => Shape::of(*kind),
            Term::Number(number) => Shape::number(*number),
            Term::Text(_) => Shape::of(Type::Text),
            Term::Name(name) => match self.bound(name) {
                Some(Binding { shape, .. }) => shape.clone(),
                None => Variable::parse(name).map(Shape::variable).unwrap_or_default(),
            },
            Term::Field { test: true, .. } => Shape::of(Type::Bool),
            Term::Field { of, field, .. } => self.shape(of).field(field),
            Term::List(items) => self.common(items).map_or(Shape::of(Type::List), Shape::list),
            Term::Map(_) => Shape::of(Type::Map),
            Term::Loop { name, range, .. } if name == "filter" => self.shape(range),
            Term::Loop { name, .. } if name == "map" => Shape::of(Type::List),
            Term::Loop { .. } => Shape::of(Type::Bool),
            Term::Call { name, args, .. } => self.call_shape(name, args),
            Term::Other => Shape::default(),
        }
    }

    fn call_shape(&self, name: &str, args: &[Node]) -> Shape {
        match (name, args) {
            ("pii_kinds", _) => Shape::list(Shape::text(Words::PersonalData)),
            ("size" | "int", _) => Shape::number(Number::Int),
            ("uint", _) => Shape::number(Number::Uint),
            ("double", _) => Shape::number(Number::Double),
            ("-_", [of]) => self.shape(of),
            ("_+_" | "_-_" | "_*_" | "_/_" | "_%_", [left, right]) => {
                self.shape(left).and(self.shape(right))
            }
            ("_[_]", [of, key]) => match &key.term {
                Term::Text(field) => self.shape(of).field(field),
                _ => self.shape(of).item(),
            },
            ("_?_:_", [_, then, other]) => self.shape(then).and(self.shape(other)),
            _ => {
                let function = FUNCTIONS.iter().find(|function| function.name == name);
                function.map(|function| Shape::of(function.gives)).unwrap_or_default()
            }
        }
    }

    /// What is known of all; `None` of none.
    fn common(&self, nodes: &[Node]) -> Option<Shape> {
        nodes.iter().map(|node| self.shape(node)).reduce(Shape::and)
    }
}
