//! The check itself: takes the ledger part by part and keeps of it the right edge of the tree, a
//! few thousand leaves, and what it found.

use std::collections::HashMap;

use tokio_postgres::Row;

use super::chain::Chain;
use super::findings::Finding;
use super::heads::Heads;
use super::held::HeldFile;
use super::months::Months;
use super::page::{Page, Slot};
use super::reviews;
use super::rows::{Fault, Rows};
use super::verdict::{Kind, Verdict};
use crate::ledger::LeafKind;
use crate::ledger::note::VerifierKey;
use crate::ledger::sequence::{NODE_LEVEL_MIN, split_hashes};
use crate::ledger::tree::{Frontier, Hash, Node};
use crate::store::audit::{Part, Run, Start, Total, table_of};

/// What is known so far.
pub struct Checker {
    trusted: Vec<VerifierKey>,
    rows: Rows,
    page: Page,
    months: Months,
    tree: Frontier,
    heads: Heads,
    /// As `ai_ledger_head` has it.
    head: (u64, Option<Frontier>),
    /// Indices leave something out, so there is no tree any more.
    broken: bool,
    /// All parts came.
    complete: bool,
    /// Of the page.
    found: Vec<Finding>,
    verdict: Verdict,
}

// === impl Checker ===

impl Checker {
    /// Trusts the keys, and holds the checkpoints against the tree.
    pub fn new(trusted: Vec<VerifierKey>, held: Vec<HeldFile>) -> Checker {
        Checker {
            trusted,
            rows: Rows::new(Vec::new()),
            page: Page::default(),
            months: Months::default(),
            tree: Frontier::default(),
            heads: Heads::new(held),
            head: (0, None),
            broken: false,
            complete: false,
            found: Vec::new(),
            verdict: Verdict::default(),
        }
    }

    /// How many leaves there should be.
    pub fn expected(&self) -> u64 {
        self.head.0
    }

    /// Takes the next part; an error is a checkpoint that is of no use here.
    pub fn take(&mut self, part: Part) -> Result<(), String> {
        match part {
            Part::Start(start) => self.start(start)?,
            Part::Runs(runs) => self.runs(runs),
            Part::Rows(kind, rows) => rows.iter().for_each(|row| self.row(kind, row)),
            Part::Checkpoints(checkpoints) => self.checkpoints(&checkpoints),
            Part::End(nodes) => self.end(&nodes)?,
            Part::Reviews(all) => {
                self.found.extend(all.iter().filter_map(reviews::check));
                self.settle();
            }
            Part::Orphaned(ids) => self.found.extend(ids.iter().map(|id| reviews::orphaned(id))),
            Part::Totals(totals) => self.totals(totals),
        }
        Ok(())
    }

    /// What came of it. Where not all of it came, nothing is said of the end.
    pub fn finish(mut self) -> Result<Verdict, String> {
        let size = self.tree.size();
        if self.complete {
            self.check_end(size)?;
        }
        self.settle();
        self.settle_months();
        self.verdict.tree_size = size;
        self.heads.report(&mut self.verdict);
        Ok(self.verdict)
    }

    fn check_end(&mut self, size: u64) -> Result<(), String> {
        let (kept, frontier) = &self.head;
        let same = *kept == size && frontier.as_ref() == Some(&self.tree);
        if !self.broken && !same {
            self.found.push(Finding::whole(format!(
                "ai_ledger_head is of {kept} leaves and not of the {size} that there are, or its \
                 hashes are not theirs"
            )));
        }
        self.found.extend(self.heads.finish(size)?);
        Ok(())
    }

    fn start(&mut self, start: Start) -> Result<(), String> {
        let (chain, findings) = Chain::read(&start.keys, &self.trusted);
        self.found.extend(findings);
        self.found.extend(self.heads.start(chain)?);
        self.settle();
        let size = u64::try_from(start.size).unwrap_or_default();
        let roots = split_hashes(&start.frontier);
        self.head = (size, roots.and_then(|roots| Frontier::from_parts(size, roots)));
        self.rows = Rows::new(start.policies);
        self.months = Months::new(start.partitions);
        self.verdict.read_at = Some(start.at);
        Ok(())
    }

    fn runs(&mut self, runs: Vec<Run>) {
        let (page, broken) = Page::of(runs);
        self.page = page;
        for (index, what) in broken {
            self.broken = true;
            self.found.push(Finding { index, record: None, what });
        }
    }

    fn row(&mut self, kind: LeafKind, row: &Row) {
        self.verdict.checked += 1;
        let reference = self.rows.reference(kind, row);
        let (rows, found) = (&mut self.rows, &mut self.found);
        let erasing = &mut self.verdict.erasing;
        self.page.find(kind, reference, |slot| {
            slot.seen = true;
            match rows.check(kind, row, &slot.hash, slot.index) {
                Ok(()) => {
                    if let Some(since) = rows.unfinished_erasure(kind, row) {
                        erasing.add(since, &slot.reference);
                    }
                }
                Err(fault) => found.push(finding(slot, &fault)),
            }
        });
    }

    fn checkpoints(&mut self, checkpoints: &[(i64, String)]) {
        let reach = self.tree.size() + self.page.slots.len() as u64;
        self.found.extend(self.heads.signed(checkpoints, reach, self.broken));
        if self.page.slots.is_empty() {
            self.settle();
        }
    }

    fn end(&mut self, nodes: &[(Node, Hash)]) -> Result<(), String> {
        let mut completed = Vec::new();
        for slot in std::mem::take(&mut self.page).slots {
            let table = table_of(slot.kind);
            if !slot.seen && !self.months.take(&slot, table) {
                self.found.push(finding(&slot, &Fault::Missing(table)));
            }
            let Some(index) = slot.index else {
                self.verdict.pending += 1;
                self.heads.waits(&slot);
                continue;
            };
            if self.broken {
                continue;
            }
            let size = self.tree.size();
            if index != size {
                self.broken = true;
                self.found.push(gap(size, index));
                continue;
            }
            self.tree.push(slot.hash, |node, hash| {
                if node.level >= NODE_LEVEL_MIN {
                    completed.push((node, *hash));
                }
            });
            self.found.extend(self.heads.pushed(&self.tree, &slot)?);
        }
        let kept: HashMap<Node, Hash> = nodes.iter().copied().collect();
        for (node, hash) in completed {
            if kept.get(&node) != Some(&hash) {
                self.found.push(Finding {
                    index: Some(node.first()),
                    record: None,
                    what: format!(
                        "the subtree over the leaves {} to {} is not kept as they make it",
                        node.first(),
                        node.end() - 1
                    ),
                });
            }
        }
        self.settle();
        Ok(())
    }

    fn totals(&mut self, totals: Vec<Total>) {
        self.complete = true;
        self.settle_months();
        for total in totals {
            let Total { kind, rows, leaves, without_leaf, repeated } = total;
            self.verdict.kinds.push(Kind { kind, rows, leaves });
            let none = "its row was inserted past the triggers, or its leaf was removed";
            for id in without_leaf {
                self.found.push(Finding::of(None, kind, &id, none.to_owned()));
            }
            for id in repeated {
                let what = "it has more than one leaf".to_owned();
                self.found.push(Finding::of(None, kind, &id, what));
            }
        }
        self.settle();
    }

    /// Files the months that are missing, which are only known behind the last leaf.
    fn settle_months(&mut self) {
        for finding in self.months.findings() {
            self.verdict.findings.insert(finding);
        }
    }

    /// Files what was found, in the order of the ledger.
    fn settle(&mut self) {
        self.found.sort_by_key(|finding| finding.index.unwrap_or(u64::MAX));
        self.found.drain(..).for_each(|finding| self.verdict.findings.push(finding));
    }
}

fn finding(slot: &Slot, fault: &Fault) -> Finding {
    Finding::of(slot.index, slot.kind, &slot.reference, fault.to_string())
}

fn gap(size: u64, index: u64) -> Finding {
    let what = if index == u64::MAX {
        "a leaf stands in front of the first".to_owned()
    } else if index > size {
        format!("the leaves {size} to {} are not in ai_ledger_leaves", index - 1)
    } else {
        format!("leaf {index} comes again behind leaf {}", size.saturating_sub(1))
    };
    Finding { index: Some(size.min(index)), record: None, what }
}
