//! One JSON array that is written in pieces: Google's streams without `alt=sse`. An event is an
//! element with the bracket or comma before it; what stands behind the last one is no event.

use super::End;

/// Finds the ends of elements by counting brackets outside of strings.
#[derive(Debug, Default)]
pub(super) struct Ends {
    depth: u32,
    /// An array holds the elements; an error comes as an object alone.
    in_array: bool,
    started: bool,
    in_string: bool,
    escaped: bool,
}

/// The element in an event's text.
pub(super) fn element(text: &str) -> &str {
    let text = text.trim_ascii();
    let text = text.strip_prefix(['[', ',']).unwrap_or(text).trim_ascii();
    if text == "]" { "" } else { text }
}

// === impl Ends ===

impl Ends {
    pub(super) fn next(&mut self, byte: u8) -> End {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return End::No;
        }
        match byte {
            b'"' => self.in_string = true,
            b'[' | b'{' => {
                self.in_array |= !self.started && byte == b'[';
                self.started = true;
                self.depth = self.depth.saturating_add(1);
            }
            b']' | b'}' => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == u32::from(self.in_array) {
                    return End::Here;
                }
            }
            _ => {}
        }
        End::No
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Framer, Framing};

    fn events(chunks: &[&str]) -> Vec<String> {
        let mut framer = Framer::new(Framing::JsonArray);
        let mut events = Vec::new();
        let mut take = |bytes: &[u8]| {
            let event = Framing::JsonArray.event(bytes).unwrap();
            events.extend(event.data.map(|data| data.into_owned()));
        };
        for chunk in chunks {
            let complete = framer.push(chunk.as_bytes());
            let mut from = 0;
            for end in complete.ends {
                take(&complete.bytes[from..end]);
                from = end;
            }
        }
        take(&framer.finish());
        events
    }

    #[test]
    fn elements_are_events_at_every_split_point() {
        let text = "[{\"a\":[1,{\"b\":\"}],{\\\"\"}]}\n,\r\n{\"c\":{}}\n]\n";
        let expected = ["{\"a\":[1,{\"b\":\"}],{\\\"\"}]}", "{\"c\":{}}"];
        for cut in 0..=text.len() {
            assert_eq!(events(&[&text[..cut], &text[cut..]]), expected, "cut at {cut}");
        }
        assert_eq!(events(&["{\"error\":{\"code\":4", "00}}\n"]), ["{\"error\":{\"code\":400}}"]);
        assert_eq!(events(&["[]"]), [""; 0]);
        assert_eq!(events(&["[", "\n", "]"]), [""; 0]);
    }
}
