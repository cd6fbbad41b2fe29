//! Appends records to the lease topic, and finds the holder of a lease from the topic's last records.

use client::{Cluster, Mode, Offset, Partition, Producer, Record, Start};
use futures_util::StreamExt;
use tokio::time::Instant;

use super::holder::{Holder, Kind, LeaseRecord};
use crate::error::RunError;
use crate::topics::LEASES;

/// The number of records to read from the end of the topic. If each of 500 derivations writes one heartbeat per
/// second, these are the records of the last two seconds. A lease without a record among them counts as held until a
/// runner has waited for it for [`super::TAKEOVER`] without seeing a record of a holder.
const TAIL: u64 = 1_000;

/// Appends a heartbeat of `runner`, then checks whether it holds the lease. If it does, returns the time just
/// before the heartbeat was sent: until [`super::TAKEOVER`] has passed since then, no other runner may treat this
/// one as silent.
pub(super) async fn confirm(
    cluster: &Cluster,
    producer: &Producer,
    derivation: &str,
    runner: &str,
) -> Result<Option<Instant>, RunError> {
    let sent = Instant::now();
    append(producer, derivation, runner, Kind::Heartbeat).await?;
    let (holder, _) = tail(cluster, derivation).await?;
    Ok((holder.runner.as_deref() == Some(runner)).then_some(sent))
}

/// Returns the holder of the lease at the end of the log, and the offset of that end.
pub(super) async fn tail(
    cluster: &Cluster,
    derivation: &str,
) -> Result<(Holder, Offset), RunError> {
    let mut records = cluster
        .records(LEASES, Partition(0), Start::FromEnd(TAIL), Mode::UntilEnd)
        .await?;
    let (mut holder, mut next_offset) = (Holder::default(), Offset::ZERO);
    let mut read = 0;
    while let Some(record) = records.next().await {
        let record = record?;
        read += 1;
        next_offset = record.offset.next();
        if let Some(record) = record_of(derivation, &record) {
            holder.apply(record);
        }
    }
    if read < TAIL {
        holder.has_read_all();
    }
    Ok((holder, next_offset))
}

/// Appends a record and waits until the cluster has acknowledged it.
pub(super) async fn append(
    producer: &Producer,
    derivation: &str,
    runner: &str,
    kind: Kind,
) -> Result<(), RunError> {
    let record = LeaseRecord {
        runner: runner.to_owned(),
        kind,
    };
    let value = serde_json::to_vec(&record).map_err(RunError::writing(LEASES))?;
    let delivery = producer.send(derivation.to_owned(), value).await?;
    producer.flush().await?;
    delivery.wait().await?;
    Ok(())
}

/// Parses a record of the topic; `None` if it is not a lease record of this derivation.
pub(super) fn record_of(derivation: &str, record: &Record) -> Option<LeaseRecord> {
    if record.key.as_deref() != Some(derivation.as_bytes()) {
        return None;
    }
    serde_json::from_slice(&record.value).ok()
}
