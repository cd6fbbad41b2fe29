//! Serves the world as a web API for clients that pull: an endless stream of all events, and single events
//! of each kind.
//!
//! Every stream is a separate world. With `Pace::WallClock`, the world starts when its reader connects. The response
//! headers contain the seed, start and rate with which the same events can be generated again. Single events come from
//! another world, which starts with the first request for such an event. A single event goes to only one reader. It is
//! dropped if no request takes it before the next event of its kind is due.

mod envelope;
mod latest;
mod stream;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tokio::sync::watch;

use crate::catalogue::Catalogue;
use crate::event::Topic;
use crate::pace::Pace;
use crate::world::{World, WorldOptions};

use latest::Latest;
use stream::Paced;

/// The media type of a stream: JSON envelopes separated by blank lines.
const STREAM_TYPE: &str = "application/x-ndjson";

/// What to serve.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The options of the worlds: each request for a stream gets a world of its own. With `Pace::WallClock` that world
    /// starts at the time of the request, and `start_ms` is ignored.
    pub world: WorldOptions,
    /// The games of the worlds.
    pub catalogue: Arc<Catalogue>,
    /// Incidents to plant per hour of world time.
    pub incidents: f64,
    /// The number of events after which each stream ends; `None` for no limit.
    pub events: Option<u64>,
    /// The speed of streams. Single events always follow the wall clock.
    pub pace: Pace,
}

/// Counts the sent events of each topic.
#[derive(Debug, Default)]
pub struct Served([AtomicU64; Topic::ALL.len()]);

impl Served {
    /// Returns the current counts.
    #[must_use]
    pub fn now(&self) -> BTreeMap<Topic, u64> {
        let count = |topic| self.0[topic as usize].load(Ordering::Relaxed);
        Topic::TELEMETRY.map(|topic| (topic, count(topic))).into()
    }

    fn add(&self, topic: Topic) {
        self.0[topic as usize].fetch_add(1, Ordering::Relaxed);
    }
}

struct Api {
    options: ServeOptions,
    served: Arc<Served>,
    latest: OnceCell<Latest>,
    stop: watch::Receiver<bool>,
}

/// Answers requests until `shutdown`, then ends each open stream after a complete event.
pub async fn serve(
    listener: TcpListener,
    options: ServeOptions,
    served: Arc<Served>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (stopping, stop) = watch::channel(false);
    let api = Arc::new(Api {
        options,
        served,
        latest: OnceCell::new(),
        stop,
    });
    let router = Router::new()
        .route("/", get(overview))
        .route("/stream_events", get(stream_events))
        .route("/player_event", get(player_event))
        .route("/purchase_event", get(purchase_event))
        .route("/server_metric", get(server_metric))
        .with_state(api);
    let stopped = async move {
        shutdown.await;
        // Sending fails if serving was cancelled, because then there is no receiver.
        let _no_receiver = stopping.send(true);
    };
    axum::serve(listener, router)
        .with_graceful_shutdown(stopped)
        .await
}

async fn overview() -> &'static str {
    "/stream_events: all events, a blank line between them\n\
     /player_event, /purchase_event, /server_metric: the next one\n"
}

async fn stream_events(State(api): State<Arc<Api>>) -> Response {
    let world = api.options.world_from_now();
    let body = Paced::new(
        &api.options,
        world,
        Arc::clone(&api.served),
        api.stop.clone(),
    );
    let headers = [
        (CONTENT_TYPE.as_str(), STREAM_TYPE.to_owned()),
        ("x-world-seed", world.seed.to_string()),
        ("x-world-start-ms", world.start_ms.to_string()),
        ("x-world-rate", world.rate.to_string()),
    ];
    (headers, Body::from_stream(body.into_stream())).into_response()
}

async fn player_event(State(api): State<Arc<Api>>) -> Response {
    api.single(Topic::PlayerEvents).await
}

async fn purchase_event(State(api): State<Arc<Api>>) -> Response {
    api.single(Topic::PurchaseEvents).await
}

async fn server_metric(State(api): State<Arc<Api>>) -> Response {
    api.single(Topic::ServerMetrics).await
}

impl Api {
    async fn single(&self, topic: Topic) -> Response {
        let latest = self
            .latest
            .get_or_init(|| async {
                let world = WorldOptions {
                    start_ms: client::now_ms(),
                    ..self.options.world
                };
                let world = World::of(world, Arc::clone(&self.options.catalogue))
                    .with_incidents(self.options.incidents);
                Latest::of(world, self.stop.clone())
            })
            .await;
        let Some(event) = latest.take(topic).await else {
            return axum::http::StatusCode::SERVICE_UNAVAILABLE.into_response();
        };
        self.served.add(topic);
        let content_type = [(CONTENT_TYPE, "application/json")];
        (content_type, envelope::envelope(&event)).into_response()
    }
}

impl ServeOptions {
    /// Returns the options of the world for a reader that connects now.
    fn world_from_now(&self) -> WorldOptions {
        match self.pace {
            Pace::WallClock => WorldOptions {
                start_ms: client::now_ms(),
                ..self.world
            },
            Pace::CatchUp { .. } | Pace::Unpaced => self.world,
        }
    }
}

#[cfg(test)]
mod tests;
