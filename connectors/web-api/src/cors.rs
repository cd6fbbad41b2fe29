//! The origins whose web pages may post events, and the CORS layer that tells browsers about them.

use std::str::FromStr;
use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, ORIGIN, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::headers::{IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED};

/// How long browsers may cache the response to a preflight: the maximum in Chromium.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(7_200);

/// An origin whose pages may post events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorsOrigin {
    /// The pages of any origin.
    Any,
    /// The pages of one origin, in the form that browsers send: `https://game.example`.
    Exact(HeaderValue),
}

/// A text that is not an origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an origin; give scheme, host and port as browsers send them, such as https://game.example or \
    http://localhost:5173, or `*`"
)]
pub struct InvalidOrigin(String);

impl FromStr for CorsOrigin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let wrong = || InvalidOrigin(text.to_owned());
        let lower = text.to_ascii_lowercase();
        let whole = lower.strip_suffix('/').unwrap_or(&lower);
        let (scheme, authority) = whole.split_once("://").ok_or_else(wrong)?;
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        let is_authority = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        let is_fit = !scheme.is_empty() && !authority.is_empty();
        if !is_fit || !scheme.bytes().all(is_scheme) || !authority.bytes().all(is_authority) {
            return Err(wrong());
        }
        // Browsers omit the port of an origin if it is the default of the scheme.
        let plain = match scheme {
            "http" => whole.strip_suffix(":80"),
            "https" => whole.strip_suffix(":443"),
            _ => None,
        };
        let value = HeaderValue::from_str(plain.unwrap_or(whole)).map_err(|_| wrong())?;
        Ok(Self::Exact(value))
    }
}

/// The origins whose pages may post events.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllowedOrigins {
    any: bool,
    exact: Vec<HeaderValue>,
}

impl AllowedOrigins {
    pub(crate) fn new(origins: &[CorsOrigin]) -> Self {
        let mut allowed = Self::default();
        for origin in origins {
            match origin {
                CorsOrigin::Any => allowed.any = true,
                CorsOrigin::Exact(origin) => allowed.exact.push(origin.clone()),
            }
        }
        allowed
    }

    /// Whether a request with these headers comes from a page of an allowed origin.
    pub(crate) fn contain_page_of(&self, headers: &HeaderMap) -> bool {
        let origin = headers.get(ORIGIN);
        origin.is_some_and(|origin| self.any || self.exact.contains(origin))
    }

    /// Returns the layer that answers preflights and lets allowed pages read all other responses; `None` if
    /// no origin is allowed.
    pub(crate) fn cors_layer(&self) -> Option<CorsLayer> {
        let layer = CorsLayer::new()
            .allow_methods([Method::GET, Method::POST])
            .allow_headers([
                AUTHORIZATION,
                CONTENT_TYPE,
                CONTENT_ENCODING,
                IDEMPOTENCY_KEY,
            ])
            .expose_headers([RETRY_AFTER, IDEMPOTENCY_REPLAYED])
            .max_age(PREFLIGHT_MAX_AGE);
        match (self.any, &self.exact[..]) {
            (true, _) => Some(layer.allow_origin(AllowOrigin::any())),
            (false, []) => None,
            // Browsers send beacons in credentials mode, even if there are no credentials, and then require the
            // header `access-control-allow-credentials`. The web API ignores cookies and other credentials of the
            // browser.
            (false, exact) => Some(
                layer
                    .allow_origin(AllowOrigin::list(exact.iter().cloned()))
                    .allow_credentials(true),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_parsed_as_browsers_write_them() {
        let read = |text: &str| match text.parse() {
            Ok(CorsOrigin::Exact(origin)) => Some(origin.to_str().unwrap().to_owned()),
            _ => None,
        };
        for (text, expected) in [
            ("https://game.example", "https://game.example"),
            ("HTTPS://Game.Example:443/", "https://game.example"),
            ("http://localhost:5173", "http://localhost:5173"),
            ("http://[::1]:80", "http://[::1]"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!("*".parse(), Ok(CorsOrigin::Any));
        for wrong in [
            "",
            "null",
            "game.example",
            "https://",
            "https://game.example/play",
            "https://*.example",
            "https://user@game.example",
            "https://spiel.bücher",
        ] {
            assert_eq!(
                CorsOrigin::from_str(wrong),
                Err(InvalidOrigin(wrong.to_owned()))
            );
        }
    }

    #[test]
    fn an_origin_is_compared_as_a_whole() {
        let sent = |origins: &[CorsOrigin], origin: &'static str| {
            let headers = [(ORIGIN, HeaderValue::from_static(origin))];
            AllowedOrigins::new(origins).contain_page_of(&HeaderMap::from_iter(headers))
        };
        let game = ["https://game.example".parse().unwrap()];
        assert!(sent(&game, "https://game.example"));
        for other in [
            "http://game.example",
            "https://game.example:8443",
            "https://game.example.evil",
            "null",
        ] {
            assert!(!sent(&game, other), "{other}");
            assert!(sent(&[CorsOrigin::Any], other));
        }
        assert!(!AllowedOrigins::new(&[CorsOrigin::Any]).contain_page_of(&HeaderMap::new()));
    }
}
