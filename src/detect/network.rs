//! Addresses of the internet protocol: RFC 791's four numbers, RFC 4291 §2.2's colons. Addresses
//! that stand for no machine at all (loopback, unspecified, broadcast, masks) are left alone.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::numbers::{Group, Separator};
use super::reading::{Reading, ties};
use super::terms::Cue;
use super::{Kind, Span};

/// Longest written form: RFC 4291's with an IPv4 tail has 45 bytes.
const BYTES_MAX: usize = 45;

/// Bytes between `version` and what looks like an address.
const VERSION_BYTES: usize = 4;

pub(super) fn find(reading: &Reading) -> Vec<Span> {
    // `::ffff:192.0.2.1` ends as the other form does.
    let mut found = version_6(reading);
    found.extend(version_4(reading));
    found
}

/// The address is one of the public internet's, which may be a person's; those of private networks
/// and of documentation are nobody's.
pub(super) fn is_public(address: &str) -> bool {
    match address.parse() {
        Ok(IpAddr::V4(address)) => {
            let [first, second, ..] = address.octets();
            let shared = first == 100 && (64..128).contains(&second);
            !(address.is_private()
                || address.is_link_local()
                || address.is_documentation()
                || address.is_multicast()
                || shared)
        }
        Ok(IpAddr::V6(address)) => {
            let documentation = address.segments().starts_with(&[0x2001, 0xdb8]);
            !(address.is_unique_local()
                || address.is_unicast_link_local()
                || address.is_multicast()
                || documentation)
        }
        Err(_) => false,
    }
}

/// Four groups with dots between them, and no fifth.
fn version_4(reading: &Reading) -> Vec<Span> {
    let mut found = Vec::new();
    for run in reading.runs() {
        for (first, window) in run.windows(4).enumerate() {
            let dotted = window.iter().skip(1).all(|group| group.separator == Separator::Dot);
            let [opening, .., last] = window else { continue };
            let next = run.get(first + 4).map(|group| group.separator);
            let alone = opening.separator != Separator::Dot && next != Some(Separator::Dot);
            if dotted && alone {
                found.extend(address_4(reading, opening, last));
            }
        }
    }
    found
}

fn address_4(reading: &Reading, opening: &Group, last: &Group) -> Option<Span> {
    let (start, end) = (opening.start, last.end);
    let address: Ipv4Addr = reading.text.get(start..end)?.parse().ok()?;
    let before = reading.text.get(..start)?.chars().next_back();
    let tied =
        before.is_some_and(|mark| ties(mark) || "_.-".contains(mark)) || is_product(reading, start);
    let after = reading.text.get(end..)?.chars().next();
    let goes_on = after.is_some_and(|mark| ties(mark) || "_-".contains(mark));
    let is_version = reading.cued(start, VERSION_BYTES, |cue| cue == Cue::Version);
    // `1.0.0.0` is a version, or a network's name.
    let nobody = matches!(address.octets(), [0 | 127, ..] | [255, 255, ..] | [_, 0, 0, 0]);
    let found = !tied && !goes_on && !is_version && !nobody;
    found.then_some(Span { kind: Kind::Ip, start, end })
}

/// `Chrome/120.0.6099.71`: RFC 9110 §10.1.5's product and its version.
fn is_product(reading: &Reading, start: usize) -> bool {
    let before = reading.text.get(..start).unwrap_or_default();
    let name = before.strip_suffix('/').unwrap_or_default();
    name.ends_with(|letter: char| letter.is_ascii_alphabetic())
}

/// What stands around a colon, if it is an address and not a time, a hardware address or a path of
/// a programming language.
fn version_6(reading: &Reading) -> Vec<Span> {
    let bytes = reading.text.as_bytes();
    let mut found: Vec<Span> = Vec::new();
    let mut searched = 0;
    for colon in reading.colons.iter().copied() {
        if colon < searched {
            continue;
        }
        let is_part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
        let before = bytes.get(searched..colon).unwrap_or_default();
        let before = before.iter().rev().take(BYTES_MAX).take_while(|byte| is_part(byte)).count();
        let after = bytes.get(colon..).unwrap_or_default();
        let after = after.iter().take(BYTES_MAX).take_while(|byte| is_part(byte)).count();
        let (start, end) = (colon - before, colon + after);
        searched = end;
        found.extend(address_6(reading, start, end));
    }
    found
}

fn address_6(reading: &Reading, start: usize, end: usize) -> Option<Span> {
    let written = reading.text.get(start..end)?;
    // A full stop or colon at the end is the sentence's.
    let end = start + written.trim_end_matches(['.', ':']).len();
    let address: Ipv6Addr = reading.text.get(start..end)?.parse().ok()?;
    // `a::b` is a name in several languages; whoever writes an address that short writes a digit.
    let digits = written.bytes().any(|byte| byte.is_ascii_digit());
    // Eight pairs are a storage adapter's name.
    let pairs = written.split(':').all(|group| group.len() == 2);
    let nobody = address.is_loopback() || address.is_unspecified() || pairs;
    let free = reading.opens(start) && reading.closes(end);
    (digits && free && !nobody).then_some(Span { kind: Kind::Ip, start, end })
}
