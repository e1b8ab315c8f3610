//! Borrowing access to JSON text: one level of an object at a time, values as slices of the body,
//! and splices at exactly those slices. Copies nothing that is not asked for, recurses nowhere.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::facts::Unread;

/// Deepest nesting that is read. Real chat bodies stay below 20; a parser's stack is finite.
const DEPTH_MAX: usize = 64;

/// The first thing that could not be read; later ones are consequences as a rule.
#[derive(Debug, Default)]
pub(super) struct Notes {
    first: Cell<Option<Unread>>,
}

/// One object: its members in order, values unparsed.
pub(super) struct Object<'a> {
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
    notes: &'a Notes,
}

/// A string without a copy where it holds no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct BorrowedText<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// A replacement of one slice of a text.
pub(super) struct Edit {
    /// The bytes that go.
    pub(super) range: Range<usize>,
    /// What comes in their place.
    pub(super) with: String,
}

struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

struct MembersVisitor;

/// A string with half a surrogate pair in it, which is no text in Rust but is in other languages.
/// Servers that stream token by token cut an emoji between two events.
struct BrokenText(String);

struct BrokenTextVisitor;

/// The body as text that is safe to hand to a recursive parser.
pub(super) fn checked_text(body: &[u8]) -> Result<&str, Unread> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Unread::NoBody);
    }
    check_depth(body)?;
    std::str::from_utf8(body).map_err(|_| Unread::MalformedJson)
}

/// What a parser's error means for the record. The error itself may quote the body: it goes.
pub(super) fn unread_of(error: &serde_json::Error) -> Unread {
    match error.classify() {
        Category::Data => Unread::UnknownShape,
        Category::Io | Category::Syntax | Category::Eof => Unread::MalformedJson,
    }
}

/// The string that `raw` holds, if it holds one.
pub(super) fn string(raw: &str) -> Option<Cow<'_, str>> {
    let text = serde_json::from_str::<BorrowedText>(raw).ok().map(|text| text.0);
    text.or_else(|| serde_json::from_str::<BrokenText>(raw).ok().map(|text| text.0.into()))
}

/// The elements of the array that `raw` holds, if it holds one.
pub(super) fn items(raw: &str) -> Option<Vec<&str>> {
    let items: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
    Some(items.into_iter().map(RawValue::get).collect())
}

/// Two keys are one to a server that does not look at letter case: Go's decoder folds as Unicode
/// does, by which two characters beyond ASCII are letters of it.
/// <https://pkg.go.dev/encoding/json#Unmarshal>, <https://www.unicode.org/Public/UNIDATA/CaseFolding.txt>
pub(super) fn same_but_for_case(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() {
        return one.eq_ignore_ascii_case(other);
    }
    let fold = |letter: char| match letter {
        'ſ' => 's',
        '\u{212a}' => 'k',
        _ => letter.to_ascii_lowercase(),
    };
    one.chars().map(fold).eq(other.chars().map(fold))
}

/// `text` as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    // Writing a string to memory has no way to fail.
    serde_json::to_string(text).unwrap_or_default()
}

/// Where `inner`, a slice of `outer`, stands in it.
pub(super) fn range_in(outer: &str, inner: &str) -> Option<Range<usize>> {
    let start = (inner.as_ptr() as usize).checked_sub(outer.as_ptr() as usize)?;
    let end = start.checked_add(inner.len())?;
    (end <= outer.len()).then_some(start..end)
}

/// `text` with every edit made; edits stand in order and apart.
pub(super) fn splice(text: &str, edits: &[Edit]) -> Option<String> {
    let mut spliced = String::with_capacity(text.len() + 64);
    let mut from = 0;
    for edit in edits {
        spliced.push_str(text.get(from..edit.range.start)?);
        spliced.push_str(&edit.with);
        from = edit.range.end;
    }
    spliced.push_str(text.get(from..)?);
    Some(spliced)
}

fn check_depth(body: &[u8]) -> Result<(), Unread> {
    let mut depth = 0usize;
    let mut in_string = false;
    let mut escaped = false;
    for byte in body {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(Unread::TooDeep);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

// === impl Notes ===

impl Notes {
    /// Keeps `unread` unless something was noted before.
    pub(super) fn note(&self, unread: Unread) {
        if self.first.get().is_none() {
            self.first.set(Some(unread));
        }
    }

    /// What was noted first.
    pub(super) fn first(&self) -> Option<Unread> {
        self.first.get()
    }
}

// === impl Object ===

impl<'a> Object<'a> {
    /// A whole body: checked for depth and UTF-8, what is wrong noted.
    pub(super) fn of_body(body: &'a [u8], notes: &'a Notes) -> Option<Object<'a>> {
        let parsed = checked_text(body).and_then(|text| {
            serde_json::from_str::<Members>(text).map_err(|error| unread_of(&error))
        });
        match parsed {
            Ok(members) => Some(Object { members: members.0, notes }),
            Err(unread) => {
                notes.note(unread);
                None
            }
        }
    }

    /// An object inside a body that was checked already.
    pub(super) fn of_checked(raw: &'a str, notes: &'a Notes) -> Option<Object<'a>> {
        let members = serde_json::from_str::<Members>(raw).ok()?;
        Some(Object { members: members.0, notes })
    }

    /// The value of `key` as it stands, `null` being none; a duplicate is noted.
    pub(super) fn raw(&self, key: &str) -> Option<&'a str> {
        let mut values = self.all(key);
        let value = values.next()?;
        if values.next().is_some() {
            self.notes.note(Unread::DuplicateKey);
        }
        (value != "null").then_some(value)
    }

    /// Every value that stands under `key`.
    pub(super) fn all(&self, key: &str) -> impl Iterator<Item = &'a str> {
        self.members.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.get())
    }

    /// A string that is not empty.
    pub(super) fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        string(self.raw(key)?).filter(|text| !text.is_empty())
    }

    /// Text that reaches the client: what stands in its place and is none is noted.
    pub(super) fn words(&self, key: &str) -> Option<Cow<'a, str>> {
        let text = self.known(key, string)?;
        (!text.is_empty()).then_some(text)
    }

    /// An object that may hold text: what stands in its place and is none is noted.
    pub(super) fn part(&self, key: &str) -> Option<Object<'a>> {
        self.known(key, |raw| Object::of_checked(raw, self.notes))
    }

    /// Objects that may hold text: what stands in the place of their array, or of one of them, is
    /// noted.
    pub(super) fn parts(&self, key: &str) -> Option<Vec<Object<'a>>> {
        self.known(key, |raw| self.objects_in(raw))
    }

    /// A key's value, read; noted where it stands there and reads as nothing.
    fn known<T>(&self, key: &str, read: impl FnOnce(&'a str) -> Option<T>) -> Option<T> {
        let read = read(self.raw(key)?);
        if read.is_none() {
            self.notes.note(Unread::UnknownShape);
        }
        read
    }

    /// A number of things.
    pub(super) fn count(&self, key: &str) -> Option<u64> {
        let raw = self.raw(key)?;
        raw.parse().ok().or_else(|| {
            let number: f64 = serde_json::from_str(raw).ok()?;
            // Some providers write counts as floats; below 2^53 they are exact.
            let exact = number.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&number);
            exact.then_some(number as u64)
        })
    }

    /// A number.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        serde_json::from_str(self.raw(key)?).ok()
    }

    /// An object.
    pub(super) fn object(&self, key: &str) -> Option<Object<'a>> {
        Object::of_checked(self.raw(key)?, self.notes)
    }

    /// The objects of an array; other elements are skipped and noted. None where there is no array.
    pub(super) fn objects(&self, key: &str) -> Option<Vec<Object<'a>>> {
        self.objects_in(self.raw(key)?)
    }

    fn objects_in(&self, raw: &'a str) -> Option<Vec<Object<'a>>> {
        let items = items(raw)?.into_iter().filter(|raw| *raw != "null");
        let objects = items.map(|raw| Object::of_checked(raw, self.notes));
        let noted = objects.inspect(|object| {
            if object.is_none() {
                self.notes.note(Unread::UnknownShape);
            }
        });
        Some(noted.flatten().collect())
    }

    /// A part of a kind that is not known: text in it has been read by nobody.
    pub(super) fn note_unread_text(&self) {
        if self.raw("text").is_some() {
            self.notes.note(Unread::UnknownShape);
        }
    }
}

// === impl Members ===

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = map.next_key::<BorrowedText>()? {
            members.push((key.0, map.next_value::<&RawValue>()?));
        }
        Ok(Members(members))
    }
}

// === impl BrokenText ===

impl<'de> Deserialize<'de> for BrokenText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(BrokenTextVisitor)
    }
}

impl Visitor<'_> for BrokenTextVisitor {
    type Value = BrokenText;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        Ok(BrokenText(String::from_utf8_lossy(bytes).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_counted_outside_strings_only() {
        let deep = "[".repeat(65) + &"]".repeat(65);
        assert_eq!(checked_text(deep.as_bytes()), Err(Unread::TooDeep));
        let allowed = "[".repeat(64) + &"]".repeat(64);
        assert!(checked_text(allowed.as_bytes()).is_ok());
        let quoted = format!(r#"{{"a":"\"{}"}}"#, "[".repeat(200));
        assert!(checked_text(quoted.as_bytes()).is_ok());
    }

    #[test]
    fn half_a_surrogate_pair_takes_no_other_text_with_it() {
        for (raw, text) in [
            (r#""a\ud83d\ude00""#, Some("a😀")),
            (r#""a\ud83d""#, Some("a\u{fffd}\u{fffd}\u{fffd}")),
            (r#""\ude00b""#, Some("\u{fffd}\u{fffd}\u{fffd}b")),
            ("1", None),
            ("[97]", None),
        ] {
            assert_eq!(string(raw).as_deref(), text, "{raw}");
        }
    }

    #[test]
    fn a_key_written_with_escapes_is_the_same_key() {
        let notes = Notes::default();
        let object = Object::of_body(br#"{"mod\u0065l":"a"}"#, &notes).unwrap();
        assert_eq!(object.text("model").as_deref(), Some("a"));
    }

    #[test]
    fn err_only_a_duplicate_that_is_read_counts() {
        let notes = Notes::default();
        let object = Object::of_body(br#"{"a":1,"a":2,"b":3}"#, &notes).unwrap();
        assert_eq!(object.count("b"), Some(3));
        assert_eq!(notes.first(), None);
        object.count("a");
        assert_eq!(notes.first(), Some(Unread::DuplicateKey));
    }
}
