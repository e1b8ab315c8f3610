//! What people write who know another language, and how it is written here. Only for those who
//! check a file: see [`HINTS`](crate::policy::error::HINTS).

use super::super::term::{Node, Term};
use super::Checker;
use super::operator::written_name;
use crate::policy::variable::{FIELDS, Type, Variable};

/// Functions of other languages, and what does the same.
const ELSEWHERE: &[(&str, &str)] = &[
    ("any", "list.exists(item, condition)"),
    ("every", "list.all(item, condition)"),
    ("includes", "text.contains('part')"),
    ("len", "size(value)"),
    ("length", "size(value)"),
    ("some", "list.exists(item, condition)"),
];

/// A field without its map.
pub fn field_alone(name: &str) -> Option<String> {
    let has = |fields: &[(&str, Type)]| fields.iter().any(|(field, _)| *field == name);
    let (map, _) = FIELDS.iter().find(|(_, fields)| has(fields))?;
    Some(format!("unknown variable `{name}`, did you mean `{}.{name}`?", map.as_str()))
}

impl Checker {
    /// What is wrong with a call that is common elsewhere, and where.
    pub fn idiom(&self, at: usize, name: &str, args: &[Node]) -> Option<(usize, String)> {
        match (name, args) {
            ("@in", [value, list]) => self.idiom_of_in(value, list),
            ("_==_" | "_!=_", [value, other]) => {
                let value = match (&value.term, &other.term) {
                    (_, Term::Literal(Type::Null)) => value,
                    (Term::Literal(Type::Null), _) => other,
                    _ => return None,
                };
                Some((at, unknown(value)?))
            }
            ("_-_", _) => {
                let (at, header) = self.header_with_dash(args)?;
                Some((at, format!("`-` subtracts, write `request.headers['{header}']`")))
            }
            _ => {
                let (_, instead) = ELSEWHERE.iter().find(|(known, _)| *known == name)?;
                Some((at, format!("unknown function `{name}`, write `{instead}`")))
            }
        }
    }

    /// `!value in list` and `'part' in text`.
    fn idiom_of_in(&self, value: &Node, list: &Node) -> Option<(usize, String)> {
        if let Term::Call { name, args, .. } = &value.term
            && name == "!_"
        {
            let value = args.first().and_then(written_name);
            let value = value.as_deref().unwrap_or("value");
            let list = written_name(list);
            let list = list.as_deref().unwrap_or("[…]");
            let at = args.first().map_or(0, |arg| arg.at.saturating_sub(1));
            return Some((at, format!("`!` binds before `in`, write `!({value} in {list})`")));
        }
        let written = matches!(list.term, Term::Text(_));
        if written || self.shape(list).kind != Some(Type::Text) {
            return None;
        }
        let part = match &value.term {
            Term::Text(part) => format!("'{part}'"),
            _ => written_name(value).unwrap_or_else(|| "part".to_owned()),
        };
        let text = written_name(list).unwrap_or_else(|| "text".to_owned());
        Some((
            list.at,
            format!("`in` looks into a list, of a string write `{text}.contains({part})`"),
        ))
    }

    /// `request.headers.x-team`, which the parser reads as a difference.
    fn header_with_dash(&self, args: &[Node]) -> Option<(usize, String)> {
        let [left, Node { term: Term::Name(last), .. }] = args else { return None };
        match &left.term {
            Term::Field { of, field, test: false } if self.is_headers(of) => {
                Some((left.at + 1, format!("{field}-{last}")))
            }
            Term::Call { name, args, .. } if name == "_-_" => {
                let (at, first) = self.header_with_dash(args)?;
                Some((at, format!("{first}-{last}")))
            }
            _ => None,
        }
    }
}

/// What is to be written where a value is compared with null.
fn unknown(value: &Node) -> Option<String> {
    let name = written_name(value)?;
    Some(match &value.term {
        Term::Name(known) => {
            Variable::parse(known)?;
            format!("`{name}` is never null: what counts where it is unknown is said by `on_error`")
        }
        _ => format!("`{name}` is never null: whether it is known is said by `has({name})`"),
    })
}
