//! Serves the dashboard's pages, which are embedded in the binary. They load nothing from other servers.

use axum::extract::Path;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};

use crate::error::RequestError;
use crate::packed::{packed, takes_gzip};
use crate::tagged::tagged;

/// A file that the dashboard serves, such as a script or a stylesheet.
struct Asset {
    name: &'static str,
    content: &'static [u8],
    /// The content, compressed with gzip.
    gzip: &'static [u8],
    etag: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The chart library. It is missing if it was not downloaded before the build.
const CHARTS: &str = "echarts.min.js";

pub(crate) async fn index(headers: HeaderMap) -> Response {
    serve("index.html", &headers).await
}

pub(crate) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    serve(&name, &headers).await
}

async fn serve(name: &str, headers: &HeaderMap) -> Response {
    match ASSETS.iter().find(|asset| asset.name == name) {
        Some(asset) => asset.serve(headers).await,
        // In a build without the chart library, sends an empty script: a 404 would show an error in the
        // browser console on every page.
        None if name == CHARTS => ([(CONTENT_TYPE, content_type(name))], "").into_response(),
        None => RequestError::NoSuchPath.into_response(),
    }
}

impl Asset {
    async fn serve(&self, headers: &HeaderMap) -> Response {
        let etag = HeaderValue::from_static(self.etag);
        let body = async {
            if takes_gzip(headers) {
                packed(self.gzip)
            } else {
                self.content.into_response()
            }
        };
        tagged(headers, &etag, content_type(self.name), body).await
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// The limit for the compressed size of all pages together, without the chart library.
    const BYTES_MAX: usize = 600_000;

    #[test]
    fn every_page_has_a_type_and_all_are_small() {
        let ours = ASSETS.iter().filter(|asset| asset.name != CHARTS);
        let bytes: usize = ours.clone().map(|asset| asset.gzip.len()).sum();
        eprintln!("all pages without the chart library: {bytes} bytes compressed");
        assert!(bytes < BYTES_MAX);
        for asset in ours {
            let kind = content_type(asset.name);
            assert_ne!(kind, "application/octet-stream", "{}", asset.name);
        }
        assert!(ASSETS.iter().any(|asset| asset.name == "index.html"));
    }

    #[test]
    fn compressed_pages_have_the_same_content() {
        for asset in ASSETS {
            let mut content = Vec::new();
            let mut unpacked = flate2::read::GzDecoder::new(asset.gzip);
            unpacked.read_to_end(&mut content).unwrap();
            assert!(content == asset.content, "{}", asset.name);
        }
    }
}
