//! Puts the web API together, and takes it apart in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use client::{Cluster, StorageBounds, TopicSettings};
use model::REJECTED_EVENTS;
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::{Api, Names};
use crate::body::Buffers;
use crate::delivery::Writers;
use crate::ends::Ends;
use crate::error::StartError;
use crate::health::Pulse;
use crate::idempotency::{self, Idempotency};
use crate::keys::KeyRing;
use crate::limits::{DRAIN_PATIENCE, REMEMBERED};
use crate::metrics::Metrics;
use crate::options::{Access, Options};
use crate::writer::Writer;
use crate::{routes, server};

/// The journal is read back to one hour; retention drops whole segments, so some of another hour stays.
const JOURNAL_RETENTION: Duration = Duration::from_secs(2 * REMEMBERED.as_secs());
const JOURNAL_BOUNDS: StorageBounds = StorageBounds {
    segment_bytes: 16 << 20,
    partition_bytes_max: 4 << 30,
};

/// A web API that answers.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    running: JoinHandle<()>,
}

impl Handle {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it has stopped: every request that it took is answered.
    pub async fn stopped(self) -> Result<(), JoinError> {
        self.running.await
    }
}

/// Starts to answer on the socket; ends when told to stop.
pub async fn start(
    listener: TcpListener,
    options: Options,
    stop: CancellationToken,
) -> Result<Handle, StartError> {
    let address = listener.local_addr()?;
    options.access.check(address)?;
    let keys = match &options.access {
        Access::Keys(path) => Some(KeyRing::open(path.clone())?),
        Access::Loopback | Access::Anybody => None,
    };
    let (writing, ends) = (TaskTracker::new(), Ends::default());
    let api = api(&options.cluster, keys.clone(), ends.clone(), &writing).await?;
    let watching = TaskTracker::new();
    let over = CancellationToken::new();
    let pulse = api.pulse.clone().follow(options.cluster, ends);
    watching.spawn(over.clone().run_until_cancelled_owned(pulse));
    if let Some(keys) = keys {
        watching.spawn(over.clone().run_until_cancelled_owned(keys.follow()));
    }
    let running = tokio::spawn(async move {
        let requests = api.tasks.clone();
        server::serve(listener, routes::router(api), stop).await;
        over.cancel();
        watching.close();
        watching.wait().await;
        // Requests whose clients went away; then the writers, whom nobody needs any more.
        for tasks in [requests, writing] {
            tasks.close();
            if timeout(DRAIN_PATIENCE, tasks.wait()).await.is_err() {
                tracing::warn!("the cluster does not take what is left; it was not acknowledged");
            }
        }
    });
    Ok(Handle { address, running })
}

async fn api(
    cluster: &Cluster,
    keys: Option<KeyRing>,
    ends: Ends,
    writing: &TaskTracker,
) -> Result<Arc<Api>, StartError> {
    ensure_topics(cluster).await?;
    ends.ask(cluster).await?;
    let writers = Writers::start(cluster, writing).await?;
    let journal = Writer::start(cluster, idempotency::TOPIC, writing).await?;
    let idempotency = Idempotency::start(cluster.clone(), writers.clone(), journal, ends).await?;
    Ok(Arc::new(Api {
        cluster: cluster.clone(),
        keys,
        buffers: Buffers::new(),
        writers,
        idempotency,
        metrics: Metrics::new(),
        pulse: Pulse::new(),
        tasks: TaskTracker::new(),
        names: Names::new().map_err(|error| std::io::Error::other(error.to_string()))?,
    }))
}

/// The web API's own topics. Those of the events are the operator's to make.
async fn ensure_topics(cluster: &Cluster) -> Result<(), StartError> {
    let topic = |name: &str, retention, storage| TopicSettings {
        name: name.to_owned(),
        partitions: 1,
        retention,
        storage,
    };
    let rejected = topic(REJECTED_EVENTS, None, None);
    let journal = topic(
        idempotency::TOPIC,
        Some(JOURNAL_RETENTION),
        Some(JOURNAL_BOUNDS),
    );
    for topic in [rejected, journal] {
        cluster.ensure_topic(&topic).await?;
    }
    Ok(())
}
