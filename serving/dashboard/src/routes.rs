//! Defines the paths and their handlers.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::assets;
use crate::broadcast::Broadcast;
use crate::error::RequestError;
use crate::explore::{ExplorePage, ExploreQuery, Explorer, PinnedPage};
use crate::games::Games;
use crate::guard::{Guard, guard};
use crate::limits::LIVE_MAX;
use crate::live::{LiveStream, StoredView, Streamed};
use crate::packed::pack;
use crate::query::Query;
use crate::views::View;

/// Headers for event streams. They tell proxies not to compress or buffer the events; nginx buffers by default.
const STREAM_HEADERS: [(HeaderName, &str); 3] = [
    (CONTENT_TYPE, "text/event-stream"),
    (CACHE_CONTROL, "no-cache, no-transform"),
    (HeaderName::from_static("x-accel-buffering"), "no"),
];

/// The state that all handlers share.
#[derive(Clone, Debug)]
struct Pages {
    broadcast: Arc<Broadcast>,
    explorer: Arc<Explorer>,
    games: Arc<Games>,
    streams: Arc<Semaphore>,
    stop: CancellationToken,
}

pub(crate) fn router(
    broadcast: Arc<Broadcast>,
    explorer: Arc<Explorer>,
    games: Arc<Games>,
    access: Guard,
    stop: CancellationToken,
) -> Router {
    let pages = Pages {
        broadcast,
        explorer,
        games,
        streams: Arc::new(Semaphore::new(LIVE_MAX)),
        stop,
    };
    Router::new()
        .route("/", get(assets::index))
        .route("/{file}", get(assets::asset))
        .route("/covers/{file}", get(cover))
        .route("/api/status", get(status))
        .route("/api/games", get(catalogue))
        .route("/api/explore", get(explored_topics))
        .route("/api/explore/rows", get(explored_rows))
        .route("/api/views/explore", get(explored))
        .route("/api/views/explore/live", get(explored_live))
        .route("/api/views/pinned", get(pinned))
        .route("/api/views/pinned/live", get(pinned_live))
        .route("/api/views/{view}", get(view))
        .route("/api/views/{view}/live", get(live))
        .with_state(pages)
        .fallback(async || RequestError::NoSuchPath)
        .layer(from_fn_with_state(Arc::new(access), guard))
}

async fn status(State(pages): State<Pages>, headers: HeaderMap) -> Response {
    let status = pages.broadcast.status.borrow().clone();
    json(&headers, status).await
}

/// Lists the games of the catalogue.
async fn catalogue(State(pages): State<Pages>, headers: HeaderMap) -> Response {
    json(&headers, pages.games.list()).await
}

async fn cover(
    State(pages): State<Pages>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, RequestError> {
    let id = file.strip_suffix(".svg").ok_or(RequestError::NoSuchPath)?;
    pages.games.cover(id, &headers).await
}

async fn view(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, RequestError> {
    let (view, query) = parse(&name, query.as_deref())?;
    let rendered = pages.broadcast.render(view, &query).await?;
    Ok(json(&headers, rendered.json).await)
}

async fn live(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, RequestError> {
    let (view, query) = parse(&name, query.as_deref())?;
    let broadcast = Arc::clone(&pages.broadcast);
    let view = StoredView {
        broadcast,
        view,
        query,
    };
    stream(pages, view, &headers)
}

/// Lists the topics of the page *Explore* and the charts of the page *Pinned*.
async fn explored_topics(State(pages): State<Pages>, headers: HeaderMap) -> Response {
    json(&headers, pages.explorer.catalog()).await
}

async fn explored(
    State(pages): State<Pages>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, RequestError> {
    let page = explore_page(&pages, query.as_deref())?;
    page.filled().await;
    Ok(json(&headers, page.render().await?.json).await)
}

async fn explored_live(
    State(pages): State<Pages>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, RequestError> {
    let page = explore_page(&pages, query.as_deref())?;
    stream(pages, page, &headers)
}

/// Returns all rows that a view of the page *Explore* covers.
async fn explored_rows(
    State(pages): State<Pages>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, RequestError> {
    let page = explore_page(&pages, query.as_deref())?;
    page.filled().await;
    Ok(json(&headers, page.rows().await?).await)
}

async fn pinned(
    State(pages): State<Pages>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, RequestError> {
    let page = pinned_page(&pages, query.as_deref())?;
    page.filled().await;
    Ok(json(&headers, page.render().await?.json).await)
}

async fn pinned_live(
    State(pages): State<Pages>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, RequestError> {
    let page = pinned_page(&pages, query.as_deref())?;
    stream(pages, page, &headers)
}

fn explore_page(pages: &Pages, query: Option<&str>) -> Result<ExplorePage, RequestError> {
    let query = ExploreQuery::parse(query.unwrap_or_default())?;
    pages.explorer.page(query)
}

fn pinned_page(pages: &Pages, query: Option<&str>) -> Result<PinnedPage, RequestError> {
    let query = Query::parse(query.unwrap_or_default())?;
    pages.explorer.pinned_page(query)
}

fn stream<V: Streamed + Sync>(
    pages: Pages,
    view: V,
    headers: &HeaderMap,
) -> Result<Response, RequestError> {
    let permit = pages
        .streams
        .try_acquire_owned()
        .map_err(|_| RequestError::Full)?;
    let has = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let live = LiveStream {
        view,
        status: pages.broadcast.status.subscribe(),
        has: has.map(str::to_owned),
        stop: pages.stop,
        _permit: permit,
    };
    Ok((STREAM_HEADERS, live.body()).into_response())
}

fn parse(view: &str, query: Option<&str>) -> Result<(View, Query), RequestError> {
    let view = View::named(view).ok_or(RequestError::NoSuchPath)?;
    Ok((view, Query::parse(query.unwrap_or_default())?))
}

async fn json(headers: &HeaderMap, body: Bytes) -> Response {
    let mut response = pack(headers, body).await;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
