//! Streamed answers of every protocol in every framing: whole and cut in any places they read
//! alike, have their terminal event in the same place and come out as the same bytes.
#![no_main]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use fuzz::{FRAMINGS, Input, one_of, pieces};
use governance_filter::llm::content_coding::Coding;
use governance_filter::llm::{AnswerStream, Pushed, StreamSettings, Terminal};
use libfuzzer_sys::fuzz_target;

/// What may be kept of some streams.
const ROOM: usize = 64 << 10;

/// More than that, so that an event is given up.
const LONG: usize = ROOM + (16 << 10);

/// What came of a stream.
#[derive(Default)]
struct Run {
    passed: Vec<u8>,
    terminal: Option<Terminal>,
    reading: String,
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let api = fuzz::api(input.byte());
    let framing = one_of(&FRAMINGS, input.byte());
    let flags = input.byte();
    let cuts = input.cuts();
    let mut body = input.rest().to_vec();
    // A repetition that is coded is a bomb, and where one is found out hangs on the chunks.
    let long = flags & 0xf8 == 0xf8;
    if long {
        lengthen(&mut body);
    }
    let settings = StreamSettings {
        api,
        framing,
        coding: if flags & 2 == 0 || long { Coding::Identity } else { Coding::Gzip },
        strip_logprobs: flags & 1 != 0,
        status: if flags & 28 == 28 { 500 } else { 200 },
    };
    let wire = if settings.coding == Coding::Gzip { gzip(&body, flags) } else { body };
    let room = if long { ROOM } else { usize::MAX };
    let whole = Run::of(settings, room, &[&wire]);
    let cut = Run::of(settings, room, &pieces(&wire, &cuts));
    let same = whole.passed == cut.passed && whole.reading == cut.reading;
    assert!(same, "cut at {cuts:?}:\n{}\n{}", whole.told(), cut.told());
    if settings.coding == Coding::Identity {
        assert_eq!(whole.terminal_place(), cut.terminal_place(), "{cuts:?}");
    }
    if !settings.strip_logprobs {
        assert!(whole.passed == wire, "the bytes changed on their way");
    }
});

/// Repeats a few bytes from the middle until all are too many for one event.
fn lengthen(body: &mut Vec<u8>) {
    let middle = body.len() / 2;
    let again = body[middle..body.len().min(middle + 16)].to_vec();
    if !again.is_empty() {
        let times = LONG / again.len();
        body.splice(middle..middle, again.repeat(times));
    }
}

/// Some of the streams are cut off: their last byte is missing. In some a byte is broken.
fn gzip(body: &[u8], flags: u8) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).expect("memory");
    let mut coded = encoder.finish().expect("memory");
    if flags & 32 != 0 {
        coded.pop();
    }
    if flags & 64 != 0 {
        let place = coded.len() / 2 + usize::from(flags & 3);
        coded[place] ^= flags;
    }
    coded
}

// === impl Run ===

impl Run {
    fn of(settings: StreamSettings, room: usize, chunks: &[&[u8]]) -> Run {
        let mut stream = AnswerStream::new(settings);
        stream.keep_at_most(room);
        let mut run = Run::default();
        for chunk in chunks {
            run.pass(stream.push(chunk), chunk);
        }
        run.pass(stream.finish(), b"");
        // By its words: a confidence may be NaN, which equals nothing.
        run.reading = format!("{:?}", stream.reading());
        run
    }

    fn pass(&mut self, pushed: Pushed, chunk: &[u8]) {
        if let Some(terminal) = pushed.terminal {
            assert_eq!(self.terminal, None, "the terminal event is told once");
            self.terminal = Some(match terminal {
                Terminal::At(at) => {
                    let passes = pushed.replacement.as_deref().unwrap_or(chunk).len();
                    assert!(at <= passes, "{at} of {passes} bytes that pass now");
                    Terminal::At(self.passed.len() + at)
                }
                Terminal::Somewhere => Terminal::Somewhere,
            });
        }
        self.passed.extend(pushed.replacement.as_deref().unwrap_or(chunk));
    }

    /// For a message: what differs is to be seen.
    fn told(&self) -> String {
        format!("{}\n{:?}", self.reading, String::from_utf8_lossy(&self.passed))
    }

    /// Between CR and LF of the blank line before it a cut gives the LF to the event behind it.
    fn terminal_place(&self) -> Option<Terminal> {
        match self.terminal? {
            Terminal::At(at) if at > 0 && self.passed[at - 1..].starts_with(b"\r\n") => {
                Some(Terminal::At(at + 1))
            }
            terminal => Some(terminal),
        }
    }
}
