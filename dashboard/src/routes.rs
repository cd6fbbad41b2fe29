//! The paths, and what each does.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::assets;
use crate::error::Refusal;
use crate::guard::{Guard, guard};
use crate::hub::Hub;
use crate::limits::LIVE_MAX;
use crate::live::Live;
use crate::packed::pack;
use crate::query::Query;
use crate::views::View;

/// What handlers need.
#[derive(Clone, Debug)]
struct Pages {
    hub: Arc<Hub>,
    room: Arc<Semaphore>,
    stop: CancellationToken,
}

pub(crate) fn router(hub: Arc<Hub>, keep_out: Guard, stop: CancellationToken) -> Router {
    let pages = Pages {
        hub,
        room: Arc::new(Semaphore::new(LIVE_MAX)),
        stop,
    };
    Router::new()
        .route("/", get(assets::index))
        .route("/{file}", get(assets::asset))
        .route("/api/status", get(status))
        .route("/api/views/{view}", get(view))
        .route("/api/views/{view}/live", get(live))
        .with_state(pages)
        .fallback(async || Refusal::NoSuchPath)
        .layer(from_fn_with_state(Arc::new(keep_out), guard))
}

async fn status(State(pages): State<Pages>, headers: HeaderMap) -> Response {
    let status = pages.hub.status.borrow().clone();
    json(&headers, status).await
}

async fn view(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let (view, query) = asked(&name, query.as_deref())?;
    let frame = pages.hub.frame(view, &query).await?;
    Ok(json(&headers, frame.json).await)
}

async fn live(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let (view, query) = asked(&name, query.as_deref())?;
    let place = pages.room.try_acquire_owned().map_err(|_| Refusal::Full)?;
    let has = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let live = Live {
        hub: pages.hub,
        view,
        query,
        has: has.map(str::to_owned),
        stop: pages.stop,
        _place: place,
    };
    Ok(([(CONTENT_TYPE, "text/event-stream")], live.body()).into_response())
}

fn asked(view: &str, query: Option<&str>) -> Result<(View, Query), Refusal> {
    let view = View::named(view).ok_or(Refusal::NoSuchPath)?;
    Ok((view, Query::parse(query.unwrap_or_default())?))
}

async fn json(headers: &HeaderMap, body: Bytes) -> Response {
    let mut response = pack(headers, body).await;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
