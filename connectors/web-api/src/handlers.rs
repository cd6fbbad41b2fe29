//! The handlers of all paths. Their doc comments are texts of the OpenAPI document.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use http_service::OPENMETRICS;
use tokio::time::Instant;

use crate::api::Api;
use crate::error::{Problem, RequestError};
use crate::headers::IDEMPOTENCY_REPLAYED;
use crate::health::Health;
use crate::idempotency::Answered;
use crate::limits::SHOWN_CHARACTERS;
use crate::schema::{
    AnyEvents, IdempotencyHeader, PlayerEvents, PurchaseEvents, Responses, ServerMetrics,
};
use crate::validate::Route;

const JSON: &str = "application/json";

/// Post player events
///
/// Writes each event to `player-events`, keyed by its player.
#[utoipa::path(
    post,
    path = "/v1/player-events",
    tag = "events",
    params(IdempotencyHeader),
    request_body(content((PlayerEvents = "application/json"), (String = "application/x-ndjson"))),
    responses(Responses),
    security((), ("key" = []))
)]
pub(crate) async fn player_events(State(api): State<Arc<Api>>, request: Request) -> Response {
    take_for(&api, "/v1/player-events", "player-events", request).await
}

/// Post purchase events
///
/// Writes each event to `purchase-events`, keyed by its user.
#[utoipa::path(
    post,
    path = "/v1/purchase-events",
    tag = "events",
    params(IdempotencyHeader),
    request_body(content((PurchaseEvents = "application/json"), (String = "application/x-ndjson"))),
    responses(Responses),
    security((), ("key" = []))
)]
pub(crate) async fn purchase_events(State(api): State<Arc<Api>>, request: Request) -> Response {
    take_for(&api, "/v1/purchase-events", "purchase-events", request).await
}

/// Post server metrics
///
/// Writes each event to `server-metrics`, keyed by its server.
#[utoipa::path(
    post,
    path = "/v1/server-metrics",
    tag = "events",
    params(IdempotencyHeader),
    request_body(content((ServerMetrics = "application/json"), (String = "application/x-ndjson"))),
    responses(Responses),
    security((), ("key" = []))
)]
pub(crate) async fn server_metrics(State(api): State<Arc<Api>>, request: Request) -> Response {
    take_for(&api, "/v1/server-metrics", "server-metrics", request).await
}

/// Post events of all kinds
///
/// Writes each event to the topic of its `event_name`: `player_action`, `transaction`, `server_metric`, or a name that
/// the dataflow file lists for a source.
#[utoipa::path(
    post,
    path = "/v1/events",
    tag = "events",
    params(IdempotencyHeader),
    request_body(content((AnyEvents = "application/json"), (String = "application/x-ndjson"))),
    responses(Responses),
    security((), ("key" = []))
)]
pub(crate) async fn events(State(api): State<Arc<Api>>, request: Request) -> Response {
    take(&api, "/v1/events", Ok(Route::ByName), request).await
}

/// Post records of any source
///
/// Writes each record to the source topic of this name, which the dataflow file declares. The schema of the same name
/// describes the records. The record key is the value of the field that the dataflow file names.
#[utoipa::path(
    post,
    path = "/v1/sources/{source}",
    tag = "events",
    params(("source" = String, Path, description = "The name of the source."), IdempotencyHeader),
    request_body(content((serde_json::Value = "application/json"), (String = "application/x-ndjson"))),
    responses(
        Responses,
        (status = 404, description = "The dataflow file does not declare the source.", body = Problem)
    ),
    security((), ("key" = []))
)]
pub(crate) async fn source(State(api): State<Arc<Api>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let topic = path.strip_prefix("/v1/sources/").unwrap_or_default();
    // Metrics have one label for all unknown sources, so that clients cannot create labels.
    let label = match api.sources.of_topic(topic) {
        Some(_) => path.as_str(),
        None => "/v1/sources/{source}",
    };
    take_for(&api, label, topic, request).await
}

/// Check whether events can be written
#[utoipa::path(
    get,
    path = "/health",
    tag = "operations",
    responses(
        (status = 200, description = "Every topic can be written to.", body = Health),
        (status = 503, description = "Events cannot be written; `reasons` lists the causes.", body = Health)
    )
)]
pub(crate) async fn health(State(api): State<Arc<Api>>) -> Response {
    let health = api.health();
    let status = match health.is_ok() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    match serde_json::to_string(&health) {
        Ok(text) => (status, [(CONTENT_TYPE, JSON)], text).into_response(),
        Err(error) => internal(&error),
    }
}

/// Get metrics for Prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operations",
    responses((status = 200, description = "Metrics in the OpenMetrics text format.", body = String,
        content_type = "application/openmetrics-text"))
)]
pub(crate) async fn metrics(State(api): State<Arc<Api>>) -> Response {
    match api.render_metrics() {
        Ok(text) => ([(CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(error) => internal(&error),
    }
}

/// Takes records of one source.
async fn take_for(api: &Arc<Api>, path: &str, topic: &str, request: Request) -> Response {
    let source = api.sources.of_topic(topic).cloned();
    let route = source.map(Route::To).ok_or_else(|| {
        let known: Vec<_> = api
            .sources
            .topics()
            .map(|name| format!("`{name}`"))
            .collect();
        RequestError::NoSuchSource {
            name: topic.chars().take(SHOWN_CHARACTERS).collect(),
            known: known.join(", "),
        }
    });
    take(api, path, route, request).await
}

async fn take(
    api: &Arc<Api>,
    path: &str,
    route: Result<Route, RequestError>,
    request: Request,
) -> Response {
    let started = Instant::now();
    let answered = match route {
        Ok(route) => api.take(route, request).await,
        Err(error) => Err(error),
    };
    let response = match answered {
        Ok(answered) => answer(answered),
        Err(error) => error.into_response(),
    };
    let status = response.status().as_u16();
    api.metrics.answered(path, status, started.elapsed());
    response
}

fn answer(answered: Answered) -> Response {
    let mut response = ([(CONTENT_TYPE, JSON)], answered.body).into_response();
    if answered.is_replay {
        let value = HeaderValue::from_static("true");
        response.headers_mut().insert(IDEMPOTENCY_REPLAYED, value);
    }
    response
}

fn internal(error: &dyn std::error::Error) -> Response {
    tracing::error!(%error, "cannot encode a response");
    RequestError::Internal(error.to_string()).into_response()
}
