//! The paths, and what each does.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use tokio::time::Instant;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::api::Api;
use crate::error::Refusal;
use crate::health::Health;
use crate::idempotency::Answered;
use crate::openapi::{self, AnyEvents, PlayerEvents, PurchaseEvents, Responses, ServerMetrics};
use crate::source::Source;
use crate::validate::Route;

const JSON: &str = "application/json";
/// The OpenMetrics text format, which Prometheus reads.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

pub(crate) fn router(api: Arc<Api>) -> Router {
    let page = SwaggerUi::new("/docs")
        .url("/openapi.json", openapi::document())
        // Its validator is somebody else's server.
        .config(Config::new(["/openapi.json"]).validator_url("none"));
    Router::new()
        .route("/", get(async || Redirect::to("/docs/")))
        .route("/v1/player-events", post(player_events))
        .route("/v1/purchase-events", post(purchase_events))
        .route("/v1/server-metrics", post(server_metrics))
        .route("/v1/events", post(events))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .with_state(api)
        .merge(page)
        .fallback(async || Refusal::NoSuchPath)
        .method_not_allowed_fallback(async || Refusal::NoSuchMethod)
}

/// Post what players did
///
/// Each event is written to `player-events` under its player.
#[utoipa::path(
    post,
    path = "/v1/player-events",
    tag = "events",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
        description = "Within an hour the same key gets the same answer and writes nothing again.")),
    request_body(content((PlayerEvents = "application/json"), (String = "application/x-ndjson"))),
    responses(Responses),
    security((), ("key" = []))
)]
pub(crate) async fn player_events(State(api): State<Arc<Api>>, request: Request) -> Response {
    take(
        &api,
        "/v1/player-events",
        Route::To(Source::PlayerEvents),
        request,
    )
    .await
}

/// Post what was bought and given back
///
/// Each event is written to `purchase-events` under its user.
#[utoipa::path(
    post,
    path = "/v1/purchase-events",
    tag = "events",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
        description = "Within an hour the same key gets the same answer and writes nothing again.")),
    request_body(content((PurchaseEvents = "application/json"), (String = "application/x-ndjson"))),
    responses(Responses),
    security((), ("key" = []))
)]
pub(crate) async fn purchase_events(State(api): State<Arc<Api>>, request: Request) -> Response {
    take(
        &api,
        "/v1/purchase-events",
        Route::To(Source::PurchaseEvents),
        request,
    )
    .await
}

/// Post how servers fare
///
/// Each report is written to `server-metrics` under its server.
#[utoipa::path(
    post,
    path = "/v1/server-metrics",
    tag = "events",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
        description = "Within an hour the same key gets the same answer and writes nothing again.")),
    request_body(content((ServerMetrics = "application/json"), (String = "application/x-ndjson"))),
    responses(Responses),
    security((), ("key" = []))
)]
pub(crate) async fn server_metrics(State(api): State<Arc<Api>>, request: Request) -> Response {
    take(
        &api,
        "/v1/server-metrics",
        Route::To(Source::ServerMetrics),
        request,
    )
    .await
}

/// Post a mixture
///
/// Each event is written to the topic of its `event_name`: `player_action`, `transaction` or
/// `server_metric`.
#[utoipa::path(
    post,
    path = "/v1/events",
    tag = "events",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
        description = "Within an hour the same key gets the same answer and writes nothing again.")),
    request_body(content((AnyEvents = "application/json"), (String = "application/x-ndjson"))),
    responses(Responses),
    security((), ("key" = []))
)]
pub(crate) async fn events(State(api): State<Arc<Api>>, request: Request) -> Response {
    take(&api, "/v1/events", Route::ByName, request).await
}

/// Whether events can be written now
#[utoipa::path(
    get,
    path = "/health",
    tag = "operations",
    responses(
        (status = 200, description = "All is well.", body = Health),
        (status = 503, description = "Events cannot be written; the reasons say why.", body = Health)
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

/// What is counted, for Prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operations",
    responses((status = 200, description = "OpenMetrics text.", body = String,
        content_type = "application/openmetrics-text"))
)]
pub(crate) async fn metrics(State(api): State<Arc<Api>>) -> Response {
    match api.render_metrics() {
        Ok(text) => ([(CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(error) => internal(&error),
    }
}

async fn take(api: &Arc<Api>, path: &'static str, route: Route, request: Request) -> Response {
    let started = Instant::now();
    let response = match api.take(route, request).await {
        Ok(answered) => answer(answered),
        Err(refusal) => refusal.into_response(),
    };
    let status = response.status().as_u16();
    api.metrics.answered(path, status, started.elapsed());
    response
}

fn answer(answered: Answered) -> Response {
    let mut response = ([(CONTENT_TYPE, JSON)], answered.body).into_response();
    if answered.again {
        let value = HeaderValue::from_static("true");
        response.headers_mut().insert(REPLAYED, value);
    }
    response
}

fn internal(error: &dyn std::error::Error) -> Response {
    tracing::error!(%error, "an answer cannot be written");
    Refusal::Internal(error.to_string()).into_response()
}
