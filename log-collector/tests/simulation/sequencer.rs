//! Replicas of the sequencer, and what has left the database: each locks the head, moves what is
//! pending behind it, commits, and publishes a checkpoint of a committed head. It may die between
//! any two of these.

use log_collector::ledger::tree::{Frontier, Hash, consistency_path, is_consistent};

use crate::Flaw;
use crate::database::{Database, Leaf};
use crate::journal::Journal;
use crate::random::Random;

/// One replica.
#[derive(Default)]
pub enum Sequencer {
    #[default]
    Idle,
    /// It holds the head's lock and has read what is pending.
    Locked { head: Frontier, batch: Vec<(u64, Leaf)> },
    /// It has read a head, to be published.
    Signed { size: u64, root: Hash },
}

/// Checkpoints that have left the database.
#[derive(Default)]
pub struct Published {
    pub checkpoints: Vec<(u64, Hash)>,
    /// Of a sequencer that goes by the ids it saw last.
    pub watermark: u64,
}

// === impl Sequencer ===

impl Sequencer {
    pub fn step(
        &mut self,
        replica: usize,
        database: &mut Database,
        published: &mut Published,
        random: &mut Random,
        journal: &Journal,
    ) {
        *self = match std::mem::take(self) {
            Sequencer::Idle if random.one_in(3) => {
                let head = &database.frontier;
                Sequencer::Signed { size: head.size(), root: head.root() }
            }
            Sequencer::Idle => Sequencer::lock(replica, database, published, random, journal),
            Sequencer::Locked { head, batch } => {
                journal.note("sequenced", || format!("{} at {}", batch.len(), head.size()));
                database.append(&batch, &head);
                if database.head_locked_by == Some(replica) {
                    database.head_locked_by = None;
                }
                Sequencer::Idle
            }
            Sequencer::Signed { size, root } => {
                journal.note("checkpoint", || size.to_string());
                published.publish((size, root), database);
                Sequencer::Idle
            }
        };
    }

    /// The replica dies, or its connection does: Postgres rolls back and unlocks.
    pub fn crash(&mut self, replica: usize, database: &mut Database) {
        if database.head_locked_by == Some(replica) {
            database.head_locked_by = None;
        }
        *self = Sequencer::Idle;
    }

    pub fn is_idle(&self) -> bool {
        matches!(self, Sequencer::Idle)
    }

    fn lock(
        replica: usize,
        database: &mut Database,
        published: &mut Published,
        random: &mut Random,
        journal: &Journal,
    ) -> Sequencer {
        if database.head_locked_by.is_some() && database.flaw != Some(Flaw::SequencesUnlocked) {
            journal.note("head is locked", || replica.to_string());
            return Sequencer::Idle;
        }
        let mut batch = database.pending(*random.pick(&[1, 5, 1_000]));
        if database.flaw == Some(Flaw::SequencesByWatermark) {
            batch.retain(|(id, _)| *id >= published.watermark);
            published.watermark = batch.last().map_or(published.watermark, |(id, _)| id + 1);
        }
        if batch.is_empty() {
            return Sequencer::Idle;
        }
        database.head_locked_by = Some(replica);
        let head = database.frontier.clone();
        if database.flaw != Some(Flaw::PublishesBeforeCommit) {
            return Sequencer::Locked { head, batch };
        }
        let mut grown = head.clone();
        batch.iter().for_each(|(_, leaf)| grown.push(leaf.hash, |_, _| {}));
        published.checkpoints.push((grown.size(), grown.root()));
        Sequencer::Locked { head, batch }
    }
}

// === impl Published ===

impl Published {
    fn publish(&mut self, checkpoint: (u64, Hash), database: &Database) {
        if !self.checkpoints.contains(&checkpoint) {
            self.checkpoints.push(checkpoint);
            self.check(2, database);
        }
    }

    /// Checkpoints that left, the newest so many of them, begin the tree as it is now.
    pub fn check(&self, newest: usize, database: &Database) {
        let hashes: Vec<Hash> = database.leaves.iter().map(|leaf| leaf.hash).collect();
        let now = (database.frontier.size(), database.frontier.root());
        assert_eq!(now.0 as usize, hashes.len(), "indices have a gap");
        assert_eq!(now.1, root(&hashes), "the head is not that of the leaves");
        for old in self.checkpoints.iter().rev().take(newest) {
            let proof: Option<Vec<Hash>> = consistency_path(old.0, now.0).map(|path| {
                let range = |(first, end): (u64, u64)| &hashes[first as usize..end as usize];
                path.into_iter().map(|part| root(range(part))).collect()
            });
            let consistent = proof.is_some_and(|proof| is_consistent(*old, now, &proof));
            assert!(consistent, "a checkpoint of {} is no beginning of {}", old.0, now.0);
        }
    }

    /// What a restored database cannot know.
    pub fn forget_after(&mut self, size: u64) {
        self.checkpoints.retain(|(published, _)| *published <= size);
    }
}

fn root(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    leaves.iter().for_each(|leaf| frontier.push(*leaf, |_, _| {}));
    frontier.root()
}
