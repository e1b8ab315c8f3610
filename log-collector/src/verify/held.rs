//! Checkpoints that were kept elsewhere, from files of any length. They are taken in the order of
//! their sizes, in which the collector prints them, and only so many are kept in memory as logs
//! of several replicas can be out of order.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;

use super::chain::{Chain, Signed};
use super::findings::Finding;
use crate::ledger::note::{Checkpoint, NOTE_BYTES_MAX};
use crate::ledger::tree::Hash;

/// Hours of checkpoints.
const AHEAD_MAX: usize = 8_192;

/// A note as JSON. A longer line holds something else.
const LINE_BYTES_MAX: u64 = 2 * NOTE_BYTES_MAX as u64;

/// A file with one checkpoint or many.
pub struct HeldFile {
    place: String,
    reader: Box<dyn BufRead + Send>,
    /// Was read to see whether there is any.
    first: Option<String>,
    ahead: BTreeMap<Key, Signed>,
}

/// All files.
pub struct Held {
    files: Vec<HeldFile>,
    /// Of each file so many are kept.
    ahead_max: usize,
    /// Size of the next to come.
    next: Option<u64>,
    /// The last that was taken.
    last: Option<Key>,
    taken: usize,
    strangers: u64,
}

/// Size and head.
type Key = (u64, Hash);

/// A line as the collector prints it.
#[derive(Deserialize)]
struct Line {
    checkpoint: String,
}

// === impl HeldFile ===

impl HeldFile {
    /// Opens a file; `-` is standard input. An error is one without a checkpoint.
    pub fn open(file: &Path) -> Result<HeldFile, String> {
        let place = format!("--checkpoint: `{}`", file.display());
        if file == Path::new("-") {
            return HeldFile::new(place, Box::new(BufReader::new(std::io::stdin())));
        }
        match File::open(file) {
            Ok(file) => HeldFile::new(place, Box::new(BufReader::new(file))),
            Err(error) => Err(format!("{place}: {error}")),
        }
    }

    /// A bare note, or lines of which some are `{"checkpoint":"…"}`.
    pub fn new(place: String, reader: Box<dyn BufRead + Send>) -> Result<HeldFile, String> {
        let mut file = HeldFile { place, reader, first: None, ahead: BTreeMap::new() };
        let mut text = String::new();
        while let Some(line) = file.line()? {
            file.first = note_in(&line);
            if file.first.is_some() {
                return Ok(file);
            }
            if text.len() <= NOTE_BYTES_MAX {
                text += &line;
            }
        }
        if !text.contains("\n\n") {
            return Err(file.problem(&"there is no checkpoint in it"));
        }
        file.first = Some(text);
        Ok(file)
    }

    fn note(&mut self) -> Result<Option<String>, String> {
        if self.first.is_some() {
            return Ok(self.first.take());
        }
        while let Some(line) = self.line()? {
            let note = note_in(&line);
            if note.is_some() {
                return Ok(note);
            }
        }
        Ok(None)
    }

    /// The next line, or the start of one that is too long.
    fn line(&mut self) -> Result<Option<String>, String> {
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes);
        read.map_err(|error| self.problem(&error))?;
        if !bytes.ends_with(b"\n") {
            self.reader.skip_until(b'\n').map_err(|error| self.problem(&error))?;
        }
        Ok((!bytes.is_empty()).then(|| String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn problem(&self, problem: &dyn std::fmt::Display) -> String {
        format!("{}: {problem}", self.place)
    }
}

// === impl Held ===

impl Held {
    /// Of these files.
    pub fn new(files: Vec<HeldFile>) -> Held {
        Held { files, ahead_max: AHEAD_MAX, next: None, last: None, taken: 0, strangers: 0 }
    }

    /// There is one of this size.
    pub fn is_at(&self, size: u64) -> bool {
        self.next == Some(size)
    }

    /// How many were taken, each counted once.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// The next one, and what was found of those that were read meanwhile.
    pub fn take(&mut self, chain: &Chain) -> Result<(Option<Signed>, Vec<Finding>), String> {
        let key = self.files.iter().filter_map(|file| file.ahead.keys().next()).min().copied();
        let Some(key) = key else { return Ok((None, Vec::new())) };
        let found: Vec<Signed> =
            self.files.iter_mut().filter_map(|file| file.ahead.remove(&key)).collect();
        self.last = Some(key);
        self.taken += 1;
        let findings = self.read(chain)?;
        Ok((found.into_iter().next(), findings))
    }

    /// Reads on. An error is a checkpoint of something else.
    pub fn read(&mut self, chain: &Chain) -> Result<Vec<Finding>, String> {
        let mut findings = Vec::new();
        for file in &mut self.files {
            while file.ahead.len() < self.ahead_max
                && let Some(note) = file.note()?
            {
                let signed = match chain.open(&note) {
                    Some(signed) if signed.trusted => signed,
                    other => {
                        let finding = stranger(chain, &note, other.as_ref());
                        let finding = finding.map_err(|problem| file.problem(&problem))?;
                        // The first says enough.
                        if self.strangers == 0 {
                            findings.push(finding);
                        }
                        self.strangers += 1;
                        continue;
                    }
                };
                let key = (signed.checkpoint.size, signed.checkpoint.root);
                let last = self.last.map_or(0, |(size, _)| size);
                if key.0 < last {
                    return Err(file.problem(&format!(
                        "its checkpoints are not in order: one of {} leaves stands far behind one \
                         of {last}; give each log with a --checkpoint of its own",
                        key.0
                    )));
                }
                // None is of an empty tree but one that was made up.
                if self.last != Some(key) && key.0 > 0 {
                    file.ahead.insert(key, signed);
                }
            }
        }
        let first = |file: &HeldFile| file.ahead.keys().next().map(|(size, _)| *size);
        self.next = self.files.iter().filter_map(first).min();
        Ok(findings)
    }

    /// Says how many were not believed, beyond the one that was named.
    pub fn finish(&self) -> Option<Finding> {
        let others = self.strangers.checked_sub(1).filter(|others| *others > 0)?;
        Some(Finding::whole(format!(
            "{others} more checkpoints held elsewhere are signed by none of the ledger's keys, or \
             by one from before the trusted one"
        )))
    }
}

fn note_in(line: &str) -> Option<String> {
    let line = Some(line).filter(|line| line.trim_start().starts_with('{'))?;
    serde_json::from_str::<Line>(line).ok().map(|line| line.checkpoint)
}

/// Of one that no trusted key signed.
fn stranger(chain: &Chain, note: &str, signed: Option<&Signed>) -> Result<Finding, String> {
    if let Some(signed) = signed {
        return Ok(Finding::whole(format!(
            "the checkpoint of {} leaves held elsewhere is signed by a key from before the trusted \
             one",
            signed.checkpoint.size
        )));
    }
    let text = note.split_once("\n\n").map_or(note, |(text, _)| text);
    match Checkpoint::parse(text) {
        Ok(checkpoint) if chain.knows(&checkpoint.origin) => Ok(Finding::whole(format!(
            "the checkpoint of {} leaves held elsewhere is signed by none of the ledger's keys",
            checkpoint.size
        ))),
        Ok(_) => Err("the checkpoint is of another ledger".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
