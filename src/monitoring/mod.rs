//! Serves `/metrics` for Prometheus and `/health` for process supervisors, over HTTP on one port. The service
//! keeps no state: every response is computed from the status board.

mod health;
mod metrics;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use dataflow::{DataflowSpec, StatusBoard};
use health::Health;
use http_service::{OPENMETRICS, check_host, check_origin, is_exposed};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::listen::listen;
use crate::terminal::say;

/// The data from which every response is computed.
struct Monitored {
    board: StatusBoard,
    /// The source topic of each derivation, by derivation.
    sources: BTreeMap<String, String>,
}

/// Starts the service and prints its address; it runs until `stop` is cancelled.
pub(crate) async fn start(
    address: SocketAddr,
    dataflow: &DataflowSpec,
    board: StatusBoard,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let listener = listen(address, "metrics", "--metrics-addr").await?;
    let sources = dataflow
        .derivations
        .iter()
        .map(|(name, spec)| (name.clone(), spec.from.clone()))
        .collect();
    let mut router = router(Monitored { board, sources });
    if !is_exposed(listener.local_addr()?) {
        router = router.layer(from_fn(this_machine_alone));
    }
    let service = http_service::start("metrics", listener, router, stop)?;
    say!("metrics: {}", service.address());
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

/// Refuses requests that a browser on this machine sends for other sites' web pages, including pages whose host name
/// resolves to this address (DNS rebinding).
async fn this_machine_alone(request: Request, next: Next) -> Response {
    let headers = request.headers();
    match check_host(headers).and_then(|()| check_origin(headers)) {
        Ok(()) => next.run(request).await,
        Err(foreign) => {
            let problem = json!({"error": foreign.code(), "detail": foreign.to_string()});
            let kind = [(CONTENT_TYPE, "application/json")];
            (StatusCode::FORBIDDEN, kind, problem.to_string()).into_response()
        }
    }
}

async fn metrics(State(monitored): State<Arc<Monitored>>) -> Response {
    match metrics::render(
        &monitored.sources,
        monitored.board.snapshot(),
        SystemTime::now(),
    ) {
        Ok(text) => ([(CONTENT_TYPE, OPENMETRICS)], text).into_response(),
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
    error!(%error, "cannot encode a response");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
