//! The root context: configuration, wakes, ticks, and every call to the collector. Streams push
//! lines and are resumed from here, because the SDK gives a call's answer to the context that made
//! the call and drops it where that context is gone.

use super::gateway::Gateway;
use super::host::{self, Buffer, HeaderMap};
use super::http::{HttpStream, Refusing};
use crate::exchange::{Commit, Event, HashKey};
use crate::outbox::{ACK_BYTES_MAX, Call, CallId, News, Notice};
use crate::policy::Policy;
use crate::record::{DECISIONS_PATH, hex};
use crate::settings::Settings;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;
use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

/// Holds expire on a tick, so they are late by at most this much.
const TICK: Duration = Duration::from_millis(50);

thread_local! {
    /// A body callback came while headers were paused: this VM's gateway holds as it should.
    pub static HOLD_PROVEN: Cell<bool> = const { Cell::new(false) };
}

/// Envoy's handle on one configuration of the plugin.
pub struct Root {
    context: u32,
    gateway: Option<Rc<Gateway>>,
    calls: HashMap<u32, CallId>,
    draining: bool,
}

// === impl Root ===

impl Root {
    pub fn new(context: u32) -> Root {
        Root { context, gateway: None, calls: HashMap::new(), draining: false }
    }

    fn configure(&mut self, size: usize) -> Result<Gateway, String> {
        let configuration = host::buffer(Buffer::PluginConfiguration, 0, size)
            .map_err(|error| format!("reading the plugin settings: host status {}", error.0))?;
        let settings = Settings::parse(&configuration).map_err(|error| error.to_string())?;
        let policy = Policy::parse(&settings.policy_text)
            .map_err(|errors| errors.display("governance.yml").to_string())?;
        let hash_key = HashKey::find(&policy, |name| std::env::var(name).ok())
            .map_err(|error| error.to_string())?;
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|_| "drawing a random name failed".to_owned())?;
        let nonce = format!("{}.{}", hex(&nonce), self.context);
        Gateway::new(settings, policy, hash_key, &nonce)
            .map_err(|error| format!("registering the wake queue: host status {}", error.0))
    }

    /// Makes every call that is due.
    fn pump(&mut self) {
        let Some(gateway) = self.gateway.clone() else { return };
        let now_ms = host::monotonic_ms();
        loop {
            let call = gateway.outbox.borrow_mut().next_call(now_ms);
            let (id, dispatched) = match &call {
                None => break,
                Some(Call::AnnouncePolicy(id)) => (*id, self.announce(&gateway)),
                Some(Call::Decisions(id, lines)) => (*id, self.post(&gateway, lines)),
            };
            match dispatched {
                Some(token) => {
                    self.calls.insert(token, id);
                }
                // No healthy host, circuit breaker full: the backoff decides when to try again.
                None => gateway.outbox.borrow_mut().call_failed(id, now_ms),
            }
        }
    }

    fn announce(&self, gateway: &Gateway) -> Option<u32> {
        let path = format!("/v1/policies/{}", gateway.policy.version());
        let body = gateway.settings.policy_text.as_bytes();
        self.call(gateway, "PUT", &path, "application/yaml", body)
    }

    fn post(&self, gateway: &Gateway, lines: &[u8]) -> Option<u32> {
        self.call(gateway, "POST", DECISIONS_PATH, "application/x-ndjson", lines)
    }

    fn call(
        &self,
        gateway: &Gateway,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> Option<u32> {
        let token = std::env::var(&gateway.settings.token_env).unwrap_or_default();
        let authorization = format!("Bearer {token}");
        let headers = vec![
            (":method", method),
            (":path", path),
            (":authority", gateway.settings.collector_host()),
            ("content-type", content_type),
            ("authorization", authorization.as_str()),
            ("x-gateway", gateway.name.as_str()),
            ("x-configured-at", gateway.configured_at.as_str()),
        ];
        // Half the hold's bound, so that a call lost to a dying collector can be repeated in time.
        let timeout = Duration::from_millis((gateway.settings.commit_timeout_ms / 2).max(1));
        let cluster = &gateway.settings.collector;
        self.dispatch_http_call(cluster, headers, Some(body), Vec::new(), timeout).ok()
    }

    fn deliver(&self, gateway: &Rc<Gateway>, notices: Vec<Notice>) {
        for notice in notices {
            let commit = match notice.news {
                News::Committed(hold) => Commit::Acked(hold),
                News::Refused => Commit::Refused,
                News::Expired => Commit::Expired,
            };
            self.tell(gateway, notice.context, Event::Commit(notice.kind, commit));
        }
    }

    /// Feeds an event to a stream that may be gone, which is no error.
    fn tell(&self, gateway: &Rc<Gateway>, context: u32, event: Event) {
        let stream = gateway.streams.borrow().get(&context).cloned();
        let Some(stream) = stream else { return };
        if host::set_effective_context(context).is_ok()
            && let Ok(mut stream) = stream.try_borrow_mut()
        {
            stream.handle(gateway, event);
        }
        let _ = host::set_effective_context(self.context);
    }

    /// Refuses requests whose body never showed while their headers were paused.
    fn check_hold(&self, gateway: &Rc<Gateway>, now_ms: u64) {
        if HOLD_PROVEN.get() {
            return;
        }
        let late = |began_ms: u64| began_ms + gateway.settings.commit_timeout_ms <= now_ms;
        let stuck: Vec<u32> = (gateway.streams.borrow().iter())
            .filter(|(_, stream)| {
                let stream = stream.try_borrow();
                stream.is_ok_and(|stream| stream.awaits_first_body_byte() && late(stream.began_ms))
            })
            .map(|(context, _)| *context)
            .collect();
        for context in stuck {
            self.tell(gateway, context, Event::HoldBroken);
        }
    }

    /// Collector answers: 0 headers or a status that Envoy made up count as no answer.
    fn answer(&self, headers: usize, body_size: usize) -> Option<(u16, Vec<u8>)> {
        if headers == 0 {
            return None;
        }
        let pairs = host::headers(HeaderMap::CallAnswer).ok()?;
        let (_, status) = pairs.iter().find(|(name, _)| name == b":status")?;
        let status = std::str::from_utf8(status).ok()?.parse().ok()?;
        let body = host::buffer(Buffer::CallBody, 0, body_size.min(ACK_BYTES_MAX)).ok()?;
        Some((status, body))
    }

    fn publish(&self, gateway: &Gateway) {
        let mut outbox = gateway.outbox.borrow_mut();
        let counts = outbox.take_counts();
        gateway.metrics.outbox(counts, outbox.len());
    }
}

impl Context for Root {
    fn on_http_call_response(&mut self, token: u32, headers: usize, body: usize, _: usize) {
        let Some(gateway) = self.gateway.clone() else { return };
        let Some(id) = self.calls.remove(&token) else { return };
        let now_ms = host::monotonic_ms();
        let notices = match self.answer(headers, body) {
            Some((status, acks)) => {
                gateway.outbox.borrow_mut().call_answered(id, status, &acks, now_ms)
            }
            None => {
                gateway.outbox.borrow_mut().call_failed(id, now_ms);
                Vec::new()
            }
        };
        self.deliver(&gateway, notices);
        self.pump();
    }

    fn on_done(&mut self) -> bool {
        self.draining = true;
        self.gateway.as_ref().is_none_or(|gateway| gateway.outbox.borrow().is_empty())
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        match self.configure(size) {
            Ok(gateway) => {
                let (version, name) = (gateway.policy.version().to_owned(), gateway.name.clone());
                log::info!("governance: policy {version} in force on `{name}`");
                self.gateway = Some(Rc::new(gateway));
                host::set_tick_period(TICK).is_ok()
            }
            Err(problem) => {
                log::error!("governance: configuration refused\n{problem}");
                false
            }
        }
    }

    fn on_queue_ready(&mut self, _: u32) {
        if let Some(gateway) = &self.gateway {
            gateway.take_wakes();
        }
        self.pump();
    }

    fn on_tick(&mut self) {
        let Some(gateway) = self.gateway.clone() else { return };
        let now_ms = host::monotonic_ms();
        let notices = gateway.outbox.borrow_mut().tick(now_ms);
        self.deliver(&gateway, notices);
        self.check_hold(&gateway, now_ms);
        self.pump();
        self.publish(&gateway);
        if self.draining && gateway.outbox.borrow().is_empty() {
            self.draining = false;
            let _ = host::done();
        }
    }

    fn create_http_context(&self, context: u32) -> Option<Box<dyn HttpContext>> {
        let begun = self.gateway.as_ref().and_then(|gateway| {
            let stream = gateway.begin(context)?;
            Some(HttpStream::new(context, Rc::clone(gateway), stream))
        });
        Some(match begun {
            Some(stream) => Box::new(stream),
            None => Box::new(Refusing),
        })
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
