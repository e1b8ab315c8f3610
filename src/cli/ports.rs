//! Addresses to listen on: those that the operator named, or free ones.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use super::CliError;

/// Below the ports that Linux hands out for outgoing connections (32768 up), so that no connection
/// can take the address of a child between its end and its restart.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 12_000;

/// The address as given if it is free, or the same host with a free port where the port is 0.
pub(crate) fn resolve(name: &'static str, address: SocketAddr) -> Result<SocketAddr, CliError> {
    if address.port() != 0 {
        // Envoy sets SO_REUSEPORT, so two of them on one port would share it silently: look first.
        return match is_free(address) {
            true => Ok(address),
            false => Err(CliError::AddressInUse { name, address: address.to_string() }),
        };
    }
    let mut seed = [0_u8; 2];
    getrandom::fill(&mut seed).map_err(|_| CliError::Random)?;
    let start = u16::from_le_bytes(seed) % PORTS;
    (0..PORTS)
        .map(|step| SocketAddr::new(address.ip(), FIRST_PORT + (start + step) % PORTS))
        .find(|candidate| is_free(*candidate))
        .ok_or(CliError::AddressInUse { name, address: address.to_string() })
}

/// A free port of the loopback interface; `wanted` if that is free.
pub(crate) fn loopback(name: &'static str, wanted: Option<u16>) -> Result<u16, CliError> {
    let address = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    match wanted.filter(|port| *port != 0 && is_free(address(*port))) {
        Some(port) => Ok(port),
        None => resolve(name, address(0)).map(|found| found.port()),
    }
}

/// The address at which another program on this machine reaches a listener: a wildcard is loopback.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => {
            SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port())
        }
        IpAddr::V6(ip) if ip.is_unspecified() => {
            SocketAddr::new(IpAddr::V6(std::net::Ipv6Addr::LOCALHOST), address.port())
        }
        IpAddr::V4(_) | IpAddr::V6(_) => address,
    }
}

fn is_free(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_ok()
}
