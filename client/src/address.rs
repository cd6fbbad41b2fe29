//! `HOST:PORT`, as addresses of a cluster are written.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// A host, by name or number, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// A name or an IP address, without the brackets of IPv6.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// What is no `HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no HOST:PORT, such as `spu-1:9010`")]
pub struct NoHostPort(String);

impl FromStr for HostPort {
    type Err = NoHostPort;

    fn from_str(text: &str) -> Result<Self, NoHostPort> {
        let wrong = || NoHostPort(text.to_owned());
        let (_, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().ok().filter(|port| *port != 0);
        let host = host(text);
        if host.is_empty() || host.contains(['/', ' ']) {
            return Err(wrong());
        }
        Ok(Self {
            host: host.to_owned(),
            port: port.ok_or_else(wrong)?,
        })
    }
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

/// What stands before the port.
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
    fn what_nobody_can_dial_is_refused() {
        for text in [
            "",
            "spu-1",
            ":9010",
            "spu-1:",
            "spu-1:0",
            "spu-1:70000",
            "http://spu-1:80",
        ] {
            assert!(text.parse::<HostPort>().is_err(), "{text}");
        }
    }
}
