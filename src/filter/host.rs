//! The only file that calls Envoy, through its own declarations of the proxy-wasm 0.2.1 imports.
//! Every call returns a `Result`: the SDK's own wrappers panic on a status they do not expect, and
//! a panic in wasm hangs other people's requests. Calls to the collector alone go through the SDK,
//! whose dispatcher must know their tokens. Decides nothing.
#![allow(unsafe_code)] // Envoy's functions are foreign functions; nowhere else is unsafe code.

use std::ptr::{null, null_mut};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A status other than `Ok`, by the ABI's numbers: 1 not found, 2 bad argument, 10 internal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostError(pub u32);

/// Result of a host call.
pub type HostResult<T> = Result<T, HostError>;

/// Header pairs as they stand on the wire.
pub type Headers = Vec<(Vec<u8>, Vec<u8>)>;

/// The ABI's header maps.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub enum HeaderMap {
    Request = 0,
    Response = 2,
    CallAnswer = 6,
}

/// The ABI's buffers.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub enum Buffer {
    RequestBody = 0,
    ResponseBody = 1,
    CallBody = 4,
    PluginConfiguration = 7,
}

/// The ABI's stream types.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub enum Stream {
    Request = 0,
    Response = 1,
}

/// A counter or gauge.
#[derive(Clone, Copy, Debug)]
pub struct Metric(u32);

/// The ABI's metric types.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub enum MetricKind {
    Counter = 0,
    Gauge = 1,
}

const OK: u32 = 0;
const NOT_FOUND: u32 = 1;
/// No status of the ABI: what the host wrote cannot be read.
const MALFORMED: u32 = u32::MAX;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_get_buffer_bytes(
        buffer: u32,
        start: usize,
        size_max: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_buffer_bytes(
        buffer: u32,
        start: usize,
        size: usize,
        data: *const u8,
        data_size: usize,
    ) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: u32, key: *const u8, key_size: usize) -> u32;
    fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_register_shared_queue(name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_enqueue_shared_queue(id: u32, data: *const u8, size: usize) -> u32;
    fn proxy_dequeue_shared_queue(id: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_continue_stream(stream: u32) -> u32;
    fn proxy_close_stream(stream: u32) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_set_effective_context(context: u32) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_done() -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
}

/// Bytes of a buffer from `start`, at most `size_max`; empty where there are none.
pub fn buffer(buffer: Buffer, start: usize, size_max: usize) -> HostResult<Vec<u8>> {
    if size_max == 0 {
        return Ok(Vec::new());
    }
    let read = |data: *mut *mut u8, size: *mut usize| unsafe {
        proxy_get_buffer_bytes(buffer as u32, start, size_max, data, size)
    };
    Ok(returned(read)?.unwrap_or_default())
}

/// Puts `bytes` in place of the whole buffer.
pub fn replace_buffer(buffer: Buffer, bytes: &[u8]) -> HostResult<()> {
    // A start of 0 and more than there is: the host takes it as "replace all".
    check(unsafe {
        proxy_set_buffer_bytes(buffer as u32, 0, usize::MAX >> 1, bytes.as_ptr(), bytes.len())
    })
}

/// All headers of a map, bytes as they came.
pub fn headers(map: HeaderMap) -> HostResult<Headers> {
    let read = |data: *mut *mut u8, size: *mut usize| unsafe {
        proxy_get_header_map_pairs(map as u32, data, size)
    };
    match returned(read)? {
        Some(bytes) => pairs(&bytes).ok_or(HostError(MALFORMED)),
        None => Ok(Vec::new()),
    }
}

/// Sets a header, or removes it.
pub fn set_header(map: HeaderMap, name: &str, value: Option<&str>) -> HostResult<()> {
    let map = map as u32;
    check(match value {
        Some(value) => unsafe {
            proxy_replace_header_map_value(
                map,
                name.as_ptr(),
                name.len(),
                value.as_ptr(),
                value.len(),
            )
        },
        None => unsafe { proxy_remove_header_map_value(map, name.as_ptr(), name.len()) },
    })
}

/// A property as bytes, `None` where Envoy has none.
pub fn property(path: &[&str]) -> Option<Vec<u8>> {
    let path = path.join("\0");
    let read = |data: *mut *mut u8, size: *mut usize| unsafe {
        proxy_get_property(path.as_ptr(), path.len(), data, size)
    };
    returned(read).ok().flatten()
}

/// A property that is a number: Envoy gives its eight bytes, the lowest first.
pub fn number_property(path: &[&str]) -> Option<u64> {
    property(path)?.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes))
}

/// A property as text.
pub fn text_property(path: &[&str]) -> Option<String> {
    String::from_utf8(property(path)?).ok().filter(|text| !text.is_empty())
}

/// Registers a queue whose wakes come to the root context that registers it.
pub fn register_queue(name: &str) -> HostResult<u32> {
    let mut id = 0;
    check(unsafe { proxy_register_shared_queue(name.as_ptr(), name.len(), &mut id) })?;
    Ok(id)
}

/// Puts an empty entry on a queue: its root is woken right after this event.
pub fn enqueue(queue: u32) -> HostResult<()> {
    check(unsafe { proxy_enqueue_shared_queue(queue, null(), 0) })
}

/// Takes an entry off a queue; false once it is empty.
pub fn dequeue(queue: u32) -> bool {
    let mut data = null_mut();
    let mut size = 0;
    let status = unsafe { proxy_dequeue_shared_queue(queue, &mut data, &mut size) };
    drop(unsafe { owned(data, size) });
    status == OK
}

/// Lets a paused side go. Harmless where it is not paused.
pub fn resume(stream: Stream) -> HostResult<()> {
    check(unsafe { proxy_continue_stream(stream as u32) })
}

/// Cuts the stream.
pub fn reset(stream: Stream) -> HostResult<()> {
    check(unsafe { proxy_close_stream(stream as u32) })
}

/// Answers in the provider's place. Twice on one response path crashes Envoy 1.40: the state
/// machine sends it at most once.
pub fn reply(status: u16, headers: &[(&str, String)], body: &[u8]) -> HostResult<()> {
    const DETAILS: &str = "governance";
    const NO_GRPC_STATUS: i32 = -1;
    let headers = serialized(headers);
    check(unsafe {
        proxy_send_local_response(
            u32::from(status),
            DETAILS.as_ptr(),
            DETAILS.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            NO_GRPC_STATUS,
        )
    })
}

/// Makes the following calls speak of this context. An error: the stream is gone.
pub fn set_effective_context(context: u32) -> HostResult<()> {
    check(unsafe { proxy_set_effective_context(context) })
}

/// How often `on_tick` is called.
pub fn set_tick_period(period: Duration) -> HostResult<()> {
    check(unsafe { proxy_set_tick_period_milliseconds(period.as_millis() as u32) })
}

/// Tells the host that a root which answered `false` to `on_done` may go now.
pub fn done() -> HostResult<()> {
    check(unsafe { proxy_done() })
}

/// Defines a metric.
pub fn define_metric(kind: MetricKind, name: &str) -> HostResult<Metric> {
    let mut id = 0;
    check(unsafe { proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &mut id) })?;
    Ok(Metric(id))
}

/// Adds to a counter. Zero is left out: the host refuses it.
pub fn increment(metric: Metric, by: u64) {
    if by > 0 {
        // A metric that cannot be counted is no reason to fail a request.
        let _ = unsafe { proxy_increment_metric(metric.0, i64::try_from(by).unwrap_or(i64::MAX)) };
    }
}

/// Moves a gauge. All VMs of a gateway share it, so each adds its own change.
pub fn adjust(metric: Metric, by: i64) {
    if by != 0 {
        let _ = unsafe { proxy_increment_metric(metric.0, by) };
    }
}

/// Milliseconds on a clock that never goes back or leaps: for bounds and waits.
pub fn monotonic_ms() -> u64 {
    thread_local! {
        static START: Instant = Instant::now();
    }
    let since = START.with(Instant::elapsed);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Milliseconds since 1970: for records and ids.
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn check(status: u32) -> HostResult<()> {
    if status == OK { Ok(()) } else { Err(HostError(status)) }
}

/// Runs a call that returns a block of memory which is ours to free.
fn returned(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> HostResult<Option<Vec<u8>>> {
    let mut data = null_mut();
    let mut size = 0;
    match call(&mut data, &mut size) {
        OK => Ok(unsafe { owned(data, size) }),
        NOT_FOUND => Ok(None),
        status => Err(HostError(status)),
    }
}

/// Takes over a block that the host allocated through the SDK's `proxy_on_memory_allocate`, which
/// makes it as a `Vec<u8>` of exactly this capacity.
unsafe fn owned(data: *mut u8, size: usize) -> Option<Vec<u8>> {
    if data.is_null() { None } else { Some(unsafe { Vec::from_raw_parts(data, size, size) }) }
}

/// The ABI's map: count, then sizes of each key and value, then each as NUL-terminated bytes.
fn pairs(bytes: &[u8]) -> Option<Headers> {
    let number = |at: usize| -> Option<usize> {
        let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(four)).ok()
    };
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let count = number(0)?;
    let mut at = count.checked_mul(8)?.checked_add(4)?;
    let mut take = |size: usize| -> Option<Vec<u8>> {
        let end = at.checked_add(size)?;
        let value = bytes.get(at..end)?.to_vec();
        at = end.checked_add(1)?;
        Some(value)
    };
    (0..count).map(|n| Some((take(number(4 + n * 8)?)?, take(number(8 + n * 8)?)?))).collect()
}

fn serialized(headers: &[(&str, String)]) -> Vec<u8> {
    let mut bytes = (headers.len() as u32).to_le_bytes().to_vec();
    for (name, value) in headers {
        bytes.extend_from_slice(&(name.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
    }
    for (name, value) in headers {
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(value.as_bytes());
        bytes.push(0);
    }
    bytes
}
