//! The pages, inside the binary: nothing is fetched from anywhere else.

use axum::extract::Path;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::error::Refusal;

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The chart library, which a build may lack.
const CHARTS: &str = "echarts.min.js";

pub(crate) async fn index() -> Response {
    serve("index.html")
}

pub(crate) async fn asset(Path(name): Path<String>) -> Response {
    serve(&name)
}

fn serve(name: &str) -> Response {
    let found = ASSETS.iter().find(|(known, _)| *known == name);
    match found.map(|(_, content)| *content) {
        Some(content) => ([(CONTENT_TYPE, content_type(name))], content).into_response(),
        // A page without charts is whole: an answer that it is missing would be an error there.
        None if name == CHARTS => ([(CONTENT_TYPE, content_type(name))], "").into_response(),
        None => Refusal::NoSuchPath.into_response(),
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
    use super::*;

    /// Uncompressed and together, without the chart library: what a page may have compressed.
    const BYTES_MAX: usize = 600_000;

    #[test]
    fn every_page_has_a_type_and_all_are_small() {
        let ours = ASSETS.iter().filter(|(name, _)| *name != CHARTS);
        assert!(
            ours.clone()
                .map(|(_, content)| content.len())
                .sum::<usize>()
                < BYTES_MAX
        );
        for (name, _) in ours {
            assert_ne!(content_type(name), "application/octet-stream", "{name}");
        }
        assert!(ASSETS.iter().any(|(name, _)| *name == "index.html"));
    }
}
