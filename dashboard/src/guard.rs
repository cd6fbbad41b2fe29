//! Who may look, and what a browser may do with what it is given.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::Refusal;
use crate::options::Access;

/// Scripts, styles and data from here alone; nothing inline, nobody frames us; no text becomes markup
/// but by the pages' own policy, which lets none through.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types default";

/// What keeps others out.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) access: Access,
}

/// Refuses whom it must, and heads every answer.
pub(crate) async fn guard(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match guard.check(&request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (CACHE_CONTROL, "no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

impl Guard {
    fn check(&self, request: &Request) -> Result<(), Refusal> {
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            return Err(Refusal::NoSuchMethod);
        }
        match &self.access {
            Access::Token(token) if request.uri().path().starts_with("/api/") => {
                let shown = bearer(request.headers());
                shown
                    .is_some_and(|shown| token.is(shown))
                    .then_some(())
                    .ok_or(Refusal::Unauthorized)
            }
            // A page of somebody else's whose name they point here would be of our own origin.
            Access::Loopback if !is_local(request.headers()) => Err(Refusal::ForeignHost),
            Access::Token(_) | Access::Loopback | Access::Anybody => Ok(()),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    headers
        .get(AUTHORIZATION)?
        .as_bytes()
        .strip_prefix(b"Bearer ")
}

fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else {
        return false;
    };
    let name = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost"
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_local() {
        let local = |host: &'static str| {
            let headers = [(HOST, HeaderValue::from_static(host))];
            is_local(&HeaderMap::from_iter(headers))
        };
        assert!(local("localhost:3001") && local("127.0.0.1:3001") && local("[::1]:80"));
        assert!(
            !local("evil.example:3001") && !local("127.0.0.1.evil.example") && !local("10.0.0.1")
        );
        assert!(!is_local(&HeaderMap::new()));
    }
}
