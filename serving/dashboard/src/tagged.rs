//! Responses with an `ETag`, so that a browser downloads each version of a file once.

use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// Returns the response of `body`, or, if the client has this version, one without a body.
pub(crate) async fn tagged(
    headers: &HeaderMap,
    etag: &HeaderValue,
    content_type: &'static str,
    body: impl Future<Output = Response>,
) -> Response {
    let mut response = match headers.get(IF_NONE_MATCH) {
        Some(known) if known == etag => StatusCode::NOT_MODIFIED.into_response(),
        _ => body.await,
    };
    let kind = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response.headers_mut().insert(ETAG, etag.clone());
    response
}
