//! Assembles the web API, and stops its parts in the right order.

use std::sync::Arc;
use std::time::Duration;

use client::{Cluster, StorageBounds, TopicSettings};
use http_service::Handle;
use model::REJECTED_EVENTS;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::{Api, RequestIds};
use crate::body::MemoryBudget;
use crate::cors::AllowedOrigins;
use crate::delivery::Writers;
use crate::guard::Guard;
use crate::health::HealthProbe;
use crate::idempotency::Idempotency;
use crate::keys::KeyRing;
use crate::limits::{DRAIN_TIMEOUT, IDEMPOTENCY_RETENTION};
use crate::metrics::Metrics;
use crate::options::{Access, Options};
use crate::server::ConnectionLimits;
use crate::start_error::StartError;
use crate::topic_ends::TopicEnds;
use crate::topics::JOURNAL;
use crate::writer::Writer;
use crate::{routes, server};

/// The retention of the journal: twice [`IDEMPOTENCY_RETENTION`], so that all records that are needed at startup
/// are kept.
const JOURNAL_RETENTION: Duration = Duration::from_secs(2 * IDEMPOTENCY_RETENTION.as_secs());
const JOURNAL_BOUNDS: StorageBounds = StorageBounds {
    segment_bytes: 16 << 20,
    partition_bytes_max: 4 << 30,
};

/// Starts the web API on `listener`. It runs until `stop`, and then waits a limited time for requests in progress to be
/// answered.
pub async fn start(
    listener: TcpListener,
    options: Options,
    stop: CancellationToken,
) -> Result<Handle, StartError> {
    let address = listener.local_addr()?;
    options.check(address)?;
    let keys = match &options.access {
        Access::Keys(path) => Some(KeyRing::open(path.clone())?),
        Access::Loopback | Access::Anybody => None,
    };
    let (writing, ends) = (
        TaskTracker::new(),
        TopicEnds::new(options.sources.targets()),
    );
    let origins = AllowedOrigins::new(&options.cors_origins);
    let api = api(
        &options,
        keys.clone(),
        origins.clone(),
        ends.clone(),
        &writing,
    )
    .await?;
    let guard = Guard {
        access: options.access,
        origins,
    };
    let (watching, served) = (TaskTracker::new(), CancellationToken::new());
    let idempotency = api.idempotency.clone();
    let probe = api.probe.clone().run(options.cluster, ends, idempotency);
    watching.spawn(served.clone().run_until_cancelled_owned(probe));
    if let Some(keys) = keys {
        watching.spawn(served.clone().run_until_cancelled_owned(keys.reload()));
    }
    let limits = ConnectionLimits::with_idle(options.idle_timeout);
    let service = async move {
        let requests = api.tasks.clone();
        server::serve(listener, routes::router(api, guard), limits, stop).await;
        served.cancel();
        watching.close();
        watching.wait().await;
        // Wait first for requests whose clients hung up, and then for the writers that these requests use.
        for tasks in [requests, writing] {
            tasks.close();
            if timeout(DRAIN_TIMEOUT, tasks.wait()).await.is_err() {
                tracing::warn!("stopping before the cluster acknowledged the remaining records");
            }
        }
    };
    Ok(Handle::spawn(address, service))
}

async fn api(
    options: &Options,
    keys: Option<KeyRing>,
    origins: AllowedOrigins,
    ends: TopicEnds,
    writing: &TaskTracker,
) -> Result<Arc<Api>, StartError> {
    let cluster = &options.cluster;
    ensure_topics(cluster).await?;
    ends.refresh(cluster).await?;
    let writers = Writers::start(cluster, options.sources.targets(), writing).await?;
    let journal = Writer::start(cluster, JOURNAL, writing).await?;
    let idempotency = Idempotency::start(
        cluster.clone(),
        writers.clone(),
        journal,
        ends,
        &options.sources,
    )
    .await?;
    Ok(Arc::new(Api {
        cluster: cluster.clone(),
        sources: options.sources.clone(),
        keys,
        origins,
        correct_clocks: options.correct_clocks,
        budget: MemoryBudget::new(),
        writers,
        idempotency,
        metrics: Metrics::new(),
        probe: HealthProbe::new(),
        tasks: TaskTracker::new(),
        request_ids: RequestIds::new().map_err(|error| std::io::Error::other(error.to_string()))?,
    }))
}

/// Creates the web API's own topics. The operator creates the source topics.
async fn ensure_topics(cluster: &Cluster) -> Result<(), StartError> {
    let topic = |name: &str, retention, storage| TopicSettings {
        name: name.to_owned(),
        partitions: 1,
        retention,
        storage,
    };
    let rejected = topic(REJECTED_EVENTS, None, None);
    let journal = topic(JOURNAL, Some(JOURNAL_RETENTION), Some(JOURNAL_BOUNDS));
    for topic in [rejected, journal] {
        cluster.ensure_topic(&topic).await?;
    }
    Ok(())
}
