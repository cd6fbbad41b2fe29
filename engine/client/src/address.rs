//! `HOST:PORT`, the notation of a cluster's addresses.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// A host name or IP address, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// A name or an IP address, without the brackets of IPv6.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Why a text is not `HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not HOST:PORT: {kind}")]
pub struct InvalidHostPort {
    text: String,
    kind: InvalidPart,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum InvalidPart {
    #[error("the port is missing; write one after the host, such as `spu-1:9010`")]
    NoPort,
    #[error("`{0}` is not a port; ports are numbers from 1 to 65535")]
    WrongPort(String),
    #[error("the host is missing; write one before the port, such as `spu-1:9010`")]
    NoHost,
    #[error("`{0}` is not a host; write a name or an address alone, such as `spu-1:9010`")]
    WrongHost(String),
    #[error("write an IPv6 address in brackets, such as `[::1]:9003`")]
    NoBrackets,
}

impl FromStr for HostPort {
    type Err = InvalidHostPort;

    fn from_str(text: &str) -> Result<Self, InvalidHostPort> {
        read(text).map_err(|kind| InvalidHostPort {
            text: text.to_owned(),
            kind,
        })
    }
}

fn read(text: &str) -> Result<HostPort, InvalidPart> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match text.rsplit_once(':') {
            None => (text, None),
            Some((host, port)) => (host, Some(port)),
        },
    };
    if text.contains("://") || host.contains(['/', ' ', '@']) {
        return Err(InvalidPart::WrongHost(host.to_owned()));
    }
    if host.contains(':') && !text.starts_with('[') {
        return Err(InvalidPart::NoBrackets);
    }
    let port = port
        .filter(|port| !port.is_empty())
        .ok_or(InvalidPart::NoPort)?;
    let number = port.parse().ok().filter(|port| *port != 0);
    let number = number.ok_or_else(|| InvalidPart::WrongPort(port.to_owned()))?;
    if host.is_empty() {
        return Err(InvalidPart::NoHost);
    }
    Ok(HostPort {
        host: host.to_owned(),
        port: number,
    })
}

impl Display for HostPort {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "{}:{}", self.host, self.port)
        }
    }
}

/// Returns the host in a `HOST:PORT`, without the brackets of IPv6.
pub(crate) fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_read_and_written_alike() {
        for text in ["spu-1:9010", "127.0.0.1:1", "[::1]:65535"] {
            let read: Result<HostPort, _> = text.parse();
            assert_eq!(read.map(|address| address.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(host("[::1]:9003"), "::1");
    }

    #[test]
    fn an_invalid_address_is_rejected_with_the_reason() {
        for (text, reason) in [
            ("", "the port is missing"),
            ("spu-1", "the port is missing; write one after the host"),
            ("127.0.0.1", "the port is missing"),
            ("[::1]", "the port is missing"),
            ("spu-1:", "the port is missing"),
            ("::1", "write an IPv6 address in brackets"),
            ("::1:9003", "write an IPv6 address in brackets"),
            (":9010", "the host is missing"),
            ("spu-1:0", "`0` is not a port"),
            ("spu-1:70000", "`70000` is not a port"),
            ("spu-1:-1", "`-1` is not a port"),
            ("spu-1:http", "`http` is not a port"),
            ("http://spu-1:80", "`http://spu-1` is not a host"),
            ("spu 1:80", "`spu 1` is not a host"),
        ] {
            let error = text.parse::<HostPort>().expect_err(text).to_string();
            assert!(error.contains(reason), "`{text}` gives: {error}");
        }
    }
}
