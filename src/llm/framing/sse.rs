//! Server-sent events: where they end and what they say. Knows nothing of providers or JSON.
//!
//! Implements the event stream grammar of WHATWG HTML §9.2
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>); `id` and `retry` are
//! ignored. Bytes are kept as they came, so that what is passed on is what was received.

use std::borrow::Cow;

use super::{End, Event};

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Finds the blank lines that end events.
#[derive(Debug)]
pub(super) struct Ends {
    at_line_start: bool,
    after: After,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Other,
    /// A CR that ended a line: a LF that follows belongs to it, though a chunk later perhaps.
    Cr,
    /// A CR that ended an event.
    EventCr,
}

/// The event as it stands in `frame`, from its first byte to its blank line: the value of the last
/// `event` field, those of `data` joined by newlines.
pub(super) fn parse(frame: &str) -> Event<'_> {
    let mut event = Event::default();
    for (line, _) in Lines(frame) {
        match field(line) {
            ("event", value) => event.name = value,
            ("data", value) => {
                if let Some(data) = &mut event.data {
                    let data = data.to_mut();
                    data.push('\n');
                    data.push_str(value);
                } else {
                    event.data = Some(Cow::Borrowed(value));
                }
            }
            _ => {}
        }
    }
    event
}

/// `frame` with other data: every line but those of `data` stays as it is.
pub(in super::super) fn with_data(frame: &str, data: &str) -> String {
    let mut rebuilt = String::with_capacity(frame.len());
    let mut written = false;
    for (line, ending) in Lines(frame) {
        let (name, value) = field(line);
        if name != "data" {
            rebuilt.push_str(line);
            rebuilt.push_str(ending);
            continue;
        }
        if written {
            continue;
        }
        written = true;
        let prefix = if value.is_empty() { None } else { line.strip_suffix(value) };
        let prefix = prefix.unwrap_or("data:");
        for (place, part) in data.split('\n').enumerate() {
            if place > 0 {
                rebuilt.push_str(if ending.is_empty() { "\n" } else { ending });
            }
            rebuilt.push_str(prefix);
            rebuilt.push_str(part);
        }
        rebuilt.push_str(ending);
    }
    rebuilt
}

/// `frame` without the byte order mark that a stream may start with.
pub(in super::super) fn without_bom(frame: &[u8]) -> &[u8] {
    frame.strip_prefix(BOM).unwrap_or(frame)
}

/// Name and value of a line; comments and blank lines have no name.
fn field(line: &str) -> (&str, &str) {
    match line.split_once(':') {
        Some((name, value)) => (name, value.strip_prefix(' ').unwrap_or(value)),
        None => (line, ""),
    }
}

/// Lines with what ended each: LF, CR LF, CR or the end.
struct Lines<'a>(&'a str);

// === impl Ends ===

impl Ends {
    pub(super) fn next(&mut self, byte: u8) -> End {
        match (byte, self.after) {
            (b'\n', After::Cr) => {
                self.after = After::Other;
                End::No
            }
            (b'\n', After::EventCr) => {
                self.after = After::Other;
                End::Extended
            }
            (b'\n' | b'\r', _) => {
                let blank = self.at_line_start;
                self.after = match (byte == b'\r', blank) {
                    (true, true) => After::EventCr,
                    (true, false) => After::Cr,
                    (false, _) => After::Other,
                };
                self.at_line_start = true;
                if blank { End::Here } else { End::No }
            }
            _ => {
                self.at_line_start = false;
                self.after = After::Other;
                End::No
            }
        }
    }
}

impl Default for Ends {
    fn default() -> Ends {
        Ends { at_line_start: true, after: After::Other }
    }
}

// === impl Lines ===

impl<'a> Iterator for Lines<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let end = self.0.find(['\r', '\n']).unwrap_or(self.0.len());
        let (line, rest) = self.0.split_at_checked(end)?;
        let length = match rest.as_bytes() {
            [b'\r', b'\n', ..] => 2,
            [_, ..] => 1,
            [] => 0,
        };
        let (ending, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((line, ending))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Framer, Framing};
    use super::*;

    fn frames(chunks: &[&str]) -> Vec<String> {
        let mut framer = Framer::new(Framing::Sse);
        let mut frames = Vec::new();
        for chunk in chunks {
            let complete = framer.push(chunk.as_bytes());
            let mut from = 0;
            for end in complete.ends {
                frames.push(String::from_utf8(complete.bytes[from..end].to_vec()).unwrap());
                from = end;
            }
        }
        frames.push(String::from_utf8(framer.finish()).unwrap());
        frames
    }

    #[test]
    fn events_end_at_blank_lines_of_any_kind() {
        let cases: [(&[&str], &[&str]); 5] = [
            (&["data: a\n\ndata: b\n\n"], &["data: a\n\n", "data: b\n\n", ""]),
            (&["data: a\r\n\r\ndata: b"], &["data: a\r\n\r\n", "data: b"]),
            (&["data: a\r\rdata: b\r"], &["data: a\r\r", "data: b\r"]),
            (&["data: a\r\n\r", "\ndata: b\n", "\n"], &["data: a\r\n\r", "\n", "data: b\n\n", ""]),
            (&["data: a\r", "\n", "\r\n"], &["data: a\r\n\r\n", ""]),
        ];
        for (chunks, expected) in cases {
            assert_eq!(frames(chunks), expected, "{chunks:?}");
        }
    }

    #[test]
    fn fields_are_joined_and_comments_skipped() {
        let event = parse(": ping\nevent: x\nid: 1\ndata:a\ndata: b\ndata\n\n");
        assert_eq!(event, Event { name: "x", data: Some("a\nb\n".into()) });
        assert_eq!(parse(": ping\n\n"), Event::default());
    }

    #[test]
    fn other_data_leaves_all_other_lines() {
        let frame = ": c\r\nevent: x\r\ndata:{\r\ndata:}\r\nid: 1\r\n\r\n";
        let expected = ": c\r\nevent: x\r\ndata:[\r\ndata:]\r\nid: 1\r\n\r\n";
        assert_eq!(with_data(frame, "[\n]"), expected);
    }
}
