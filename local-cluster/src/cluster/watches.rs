//! Watch streams of one connection. Each remembers what it has told its client and sends the
//! difference, so any number of changes between two looks becomes one frame.

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
use crate::limits::{WATCH_FLUSH_PATIENCE, WATCH_SETTLE};
use crate::net::{Closed, Outbox};

/// What a watch looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchKind {
    /// Topics.
    Topic,
    /// Partitions with their offsets.
    Partition,
    /// The node; never changes.
    Spu,
    /// SmartModules, with or without their payloads.
    SmartModule {
        /// Leave payloads out.
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
    told: Option<Told>,
}

/// What the client knows: everything up to an epoch, under these names.
struct Told {
    epoch: i64,
    names: BTreeSet<String>,
}

impl Watches {
    /// No watches yet; frames will go to `outbox`.
    pub(crate) fn new(outbox: Outbox) -> Arc<Self> {
        Arc::new(Self {
            outbox,
            watches: Mutex::new(Vec::new()),
        })
    }

    /// Starts a watch; the next flush sends everything there is. Tells whether it is the
    /// connection's first.
    pub(crate) async fn add(&self, kind: WatchKind, correlation_id: i32, version: i16) -> bool {
        let mut watches = self.watches.lock().await;
        watches.push(Watch {
            kind,
            correlation_id,
            version,
            told: None,
        });
        watches.len() == 1
    }

    /// Queues what has changed since the last flush. May be cancelled: nothing is forgotten.
    pub(crate) async fn flush(&self, cluster: &Cluster) -> Result<(), Closed> {
        for watch in self.watches.lock().await.iter_mut() {
            let Some((frame, told)) = watch.frame(cluster) else {
                continue;
            };
            self.outbox
                .send(watch.correlation_id, watch.version, &frame)
                .await?;
            watch.told = Some(told);
        }
        Ok(())
    }
}

impl Cluster {
    /// Registers a connection's watches, so that changes reach its client before they are
    /// acknowledged to others.
    pub(crate) fn register(&self, watches: &Arc<Watches>) {
        let mut all = self
            .watches
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        all.retain(|watches| watches.strong_count() > 0);
        all.push(Arc::downgrade(watches));
    }

    /// Queues the latest changes on every connection. One that does not read is left behind: its
    /// own task goes on.
    pub(super) async fn flush_watches(&self) {
        let all: Vec<Weak<Watches>> = self
            .watches
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone();
        let all: Vec<Arc<Watches>> = all.iter().filter_map(Weak::upgrade).collect();
        for watches in &all {
            let _ = tokio::time::timeout(WATCH_FLUSH_PATIENCE, watches.flush(self)).await;
        }
        if all.len() > 1 {
            tokio::time::sleep(WATCH_SETTLE).await;
        }
    }
}

impl Watch {
    /// The next frame and what the client knows once it is sent, or nothing if it knows all.
    fn frame(&self, cluster: &Cluster) -> Option<(ObjectApiWatchResponse, Told)> {
        let state = cluster.state();
        match self.kind {
            WatchKind::Topic => self.topics(&state),
            WatchKind::Partition => self.partitions(&state),
            WatchKind::SmartModule { summary } => self.smartmodules(&state, summary),
            WatchKind::Spu => {
                let mut look = Look::<SpuSpec>::new(self, state.epoch);
                let spu = metadata::spu(cluster);
                look.at(spu.name.clone(), 0, || spu);
                look.finish()
            }
            WatchKind::TableFormat => Look::<TableFormatSpec>::new(self, state.epoch).finish(),
            WatchKind::SpuGroup => Look::<SpuGroupSpec>::new(self, state.epoch).finish(),
        }
    }

    fn topics(&self, state: &State) -> Option<(ObjectApiWatchResponse, Told)> {
        let mut look = Look::<TopicSpec>::new(self, state.epoch);
        for (name, topic) in &state.topics {
            look.at(name.clone(), topic.changed, || metadata::topic(name, topic));
        }
        look.finish()
    }

    fn partitions(&self, state: &State) -> Option<(ObjectApiWatchResponse, Told)> {
        let mut look = Look::<PartitionSpec>::new(self, state.epoch);
        for topic in state.topics.values() {
            for partition in &topic.partitions {
                let changed = partition.changed();
                look.at(partition.name(), changed, || {
                    metadata::partition(topic, partition)
                });
            }
        }
        look.finish()
    }

    fn smartmodules(&self, state: &State, summary: bool) -> Option<(ObjectApiWatchResponse, Told)> {
        let mut look = Look::<SmartModuleSpec>::new(self, state.epoch);
        for (key, stored) in &state.smartmodules {
            look.at(key.clone(), stored.changed, || {
                metadata::smartmodule(key, stored, summary)
            });
        }
        look.finish()
    }
}

/// One look at the state on behalf of a watch.
struct Look<'a, S>
where
    S: AdminSpec,
    S::Status: Encoder + Decoder,
{
    watch: &'a Watch,
    epoch: i64,
    names: BTreeSet<String>,
    changed: Vec<Metadata<S>>,
}

impl<'a, S> Look<'a, S>
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

    fn at(&mut self, name: String, changed: i64, metadata: impl FnOnce() -> Metadata<S>) {
        let told = self.watch.told.as_ref();
        if !told.is_some_and(|told| changed <= told.epoch && told.names.contains(&name)) {
            self.changed.push(metadata());
        }
        self.names.insert(name);
    }

    fn finish(self) -> Option<(ObjectApiWatchResponse, Told)> {
        let update = match &self.watch.told {
            // clients take the first frame as the whole truth and every later one as a difference
            None => MetadataUpdate::with_all(self.epoch, self.changed),
            Some(told) => {
                let gone = told.names.difference(&self.names).map(|name| {
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
        let told = Told {
            epoch: self.epoch,
            names: self.names,
        };
        frame
            .inspect_err(|error| tracing::error!(%error, "a watch frame could not be encoded"))
            .ok()
            .zip(Some(told))
    }
}
