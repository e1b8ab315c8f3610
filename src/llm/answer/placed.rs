//! Arguments of a tool call that come piece by piece, each with the JSON path of its place:
//! gathered into the object that they make.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

use super::{ARGUMENTS_BYTES_MAX, Answer, CallPiece};
use crate::facts::Unread;

/// Deepest place of an argument, as deep as JSON is read.
const DEPTH_MAX: usize = 64;

/// About what a place takes in memory beside its name and content.
const PLACE_BYTES: usize = 64;

/// A piece of an argument, and where it belongs.
pub(in super::super) struct PlacedArgument<'a> {
    /// A path of RFC 9535 that names one place: `$.stops[0].city`.
    pub(in super::super) path: Cow<'a, str>,
    pub(in super::super) piece: ArgumentPiece<'a>,
}

/// What is put there.
pub(in super::super) enum ArgumentPiece<'a> {
    /// More of a string.
    Text(Cow<'a, str>),
    /// A number, `true` or `false`, as written.
    Scalar(&'a str),
    /// Null, or nothing yet.
    Nothing,
}

/// Arguments as far as they came.
#[derive(Debug)]
pub(super) struct Placed {
    arguments: Value,
    /// What they take of the room for arguments.
    bytes: usize,
    /// More pieces of the call are to come.
    goes_on: bool,
}

/// A step of a path.
enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

// === impl Answer ===

impl Answer {
    /// A whole call, or a piece of one whose arguments come by their places: such a one belongs to
    /// the choice's last call where that goes on. A piece without a name starts no call.
    pub(in super::super) fn append_placed(
        &mut self,
        piece: CallPiece,
        arguments: Vec<PlacedArgument>,
        goes_on: bool,
    ) {
        let last = self.calls.iter().rposition(|call| call.choice == piece.choice);
        let call = last.and_then(|at| self.calls.get(at));
        let of_call = call.is_some_and(|call| {
            let open = call.placed.as_ref().is_some_and(|placed| placed.goes_on);
            let same = piece.name.as_ref().is_none_or(|name| *name == call.call.name);
            open && same && piece.arguments.is_none()
        });
        let at = match last.filter(|_| of_call) {
            Some(at) => at,
            None if piece.name.is_none() => return,
            None => {
                let before = self.calls.len();
                self.start_call(piece);
                before
            }
        };
        for argument in arguments {
            self.place(at, argument);
        }
        let Some(call) = self.calls.get_mut(at) else {
            return;
        };
        if goes_on || call.placed.is_some() {
            call.placed.get_or_insert_default().goes_on = goes_on;
        }
    }

    fn place(&mut self, at: usize, argument: PlacedArgument) {
        let PlacedArgument { path, piece } = argument;
        let room = ARGUMENTS_BYTES_MAX.saturating_sub(self.arguments_bytes);
        if room == 0 {
            self.note(Some(Unread::Truncated));
            return;
        }
        let piece = match &piece {
            ArgumentPiece::Text(text) => ArgumentPiece::Text(self.fitting(text, room).into()),
            ArgumentPiece::Scalar(raw) => ArgumentPiece::Scalar(raw),
            ArgumentPiece::Nothing => ArgumentPiece::Nothing,
        };
        let Some(call) = self.calls.get_mut(at) else {
            return;
        };
        let placed = call.placed.get_or_insert_default();
        let before = placed.bytes;
        let put = placed.put(&path, piece);
        self.arguments_bytes += placed.bytes - before;
        if put.is_none() {
            self.note(Some(Unread::UnknownShape));
        }
    }
}

// === impl Placed ===

impl Default for Placed {
    fn default() -> Self {
        Placed { arguments: Value::Object(Map::new()), bytes: 0, goes_on: false }
    }
}

impl Placed {
    /// JSON text of what came so far.
    pub(super) fn text(&self) -> String {
        self.arguments.to_string()
    }

    /// None where the path names no place that can be there.
    fn put(&mut self, path: &str, piece: ArgumentPiece) -> Option<()> {
        let mut place = &mut self.arguments;
        for step in steps(path)? {
            place = match step {
                Step::Name(name) => {
                    if place.is_null() {
                        *place = Value::Object(Map::new());
                    }
                    place.as_object_mut()?.entry(name).or_insert_with(|| {
                        self.bytes += PLACE_BYTES + name.len();
                        Value::Null
                    })
                }
                Step::Index(index) => {
                    if place.is_null() {
                        *place = Value::Array(Vec::new());
                    }
                    let items = place.as_array_mut()?;
                    if index == items.len() {
                        self.bytes += PLACE_BYTES;
                        items.push(Value::Null);
                    }
                    items.get_mut(index)?
                }
            };
        }
        match (place, piece) {
            (Value::String(known), ArgumentPiece::Text(text)) => {
                self.bytes += text.len();
                known.push_str(&text);
            }
            (place, ArgumentPiece::Text(text)) => {
                self.bytes += text.len();
                *place = Value::String(text.into_owned());
            }
            (place, ArgumentPiece::Scalar(raw)) => *place = scalar(raw)?,
            (_, ArgumentPiece::Nothing) => {}
        }
        Some(())
    }
}

fn scalar(raw: &str) -> Option<Value> {
    match raw {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        _ => serde_json::from_str::<Number>(raw).ok().map(Value::Number),
    }
}

/// The steps of a path from its `$`: `.name`, `['name']`, `["name"]` or `[0]`. Names with a quote
/// or a backslash in them are not read.
/// <https://www.rfc-editor.org/rfc/rfc9535#name-segments>
fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut steps = Vec::new();
    let mut rest = path.strip_prefix('$')?;
    while !rest.is_empty() && steps.len() < DEPTH_MAX {
        let step = if let Some(after) = rest.strip_prefix('.') {
            let (name, after) = after.split_at(after.find(['.', '[']).unwrap_or(after.len()));
            rest = after;
            Step::Name(name)
        } else {
            let (inner, after) = bracketed(rest.strip_prefix('[')?)?;
            rest = after;
            inner
        };
        steps.push(step);
    }
    (rest.is_empty() && !steps.is_empty()).then_some(steps)
}

/// A step and what stands behind its bracket.
fn bracketed(text: &str) -> Option<(Step<'_>, &str)> {
    let quote = text.chars().next().filter(|first| matches!(first, '\'' | '"'));
    let Some(quote) = quote else {
        let (index, after) = text.split_once(']')?;
        return Some((Step::Index(index.parse().ok()?), after));
    };
    let (name, after) = text.strip_prefix(quote)?.split_once(quote)?;
    let after = after.strip_prefix(']')?;
    (!name.contains('\\')).then_some((Step::Name(name), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(arguments: Vec<(&str, ArgumentPiece)>) -> Option<String> {
        let mut placed = Placed::default();
        for (path, piece) in arguments {
            placed.put(path, piece)?;
        }
        Some(placed.text())
    }

    fn text(text: &str) -> ArgumentPiece<'_> {
        ArgumentPiece::Text(text.into())
    }

    #[test]
    fn pieces_make_one_object() {
        let pieces = vec![
            ("$.stops[0].city", text("Kö")),
            ("$.stops[0].city", text("ln")),
            ("$.stops[0]['the day']", ArgumentPiece::Scalar("2")),
            ("$.stops[1]", ArgumentPiece::Nothing),
            ("$[\"stops\"][1].city", text("Bonn")),
            ("$.late", ArgumentPiece::Scalar("true")),
            ("$.why", ArgumentPiece::Nothing),
        ];
        let expected = concat!(
            r#"{"late":true,"stops":[{"city":"Köln","the day":2},{"city":"Bonn"}],"#,
            r#""why":null}"#,
        );
        assert_eq!(placed(pieces).as_deref(), Some(expected));
        assert_eq!(placed(Vec::new()).as_deref(), Some("{}"));
    }

    #[test]
    fn err_a_path_to_nowhere_is_told() {
        let deep = format!("$.a{}", ".a".repeat(DEPTH_MAX));
        let paths = ["", "a", "$", "$a", "$[1]", "$.a[7]", "$[x]", "$['a", "$['a\\'']", &deep];
        for path in paths {
            assert_eq!(placed(vec![(path, text("x"))]), None, "{path}");
        }
        assert_eq!(placed(vec![("$.a", text("x")), ("$.a.b", text("x"))]), None);
        assert_eq!(placed(vec![("$.a", ArgumentPiece::Scalar("{}"))]), None);
    }
}
