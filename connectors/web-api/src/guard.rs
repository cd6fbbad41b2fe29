//! Decides which requests are admitted, before their bodies are read. If the web API runs without API
//! keys, this prevents pages of other sites from writing events through the browser of a visitor.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::header::ACCESS_CONTROL_REQUEST_METHOD;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_service::{Foreign, check_host, check_origin};

use crate::cors::AllowedOrigins;
use crate::error::RequestError;
use crate::options::Access;

/// The checks that do not involve the key of a request.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) access: Access,
    pub(crate) origins: AllowedOrigins,
}

/// Refuses requests that are not admitted.
pub(crate) async fn check_request(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    match guard.check(&request) {
        Ok(()) => next.run(request).await,
        Err(foreign) => RequestError::Foreign(foreign).into_response(),
    }
}

impl Guard {
    fn check(&self, request: &Request) -> Result<(), Foreign> {
        let headers = request.headers();
        if self.access == Access::Loopback {
            check_host(headers)?;
        }
        // With keys, only the origin of a preflight is checked. The preflight of a page without permission is
        // refused so that the page's developer sees the reason.
        let is_preflight = request.method() == Method::OPTIONS
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        match self.access {
            _ if self.origins.contain_page_of(headers) => Ok(()),
            Access::Keys(_) if !is_preflight => Ok(()),
            _ => check_origin(headers),
        }
    }
}
