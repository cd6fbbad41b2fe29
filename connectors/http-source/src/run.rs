//! Runs a connector until it is stopped or, with `once`, until one response of its endpoint is complete.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use client::{ClientError, Cluster, TopicSettings, Transforms};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Reading, Target};
use crate::counts::{Counted, Counts};
use crate::delivery::{Deliverer, Tally};
use crate::error::SourceError;
use crate::http::Http;
use crate::intake::Intake;
use crate::polling::Polling;
use crate::queue::queue;
use crate::streaming::Streaming;
use crate::supervisor::{Reader, supervise};
use crate::websocket::WebSocket;

/// How long received records may take to be acknowledged after a stop request. A restart of the cluster usually
/// takes less.
const DRAIN_DEADLINE: Duration = Duration::from_secs(30);

/// What to read, and where to write it.
#[derive(Clone, Debug)]
pub struct Options {
    /// The cluster; missing topics are created.
    pub cluster: Cluster,
    /// The configuration.
    pub config: Config,
    /// By topic, the dotted path of the field that contains the key, for records that arrive without a key.
    pub key_paths: BTreeMap<String, String>,
    /// Whether to end after one complete response of the endpoint.
    pub once: bool,
    /// The counters that the run updates. The caller can read them during the run through its own `Arc`.
    pub counts: Arc<Counts>,
}

/// The result of a run: how many records it has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Acknowledged records by topic.
    pub topics: BTreeMap<String, u64>,
    /// The counters at the end.
    pub counted: Counted,
}

/// Reads until `shutdown` completes or, with `once`, until one response is complete. Then waits until every
/// received record is acknowledged. After `shutdown`, waits at most 30 s.
pub async fn run(
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> Result<Summary, SourceError> {
    let config = Arc::new(options.config);
    let transforms = transforms(&options.cluster, &config).await?;
    ensure_topics(&options.cluster, &config.target).await?;
    let reader = reader(&config)?;
    let (queue, parcels) = queue();
    let counts = options.counts;
    let mut intake = Intake::new(&config, options.key_paths, queue, Arc::clone(&counts));
    intake.transforms = transforms;
    let deliverer = Deliverer::new(options.cluster, Arc::clone(&counts));
    let stop = CancellationToken::new();
    let working = async {
        let reading = async {
            let ended = supervise(&config, reader, &mut intake, options.once, &stop).await;
            // This closes the queue. The deliverer ends when the queue is empty.
            drop(intake);
            ended
        };
        let delivering = async {
            let delivered = deliverer.run(parcels).await;
            // When delivery has ended, reading must end too. Without this, it would wait as long as the endpoint
            // is silent.
            stop.cancel();
            delivered
        };
        // If reading ends because the queue is closed, delivery returns the reason.
        let (_closed, delivered) = tokio::join!(reading, delivering);
        delivered
    };
    let mut working = pin!(working);
    let delivered = tokio::select! {
        delivered = &mut working => delivered,
        () = shutdown => {
            stop.cancel();
            match timeout(DRAIN_DEADLINE, working).await {
                Ok(delivered) => delivered,
                Err(_) => return Err(undelivered(counts.now())),
            }
        }
    };
    let topics: Tally = delivered?;
    Ok(Summary {
        topics,
        counted: counts.now(),
    })
}

pub(crate) fn reader(config: &Arc<Config>) -> Result<Reader, SourceError> {
    Ok(match &config.reading {
        Reading::Polling => {
            Reader::Polling(Polling::new(Http::new(Arc::clone(config))?, config.output))
        }
        Reading::Streaming { delimiter } => {
            let http = Http::new(Arc::clone(config))?;
            Reader::Streaming(Streaming::new(http, delimiter.clone()))
        }
        Reading::WebSocket(socket) => {
            Reader::WebSocket(WebSocket::new(Arc::clone(config), socket.clone())?)
        }
    })
}

/// Loads the configured SmartModules; `None` if the configuration names none.
async fn transforms(cluster: &Cluster, config: &Config) -> Result<Option<Transforms>, SourceError> {
    if config.transforms.is_empty() {
        return Ok(None);
    }
    let transforms = cluster.transforms(config.transforms.clone()).await;
    // A module's error message may quote its parameters, which may contain secrets.
    let refuse =
        |error: ClientError| SourceError::Transforms(config.censor.strike(&error.to_string()));
    transforms.map(Some).map_err(refuse)
}

async fn ensure_topics(cluster: &Cluster, target: &Target) -> Result<(), SourceError> {
    let named = |name: &str| TopicSettings {
        name: name.to_owned(),
        partitions: 1,
        retention: None,
        storage: None,
    };
    let mut topics = vec![named(model::REJECTED_EVENTS)];
    match target {
        Target::One(topic) => topics.push(topic.clone()),
        Target::ByEventName(by_name) => topics.extend(by_name.values().map(|name| named(name))),
    }
    for topic in topics {
        let ensured = cluster.ensure_topic(&topic).await?;
        tracing::info!(topic = topic.name, ?ensured, "topic");
    }
    Ok(())
}

fn undelivered(counted: Counted) -> SourceError {
    SourceError::Undelivered {
        records: counted
            .received
            .saturating_sub(counted.delivered + counted.filtered),
        seconds: DRAIN_DEADLINE.as_secs(),
    }
}
