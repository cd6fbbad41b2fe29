//! The world as a web API, for those who pull: an endless stream of all events, and one event at a time of each kind.
//!
//! Every stream is a world of its own that begins when its reader connects; its headers say with which seed, start and
//! rate, which is all it takes to make the very same events again. Single events are those of one more world, which
//! begins with the first request for one: each is given to one reader, and waits for nobody longer than until the next.

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

use crate::event::Topic;
use crate::run::Pace;
use crate::world::{World, WorldOptions};

use latest::Latest;
use stream::Paced;

/// A stream's media type: envelopes in JSON with a blank line between them.
const STREAM_TYPE: &str = "application/x-ndjson";

/// What to serve.
#[derive(Debug, Clone, Copy)]
pub struct ServeOptions {
    /// The world. By the wall clock each begins when it is asked for, whatever its `start_ms` says.
    pub world: WorldOptions,
    /// Incidents to plant in an hour of world time.
    pub incidents: f64,
    /// End each stream after so many events.
    pub events: Option<u64>,
    /// How fast streams are; single events always go by the wall clock.
    pub pace: Pace,
}

/// How many events of each topic have been handed out.
#[derive(Debug, Default)]
pub struct Served([AtomicU64; Topic::ALL.len()]);

impl Served {
    /// The numbers as they are now.
    #[must_use]
    pub fn now(&self) -> BTreeMap<Topic, u64> {
        let count = |topic| self.0[topic as usize].load(Ordering::Relaxed);
        Topic::ALL.map(|topic| (topic, count(topic))).into()
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

/// Answers requests until `shutdown`, then hangs up between two events on whoever still reads.
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
        // Nobody may read any more.
        let _unheard = stopping.send(true);
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
                    start_ms: crate::run::now_ms(),
                    ..self.options.world
                };
                let world = World::new(world).with_incidents(self.options.incidents);
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
    /// The world of a reader who connects now.
    fn world_from_now(&self) -> WorldOptions {
        match self.pace {
            Pace::WallClock => WorldOptions {
                start_ms: crate::run::now_ms(),
                ..self.world
            },
            Pace::Unpaced => self.world,
        }
    }
}

#[cfg(test)]
mod tests;
