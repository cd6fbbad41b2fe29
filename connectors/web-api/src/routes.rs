//! The router: which handler serves which path. Requests pass the guard and the CORS layer first.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use axum::routing::{get, post};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::api::Api;
use crate::error::RequestError;
use crate::guard::{Guard, check_request};
use crate::handlers::{
    events, health, metrics, player_events, purchase_events, server_metrics, source,
};
use crate::openapi;

pub(crate) fn router(api: Arc<Api>, guard: Guard) -> Router {
    let page = SwaggerUi::new("/docs")
        .external_url_unchecked("/openapi.json", openapi::document(&api.sources))
        // The page's default validator would send the document to a server on the internet.
        .config(Config::new(["/openapi.json"]).validator_url("none"));
    let router = Router::new()
        .route("/", get(async || Redirect::to("/docs/")))
        .route("/v1/player-events", post(player_events))
        .route("/v1/purchase-events", post(purchase_events))
        .route("/v1/server-metrics", post(server_metrics))
        .route("/v1/events", post(events))
        .route("/v1/sources/{source}", post(source))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .with_state(api)
        .merge(page)
        .fallback(async || RequestError::NoSuchPath)
        .method_not_allowed_fallback(async || RequestError::NoSuchMethod);
    let router = match guard.origins.cors_layer() {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router.layer(from_fn_with_state(Arc::new(guard), check_request))
}
