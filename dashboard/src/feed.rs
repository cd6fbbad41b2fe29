//! Reads each topic once, for all browsers, from its kept past on and for ever.

use std::sync::Arc;

use client::{ClientError, Cluster, Mode, Offsets, Record, Start};
use futures_util::StreamExt;
use futures_util::stream::select_all;

use crate::hub::Hub;
use crate::limits::{CHUNK_RECORDS, RETRY_PERIOD};
use crate::store::{Topic, now};

/// How far a topic has been read.
#[derive(Debug, Default)]
struct Progress {
    /// The next offset of each partition.
    next: Vec<i64>,
    /// Where each partition ended when reading began.
    ends: Vec<i64>,
}

impl Progress {
    fn is_filled(&self) -> bool {
        self.next
            .iter()
            .zip(&self.ends)
            .all(|(next, end)| next >= end)
    }
}

/// Follows a topic. What cannot be cured by the client's own patience is tried again after a while:
/// the topic may come to be.
pub(crate) async fn follow(hub: Arc<Hub>, cluster: Cluster, topic: Topic) {
    let mut progress = Progress::default();
    loop {
        let trouble = match read(&hub, &cluster, topic, &mut progress).await {
            Ok(()) => "its reader has ended".to_owned(),
            Err(error) => error.to_string(),
        };
        tracing::debug!(topic = topic.name(), trouble, "read again in a moment");
        hub.store().topic_mut(topic).trouble = Some(trouble);
        hub.changed(topic);
        tokio::time::sleep(RETRY_PERIOD).await;
    }
}

async fn read(
    hub: &Hub,
    cluster: &Cluster,
    topic: Topic,
    progress: &mut Progress,
) -> Result<(), ClientError> {
    let mut partitions = Vec::new();
    for partition in 0..cluster.partition_count(topic.name()).await? {
        partitions.push((partition, cluster.offsets(topic.name(), partition).await?));
    }
    let mut streams = Vec::new();
    for (start, (partition, _)) in starts(hub, topic, progress, &partitions)
        .into_iter()
        .zip(&partitions)
    {
        let partition = *partition;
        let records = cluster
            .records(topic.name(), partition, start, Mode::Follow)
            .await?;
        streams.push(records.map(move |record| record.map(|record| (partition as usize, record))));
    }
    note(hub, topic, progress);
    let mut chunks = select_all(streams).ready_chunks(CHUNK_RECORDS);
    while let Some(chunk) = chunks.next().await {
        let records = chunk.into_iter().collect::<Result<Vec<_>, _>>()?;
        take(hub, topic, progress, &records);
    }
    Ok(())
}

/// Where to go on in each partition. A topic that ends before what has been read of it is another one.
fn starts(
    hub: &Hub,
    topic: Topic,
    progress: &mut Progress,
    partitions: &[(u32, Offsets)],
) -> Vec<Start> {
    let goes_on = progress.next.len() == partitions.len()
        && progress
            .next
            .iter()
            .zip(partitions)
            .all(|(next, (_, offsets))| *next <= offsets.end);
    progress.ends = partitions.iter().map(|(_, offsets)| offsets.end).collect();
    if goes_on {
        return progress
            .next
            .iter()
            .map(|next| Start::Offset(*next))
            .collect();
    }
    hub.store().forget(topic);
    let kept = i64::try_from(topic.records_max()).unwrap_or(i64::MAX);
    let first = |(_, offsets): &(u32, Offsets)| (offsets.end - kept).max(offsets.start);
    progress.next = partitions.iter().map(first).collect();
    progress
        .next
        .iter()
        .map(|next| Start::Offset(*next))
        .collect()
}

fn take(hub: &Hub, topic: Topic, progress: &mut Progress, records: &[(usize, Record)]) {
    for (partition, record) in records {
        progress.next[*partition] = record.offset + 1;
    }
    hub.apply(topic, records.iter().map(|(_, record)| record));
    note(hub, topic, progress);
}

fn note(hub: &Hub, topic: Topic, progress: &Progress) {
    let mut store = hub.store();
    let state = store.topic_mut(topic);
    state.filled |= progress.is_filled();
    state.trouble = None;
}

/// Asks for the ends of the source topics, over and over: what lies before them waits to be read.
pub(crate) async fn follow_ends(hub: Arc<Hub>, cluster: Cluster) {
    loop {
        tokio::time::sleep(crate::limits::LAG_PERIOD).await;
        let partitions = hub.store().accounts.partitions();
        for (topic, partition) in partitions {
            // While the cluster is away the last known ends stand; the status says that it is.
            if let Ok(end) = cluster.end_offset(&topic, partition).await {
                hub.store()
                    .accounts
                    .note_end(topic, partition, end, now().as_millis());
            }
        }
    }
}
