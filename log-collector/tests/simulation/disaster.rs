//! What dies, and what comes back.

use crate::world::World;

// === impl World ===

impl World {
    pub fn disaster(&mut self) {
        if self.comes_back() {
            return;
        }
        let replica = self.random.below(self.collectors.len());
        match self.random.below(16) {
            0 if self.weather.kills => {
                self.journal.note("database away", String::new);
                self.database_answers = false;
            }
            1 if self.weather.kills => self.crash(replica),
            2 if self.weather.kills => {
                let at = self.random.below(self.gateways.len());
                self.journal.note("gateway died", || self.gateways[at].number.to_string());
                self.dead.push(self.gateways.swap_remove(at));
                self.add_gateway();
            }
            3 => self.sequencers[replica].crash(replica, &mut self.database),
            4..7 if self.weather.restores => self.restore(),
            _ => {}
        }
    }

    /// Something that was away is there again, or a transaction without an owner ends.
    fn comes_back(&mut self) -> bool {
        let replica = self.random.below(self.collectors.len());
        if !self.database_answers {
            self.database_answers = self.random.one_in(2);
        } else if !self.collectors[replica].up {
            self.collectors[replica].up = self.random.one_in(2);
        } else if !self.orphans.is_empty() {
            let at = self.random.below(self.orphans.len());
            let orphan = self.orphans.swap_remove(at);
            orphan.end(&mut self.database, &mut self.random, self.now_ms);
        } else {
            return false;
        }
        true
    }

    fn crash(&mut self, replica: usize) {
        self.journal.note("collector died", || replica.to_string());
        let (asked, orphan) = self.collectors[replica].crash();
        asked.into_iter().for_each(|token| self.network.answer(token, None));
        self.orphans.extend(orphan);
        self.sequencers[replica].crash(replica, &mut self.database);
    }

    /// Takes a backup, or goes back to the one there is. Rows behind it are gone for good, and an
    /// operator begins anew what had been published of them.
    fn restore(&mut self) {
        let Some(backup) = self.backup.take() else {
            self.backup = Some(self.database.clone());
            return;
        };
        self.journal.note("backup restored", || format!("{} rows", backup.rows().count()));
        self.database.restore(&backup);
        self.published.forget_after(self.database.frontier.size());
        self.orphans.clear();
        for replica in 0..self.collectors.len() {
            self.sequencers[replica].crash(replica, &mut self.database);
            // Connections break, and with them what was open. What it knows of policies stays
            // where nothing was open.
            self.collectors[replica].disconnect(&mut self.database);
        }
    }
}
