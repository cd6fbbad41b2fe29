//! The handlers of all paths. Their doc comments are texts of the OpenAPI document.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use http_service::OPENMETRICS;
use tokio::time::Instant;

use crate::api::Api;
use crate::error::RequestError;
use crate::headers::IDEMPOTENCY_REPLAYED;
use crate::health::Health;
use crate::idempotency::Answered;
use crate::schema::{
    AnyEvents, IdempotencyHeader, PlayerEvents, PurchaseEvents, Responses, ServerMetrics,
};
use crate::topics::SourceTopic;
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
    let route = Route::To(SourceTopic::PlayerEvents);
    take(&api, "/v1/player-events", route, request).await
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
    let route = Route::To(SourceTopic::PurchaseEvents);
    take(&api, "/v1/purchase-events", route, request).await
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
    let route = Route::To(SourceTopic::ServerMetrics);
    take(&api, "/v1/server-metrics", route, request).await
}

/// Post events of all kinds
///
/// Writes each event to the topic of its `event_name`: `player_action`, `transaction` or `server_metric`.
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
    take(&api, "/v1/events", Route::ByName, request).await
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

async fn take(api: &Arc<Api>, path: &'static str, route: Route, request: Request) -> Response {
    let started = Instant::now();
    let response = match api.take(route, request).await {
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
