//! The whole world of one seed, and the scheduler that picks what happens next.

use std::rc::Rc;
use std::sync::Arc;

use governance_filter::policy::Policy;
use log_collector::ledger::LeafKind;
use log_collector::metrics::Metrics;

use crate::Flaw;
use crate::collector::{Collector, Fate, Orphan};
use crate::database::Database;
use crate::gateway::{COMMIT_TIMEOUT_MS, Gateway, Scene};
use crate::journal::Journal;
use crate::network::{Network, Payload};
use crate::random::Random;
use crate::script::POLICIES;
use crate::sequencer::{Published, Sequencer};
use crate::stream::STREAM_MS_MAX;
use crate::weather::Weather;

/// 2026-02-02, where every run's wall clock begins.
const WALL_MS: u64 = 1_770_000_000_000;
/// The collector's default `CLOSE_AFTER`: the longest stream and the outbox's horizon.
pub const CLOSE_AFTER_MS: u64 = 70 * 60 * 1000;

/// What all seeds share, for it takes time to make and does not change.
pub struct Setting {
    policies: [Rc<Policy>; 3],
    metrics: Arc<Metrics>,
}

/// Everything there is.
pub struct World {
    pub random: Random,
    pub journal: Journal,
    pub now_ms: u64,
    /// What clocks on the wall are ahead.
    wall_ahead_ms: u64,
    pub gateways: Vec<Gateway>,
    pub dead: Vec<Gateway>,
    pub network: Network,
    pub collectors: Vec<Collector>,
    pub sequencers: Vec<Sequencer>,
    pub database: Database,
    pub database_answers: bool,
    pub backup: Option<Database>,
    pub orphans: Vec<Orphan>,
    pub published: Published,
    pub close_after_ms: u64,
    policies: [Rc<Policy>; 3],
    exchanges_left: usize,
    pub weather: Weather,
    gateways_made: usize,
}

// === impl Setting ===

impl Default for Setting {
    fn default() -> Setting {
        let policies = POLICIES.map(|text| Rc::new(Policy::parse(text).expect("a policy")));
        Setting { policies, metrics: Arc::new(Metrics::default()) }
    }
}

// === impl World ===

impl World {
    pub fn new(seed: u64, flaw: Option<Flaw>, setting: &Setting, journal: Journal) -> World {
        let mut random = Random::new(seed);
        let replicas = 1 + random.below(3);
        let lines_max = *random.pick(&[2, 8, 64, 4096]);
        let mut world = World {
            journal,
            // Far from 0, where subtractions would hide.
            now_ms: 1_000_000_000,
            wall_ahead_ms: WALL_MS,
            gateways: Vec::new(),
            dead: Vec::new(),
            network: Network::default(),
            collectors: (0..replicas)
                .map(|_| Collector::new(flaw, lines_max, Arc::clone(&setting.metrics)))
                .collect(),
            sequencers: (0..replicas).map(|_| Sequencer::default()).collect(),
            database: Database::new(flaw),
            database_answers: true,
            backup: None,
            orphans: Vec::new(),
            published: Published::default(),
            close_after_ms: if random.one_in(3) { 3_000 } else { CLOSE_AFTER_MS },
            policies: setting.policies.clone(),
            exchanges_left: 2 + random.below(12),
            weather: Weather::draw(&mut random),
            gateways_made: 0,
            random,
        };
        for _ in 0..1 + world.random.below(3) {
            world.add_gateway();
        }
        world
    }

    /// The storm: anything may happen at any time.
    pub fn storm(&mut self) {
        for _ in 0..150 + self.random.below(250) {
            self.happen();
            self.gateways.iter().for_each(Gateway::check);
        }
    }

    pub fn calm_down(&mut self) {
        self.weather = Weather::calm();
        self.exchanges_left = 0;
        self.database_answers = true;
        self.collectors.iter_mut().for_each(|collector| collector.up = true);
    }

    fn happen(&mut self) {
        match self.random.below(100) {
            0..30 => self.stream_goes_on(),
            30..40 => self.client_comes(),
            40..52 => self.root_runs(),
            52..68 => self.network_moves(),
            68..84 => self.collector_writes(),
            84..90 => self.sequencer_steps(),
            90..92 => self.closer_passes(),
            92..97 => self.time_passes(),
            _ => self.disaster(),
        }
    }

    pub fn fault(&mut self) -> bool {
        self.random.one_in(self.weather.rarity)
    }

    pub fn add_gateway(&mut self) {
        self.gateways_made += 1;
        let gateway = Gateway::new(self.gateways_made, &self.policies, &mut self.random);
        self.gateways.push(gateway);
        if self.weather.crowds {
            let at = self.gateways.len() - 1;
            self.at(at, |gateway, random, scene| gateway.crowd(random, scene));
        }
    }

    /// Does something with a gateway in today's world.
    pub fn at<T>(
        &mut self,
        gateway: usize,
        act: impl FnOnce(&mut Gateway, &mut Random, &Scene<'_>) -> T,
    ) -> T {
        let scene = Scene {
            database: &self.database,
            journal: &self.journal,
            now_ms: self.now_ms,
            wall_ms: self.now_ms + self.wall_ahead_ms,
        };
        act(&mut self.gateways[gateway], &mut self.random, &scene)
    }

    fn client_comes(&mut self) {
        if self.exchanges_left > 0 {
            self.exchanges_left -= 1;
            let gateway = self.random.below(self.gateways.len());
            self.at(gateway, |gateway, random, scene| gateway.begin(random, scene));
        }
    }

    fn stream_goes_on(&mut self) {
        let gateway = self.random.below(self.gateways.len());
        let contexts: Vec<u32> = self.gateways[gateway].streams.keys().copied().collect();
        if !contexts.is_empty() {
            let context = *self.random.pick(&contexts);
            let quits = self.weather.quits;
            self.at(gateway, |gateway, random, scene| gateway.step(context, random, quits, scene));
        }
    }

    fn root_runs(&mut self) {
        let gateway = self.random.below(self.gateways.len());
        if self.random.one_in(2) {
            self.at(gateway, |gateway, random, scene| gateway.tick(random, scene));
        } else if !self.gateways[gateway].woken {
            return;
        }
        self.pump(gateway);
    }

    pub fn pump(&mut self, gateway: usize) {
        let calls = self.at(gateway, |gateway, _, scene| gateway.pump(scene));
        for (token, call) in calls {
            if self.fault() {
                self.journal.note("call not made", || token.to_string());
                self.answer(token, None);
            } else {
                let text = self.gateways[gateway].policy_text;
                self.network.send(token, call, text, self.now_ms);
            }
        }
    }

    fn answer(&mut self, token: u64, answer: Option<(u16, Vec<u8>)>) {
        let owner = self.gateways.iter().position(|one| one.calls.contains_key(&token));
        if let Some(gateway) = owner {
            self.at(gateway, |one, random, scene| one.answered(token, answer, random, scene));
            self.pump(gateway);
        }
    }

    fn network_moves(&mut self) {
        let gateways = &self.gateways;
        self.network.sweep(|token| gateways.iter().any(|one| one.calls.contains_key(&token)));
        if self.network.transits.is_empty() {
            return;
        }
        let at = self.random.below(self.network.transits.len());
        self.move_transit(at);
    }

    /// One call goes on: arrives, is lost or doubled; its answer comes; or it is given up.
    pub fn move_transit(&mut self, at: usize) {
        let (lost, doubled, given_up) = (self.fault(), self.fault(), self.fault());
        let transit = &mut self.network.transits[at];
        let (token, late) = (transit.token, transit.sent_ms + COMMIT_TIMEOUT_MS / 2 <= self.now_ms);
        if given_up || (late && self.random.one_in(2)) {
            self.journal.note("call given up", || token.to_string());
            return self.answer(token, None);
        }
        if doubled && transit.to_arrive > 0 {
            self.journal.note("call doubled", || token.to_string());
            transit.to_arrive += 1;
        }
        if !transit.answers.is_empty() {
            let answer = transit.answers.swap_remove(0);
            let mangled = match self.weather.mangles {
                true => self.network.mangle(answer, &mut self.random, &self.journal),
                false => Some(answer),
            };
            if let Some(answer) = mangled {
                self.answer(token, Some(answer));
            }
        } else if transit.to_arrive > 0 {
            transit.to_arrive -= 1;
            if lost && self.weather.mangles {
                self.journal.note("call misrouted", || token.to_string());
                self.network.misroute(at);
            } else if lost {
                self.journal.note("call lost", || token.to_string());
            } else {
                self.arrive(at);
            }
        }
    }

    fn arrive(&mut self, at: usize) {
        let cut = self.fault() && self.random.one_in(4);
        let replica = self.random.below(self.collectors.len());
        let transit = &mut self.network.transits[at];
        if !self.collectors[replica].up {
            self.journal.note("no collector", || transit.token.to_string());
            return;
        }
        let mut payload = transit.payload.clone();
        if let (Payload::Lines(body), true) = (&mut payload, cut) {
            self.journal.note("call cut", || transit.token.to_string());
            body.truncate(self.random.below(body.len().max(1)));
        }
        transit.at_work += 1;
        let (token, text) = (transit.token, transit.policy_text);
        let database = self.database_answers.then_some(&mut self.database);
        let clocks = (self.now_ms, self.now_ms + self.wall_ahead_ms);
        let answer = self.collectors[replica].receive(token, &payload, text, database, clocks);
        if answer.is_some() {
            self.network.answer(token, answer);
        }
    }

    fn collector_writes(&mut self) {
        let replica = self.random.below(self.collectors.len());
        self.write(replica);
    }

    pub fn write(&mut self, replica: usize) {
        let fate = match (self.fault(), self.database_answers) {
            (_, false) => *self.random.pick(&[Fate::Fails, Fate::Stalls]),
            (true, true) => *self.random.pick(&[Fate::Fails, Fate::CommitsUnheard, Fate::Stalls]),
            (false, true) => Fate::Commits,
        };
        let collector = &mut self.collectors[replica];
        if !collector.up {
            return;
        }
        let orphan = collector.write(fate, &mut self.database, self.now_ms, &self.journal);
        self.orphans.extend(orphan);
        for (token, answer) in self.collectors[replica].answers() {
            self.network.answer(token, Some(answer));
        }
    }

    fn sequencer_steps(&mut self) {
        let replica = self.random.below(self.sequencers.len());
        if self.collectors[replica].up && self.database_answers {
            self.sequence(replica);
        }
    }

    pub fn sequence(&mut self, replica: usize) {
        let (database, published) = (&mut self.database, &mut self.published);
        let (random, journal) = (&mut self.random, &self.journal);
        self.sequencers[replica].step(replica, database, published, random, journal);
    }

    fn closer_passes(&mut self) {
        let replica = self.random.below(self.collectors.len());
        let answers = self.database_answers && self.collectors[replica].up;
        self.collectors[replica].watched(answers, self.now_ms);
        if answers {
            self.close(replica);
        }
    }

    pub fn close(&mut self, replica: usize) {
        let wall_ms = self.now_ms + self.wall_ahead_ms;
        let (after, now_ms) = (self.close_after_ms, self.now_ms);
        let closed = self.collectors[replica].close(after, &mut self.database, now_ms, wall_ms);
        for id in closed {
            self.journal.note("closed unknown", || id.clone());
            self.check_closed(&id);
        }
    }

    fn time_passes(&mut self) {
        let jumps = self.weather.jumps && self.random.one_in(8);
        let (least, most) = match (jumps, self.random.below(4)) {
            (false, _) => (1, self.weather.pace_ms),
            (true, 0) => return self.wall_leaps(),
            (true, 1) => (1_000, 10_000),
            (true, 2) => (60_000, 600_000),
            (true, _) => (1_000_000, 6_000_000),
        };
        let milliseconds = least + self.random.below(most) as u64;
        self.pass(milliseconds);
    }

    fn wall_leaps(&mut self) {
        const DAY_MS: usize = 86_400_000;
        let before = self.wall_ahead_ms;
        let leap = self.random.below(DAY_MS) as u64;
        self.wall_ahead_ms = WALL_MS - DAY_MS as u64 / 2 + leap;
        let after = self.wall_ahead_ms;
        self.journal.note("wall clock leaps", || format!("{before} -> {after}"));
    }

    /// Time goes by, with a stop wherever Envoy ends a stream.
    pub fn pass(&mut self, milliseconds: u64) {
        self.journal.note("time", || format!("{milliseconds} ms"));
        let until = self.now_ms + milliseconds;
        while self.now_ms < until {
            let streams = self.gateways.iter().flat_map(|gateway| gateway.streams.values());
            let next = streams.map(|stream| stream.began_ms + STREAM_MS_MAX).min();
            self.now_ms = next.unwrap_or(until).min(until);
            for at in 0..self.gateways.len() {
                self.at(at, |gateway, random, scene| gateway.end_overlong(random, scene));
            }
        }
    }

    /// Nothing is closed whose outcome could still come in time.
    fn check_closed(&self, id: &str) {
        if self.close_after_ms < CLOSE_AFTER_MS {
            return;
        }
        for gateway in &self.gateways {
            let open = gateway.streams.values().any(|stream| stream.id == id);
            assert!(!open, "closed while its stream lasts: {id}");
            let waits = gateway.in_outbox(&self.database, self.now_ms).any(|line| {
                line.decision_id == id && crate::gateway::leaf_kind(line.kind) == LeafKind::Outcome
            });
            assert!(!waits, "closed while its outcome is on its way: {id}");
        }
    }
}
