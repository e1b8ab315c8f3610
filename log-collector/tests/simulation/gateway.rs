//! One gateway: a root with its outbox, its streams, and the calls it awaits. It does what
//! `src/filter/root.rs` does, and remembers every line that it was given.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

use governance_filter::exchange::{Budget, Commit, Ending, Hold, Setup};
use governance_filter::outbox::{
    Call, CallId, HORIZON_MS, INTENTS_STOP_AT, LINES_MAX, News, Notice, Outbox, REFUSALS_STOP_AT,
};
use governance_filter::policy::Policy;
use governance_filter::record::{Delivery, DeliveryKind, FORMAT, Kind, Line, rfc3339};
use log_collector::ledger::LeafKind;

use crate::database::Database;
use crate::journal::Journal;
use crate::random::Random;
use crate::script::{POLICIES, Script};
use crate::stream::{STREAM_MS_MAX, Stream, Surroundings};

pub const COMMIT_TIMEOUT_MS: u64 = 2_000;
/// Marks lines of a crowd, which no stream made.
const CROWD: u64 = 0x8000_0000;

/// What all gateways see of the world.
pub struct Scene<'a> {
    pub database: &'a Database,
    pub journal: &'a Journal,
    pub now_ms: u64,
    pub wall_ms: u64,
}

/// A gateway, from its start to its death.
pub struct Gateway {
    pub number: usize,
    pub policy: Rc<Policy>,
    pub policy_text: &'static str,
    pub streams: BTreeMap<u32, Stream>,
    pub outbox: Outbox,
    pub woken: bool,
    /// Calls whose answer is awaited, and what they carry.
    pub calls: BTreeMap<u64, (CallId, Vec<u8>)>,
    calls_made: u64,
    /// Every line that the outbox took.
    pub taken: Vec<Taken>,
    /// Lines that it had no room for.
    pub no_room: HashSet<(Kind, String)>,
    /// Decisions of which the provider was called.
    pub called: BTreeSet<String>,
    ids: Vec<String>,
    host_fails: usize,
    budget: Budget,
}

/// A line that the outbox took.
pub struct Taken {
    pub line: Line,
    pub at_ms: u64,
    /// It may be given up: why.
    pub may_go: Option<&'static str>,
}

// === impl Gateway ===

impl Gateway {
    pub fn new(number: usize, policies: &[Rc<Policy>; 3], random: &mut Random) -> Gateway {
        let policy = random.below(POLICIES.len());
        Gateway {
            number,
            policy: Rc::clone(&policies[policy]),
            policy_text: POLICIES[policy],
            streams: BTreeMap::new(),
            outbox: Outbox::default(),
            woken: false,
            calls: BTreeMap::new(),
            calls_made: 0,
            taken: Vec::new(),
            no_room: HashSet::new(),
            called: BTreeSet::new(),
            ids: Vec::new(),
            host_fails: if random.one_in(8) { 20 } else { 0 },
            budget: Budget::new(1 << 20),
        }
    }

    /// A client comes.
    pub fn begin(&mut self, random: &mut Random, scene: &Scene<'_>) {
        let decision_id = id(scene.wall_ms, self.number, self.ids.len() as u64);
        scene.journal.note("exchange", || decision_id.clone());
        let setup = Setup {
            policy: Rc::clone(&self.policy),
            decision_id: decision_id.clone(),
            salt: [7; 16],
            gateway: format!("gateway-{}", self.number),
            hash_key: None,
            budget: self.budget.clone(),
            witness: None,
        };
        let stream = Stream::new(setup, Script::draw(random), scene.now_ms, self.host_fails);
        self.streams.insert(self.ids.len() as u32, stream);
        self.ids.push(decision_id);
    }

    /// An outage has left lines up to one of the bounds. Most of them will soon be given up.
    pub fn crowd(&mut self, random: &mut Random, scene: &Scene<'_>) {
        let lines = *random.pick(&[INTENTS_STOP_AT, REFUSALS_STOP_AT, LINES_MAX]) - 2;
        let at_ms = scene.now_ms - HORIZON_MS + 5_000;
        for number in 0..lines as u64 {
            let line = Line::delivery(&Delivery {
                v: FORMAT,
                decision_id: id(scene.wall_ms, self.number, CROWD | number),
                created_at: rfc3339(scene.wall_ms),
                policy_version: self.policy.version().to_owned(),
                delivery: DeliveryKind::Withheld,
            });
            assert_eq!(self.outbox.push(line.clone(), None, at_ms), Ok(()), "there is room");
            self.taken.push(Taken { line, at_ms, may_go: None });
        }
    }

    /// One of the streams goes on.
    pub fn step(&mut self, context: u32, random: &mut Random, quits: bool, scene: &Scene<'_>) {
        self.with(context, scene, |stream, around| stream.step(random, quits, around));
    }

    /// Envoy ends what lasts for too long.
    pub fn end_overlong(&mut self, random: &mut Random, scene: &Scene<'_>) {
        let overlong = |stream: &Stream| stream.began_ms + STREAM_MS_MAX <= scene.now_ms;
        let due: Vec<u32> = (self.streams.iter())
            .filter(|(_, stream)| overlong(stream))
            .map(|(context, _)| *context)
            .collect();
        for context in due {
            scene.journal.note("stream ended after an hour", || self.ids[context as usize].clone());
            self.with(context, scene, |stream, around| {
                stream.done(Ending::UpstreamFailed, random, around);
            });
        }
    }

    pub fn tick(&mut self, random: &mut Random, scene: &Scene<'_>) {
        let _ = self.outbox.take_counts();
        let notices = self.outbox.tick(scene.now_ms);
        let old = |taken: &&mut Taken| scene.now_ms - taken.at_ms >= HORIZON_MS;
        if self.outbox.take_counts().dropped > 0 {
            for taken in self.taken.iter_mut().filter(old) {
                taken.may_go.get_or_insert("horizon");
            }
        }
        self.deliver(notices, random, scene);
    }

    /// Every call that is due now.
    pub fn pump(&mut self, scene: &Scene<'_>) -> Vec<(u64, Call)> {
        self.woken = false;
        let mut calls = Vec::new();
        while let Some(call) = self.outbox.next_call(scene.now_ms) {
            let carried = match &call {
                Call::AnnouncePolicy(id) => (*id, Vec::new()),
                Call::Decisions(id, body) => (*id, body.clone()),
            };
            self.calls_made += 1;
            let token = (self.number as u64) << 32 | self.calls_made;
            self.calls.insert(token, carried);
            calls.push((token, call));
        }
        calls
    }

    /// A call's answer, or that there is none. One that is not awaited any more says nothing.
    pub fn answered(
        &mut self,
        token: u64,
        answer: Option<(u16, Vec<u8>)>,
        random: &mut Random,
        scene: &Scene<'_>,
    ) {
        let Some((id, carried)) = self.calls.remove(&token) else { return };
        let notices = match &answer {
            None => {
                self.outbox.call_failed(id, scene.now_ms);
                Vec::new()
            }
            Some((status, body)) => {
                if matches!(status, 400 | 413) {
                    self.may_give_up(&carried);
                }
                self.outbox.call_answered(id, *status, body, scene.now_ms)
            }
        };
        // A call is answered once; twice must not matter.
        if let Some((status, body)) = answer.filter(|_| random.one_in(10)) {
            let again = self.outbox.call_answered(id, status, &body, scene.now_ms);
            assert_eq!(again, [], "news of a call that was answered before");
        }
        self.deliver(notices, random, scene);
    }

    /// Lines whose fate is neither known nor excused.
    pub fn unsettled<'a>(&'a self, database: &'a Database) -> impl Iterator<Item = &'a Taken> {
        self.taken.iter().filter(|taken| {
            let line = &taken.line;
            let kind = leaf_kind(line.kind);
            taken.may_go.is_none() && !database.ever_held(kind, &line.decision_id, &line.digest)
        })
    }

    /// Lines that are neither durable nor older than the horizon.
    pub fn in_outbox<'a>(
        &'a self,
        database: &'a Database,
        now_ms: u64,
    ) -> impl Iterator<Item = &'a Line> {
        let young = self.unsettled(database);
        young.filter(move |taken| taken.at_ms + HORIZON_MS > now_ms).map(|taken| &taken.line)
    }

    pub fn check(&self) {
        assert!(self.outbox.len() <= LINES_MAX, "the outbox holds {}", self.outbox.len());
        assert!(self.calls.len() <= 2, "{} calls in flight", self.calls.len());
    }

    /// A line that is refused alone as unreadable or too large is given up.
    fn may_give_up(&mut self, body: &[u8]) {
        let alone = body.strip_suffix(b"\n").unwrap_or_default();
        for taken in self.taken.iter_mut().filter(|taken| taken.line.bytes == alone) {
            taken.may_go.get_or_insert("refused alone");
        }
    }

    fn deliver(&mut self, notices: Vec<Notice>, random: &mut Random, scene: &Scene<'_>) {
        for Notice { context, kind, news } in notices {
            let id = self.ids[context as usize].clone();
            let line = self.taken.iter().map(|taken| &taken.line);
            let digest = line.rev().find(|line| line.decision_id == id && line.kind == kind);
            let digest = digest.map(|line| line.digest.as_str()).unwrap_or_default();
            let held = scene.database.ever_held(leaf_kind(kind), &id, digest);
            let commit = match news {
                News::Committed(hold) => {
                    assert!(held, "an ack was believed of what is not committed: {kind:?} {id}");
                    scene.journal.note("ack", || format!("{kind:?} {id}"));
                    Commit::Acked(hold)
                }
                News::Refused => {
                    scene.journal.note("refusal", || format!("{kind:?} {id}"));
                    Commit::Refused
                }
                News::Expired => {
                    scene.journal.note("hold expired", || format!("{kind:?} {id}"));
                    Commit::Expired
                }
            };
            self.with(context, scene, |stream, around| {
                stream.settled(kind, commit, random, around);
            });
        }
    }

    /// Does something with a stream, which may be gone.
    fn with(
        &mut self,
        context: u32,
        scene: &Scene<'_>,
        act: impl FnOnce(&mut Stream, &mut Surroundings<'_>),
    ) {
        let Some(stream) = self.streams.get_mut(&context) else { return };
        let (outbox, taken, woken) = (&mut self.outbox, &mut self.taken, &mut self.woken);
        let no_room = &mut self.no_room;
        let mut push = |line: Line, hold: Hold| {
            *woken = true;
            let deadline_ms = scene.now_ms + COMMIT_TIMEOUT_MS;
            let waiting = (hold == Hold::UntilAck).then_some((context, deadline_ms));
            let bound = if line.kind == Kind::Intent { INTENTS_STOP_AT } else { LINES_MAX };
            let full = outbox.push(line.clone(), waiting, scene.now_ms).is_err();
            if full {
                scene.journal.note("outbox full", || format!("{:?}", line.kind));
                no_room.insert((line.kind, line.decision_id));
            } else {
                assert!(outbox.len() <= bound, "{} lines with {:?}", outbox.len(), line.kind);
                taken.push(Taken { line, at_ms: scene.now_ms, may_go: None });
            }
            !full
        };
        let mut around = Surroundings {
            database: scene.database,
            journal: scene.journal,
            wall_ms: scene.wall_ms,
            push: &mut push,
        };
        act(stream, &mut around);
        if stream.called() {
            self.called.insert(stream.id.clone());
        }
        if stream.over {
            self.streams.remove(&context);
        }
    }
}

/// A UUIDv7 whose random part is a number.
fn id(wall_ms: u64, gateway: usize, number: u64) -> String {
    format!("d-{wall_ms:012x}70008{gateway:07x}{number:08x}")
}

pub fn leaf_kind(kind: Kind) -> LeafKind {
    match kind {
        Kind::Intent => LeafKind::Intent,
        Kind::Outcome => LeafKind::Outcome,
        Kind::Delivery => LeafKind::Delivery,
    }
}
