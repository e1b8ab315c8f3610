//! A streamed answer, chunk by chunk: what may be passed on now, where the terminal event stands
//! in it, and the facts read so far. Decides nothing about holding; that is the caller's.
//!
//! Only complete events are passed on, so that a caller who holds the terminal event holds all of
//! it. Nothing is ever lost: what is kept back goes before the next chunk, or out at the end. What
//! cannot be read may be the terminal event, and counts as it.

use super::answer::{Answer, Step};
use super::content_coding::{Coding, Decoder};
use super::framing::{Framer, Framing, sse};
use super::{AnswerReading, Api};
use crate::facts::Unread;

/// Longest event that is waited for and read. Of text the longest recorded is 100 kB, but images
/// come as one event of megabytes; without a bound one event that never ends takes all of the
/// filter's memory.
const EVENT_BYTES_MAX: usize = 16 << 20;

/// Incremental reader of a streamed answer.
#[derive(Debug)]
pub struct AnswerStream {
    settings: StreamSettings,
    output: Output,
    /// `None` where nothing is decoded: the bytes are plain, or given up and passed as they came.
    decoder: Option<Decoder>,
    framer: Framer,
    place: Place,
    /// Bytes that may be kept.
    room: usize,
    /// The terminal event was told, or what may be it.
    told: bool,
    answer: Answer,
    progress: Step,
    frames: u64,
    data_events: u64,
}

/// What a stream is, by the heads of request and answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamSettings {
    /// The protocol it speaks.
    pub api: Api,
    /// How its events are told apart.
    pub framing: Framing,
    /// How its bytes are coded.
    pub coding: Coding,
    /// Take out logprobs, as the client did not ask for them.
    pub strip_logprobs: bool,
    /// The answer's status.
    pub status: u16,
}

/// What to do with a chunk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Bytes to pass on in place of the chunk; None: the chunk itself, untouched.
    pub replacement: Option<Vec<u8>>,
    /// The terminal event is in what is passed on now, or what could not be read and may be it;
    /// told once a stream. What follows it is to be held with it, and passes through here as it
    /// comes.
    pub terminal: Option<Terminal>,
    /// Everything is known; told from the terminal event on, or from an event behind it, or never:
    /// then the end of the stream tells it.
    pub ended: bool,
}

/// Where the terminal event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// It starts at this byte of the bytes passed on.
    At(usize),
    /// Somewhere in compressed bytes: no place is known.
    Somewhere,
}

/// What the client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
    /// Complete events, as read.
    Events,
    /// The compressed bytes as they came; events are read on the side.
    Wire,
}

/// Where in the stream its reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Events,
    /// Within an event that is too long: up to its end bytes pass as they come, unread.
    Skipping,
    /// The bytes cannot be decoded, or nothing more may be kept of them: all pass unread.
    Lost,
}

/// What became of some decoded bytes.
#[derive(Default)]
struct Taken {
    output: Vec<u8>,
    terminal: Option<usize>,
    changed: bool,
}

// === impl AnswerStream ===

impl AnswerStream {
    /// The start of a stream.
    pub fn new(settings: StreamSettings) -> AnswerStream {
        let output = match (settings.coding, settings.strip_logprobs) {
            (Coding::Identity, _) => Output::Events,
            (coding, true) if coding.streams() => Output::Events,
            _ => Output::Wire,
        };
        AnswerStream {
            settings,
            output,
            decoder: (settings.coding != Coding::Identity).then(|| Decoder::new(settings.coding)),
            framer: Framer::new(settings.framing),
            place: Place::Events,
            room: usize::MAX,
            told: false,
            answer: Answer::new(settings.status),
            progress: Step::GoesOn,
            frames: 0,
            data_events: 0,
        }
    }

    /// Bytes that are kept: of an event that is not complete, of what was read, and to decode.
    pub fn kept_bytes(&self) -> usize {
        self.framer.kept().len() + self.held_bytes()
    }

    /// From here on at most so many bytes of events, answer and window are kept; what would be more
    /// is not read.
    pub fn keep_at_most(&mut self, bytes: usize) {
        self.room = bytes;
    }

    /// Takes one chunk of wire bytes, as they came.
    pub fn push(&mut self, chunk: &[u8]) -> Pushed {
        let kept_before = self.framer.kept().len();
        let mut taken = self.decode(chunk);
        let untouched = kept_before == 0 && self.framer.kept().is_empty() && !taken.changed;
        let same = self.settings.coding == Coding::Identity && untouched;
        if taken.terminal.is_some() && self.settings.coding == Coding::Identity {
            // Nothing stays behind the terminal event: from here on all is held as it comes, and
            // read on the side.
            taken.output.extend_from_slice(self.framer.kept());
            let pushed = self.pushed(taken, same);
            self.output = Output::Wire;
            return pushed;
        }
        self.pushed(taken, same)
    }

    /// The end of the stream: bytes still kept back, to be sent on. A last event without its
    /// blank line is still read.
    pub fn finish(&mut self) -> Pushed {
        // Behind the terminal event only the coding's own trailer is missing, which may still be on
        // its way.
        let ended = self.progress == Step::Ends;
        let coding_ended = self.decoder.as_ref().map_or(Ok(()), Decoder::finish);
        if let (Err(unread), false) = (coding_ended, ended) {
            self.answer.note(Some(unread));
        }
        let tail = self.framer.finish();
        let mut taken = Taken::default();
        if self.data_events == 0 && tail.trim_ascii_start().starts_with(b"{") {
            self.take_whole(&tail, &mut taken);
        } else if !tail.is_empty() {
            self.take_frame(&tail, &mut taken);
        }
        self.pushed(taken, tail.is_empty())
    }

    /// What was read so far. Before the terminal event that is an unfinished answer, and
    /// `unread` says so.
    pub fn reading(&self) -> AnswerReading {
        let mut reading = self.answer.reading();
        let open = self.progress == Step::GoesOn;
        if reading.unread.is_none() && open && !reading.facts.error {
            reading.unread = Some(Unread::NoTerminator);
        }
        reading
    }

    /// `same`: what passes on is the chunk itself.
    fn pushed(&self, taken: Taken, same: bool) -> Pushed {
        let ended = self.progress == Step::Ends;
        match self.output {
            Output::Wire => Pushed {
                replacement: None,
                terminal: taken.terminal.map(|_| Terminal::Somewhere),
                ended,
            },
            Output::Events => Pushed {
                replacement: (!same).then_some(taken.output),
                terminal: taken.terminal.map(Terminal::At),
                ended,
            },
        }
    }

    /// Events before bytes that are broken are read, in whichever chunk those come.
    fn decode(&mut self, chunk: &[u8]) -> Taken {
        let Some(decoder) = &mut self.decoder else {
            return self.take(chunk);
        };
        match decoder.push(chunk) {
            Ok(decoded) => self.take(&decoded),
            Err(unread) => {
                let salvaged = decoder.salvaged();
                let mut taken = self.take(&salvaged);
                self.lose(unread, &mut taken);
                taken.output.extend_from_slice(&self.framer.finish());
                taken
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Taken {
        let mut taken = Taken::default();
        self.lose_what_does_not_fit(&mut taken);
        if self.place == Place::Lost {
            taken.output.append(&mut self.framer.finish());
            taken.output.extend_from_slice(bytes);
            return taken;
        }
        let complete = self.framer.push(bytes);
        taken.output.reserve(complete.bytes.len());
        let mut from = 0;
        for end in complete.ends {
            self.take_frame(complete.bytes.get(from..end).unwrap_or_default(), &mut taken);
            self.lose_what_does_not_fit(&mut taken);
            from = end;
        }
        if self.framer.kept().len() > self.event_bytes_max() && self.place == Place::Events {
            self.skip(&mut taken);
            self.place = Place::Skipping;
        }
        if self.place != Place::Events {
            taken.output.extend_from_slice(&self.framer.finish());
        }
        taken
    }

    fn take_frame(&mut self, frame: &[u8], taken: &mut Taken) {
        let first = self.frames == 0;
        self.frames += 1;
        // An event too long to wait for is too long as well when it comes in one chunk: what is
        // read must not depend on how the network cut it.
        let length = frame.len() - usize::from(frame.ends_with(b"\r\n"));
        let unread = match self.place {
            Place::Events if length > self.event_bytes_max() => {
                self.skip(taken);
                true
            }
            Place::Events => false,
            Place::Skipping => {
                self.place = Place::Events;
                true
            }
            Place::Lost => true,
        };
        if unread {
            taken.output.extend_from_slice(frame);
            return;
        }
        let content = if first { sse::without_bom(frame) } else { frame };
        let event = match self.settings.framing.event(content) {
            Ok(event) => event,
            Err(unread) => {
                self.answer.note(Some(unread));
                self.tell(taken);
                taken.output.extend_from_slice(frame);
                return;
            }
        };
        let Some(data) = event.data else {
            taken.output.extend_from_slice(frame);
            return;
        };
        self.data_events += 1;
        let ended = self.progress == Step::Ends;
        // Of a plain stream later chunks pass as they came, so what is in this one does as well.
        let passes = ended || (self.told && self.settings.coding == Coding::Identity);
        if !ended {
            let step = self.read(event.name, &data, taken);
            self.progress = self.progress.max(step);
        }
        match self.stripped(content, &data).filter(|_| !passes) {
            Some(stripped) => {
                let bom = frame.len() - content.len();
                taken.output.extend_from_slice(frame.get(..bom).unwrap_or_default());
                taken.output.extend_from_slice(stripped.as_bytes());
                taken.changed = true;
            }
            None => taken.output.extend_from_slice(frame),
        }
    }

    /// Reads one event. One that is broken may be the terminal event to a client who takes it.
    fn read(&mut self, name: &str, data: &str, taken: &mut Taken) -> Step {
        let before = self.answer.take_unread();
        let step = self.settings.api.read_event(&mut self.answer, name, data);
        let unread = self.answer.take_unread();
        self.answer.note(before.or(unread));
        let broken = [Unread::MalformedJson, Unread::TooDeep, Unread::DuplicateKey];
        if step != Step::GoesOn || unread.is_some_and(|unread| broken.contains(&unread)) {
            self.tell(taken);
        }
        step
    }

    /// What is passed on from here may be the terminal event.
    fn tell(&mut self, taken: &mut Taken) {
        if !self.told {
            self.told = true;
            taken.terminal = Some(taken.output.len());
        }
    }

    /// The event without logprobs. Only APIs that are asked for them have any to take out, and
    /// those speak in server-sent events.
    fn stripped(&self, event: &[u8], data: &str) -> Option<String> {
        if !self.settings.strip_logprobs || self.settings.framing != Framing::Sse {
            return None;
        }
        let stripped = self.settings.api.strip_text(data)?;
        Some(sse::with_data(std::str::from_utf8(event).ok()?, &stripped))
    }

    /// Providers answer a request for a stream with plain JSON when they refuse it, some under
    /// the content type of a stream.
    fn take_whole(&mut self, body: &[u8], taken: &mut Taken) {
        self.settings.api.read_whole(&mut self.answer, body);
        self.tell(taken);
        self.progress = Step::Ends;
        let stripped = if self.settings.strip_logprobs {
            self.settings.api.strip_logprobs(body)
        } else {
            None
        };
        taken.output = stripped.unwrap_or_else(|| body.to_vec());
    }

    /// Gives up one event; what stands in it stays unknown.
    fn skip(&mut self, taken: &mut Taken) {
        self.answer.note(Some(Unread::Truncated));
        self.tell(taken);
        self.data_events += 1;
    }

    /// Gives up all that is to come. A client who gets the bytes as they came needs no decoder;
    /// one who gets them decoded needs it to the end.
    fn lose(&mut self, unread: Unread, taken: &mut Taken) {
        self.answer.note(Some(unread));
        self.tell(taken);
        self.place = Place::Lost;
        if self.output == Output::Wire {
            self.decoder = None;
        }
    }

    fn lose_what_does_not_fit(&mut self, taken: &mut Taken) {
        if self.place != Place::Lost && self.held_bytes() > self.room {
            self.lose(Unread::Truncated, taken);
        }
    }

    /// What is kept beside an event that is not complete.
    fn held_bytes(&self) -> usize {
        let window = self.decoder.as_ref().map_or(0, Decoder::window_bytes);
        self.answer.kept_bytes() + window
    }

    fn event_bytes_max(&self) -> usize {
        EVENT_BYTES_MAX.min(self.room.saturating_sub(self.held_bytes()))
    }
}
