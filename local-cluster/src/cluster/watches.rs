//! The watches of one connection. Each watch remembers what it has sent to the client and sends only the
//! difference. Several changes between two updates share one frame.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};

use fluvio_controlplane_metadata::message::Message;
use fluvio_controlplane_metadata::partition::PartitionSpec;
use fluvio_controlplane_metadata::smartmodule::SmartModuleSpec;
use fluvio_controlplane_metadata::spg::SpuGroupSpec;
use fluvio_controlplane_metadata::spu::SpuSpec;
use fluvio_controlplane_metadata::tableformat::TableFormatSpec;
use fluvio_controlplane_metadata::topic::TopicSpec;
use fluvio_protocol::{Decoder, Encoder};
use fluvio_sc_schema::objects::{Metadata, MetadataUpdate, ObjectApiWatchResponse, WatchResponse};
use fluvio_sc_schema::{AdminSpec, TryEncodableFrom};
use tokio::sync::Mutex;

use super::{Cluster, State, metadata};
use crate::limits::{WATCH_FLUSH_TIMEOUT, WATCH_SETTLE};
use crate::net::{Closed, Outbox};

/// The kind of objects that a watch follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchKind {
    Topic,
    /// Partitions with their offsets.
    Partition,
    /// The node itself, which never changes.
    Spu,
    /// SmartModules, with or without their payloads.
    SmartModule {
        /// Whether to omit the payloads.
        summary: bool,
    },
    /// Always empty here.
    TableFormat,
    /// Always empty here.
    SpuGroup,
}

/// All watches of one connection.
pub(crate) struct Watches {
    outbox: Outbox,
    watches: Mutex<Vec<Watch>>,
}

struct Watch {
    kind: WatchKind,
    correlation_id: i32,
    version: i16,
    sent: Option<Sent>,
}

/// What the client has: the names of its objects, and the epoch up to which it has all changes.
struct Sent {
    epoch: i64,
    names: BTreeSet<String>,
}

impl Watches {
    /// Creates a set without watches; frames will go to `outbox`.
    pub(crate) fn new(outbox: Outbox) -> Arc<Self> {
        Arc::new(Self {
            outbox,
            watches: Mutex::new(Vec::new()),
        })
    }

    /// Starts a watch; the next flush sends all objects. Returns whether it is the first watch of the
    /// connection.
    pub(crate) async fn add(&self, kind: WatchKind, correlation_id: i32, version: i16) -> bool {
        let mut watches = self.watches.lock().await;
        watches.push(Watch {
            kind,
            correlation_id,
            version,
            sent: None,
        });
        watches.len() == 1
    }

    /// Queues all changes since the last flush. If this call is cancelled, the next flush queues the rest.
    pub(crate) async fn flush(&self, cluster: &Cluster) -> Result<(), Closed> {
        for watch in self.watches.lock().await.iter_mut() {
            let Some((frame, sent)) = watch.frame(cluster) else {
                continue;
            };
            self.outbox
                .send(watch.correlation_id, watch.version, &frame)
                .await?;
            watch.sent = Some(sent);
        }
        Ok(())
    }
}

impl Cluster {
    /// Registers a connection's watches. From then on, each change is queued for this connection before the client
    /// that requested the change gets its acknowledgement, unless this connection's client does not read.
    pub(crate) fn register(&self, watches: &Arc<Watches>) {
        let mut all = self
            .watches
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        all.retain(|watches| watches.strong_count() > 0);
        all.push(Arc::downgrade(watches));
    }

    /// Queues the latest changes on every connection. Waits at most [`WATCH_FLUSH_TIMEOUT`] for a client that does
    /// not read; the connection's own task queues its changes later. Finally, if several connections watch, waits
    /// [`WATCH_SETTLE`] so that their clients can read.
    pub(super) async fn flush_watches(&self) {
        let all: Vec<Weak<Watches>> = self
            .watches
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone();
        let all: Vec<Arc<Watches>> = all.iter().filter_map(Weak::upgrade).collect();
        for watches in &all {
            let _ = tokio::time::timeout(WATCH_FLUSH_TIMEOUT, watches.flush(self)).await;
        }
        if all.len() > 1 {
            tokio::time::sleep(WATCH_SETTLE).await;
        }
    }
}

impl Watch {
    /// Builds the next frame, and the state that the client has after it; `None` if nothing has changed.
    fn frame(&self, cluster: &Cluster) -> Option<(ObjectApiWatchResponse, Sent)> {
        let state = cluster.state();
        match self.kind {
            WatchKind::Topic => self.topics(&state),
            WatchKind::Partition => self.partitions(&state),
            WatchKind::SmartModule { summary } => self.smartmodules(&state, summary),
            WatchKind::Spu => {
                let mut update = UpdateBuilder::<SpuSpec>::new(self, state.epoch);
                let spu = metadata::spu(cluster);
                update.visit(spu.name.clone(), 0, || spu);
                update.finish()
            }
            WatchKind::TableFormat => {
                UpdateBuilder::<TableFormatSpec>::new(self, state.epoch).finish()
            }
            WatchKind::SpuGroup => UpdateBuilder::<SpuGroupSpec>::new(self, state.epoch).finish(),
        }
    }

    fn topics(&self, state: &State) -> Option<(ObjectApiWatchResponse, Sent)> {
        let mut update = UpdateBuilder::<TopicSpec>::new(self, state.epoch);
        for (name, topic) in &state.topics {
            update.visit(name.clone(), topic.changed, || metadata::topic(name, topic));
        }
        update.finish()
    }

    fn partitions(&self, state: &State) -> Option<(ObjectApiWatchResponse, Sent)> {
        let mut update = UpdateBuilder::<PartitionSpec>::new(self, state.epoch);
        for topic in state.topics.values() {
            for partition in &topic.partitions {
                let changed = partition.changed();
                update.visit(partition.name(), changed, || {
                    metadata::partition(topic, partition)
                });
            }
        }
        update.finish()
    }

    fn smartmodules(&self, state: &State, summary: bool) -> Option<(ObjectApiWatchResponse, Sent)> {
        let mut update = UpdateBuilder::<SmartModuleSpec>::new(self, state.epoch);
        for (key, stored) in &state.smartmodules {
            update.visit(key.clone(), stored.changed, || {
                metadata::smartmodule(key, stored, summary)
            });
        }
        update.finish()
    }
}

/// Builds the next update of a watch: the objects that are new or changed since the last update, and the names of
/// those that were deleted. The first update contains all objects.
struct UpdateBuilder<'a, S>
where
    S: AdminSpec,
    S::Status: Encoder + Decoder,
{
    watch: &'a Watch,
    epoch: i64,
    names: BTreeSet<String>,
    changed: Vec<Metadata<S>>,
}

impl<'a, S> UpdateBuilder<'a, S>
where
    S: AdminSpec,
    S::Status: Encoder + Decoder,
{
    fn new(watch: &'a Watch, epoch: i64) -> Self {
        Self {
            watch,
            epoch,
            names: BTreeSet::new(),
            changed: Vec::new(),
        }
    }

    fn visit(&mut self, name: String, changed: i64, metadata: impl FnOnce() -> Metadata<S>) {
        let sent = self.watch.sent.as_ref();
        if !sent.is_some_and(|sent| changed <= sent.epoch && sent.names.contains(&name)) {
            self.changed.push(metadata());
        }
        self.names.insert(name);
    }

    fn finish(self) -> Option<(ObjectApiWatchResponse, Sent)> {
        let update = match &self.watch.sent {
            // Clients take the first frame as the complete state and each later one as a difference.
            None => MetadataUpdate::with_all(self.epoch, self.changed),
            Some(sent) => {
                let gone = sent.names.difference(&self.names).map(|name| {
                    Message::delete(Metadata {
                        name: name.clone(),
                        spec: S::default(),
                        status: S::Status::default(),
                    })
                });
                let changes: Vec<_> = gone
                    .chain(self.changed.into_iter().map(Message::update))
                    .collect();
                if changes.is_empty() {
                    return None;
                }
                MetadataUpdate::with_changes(self.epoch, changes)
            }
        };
        let frame =
            ObjectApiWatchResponse::try_encode_from(WatchResponse::new(update), self.watch.version);
        let sent = Sent {
            epoch: self.epoch,
            names: self.names,
        };
        frame
            .inspect_err(|error| tracing::error!(%error, "a watch frame could not be encoded"))
            .ok()
            .zip(Some(sent))
    }
}
