//! One HTTP stream: each callback becomes one event, and the answer is what the exchange says.
//! Decides nothing.

use super::gateway::{Gateway, Stream};
use super::host::{self, Buffer, HeaderMap};
use super::root::HOLD_PROVEN;
use crate::exchange::{End, Ending, Event, Flow, Origin, RequestHead, ResponseHead, Side};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use std::cell::RefCell;
use std::rc::Rc;

/// Why Envoy itself ends an answer that is coming: too large to hold, silent or too long. The
/// client did not leave.
const CUT_BY_ENVOY: [&str; 3] =
    ["response_payload_too_large", "stream_idle_timeout", "max_duration_timeout"];

/// Envoy's handle on one stream.
pub struct HttpStream {
    context: u32,
    gateway: Rc<Gateway>,
    stream: Rc<RefCell<Stream>>,
}

/// Stands in where no exchange could be begun: refuses, for ungoverned is no choice.
pub struct Refusing;

// === impl HttpStream ===

impl HttpStream {
    pub fn new(context: u32, gateway: Rc<Gateway>, stream: Rc<RefCell<Stream>>) -> HttpStream {
        HttpStream { context, gateway, stream }
    }

    fn handle(&self, side: Side, event: Event) -> Action {
        // Host calls that come back into the VM are deferred by Envoy to the end of the callback,
        // so the stream is free; were it not, holding is the safe answer.
        let Ok(mut stream) = self.stream.try_borrow_mut() else {
            self.gateway.metrics.host_error();
            return Action::Pause;
        };
        stream.handle(&self.gateway, event);
        match stream.flow(side) {
            Flow::Continue => Action::Continue,
            Flow::Pause => Action::Pause,
        }
    }

    /// Bytes of a body callback that were not seen before. While a side is held, Envoy repeats
    /// what it buffers: `size` counts from the first held byte.
    fn unseen(&self, buffer: Buffer, size: usize) -> Vec<u8> {
        let Ok(mut stream) = self.stream.try_borrow_mut() else { return Vec::new() };
        let seen = match buffer {
            Buffer::RequestBody => &mut stream.request_seen,
            Buffer::ResponseBody | Buffer::CallBody | Buffer::PluginConfiguration => {
                &mut stream.response_seen
            }
        };
        let from = std::mem::replace(seen, size);
        host::buffer(buffer, from, size.saturating_sub(from)).unwrap_or_else(|_| {
            self.gateway.metrics.host_error();
            Vec::new()
        })
    }
}

impl Context for HttpStream {}

impl HttpContext for HttpStream {
    fn on_http_request_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        let origin = Origin {
            spiffe: host::text_property(&["connection", "uri_san_peer_certificate"]),
            subject: host::text_property(&[
                "metadata",
                "filter_metadata",
                "envoy.filters.http.jwt_authn",
                &self.gateway.settings.jwt_payload,
                "sub",
            ]),
            source_address: host::text_property(&["source", "address"]),
            route: host::text_property(&["xds", "route_name"]),
        };
        let headers = host::headers(HeaderMap::Request).unwrap_or_default();
        let head = Box::new(RequestHead::read(&headers, origin, &self.gateway.policy));
        self.handle(Side::Request, Event::RequestHeaders(head, end(end_of_stream)))
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        // A body that comes although its headers are held: this gateway can hold. The body of a
        // request that passes proves nothing.
        if self.stream.try_borrow().is_ok_and(|stream| stream.awaits_first_body_byte()) {
            HOLD_PROVEN.set(true);
        }
        let bytes = self.unseen(Buffer::RequestBody, size);
        self.handle(Side::Request, Event::RequestBody(bytes, end(end_of_stream)))
    }

    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        self.handle(Side::Request, Event::RequestBody(Vec::new(), End::OfStream))
    }

    fn on_http_response_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        // Envoy names how an answer came about; only `via_upstream` is a provider's.
        let details = host::property(&["response", "code_details"]);
        let local = details.is_some_and(|details| details != b"via_upstream");
        let headers = host::headers(HeaderMap::Response).unwrap_or_default();
        let attempts = host::number_property(&["upstream", "request_attempt_count"]);
        let head = ResponseHead::read(&headers, local, attempts);
        self.handle(Side::Response, Event::ResponseHeaders(head, end(end_of_stream)))
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        let bytes = self.unseen(Buffer::ResponseBody, size);
        self.handle(Side::Response, Event::ResponseBody(bytes, end(end_of_stream)))
    }

    fn on_http_response_trailers(&mut self, _: usize) -> Action {
        self.handle(Side::Response, Event::ResponseBody(Vec::new(), End::OfStream))
    }

    fn on_log(&mut self) {
        let details = host::text_property(&["response", "code_details"]).unwrap_or_default();
        let ending = if details.starts_with("downstream_") {
            Ending::ClientLeft
        } else if details.starts_with("upstream_") || CUT_BY_ENVOY.contains(&details.as_str()) {
            Ending::UpstreamFailed
        } else {
            Ending::Complete
        };
        self.handle(Side::Response, Event::Done(ending));
        if let Ok(mut streams) = self.gateway.streams.try_borrow_mut() {
            streams.remove(&self.context);
        }
    }
}

// === impl Refusing ===

impl Context for Refusing {}

impl HttpContext for Refusing {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let _ = host::reply(503, &[], b"governance: no decision could be begun");
        Action::Pause
    }
}

fn end(end_of_stream: bool) -> End {
    if end_of_stream { End::OfStream } else { End::Open }
}
