//! Compresses responses for clients that accept gzip. Event streams are not compressed, because compression
//! would delay their events.

use std::io::{self, Write};

use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// The minimum size in bytes for compression. A smaller body fits into one packet uncompressed.
const BYTES_MIN: usize = 1_000;

/// Whether a request accepts gzip.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let offers = headers.get_all(ACCEPT_ENCODING).into_iter();
    let offers = offers.filter_map(|value| value.to_str().ok());
    offers.flat_map(|value| value.split(',')).any(|offer| {
        let mut parts = offer.split(';').map(str::trim);
        parts.next() == Some("gzip") && !parts.any(refuses)
    })
}

/// Whether a parameter of `Accept-Encoding` is a weight of zero.
fn refuses(parameter: &str) -> bool {
    let weight = parameter.strip_prefix("q=");
    weight.and_then(|weight| weight.parse::<f32>().ok()) == Some(0.0)
}

/// Creates a response with a body that was compressed at build time.
pub(crate) fn packed(body: &'static [u8]) -> Response {
    mark(body.into_response())
}

/// Creates a response with a body, which is compressed if it is large enough and the client accepts gzip.
pub(crate) async fn pack(headers: &HeaderMap, body: Bytes) -> Response {
    if body.len() < BYTES_MIN || !takes_gzip(headers) {
        return body.into_response();
    }
    let plain = body.clone();
    // Compressing hundreds of kilobytes would block the other tasks of this thread.
    match tokio::task::spawn_blocking(move || gzip(&plain)).await {
        Ok(Ok(packed)) => mark(packed.into_response()),
        _ => body.into_response(),
    }
}

fn gzip(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

fn mark(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_accepted_by_name_and_refused_by_a_weight_of_zero() {
        let takes = |value: &'static str| {
            let headers = [(ACCEPT_ENCODING, HeaderValue::from_static(value))];
            takes_gzip(&HeaderMap::from_iter(headers))
        };
        assert!(takes("gzip") && takes("deflate, gzip;q=0.5, br") && takes("br,gzip; q=1"));
        assert!(!takes("br") && !takes("gzip;q=0") && !takes("gzip; q=0.0") && !takes("xgzip"));
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
