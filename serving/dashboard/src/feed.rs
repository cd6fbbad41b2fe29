//! Reads each topic once for all browsers: first its recent past, then every new record.

use std::sync::Arc;

use client::{ClientError, Cluster, Mode, Offset, OffsetRange, Partition, Record, Start};
use futures_util::StreamExt;
use futures_util::stream::select_all;

use crate::broadcast::Broadcast;
use crate::limits::{CHUNK_RECORDS, RETRY_PERIOD};
use crate::store::{Topic, now};

/// Receives the records of a topic.
pub(crate) trait Sink {
    fn topic(&self) -> &str;
    /// Returns how many of each partition's latest records are read at the start.
    fn records_max(&self, partitions: usize) -> usize;
    /// Forgets all records, because the topic has been deleted and created again.
    fn forget(&self);
    fn add(&self, records: &[(Partition, Record)]);
    /// Notes whether the records that existed at the start have been read.
    fn note(&self, is_filled: bool);
    /// Notes why the topic cannot be read.
    fn fail(&self, reason: String);
}

/// The reading position in a topic.
#[derive(Debug, Default)]
struct Progress {
    /// The next offset to read in each partition.
    next: Vec<Offset>,
    /// The end offset of each partition when reading last started.
    ends: Vec<Offset>,
}

impl Progress {
    fn is_filled(&self) -> bool {
        self.next
            .iter()
            .zip(&self.ends)
            .all(|(next, end)| next >= end)
    }
}

/// Reads a topic until the future is dropped. After an error that the client does not retry itself, tries again after
/// [`RETRY_PERIOD`]: the topic may not exist yet.
pub(crate) async fn follow(sink: impl Sink, cluster: Cluster) {
    let mut progress = Progress::default();
    loop {
        let last_error = match read(&sink, &cluster, &mut progress).await {
            Ok(()) => "the reader of the topic ended".to_owned(),
            Err(error) => error.to_string(),
        };
        tracing::debug!(
            topic = sink.topic(),
            last_error,
            "cannot read the topic; trying again soon"
        );
        sink.fail(last_error);
        tokio::time::sleep(RETRY_PERIOD).await;
    }
}

async fn read(
    sink: &impl Sink,
    cluster: &Cluster,
    progress: &mut Progress,
) -> Result<(), ClientError> {
    let topic = sink.topic();
    let mut partitions = Vec::new();
    for partition in Partition::of(cluster.partition_count(topic).await?) {
        partitions.push((partition, cluster.offsets(topic, partition).await?));
    }
    let mut streams = Vec::new();
    for (start, (partition, _)) in starts(sink, progress, &partitions)
        .into_iter()
        .zip(&partitions)
    {
        let partition = *partition;
        let records = cluster
            .records(topic, partition, start, Mode::Follow)
            .await?;
        streams.push(records.map(move |record| record.map(|record| (partition, record))));
    }
    sink.note(progress.is_filled());
    let mut chunks = select_all(streams).ready_chunks(CHUNK_RECORDS);
    while let Some(chunk) = chunks.next().await {
        let records = chunk.into_iter().collect::<Result<Vec<_>, _>>()?;
        for (partition, record) in &records {
            progress.next[partition.index()] = record.offset.next();
        }
        sink.add(&records);
        sink.note(progress.is_filled());
    }
    Ok(())
}

/// Returns the offset at which reading starts in each partition. The first call returns offsets in the topic's recent
/// past, and a later call the next offsets to read. If the number of partitions has changed, or a partition ends before
/// its next offset, the topic is assumed to have been deleted and created again. Then its state is cleared, and reading
/// starts in the recent past again.
fn starts(
    sink: &impl Sink,
    progress: &mut Progress,
    partitions: &[(Partition, OffsetRange)],
) -> Vec<Start> {
    let continues = progress.next.len() == partitions.len()
        && progress
            .next
            .iter()
            .zip(partitions)
            .all(|(next, (_, offsets))| *next <= offsets.end);
    progress.ends = partitions.iter().map(|(_, offsets)| offsets.end).collect();
    if continues {
        return progress
            .next
            .iter()
            .map(|next| Start::Offset(*next))
            .collect();
    }
    sink.forget();
    let records_max = i64::try_from(sink.records_max(partitions.len())).unwrap_or(i64::MAX);
    let first =
        |(_, offsets): &(Partition, OffsetRange)| (offsets.end - records_max).max(offsets.start);
    progress.next = partitions.iter().map(first).collect();
    progress
        .next
        .iter()
        .map(|next| Start::Offset(*next))
        .collect()
}

/// A topic of the store, which the views are computed from.
pub(crate) struct StoredTopic {
    pub(crate) broadcast: Arc<Broadcast>,
    pub(crate) topic: Topic,
}

impl Sink for StoredTopic {
    fn topic(&self) -> &str {
        self.topic.name()
    }

    fn records_max(&self, _: usize) -> usize {
        self.topic.records_max()
    }

    fn forget(&self) {
        self.broadcast.store().forget(self.topic);
    }

    fn add(&self, records: &[(Partition, Record)]) {
        let records = records.iter().map(|(_, record)| record);
        self.broadcast.apply(self.topic, records);
    }

    fn note(&self, is_filled: bool) {
        let mut store = self.broadcast.store();
        let state = store.state_mut(self.topic);
        state.filled |= is_filled;
        state.last_error = None;
    }

    fn fail(&self, reason: String) {
        self.broadcast.store().state_mut(self.topic).last_error = Some(reason);
        self.broadcast.changed(self.topic);
    }
}

/// Polls the end offsets of the source topics, from which the lag is computed.
pub(crate) async fn follow_ends(broadcast: Arc<Broadcast>, cluster: Cluster) {
    loop {
        tokio::time::sleep(crate::limits::LAG_PERIOD).await;
        let partitions = broadcast.store().topics.accounts.partitions();
        for (topic, partition) in partitions {
            // While the cluster is unreachable, the last known ends stay in use. The status reports the outage.
            if let Ok(end) = cluster.end_offset(&topic, partition).await {
                broadcast.store().topics.accounts.note_end(
                    topic,
                    partition,
                    end,
                    now().as_millis(),
                );
            }
        }
    }
}
