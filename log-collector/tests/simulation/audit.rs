//! The end of a run: the network heals, everything drains, and the books are compared.

use std::collections::BTreeSet;

use governance_filter::record::Kind;
use log_collector::ledger::LeafKind;

use crate::gateway::leaf_kind;
use crate::sequencer::Sequencer;
use crate::world::World;

/// Rounds after which whatever can drain has drained; with their 100 ms each far less than the
/// outbox's horizon.
const ROUNDS_MAX: usize = 1_500;

// === impl World ===

impl World {
    /// Lets everything come to its end, and compares what there is with what there must be.
    pub fn settle(&mut self) {
        self.calm_down();
        let rounds = (0..ROUNDS_MAX).find(|_| self.round());
        assert!(rounds.is_some(), "the outbox does not drain: {} lines", self.waiting());
        let orphans = std::mem::take(&mut self.orphans);
        for orphan in orphans {
            orphan.end(&mut self.database, &mut self.random, self.now_ms);
        }
        for replica in 0..self.collectors.len() {
            self.collectors[replica].watched(true, self.now_ms);
        }
        self.pass(self.close_after_ms);
        for _ in 0..4 {
            (0..self.collectors.len()).for_each(|replica| self.close(replica));
        }
        self.drain_ledger();
        self.audit_lines();
        self.audit_decisions();
        self.audit_leaves();
    }

    /// Everybody has a turn; true once nothing is left to do.
    fn round(&mut self) -> bool {
        self.pass(100);
        for at in 0..self.gateways.len() {
            let contexts: Vec<u32> = self.gateways[at].streams.keys().copied().collect();
            for context in contexts {
                self.at(at, |gateway, random, scene| gateway.step(context, random, false, scene));
            }
            self.at(at, |gateway, random, scene| gateway.tick(random, scene));
            self.pump(at);
        }
        for _ in 0..2 {
            for at in (0..self.network.transits.len()).rev() {
                if at < self.network.transits.len() {
                    self.move_transit(at);
                }
            }
            for replica in 0..self.collectors.len() {
                self.write(replica);
                self.write(replica);
            }
        }
        let gateways = &self.gateways;
        self.network.sweep(|token| gateways.iter().any(|one| one.calls.contains_key(&token)));
        let streams = self.gateways.iter().map(|gateway| gateway.streams.len()).sum::<usize>();
        let idle = self.collectors.iter().all(|collector| collector.is_idle());
        self.waiting() + streams == 0 && idle && self.network.transits.is_empty()
    }

    fn waiting(&self) -> usize {
        self.gateways.iter().map(|gateway| gateway.outbox.len()).sum()
    }

    fn drain_ledger(&mut self) {
        // Replicas go on racing.
        for _ in 0..5_000 {
            let idle = self.sequencers.iter().all(Sequencer::is_idle);
            if self.database.pending_is_empty() && idle {
                break;
            }
            let replica = self.random.below(self.sequencers.len());
            self.sequence(replica);
        }
        self.published.check(usize::MAX, &self.database);
    }

    /// Every line that an outbox took and that lives is committed, or was given up for a reason.
    fn audit_lines(&self) {
        for gateway in &self.gateways {
            for taken in gateway.unsettled(&self.database) {
                let line = &taken.line;
                panic!("lost without a reason: {:?} {}", line.kind, line.decision_id);
            }
            for reason in gateway.taken.iter().filter_map(|taken| taken.may_go) {
                self.journal.note(reason, || gateway.number.to_string());
            }
        }
    }

    /// One row a decision, of the very bytes that were sent; none without an end.
    fn audit_decisions(&self) {
        let all = self.gateways.iter().chain(&self.dead).flat_map(|gateway| &gateway.taken);
        let lines = all.map(|taken| &taken.line);
        let lines: BTreeSet<_> = lines
            .map(|line| (leaf_kind(line.kind), line.decision_id.as_str(), line.digest.as_str()))
            .collect();
        for ((kind, id), row) in self.database.rows() {
            let sent = |kind: LeafKind| lines.contains(&(kind, id.as_str(), row.digest.as_str()));
            let outcome = || self.database.row(LeafKind::Outcome, id);
            match kind {
                LeafKind::Intent => {
                    assert!(sent(*kind), "an intent nobody sent: {id}");
                    assert!(outcome().is_some(), "an intent without an end: {id}");
                }
                LeafKind::LateOutcome => {
                    self.journal.note("late outcome", || id.clone());
                    let closed = outcome().is_some_and(|row| row.closed_unknown);
                    assert!(closed && sent(LeafKind::Outcome), "late for nothing: {id}");
                }
                LeafKind::Outcome | LeafKind::Delivery => {
                    assert!(row.closed_unknown || sent(*kind), "nobody sent this: {id}");
                }
                _ => {}
            }
        }
        for gateway in &self.gateways {
            let taken =
                gateway.taken.iter().map(|taken| (taken.line.kind, &taken.line.decision_id));
            let no_room = gateway.no_room.iter().map(|(kind, id)| (*kind, id));
            let made = taken.chain(no_room).filter(|(kind, _)| *kind == Kind::Outcome);
            let made: BTreeSet<_> = made.map(|(_, id)| id.clone()).collect();
            let without = gateway.called.difference(&made).next();
            assert_eq!(without, None, "the provider was called, and no outcome was made");
        }
    }

    /// One leaf a record, and no other.
    fn audit_leaves(&self) {
        assert!(self.database.pending_is_empty(), "records that never get an index");
        let leaves: BTreeSet<_> = self.database.leaves.iter().map(|leaf| &leaf.reference).collect();
        let records: BTreeSet<_> = self.database.rows().map(|(reference, _)| reference).collect();
        assert_eq!(leaves.len(), self.database.leaves.len(), "two leaves of a record");
        assert_eq!(leaves, records, "leaves are not the records");
    }
}
