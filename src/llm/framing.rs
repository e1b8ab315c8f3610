//! Framings of streamed answers, incrementally: bytes in, complete events out as bytes, and what
//! an event says. Knows nothing of providers.

use std::borrow::Cow;

use crate::facts::Unread;

pub(super) mod event_stream;
mod json_array;
pub(super) mod sse;

/// How a stream's events are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Sse,
    /// One JSON value a line.
    Lines,
    /// One JSON array, an event an element.
    JsonArray,
    /// Amazon's event stream.
    EventStream,
}

/// Finds where events end.
#[derive(Debug)]
pub(super) struct Framer {
    kept: Vec<u8>,
    scanned: usize,
    ends: Ends,
}

/// Events that are complete now.
#[derive(Debug, Default)]
pub(super) struct Complete {
    /// Their bytes, one after the other.
    pub(super) bytes: Vec<u8>,
    /// Where each of them ends.
    pub(super) ends: Vec<usize>,
}

/// What an event says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Event<'a> {
    /// As the framing names it; empty where it does not.
    pub(super) name: &'a str,
    /// Its content, if it has any.
    pub(super) data: Option<Cow<'a, str>>,
}

/// Whether an event ends at a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    No,
    /// After this byte.
    Here,
    /// After this byte, if it ended right before it in the same chunk; a line ending of two bytes
    /// may be cut between them.
    Extended,
}

#[derive(Debug)]
enum Ends {
    Sse(sse::Ends),
    Lines,
    JsonArray(json_array::Ends),
    EventStream(event_stream::Ends),
}

// === impl Framing ===

impl Framing {
    /// The framing that goes with a content type; None for an answer that comes whole. `array`:
    /// the request asked for a stream that comes as a JSON array.
    pub fn of(content_type: &str, array: bool) -> Option<Framing> {
        let essence = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        match essence.as_str() {
            "text/event-stream" => Some(Framing::Sse),
            "application/x-ndjson" | "application/ndjson" => Some(Framing::Lines),
            "application/jsonl" | "application/stream+json" => Some(Framing::Lines),
            "application/vnd.amazon.eventstream" => Some(Framing::EventStream),
            "application/json" if array => Some(Framing::JsonArray),
            _ => None,
        }
    }

    /// The content type of a stream in this framing.
    pub fn content_type(self) -> &'static str {
        match self {
            Framing::Sse => "text/event-stream",
            Framing::Lines => "application/x-ndjson",
            Framing::JsonArray => "application/json",
            Framing::EventStream => "application/vnd.amazon.eventstream",
        }
    }

    /// What the bytes of one event say.
    pub(super) fn event(self, frame: &[u8]) -> Result<Event<'_>, Unread> {
        if self == Framing::EventStream {
            return event_stream::parse(frame);
        }
        let text = std::str::from_utf8(frame).map_err(|_| Unread::MalformedJson)?;
        let data = match self {
            Framing::Sse => return Ok(sse::parse(text)),
            Framing::JsonArray => json_array::element(text),
            Framing::Lines | Framing::EventStream => text.trim(),
        };
        let data = (!data.is_empty()).then_some(Cow::Borrowed(data));
        Ok(Event { name: "", data })
    }
}

// === impl Framer ===

impl Framer {
    pub(super) fn new(framing: Framing) -> Framer {
        let ends = match framing {
            Framing::Sse => Ends::Sse(sse::Ends::default()),
            Framing::Lines => Ends::Lines,
            Framing::JsonArray => Ends::JsonArray(json_array::Ends::default()),
            Framing::EventStream => Ends::EventStream(event_stream::Ends::default()),
        };
        Framer { kept: Vec::new(), scanned: 0, ends }
    }

    /// Takes a chunk; gives the events that it completes, what was kept before them included.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Complete {
        self.kept.extend_from_slice(chunk);
        let mut ends = Vec::new();
        let mut at = self.scanned;
        for byte in self.kept.get(self.scanned..).unwrap_or_default() {
            at += 1;
            match self.ends.next(*byte) {
                End::No => {}
                End::Here => ends.push(at),
                // Where it ended in this chunk the event is longer by one; where it ended before,
                // this byte goes after it alone.
                End::Extended => {
                    if ends.last() == Some(&(at - 1)) {
                        ends.pop();
                    }
                    ends.push(at);
                }
            }
        }
        let Some(end) = ends.last() else {
            // A long event comes in many chunks: no copy is made for each of them.
            self.scanned = self.kept.len();
            return Complete::default();
        };
        let tail = self.kept.split_off(*end);
        self.scanned = tail.len();
        Complete { bytes: std::mem::replace(&mut self.kept, tail), ends }
    }

    /// Bytes of an event that is not complete.
    pub(super) fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// Gives up what is kept: the stream has ended, or the event is too long.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        self.scanned = 0;
        std::mem::take(&mut self.kept)
    }
}

// === impl Ends ===

impl Ends {
    fn next(&mut self, byte: u8) -> End {
        match self {
            Ends::Sse(ends) => ends.next(byte),
            Ends::Lines if byte == b'\n' => End::Here,
            Ends::Lines => End::No,
            Ends::JsonArray(ends) => ends.next(byte),
            Ends::EventStream(ends) => ends.next(byte),
        }
    }
}
