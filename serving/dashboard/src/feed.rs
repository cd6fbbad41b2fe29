//! Reads each topic once for all browsers: first its recent past, then every new record.

use std::sync::Arc;

use client::{ClientError, Cluster, Mode, Offset, OffsetRange, Partition, Record, Start};
use futures_util::StreamExt;
use futures_util::stream::select_all;

use crate::broadcast::Broadcast;
use crate::limits::{CHUNK_RECORDS, RETRY_PERIOD};
use crate::store::{Topic, now};

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
pub(crate) async fn follow(broadcast: Arc<Broadcast>, cluster: Cluster, topic: Topic) {
    let mut progress = Progress::default();
    loop {
        let last_error = match read(&broadcast, &cluster, topic, &mut progress).await {
            Ok(()) => "the reader of the topic ended".to_owned(),
            Err(error) => error.to_string(),
        };
        tracing::debug!(
            topic = topic.name(),
            last_error,
            "cannot read the topic; trying again soon"
        );
        broadcast.store().state_mut(topic).last_error = Some(last_error);
        broadcast.changed(topic);
        tokio::time::sleep(RETRY_PERIOD).await;
    }
}

async fn read(
    broadcast: &Broadcast,
    cluster: &Cluster,
    topic: Topic,
    progress: &mut Progress,
) -> Result<(), ClientError> {
    let mut partitions = Vec::new();
    for partition in Partition::of(cluster.partition_count(topic.name()).await?) {
        partitions.push((partition, cluster.offsets(topic.name(), partition).await?));
    }
    let mut streams = Vec::new();
    for (start, (partition, _)) in starts(broadcast, topic, progress, &partitions)
        .into_iter()
        .zip(&partitions)
    {
        let partition = *partition;
        let records = cluster
            .records(topic.name(), partition, start, Mode::Follow)
            .await?;
        streams.push(records.map(move |record| record.map(|record| (partition, record))));
    }
    note(broadcast, topic, progress);
    let mut chunks = select_all(streams).ready_chunks(CHUNK_RECORDS);
    while let Some(chunk) = chunks.next().await {
        let records = chunk.into_iter().collect::<Result<Vec<_>, _>>()?;
        take(broadcast, topic, progress, &records);
    }
    Ok(())
}

/// Returns the offset at which reading starts in each partition. The first call returns offsets in the topic's recent
/// past, and a later call the next offsets to read. If the number of partitions has changed, or a partition ends before
/// its next offset, the topic is assumed to have been deleted and created again. Then its state is cleared, and reading
/// starts in the recent past again.
fn starts(
    broadcast: &Broadcast,
    topic: Topic,
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
    broadcast.store().forget(topic);
    let records_max = i64::try_from(topic.records_max()).unwrap_or(i64::MAX);
    let first =
        |(_, offsets): &(Partition, OffsetRange)| (offsets.end - records_max).max(offsets.start);
    progress.next = partitions.iter().map(first).collect();
    progress
        .next
        .iter()
        .map(|next| Start::Offset(*next))
        .collect()
}

fn take(
    broadcast: &Broadcast,
    topic: Topic,
    progress: &mut Progress,
    records: &[(Partition, Record)],
) {
    for (partition, record) in records {
        progress.next[partition.index()] = record.offset.next();
    }
    broadcast.apply(topic, records.iter().map(|(_, record)| record));
    note(broadcast, topic, progress);
}

fn note(broadcast: &Broadcast, topic: Topic, progress: &Progress) {
    let mut store = broadcast.store();
    let state = store.state_mut(topic);
    state.filled |= progress.is_filled();
    state.last_error = None;
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
