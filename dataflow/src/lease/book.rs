//! The topic of the leases: what is said into it, and what its end says.

use client::{Cluster, Mode, Producer, Record, Start};
use futures_util::StreamExt;
use tokio::time::Instant;

use super::holder::{Holder, Kind, Word};
use crate::error::RunError;
use crate::topics::LEASES;

/// Records at the end of the topic that must hold a living holder's last word: two seconds of five
/// hundred derivations.
const TAIL: u64 = 1_000;

/// Says that `runner` lives, then looks whether it holds the lease. If so, no other one may take it
/// for silent before [`super::TAKEOVER`] has passed since the moment that is returned.
pub(super) async fn confirm(
    cluster: &Cluster,
    producer: &Producer,
    derivation: &str,
    runner: &str,
) -> Result<Option<Instant>, RunError> {
    let sent = Instant::now();
    say(producer, derivation, runner, Kind::Heartbeat).await?;
    let (holder, _) = tail(cluster, derivation).await?;
    Ok((holder.runner.as_deref() == Some(runner)).then_some(sent))
}

/// Who holds the lease as the log now ends, and where it ends.
pub(super) async fn tail(cluster: &Cluster, derivation: &str) -> Result<(Holder, i64), RunError> {
    let mut records = cluster
        .records(LEASES, 0, Start::FromEnd(TAIL), Mode::UntilEnd)
        .await?;
    let (mut holder, mut next_offset) = (Holder::default(), 0);
    while let Some(record) = records.next().await {
        let record = record?;
        next_offset = record.offset + 1;
        if let Some(word) = word_of(derivation, &record) {
            holder.hear(word);
        }
    }
    Ok((holder, next_offset))
}

/// Says something and waits until the cluster has it.
pub(super) async fn say(
    producer: &Producer,
    derivation: &str,
    runner: &str,
    kind: Kind,
) -> Result<(), RunError> {
    let word = Word {
        runner: runner.to_owned(),
        kind,
    };
    let malformed = |cause| RunError::Derived {
        topic: LEASES.to_owned(),
        cause,
    };
    let value = serde_json::to_vec(&word).map_err(malformed)?;
    let delivery = producer.send(derivation.to_owned(), value).await?;
    producer.flush().await?;
    delivery.wait().await?;
    Ok(())
}

/// What a record says of this derivation's lease; foreign records say nothing.
pub(super) fn word_of(derivation: &str, record: &Record) -> Option<Word> {
    if record.key.as_deref() != Some(derivation.as_bytes()) {
        return None;
    }
    serde_json::from_slice(&record.value).ok()
}
