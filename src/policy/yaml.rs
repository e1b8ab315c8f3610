//! YAML as a tree of marked nodes, built from the parser's events without recursion, so that no
//! file can exhaust the stack. Keeps every key, so that the schema sees a duplicate as such.
//! Implements what a policy needs of YAML 1.2: one document; aliases and tags are refused.

pub mod mend;

use serde_yaml::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use super::error::{At, HINTS, ProblemKind, Problems};

/// Deepest nesting of the language is 5; beyond this no file is a policy.
const DEPTH_MAX: usize = 16;

/// A node and where it stands.
#[derive(Debug)]
pub struct Node {
    /// Its first character.
    pub at: At,
    /// The last line it reaches.
    pub last_line: usize,
    /// What it is.
    pub data: Data,
}

/// What a node is.
#[derive(Debug)]
pub enum Data {
    /// Text as written, and how it was quoted.
    Scalar(String, ScalarStyle),
    /// An alias or a single value with a tag. It is noted already.
    Refused,
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values in the order of the file.
    Mapping(Vec<(Node, Node)>),
}

/// A collection whose end has not come yet.
struct Open {
    at: At,
    mapping: bool,
    nodes: Vec<Node>,
}

/// The file's one document; `None` where there is none or a problem ended the reading.
pub fn read(text: &str, problems: &mut Problems) -> Option<Node> {
    let mut parser = Parser::new_from_str(text);
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    loop {
        let (event, span) = match parser.next_event()? {
            Ok(next) => next,
            Err(error) => {
                let (message, place) = (error.info(), at(error.marker()));
                let mended = HINTS.then(|| mend::mend(message, place, problems)).flatten();
                let (place, found) = mended.unwrap_or_else(|| (place, message.to_owned()));
                problems.add(place, ProblemKind::Yaml { found });
                return None;
            }
        };
        let start = at(&span.start);
        match event {
            Event::StreamEnd => return root,
            Event::DocumentStart(_) if root.is_some() => {
                problems.add(start, ProblemKind::SeveralDocuments);
                return None;
            }
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
            Event::Alias(_) => {
                problems.add(start, ProblemKind::Alias);
                close(&mut open, &mut root, single(Data::Refused, &span));
            }
            Event::Scalar(value, style, _, tag) => {
                refuse_tag(tag.as_deref(), start, problems);
                let data = match tag {
                    Some(_) => Data::Refused,
                    None => Data::Scalar(value.into_owned(), style),
                };
                close(&mut open, &mut root, single(data, &span));
            }
            Event::SequenceStart(_, tag) | Event::MappingStart(_, tag)
                if open.len() >= DEPTH_MAX =>
            {
                refuse_tag(tag.as_deref(), start, problems);
                problems.add(start, ProblemKind::TooDeep { max: DEPTH_MAX });
                return None;
            }
            Event::SequenceStart(_, tag) => {
                refuse_tag(tag.as_deref(), start, problems);
                open.push(Open { at: start, mapping: false, nodes: Vec::new() });
            }
            Event::MappingStart(_, tag) => {
                refuse_tag(tag.as_deref(), start, problems);
                open.push(Open { at: start, mapping: true, nodes: Vec::new() });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let done = open.pop()?;
                let node = done.into_node(span.end.line());
                close(&mut open, &mut root, node);
            }
        }
    }
}

/// Hangs a finished node under the innermost open collection.
fn close(open: &mut [Open], root: &mut Option<Node>, node: Node) {
    match open.last_mut() {
        Some(parent) => parent.nodes.push(node),
        None => *root = Some(node),
    }
}

fn single(data: Data, span: &Span) -> Node {
    Node { at: at(&span.start), last_line: span.end.line(), data }
}

fn refuse_tag(tag: Option<&Tag>, at: At, problems: &mut Problems) {
    if tag.is_some() {
        problems.add(at, ProblemKind::Tag);
    }
}

/// The parser counts lines from 1 and columns from 0.
fn at(marker: &Marker) -> At {
    At { line: marker.line(), column: marker.col() + 1 }
}

// === impl Open ===

impl Open {
    fn into_node(self, last_line: usize) -> Node {
        let data = if self.mapping {
            let mut entries = Vec::with_capacity(self.nodes.len() / 2);
            let mut nodes = self.nodes.into_iter();
            while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
                entries.push((key, value));
            }
            Data::Mapping(entries)
        } else {
            Data::Sequence(self.nodes)
        };
        Node { at: self.at, last_line, data }
    }
}

// === impl Node ===

impl Node {
    /// Nothing was written: an empty value, `~` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.data, Data::Scalar(text, ScalarStyle::Plain)
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// What it is called in a message.
    pub fn found(&self) -> &'static str {
        match &self.data {
            _ if self.is_null() => "nothing",
            Data::Scalar(..) | Data::Refused => "a single value",
            Data::Sequence(_) => "a list",
            Data::Mapping(_) => "a mapping",
        }
    }
}
