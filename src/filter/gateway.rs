//! What the root and its streams share: policy, outbox, the table of streams, the wake queue.
//! Turns effects into host calls; what is to be done is decided in `exchange` and `outbox`.

use super::host::{self, Buffer, HeaderMap, HostResult};
use super::metrics::Metrics;
use crate::exchange::{Budget, Commit, Effect, Event, Exchange, Flow, HashKey, Hold, Setup, Side};
use crate::outbox::Outbox;
use crate::policy::Policy;
use crate::record::rfc3339;
use crate::settings::Settings;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

/// One configured gateway: one root context and its streams.
pub struct Gateway {
    pub settings: Settings,
    pub policy: Rc<Policy>,
    pub outbox: RefCell<Outbox>,
    pub streams: RefCell<HashMap<u32, Rc<RefCell<Stream>>>>,
    pub metrics: Metrics,
    /// Envoy's node id.
    pub name: String,
    /// When it took this policy up; tells the collector late news of an old one from its return.
    pub configured_at: String,
    hash_key: Option<HashKey>,
    pub budget: Budget,
    queue: u32,
    woken: Cell<bool>,
}

/// One HTTP stream: its exchange and how much of what Envoy buffers was seen.
pub struct Stream {
    context: u32,
    exchange: Exchange,
    pub request_seen: usize,
    pub response_seen: usize,
    /// On the monotonic clock.
    pub began_ms: u64,
}

// === impl Gateway ===

impl Gateway {
    /// A gateway whose root is woken through a queue named after `nonce`: queues are seen by all
    /// roots of all workers with the same vm_id, and the last to register a name gets its wakes.
    pub fn new(
        settings: Settings,
        policy: Policy,
        hash_key: Option<HashKey>,
        nonce: &str,
    ) -> HostResult<Gateway> {
        Ok(Gateway {
            queue: host::register_queue(&format!("governance.{nonce}"))?,
            budget: Budget::new(settings.body_budget_mib << 20),
            policy: Rc::new(policy),
            hash_key,
            outbox: RefCell::new(Outbox::default()),
            streams: RefCell::new(HashMap::new()),
            metrics: Metrics::define(),
            name: host::text_property(&["xds", "node", "id"]).unwrap_or_default(),
            configured_at: rfc3339(host::unix_ms()),
            woken: Cell::new(false),
            settings,
        })
    }

    /// Begins an exchange; `None` where no id can be drawn.
    pub fn begin(&self, context: u32) -> Option<Rc<RefCell<Stream>>> {
        let mut random = [0; 26];
        getrandom::fill(&mut random).ok()?;
        let (id, salt) = random.split_at(10);
        let id = uuid::Builder::from_unix_timestamp_millis(host::unix_ms(), id.try_into().ok()?)
            .into_uuid();
        let setup = Setup {
            policy: Rc::clone(&self.policy),
            decision_id: format!("d-{}", id.simple()),
            salt: salt.try_into().ok()?,
            gateway: self.name.clone(),
            hash_key: self.hash_key.clone(),
            budget: self.budget.clone(),
            witness: None,
        };
        let stream = Rc::new(RefCell::new(Stream {
            context,
            exchange: Exchange::new(setup),
            request_seen: 0,
            response_seen: 0,
            began_ms: host::monotonic_ms(),
        }));
        self.streams.borrow_mut().insert(context, Rc::clone(&stream));
        Some(stream)
    }

    /// Wakes the root right after this event; once is enough.
    pub fn wake(&self) {
        if !self.woken.replace(true) && host::enqueue(self.queue).is_err() {
            // The tick sends what waits, only later.
            self.woken.set(false);
            self.metrics.host_error();
        }
    }

    /// Takes every wake off the queue.
    pub fn take_wakes(&self) {
        while host::dequeue(self.queue) {}
        self.woken.set(false);
    }
}

// === impl Stream ===

impl Stream {
    /// Feeds the exchange and carries out what it says. Envoy's effective context is this stream.
    pub fn handle(&mut self, gateway: &Gateway, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for effect in self.exchange.on(event, host::unix_ms()) {
                if !self.exchange.wants(&effect) {
                    continue;
                }
                let needed_by = effect.needed_by();
                match self.carry_out(gateway, effect) {
                    Ok(next) => events.extend(next),
                    Err(_) => {
                        gateway.metrics.host_error();
                        if let Some(side) = needed_by {
                            let _ = host::reset(stream_of(side));
                            self.exchange.cut();
                        }
                    }
                }
            }
        }
    }

    /// What the callback of `side` answers. What was seen stays buffered only while it is held.
    pub fn flow(&mut self, side: Side) -> Flow {
        let flow = self.exchange.flow(side);
        if flow == Flow::Continue {
            match side {
                Side::Request => self.request_seen = 0,
                Side::Response => self.response_seen = 0,
            }
        }
        flow
    }

    /// The request announced a body of which no byte was seen.
    pub fn awaits_first_body_byte(&self) -> bool {
        self.exchange.awaits_first_body_byte()
    }

    fn carry_out(&mut self, gateway: &Gateway, effect: Effect) -> HostResult<Option<Event>> {
        match effect {
            Effect::Send(line, hold) => {
                let kind = line.kind;
                // Reading a long body takes time that is no part of the hold.
                let now_ms = host::monotonic_ms();
                let deadline_ms = now_ms + gateway.settings.commit_timeout_ms;
                let waiting = (hold == Hold::UntilAck).then_some((self.context, deadline_ms));
                let taken = gateway.outbox.borrow_mut().push(line, waiting, now_ms);
                gateway.wake();
                let refused = taken.is_err() && hold == Hold::UntilAck;
                return Ok(refused.then_some(Event::Commit(kind, Commit::Expired)));
            }
            Effect::RequestHeader(name, value) => {
                host::set_header(HeaderMap::Request, name, value.as_deref())?;
            }
            Effect::ResponseHeader(name, value) => {
                host::set_header(HeaderMap::Response, name, value.as_deref())?;
            }
            Effect::RequestBody(bytes) => {
                self.request_seen = bytes.len();
                host::replace_buffer(Buffer::RequestBody, &bytes)?;
            }
            Effect::ResponseBody(bytes) => {
                self.response_seen = bytes.len();
                host::replace_buffer(Buffer::ResponseBody, &bytes)?;
            }
            Effect::Resume(side) => host::resume(stream_of(side))?,
            Effect::Reply(reply) => host::reply(reply.status, &reply.headers, &reply.body)?,
            Effect::Reset => host::reset(host::Stream::Response)?,
            Effect::Count(counter) => gateway.metrics.count(counter),
        }
        Ok(None)
    }
}

fn stream_of(side: Side) -> host::Stream {
    match side {
        Side::Request => host::Stream::Request,
        Side::Response => host::Stream::Response,
    }
}
