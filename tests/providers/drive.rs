//! Runs a streamed answer through its reader, cut in any places, and says what came of it.

use governance_filter::llm::content_coding::Coding;
use governance_filter::llm::{
    AnswerReading, AnswerStream, Api, Framing, Pushed, StreamSettings, Terminal,
};

/// What came of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// All bytes passed on.
    pub passed: Vec<u8>,
    /// Where the terminal event starts in them; `usize::MAX` where only its chunk is known.
    pub terminal: Option<usize>,
    /// What was read.
    pub reading: AnswerReading,
}

/// Settings of a plain stream of server-sent events.
pub fn plain(api: Api) -> StreamSettings {
    StreamSettings {
        api,
        framing: Framing::Sse,
        coding: Coding::Identity,
        strip_logprobs: false,
        status: 200,
    }
}

/// `body` in the pieces that `cuts` make.
pub fn run(settings: StreamSettings, body: &[u8], cuts: &[usize]) -> Run {
    run_within(usize::MAX, settings, body, cuts)
}

/// The same where so many bytes may be kept.
pub fn run_within(room: usize, settings: StreamSettings, body: &[u8], cuts: &[usize]) -> Run {
    let mut stream = AnswerStream::new(settings);
    stream.keep_at_most(room);
    let mut run = Run { passed: Vec::new(), terminal: None, reading: AnswerReading::default() };
    let mut from = 0;
    for cut in cuts.iter().copied().chain([body.len()]) {
        let chunk = &body[from..cut];
        from = cut;
        let pushed = stream.push(chunk);
        run.pass(pushed, chunk);
    }
    let pushed = stream.finish();
    run.pass(pushed, b"");
    run.reading = stream.reading();
    run
}

impl Run {
    fn pass(&mut self, pushed: Pushed, chunk: &[u8]) {
        if let Some(terminal) = pushed.terminal {
            assert_eq!(self.terminal, None, "the terminal event is told once");
            self.terminal = Some(match terminal {
                Terminal::At(at) => self.passed.len() + at,
                Terminal::Somewhere => usize::MAX,
            });
        }
        self.passed.extend(pushed.replacement.as_deref().unwrap_or(chunk));
    }
}
