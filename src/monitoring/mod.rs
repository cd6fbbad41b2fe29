//! What operators look at: `/metrics` for Prometheus and `/health` for whoever restarts processes,
//! over HTTP on one port. Nothing is kept here: every answer is made from the status board.

mod health;
mod metrics;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use dataflow::{DataflowMap, StatusBoard};
use health::Health;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::listen::listen;

/// The OpenMetrics text format, which Prometheus reads.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What answers are made from.
struct Monitored {
    board: StatusBoard,
    /// The source topic of every derivation.
    sources: BTreeMap<String, String>,
}

/// Starts to answer, and prints where; ends when told to stop.
pub(crate) async fn start(
    address: SocketAddr,
    map: &DataflowMap,
    board: StatusBoard,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let listener = listen(address, "metrics", "--metrics-addr").await?;
    let bound = listener.local_addr()?;
    let sources = map
        .derivations
        .iter()
        .map(|(name, spec)| (name.clone(), spec.from.clone()))
        .collect();
    let router = router(Monitored { board, sources });
    tokio::spawn(async move {
        let serving = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = serving.await {
            error!(%error, "metrics and health are answered no more");
        }
    });
    println!("metrics: {bound}");
    Ok(())
}

fn router(monitored: Monitored) -> Router {
    Router::new()
        .route(
            "/",
            get(|| async { "/metrics for Prometheus, /health for supervisors\n" }),
        )
        .route("/metrics", get(metrics))
        .route("/health", get(health))
        .with_state(Arc::new(monitored))
}

async fn metrics(State(monitored): State<Arc<Monitored>>) -> Response {
    match metrics::render(
        &monitored.sources,
        monitored.board.snapshot(),
        SystemTime::now(),
    ) {
        Ok(text) => ([(CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(error) => internal(&error),
    }
}

async fn health(State(monitored): State<Arc<Monitored>>) -> Response {
    let health = Health::of(
        monitored.sources.keys(),
        &monitored.board.snapshot(),
        SystemTime::now(),
    );
    let code = if health.is_ok() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    match serde_json::to_string(&health) {
        Ok(text) => (code, [(CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => internal(&error),
    }
}

fn internal(error: &dyn std::error::Error) -> Response {
    error!(%error, "an answer cannot be written");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
