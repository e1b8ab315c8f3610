//! One pass over a text, for all detectors: its digit groups, its codes, the cues among its words,
//! and how much it speaks of each topic. A word is ASCII letters and digits; what else there is
//! stands between words.

use super::numbers::{Group, Separator};
use super::terms::{Cue, Index, Meaning};
use super::vocabulary::Topic;

/// Bytes from which on a word may be a key by itself: an AWS access key's id has 20.
const LONG_BYTES: usize = 16;

/// Longest word that is looked into for the words it is made of.
const CAMEL_BYTES_MAX: usize = 40;

/// From here on scripts write words without blanks between them, so that a letter beside a number
/// says nothing: CJK and what follows it in Unicode.
pub(super) const UNSPACED: char = '\u{2e80}';

/// What one pass over a text found.
pub(super) struct Reading<'a> {
    pub(super) text: &'a str,
    /// Digit groups, in order. A group whose separator is `None` starts a run.
    pub(super) groups: Vec<Group>,
    /// Words of letters and digits mixed, in order.
    pub(super) codes: Vec<Word>,
    /// Words of [`LONG_BYTES`] or more, in order.
    pub(super) long: Vec<Word>,
    /// Cues, in the order of their ends.
    pub(super) cues: Vec<FoundCue>,
    /// Where the signs stand that addresses have in their midst.
    pub(super) at_signs: Vec<usize>,
    pub(super) colons: Vec<usize>,
    healthcare: u32,
    financial: u32,
}

/// A word: byte offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A cue and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FoundCue {
    /// Of its last word.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) cue: Cue,
}

/// The pass under way.
struct Pass<'a> {
    reading: Reading<'a>,
    index: &'static Index,
    /// Which terms of a topic were met, a bit each: a word said twice is one reason, not two.
    met: Vec<u64>,
    before: Word,
    second_before: Word,
}

/// `mark` beside a number makes both one word.
pub(super) fn ties(mark: char) -> bool {
    mark.is_alphanumeric() && mark < UNSPACED
}

// === impl Reading ===

impl<'a> Reading<'a> {
    pub(super) fn of(text: &'a str) -> Reading<'a> {
        let mut pass = Pass::new(text);
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => at = pass.word(bytes, at),
                b'@' => {
                    pass.reading.at_signs.push(at);
                    at += 1;
                }
                b':' => {
                    pass.reading.colons.push(at);
                    at += 1;
                }
                _ => at += 1,
            }
        }
        pass.reading
    }

    /// Groups that follow each other closely, a slice each.
    pub(super) fn runs(&self) -> impl Iterator<Item = &[Group]> {
        self.groups.chunk_by(|_, next| next.separator != Separator::None)
    }

    /// Points for health and for finance.
    pub(super) fn points(&self, topic: Topic) -> u32 {
        match topic {
            Topic::Healthcare => self.healthcare,
            Topic::Financial => self.financial,
        }
    }

    /// A cue that `wanted` takes ends at most `reach` bytes before `start`.
    pub(super) fn cued(&self, start: usize, reach: usize, wanted: impl Fn(Cue) -> bool) -> bool {
        let until = self.cues.partition_point(|cue| cue.end <= start);
        let before = self.cues.get(..until).unwrap_or_default();
        let near = before.iter().rev().take_while(|cue| start - cue.end <= reach);
        near.map(|found| found.cue).any(wanted)
    }

    /// No letter, digit or underscore stands right before `start`.
    pub(super) fn opens(&self, start: usize) -> bool {
        let before = self.text.get(..start).and_then(|before| before.chars().next_back());
        !before.is_some_and(|mark| ties(mark) || mark == '_')
    }

    /// No letter, digit or underscore stands right behind `end`.
    pub(super) fn closes(&self, end: usize) -> bool {
        let after = self.text.get(end..).and_then(|after| after.chars().next());
        !after.is_some_and(|mark| ties(mark) || mark == '_')
    }
}

// === impl Pass ===

impl<'a> Pass<'a> {
    fn new(text: &'a str) -> Pass<'a> {
        let index = Index::get();
        let reading = Reading {
            text,
            groups: Vec::new(),
            codes: Vec::new(),
            long: Vec::new(),
            cues: Vec::new(),
            at_signs: Vec::new(),
            colons: Vec::new(),
            healthcare: 0,
            financial: 0,
        };
        let met = vec![0; index.len() / 64 + 1];
        Pass { reading, index, met, before: Word::default(), second_before: Word::default() }
    }

    /// Takes the word that starts at `start` and says where it ends.
    fn word(&mut self, bytes: &[u8], start: usize) -> usize {
        let rest = bytes.get(start..).unwrap_or_default();
        let mut length = 0;
        let mut digits = 0;
        for byte in rest {
            let is_digit = byte.is_ascii_digit();
            if !is_digit && !byte.is_ascii_alphabetic() {
                break;
            }
            length += 1;
            digits += usize::from(is_digit);
        }
        let word = Word { start, end: start + length };
        if digits > 0 {
            if rest.first().is_some_and(u8::is_ascii_digit) {
                // Of `2671x22` the number is a telephone's and the rest its extension.
                let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                self.group(start, start + digits);
            }
            if digits < length {
                self.reading.codes.push(word);
            }
        }
        if length >= LONG_BYTES {
            self.reading.long.push(word);
        }
        let mut from = start;
        // `dateOfBirth` is three words.
        for at in 1..length.min(CAMEL_BYTES_MAX) {
            if let Some([b'a'..=b'z', b'A'..=b'Z']) = rest.get(at - 1..at + 1) {
                self.term(bytes, Word { start: from, end: start + at }, word);
                from = start + at;
            }
        }
        self.term(bytes, Word { start: from, end: word.end }, word);
        if from > start {
            // As one word it may be a term as well: `ApiKey`, and a key's first letters.
            (self.before, self.second_before) = (Word::default(), Word::default());
            self.term(bytes, word, word);
        }
        word.end
    }

    fn group(&mut self, start: usize, end: usize) {
        let before = self.reading.groups.last();
        let between = before.and_then(|before| self.reading.text.get(before.end..start));
        let separator = between.and_then(Separator::parse).unwrap_or(Separator::None);
        self.reading.groups.push(Group { start, end, separator });
    }

    /// Looks for terms that end in `word`, which is a part of `whole`.
    fn term(&mut self, bytes: &[u8], word: Word, whole: Word) {
        let of = |word: Word| bytes.get(word.start..word.end).unwrap_or_default();
        let (last, before, second_before) = (of(word), of(self.before), of(self.second_before));
        let (reading, met) = (&mut self.reading, &mut self.met);
        self.index.ending_in(last, before, second_before, |number, length, meaning| {
            // In `hépatite` the letters behind the accent are no word of their own.
            if !reading.is_free(whole) {
                return;
            }
            match meaning {
                Meaning::Cue(cue) => {
                    let end = word.start + length;
                    reading.cues.push(FoundCue { start: word.start, end, cue });
                }
                Meaning::Topic(topic, points) => {
                    let Some(bits) = met.get_mut(number / 64) else { return };
                    let bit = 1 << (number % 64);
                    if *bits & bit == 0 {
                        *bits |= bit;
                        reading.add(topic, points);
                    }
                }
            }
        });
        (self.second_before, self.before) = (self.before, word);
    }
}

impl Reading<'_> {
    fn add(&mut self, topic: Topic, points: u32) {
        match topic {
            Topic::Healthcare => self.healthcare += points,
            Topic::Financial => self.financial += points,
        }
    }

    /// No letter or digit beyond ASCII is part of the word.
    fn is_free(&self, word: Word) -> bool {
        let before = self.text.get(..word.start).and_then(|before| before.chars().next_back());
        let after = self.text.get(word.end..).and_then(|after| after.chars().next());
        !before.is_some_and(ties) && !after.is_some_and(ties)
    }
}
