//! Refuses requests that a browser sends on behalf of pages from other sites.
//!
//! A page of any site can make a browser on this machine send requests to a service on this machine. Two headers reveal
//! such requests, and pages cannot set either of them. `Host` contains the requested host name, which another site may
//! have pointed at 127.0.0.1 (DNS rebinding). `Origin` contains the site of the page. Programs other than browsers
//! normally send no `Origin`.

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::{HOST, HeaderName, ORIGIN};

/// The reason why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Foreign {
    /// The `Host` header names another machine.
    #[error("host `{0}` is not a name of this machine; use `localhost` or 127.0.0.1")]
    Host(String),
    /// The request comes from a page of another site.
    #[error("pages of origin `{0}` may not send requests here")]
    Origin(String),
}

impl Foreign {
    /// Returns an error code for the response, for programs that evaluate it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Host(_) => "foreign_host",
            Self::Origin(_) => "foreign_origin",
        }
    }
}

/// Refuses a request whose `Host` is not a name of this machine. Use it in services that listen on a loopback address.
/// A request without `Host` is accepted: every browser sends the header, so the request comes from another program.
pub fn check_host(headers: &HeaderMap) -> Result<(), Foreign> {
    match text(headers, HOST) {
        Some(host) if !is_local(&host) => Err(Foreign::Host(host)),
        _ => Ok(()),
    }
}

/// Refuses requests from pages other than the service's own. Use it in services that do not authenticate clients.
pub fn check_origin(headers: &HeaderMap) -> Result<(), Foreign> {
    match text(headers, ORIGIN) {
        Some(origin) if !is_of_host(&origin, text(headers, HOST)) => Err(Foreign::Origin(origin)),
        _ => Ok(()),
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let address = name.parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Whether a page of `origin` was served by `host`. The scheme is not compared, because a proxy may terminate TLS.
fn is_of_host(origin: &str, host: Option<String>) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let plain = |authority: &str| {
        let lower = authority.to_ascii_lowercase();
        lower.strip_suffix(port).unwrap_or(&lower).to_owned()
    };
    host.is_some_and(|host| plain(authority) == plain(&host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().cloned();
        pairs
            .map(|(name, value)| (name, HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn only_names_of_this_machine_are_accepted_as_hosts() {
        let host = |host| check_host(&headers(&[(HOST, host)]));
        for local in [
            "localhost:3001",
            "LocalHost",
            "127.0.0.1:3001",
            "127.9.9.9",
            "[::1]:80",
        ] {
            assert_eq!(host(local), Ok(()), "{local}");
        }
        for foreign in [
            "evil.example:80",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "[::2]",
            "",
            "localhost.evil",
        ] {
            assert_eq!(host(foreign), Err(Foreign::Host(foreign.to_owned())));
        }
        assert_eq!(check_host(&HeaderMap::new()), Ok(()), "a program");
    }

    #[test]
    fn only_the_service_s_own_pages_are_accepted_as_origins() {
        let of = |origin, host| check_origin(&headers(&[(ORIGIN, origin), (HOST, host)]));
        for (origin, host) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://localhost", "localhost:80"),
            ("https://api.example", "API.example"),
            ("https://api.example", "api.example:443"),
        ] {
            assert_eq!(of(origin, host), Ok(()), "{origin} {host}");
        }
        for (origin, host) in [
            ("http://evil.example", "127.0.0.1:8080"),
            ("http://localhost:3000", "localhost:8080"),
            ("http://127.0.0.1:8080.evil.example", "127.0.0.1:8080"),
            ("null", "127.0.0.1:8080"),
            ("file://", "127.0.0.1:8080"),
        ] {
            assert_eq!(of(origin, host), Err(Foreign::Origin(origin.to_owned())));
        }
        assert!(check_origin(&headers(&[(ORIGIN, "http://a")])).is_err());
        assert_eq!(check_origin(&headers(&[(HOST, "a")])), Ok(()), "a program");
    }
}
