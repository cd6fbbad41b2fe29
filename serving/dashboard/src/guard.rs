//! Checks whether a request may view the dashboard, and adds the security headers to every response.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_service::check_host;

use crate::error::RequestError;
use crate::options::Access;

/// The content security policy. Scripts, styles, images and requested data come from the same origin only, except that
/// an image may be a `data:` URL. Inline code and framing are forbidden. Of the policies for trusted types, only
/// `default` is allowed. `policy.js` creates it, and it never turns text into markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types default";

/// The settings of [`guard`].
#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) access: Access,
}

/// Refuses requests that are not allowed, and adds the security headers to all responses.
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
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Event streams set their own `Cache-Control`.
    let fresh = HeaderValue::from_static("no-cache");
    headers.entry(CACHE_CONTROL).or_insert(fresh);
    response
}

impl Guard {
    fn check(&self, request: &Request) -> Result<(), RequestError> {
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            return Err(RequestError::NoSuchMethod);
        }
        match &self.access {
            Access::Token(token) if request.uri().path().starts_with("/api/") => {
                let shown = bearer(request.headers());
                shown
                    .is_some_and(|shown| token.is(shown))
                    .then_some(())
                    .ok_or(RequestError::Unauthorized)
            }
            // Protects against DNS rebinding: for the browser, a foreign page whose host name resolves to this address
            // has the same origin as the dashboard. Other foreign pages can send requests, but the requests change
            // nothing, and the pages cannot read the responses. `Origin` is not checked, because behind a proxy it
            // contains the proxy's name even in requests of the dashboard's own pages.
            Access::Loopback => Ok(check_host(request.headers())?),
            Access::Token(_) | Access::Anybody => Ok(()),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    headers
        .get(AUTHORIZATION)?
        .as_bytes()
        .strip_prefix(b"Bearer ")
}
