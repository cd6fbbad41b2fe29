//! Writes the records of one request to their topics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use client::{ClientError, Cluster, PartitionOffset};
use futures_util::future::join_all;
use tokio_util::task::TaskTracker;

use crate::clock::Correction;
use crate::error::RequestError;
use crate::rejected::{self, RequestInfo};
use crate::topics::TargetTopic;
use crate::validate::Checked;
use crate::writer::{OutgoingRecord, Writer};

/// The records of one request, grouped by topic, in their order in the request.
pub(crate) type RecordsByTopic = BTreeMap<TargetTopic, Vec<OutgoingRecord>>;

/// The positions of written records by topic, in the order of [`RecordsByTopic`].
pub(crate) type PositionsByTopic = BTreeMap<TargetTopic, Vec<PartitionOffset>>;

/// Returns the topics to which the records of a request are written.
pub(crate) fn targets(checked: &Checked) -> BTreeSet<TargetTopic> {
    let sources = checked.accepted.iter();
    let sources = sources.map(|event| TargetTopic::SourceTopic(event.source.clone()));
    let rejected = checked.rejected.first().map(|_| TargetTopic::Rejected);
    sources.chain(rejected).collect()
}

/// Returns the records to write for a request. Applies `correction` to their event times.
pub(crate) fn records_by_topic(
    checked: &Checked,
    origin: RequestInfo<'_>,
    correction: Option<Correction>,
) -> RecordsByTopic {
    let mut records_by_topic = RecordsByTopic::new();
    for event in &checked.accepted {
        let records = records_by_topic
            .entry(TargetTopic::SourceTopic(event.source.clone()))
            .or_default();
        records.push(OutgoingRecord {
            key: event.key.clone(),
            value: match correction {
                Some(correction) => correction.apply(&event.value, event.source.event_time()),
                None => event.value.clone(),
            },
        });
    }
    for rejected in &checked.rejected {
        let records = records_by_topic.entry(TargetTopic::Rejected).or_default();
        records.extend(rejected::records(rejected, origin));
    }
    records_by_topic
}

/// The writers of all target topics. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Writers(Arc<BTreeMap<TargetTopic, Writer>>);

impl Writers {
    pub(crate) async fn start(
        cluster: &Cluster,
        targets: impl Iterator<Item = TargetTopic>,
        tasks: &TaskTracker,
    ) -> Result<Self, ClientError> {
        let mut writers = BTreeMap::new();
        for target in targets {
            let writer = Writer::start(cluster, target.topic(), tasks).await?;
            writers.insert(target, writer);
        }
        Ok(Self(Arc::new(writers)))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Writer> {
        self.0.values()
    }

    pub(crate) fn of(&self, target: &TargetTopic) -> &Writer {
        &self.0[target]
    }

    /// Writes all records, and waits until the cluster has acknowledged them. After
    /// [`RequestError::Unconfirmed`], [`RequestError::DiskFull`] and [`RequestError::Refused`], some records may
    /// have been written. After any other error, no record was written or will be written later.
    pub(crate) async fn write(
        &self,
        records_by_topic: RecordsByTopic,
    ) -> Result<PositionsByTopic, RequestError> {
        // Reserve capacity in every queue first, so that a full queue refuses the request before anything is
        // written.
        let permits: Result<Vec<_>, RequestError> = records_by_topic
            .into_iter()
            .map(|(target, records)| {
                let permit = self.of(&target).reserve()?;
                Ok((target, permit, records))
            })
            .collect();
        let queued: Vec<_> = permits?
            .into_iter()
            .map(|(target, permit, records)| (target, permit.send(records)))
            .collect();
        let written = queued
            .into_iter()
            .map(|(target, queued)| async move { (target, queued.written().await) });
        combine(join_all(written).await)
    }
}

fn combine(
    results: Vec<(TargetTopic, Result<Vec<PartitionOffset>, RequestError>)>,
) -> Result<PositionsByTopic, RequestError> {
    let mut failures = results
        .iter()
        .filter_map(|(_, result)| result.as_ref().err());
    let wrote_nothing =
        |error: &RequestError| matches!(error, RequestError::ClusterAway | RequestError::Busy);
    if let Some(first) = failures.next().cloned() {
        let failures: Vec<_> = std::iter::once(&first).chain(failures).cloned().collect();
        if failures.len() == results.len() && failures.iter().all(wrote_nothing) {
            return Err(first);
        }
        // Report the error that tells the client most precisely what to do.
        let refused = |failure: &&RequestError| matches!(failure, RequestError::Refused(_));
        let full = |failure: &&RequestError| matches!(failure, RequestError::DiskFull);
        let found = failures.iter().find(refused).or(failures.iter().find(full));
        return Err(found.cloned().unwrap_or(RequestError::Unconfirmed));
    }
    let positions = results
        .into_iter()
        .filter_map(|(target, positions)| Some((target, positions.ok()?)));
    Ok(positions.collect())
}

#[cfg(test)]
mod tests {
    use client::{Offset, Partition};

    use super::*;
    use crate::topics::{BuiltIn, SourceTopic};

    fn players() -> TargetTopic {
        TargetTopic::SourceTopic(SourceTopic::built_in(BuiltIn::PlayerEvents))
    }

    #[test]
    fn an_error_promises_that_nothing_was_written_only_if_that_is_certain() {
        let position = PartitionOffset {
            partition: Partition(0),
            offset: Offset(7),
        };
        let ok = || (players(), Ok(vec![position]));
        let rejected = |error| (TargetTopic::Rejected, Err(error));
        assert_eq!(combine(vec![ok()]).unwrap()[&players()], [position]);
        assert_eq!(
            combine(vec![rejected(RequestError::ClusterAway)]),
            Err(RequestError::ClusterAway)
        );
        assert_eq!(
            combine(vec![ok(), rejected(RequestError::ClusterAway)]),
            Err(RequestError::Unconfirmed)
        );
        assert_eq!(
            combine(vec![ok(), rejected(RequestError::Busy)]),
            Err(RequestError::Unconfirmed)
        );
        let full = vec![
            (players(), Err(RequestError::DiskFull)),
            rejected(RequestError::ClusterAway),
        ];
        assert_eq!(combine(full), Err(RequestError::DiskFull));
        let refused = RequestError::Refused("too large".to_owned());
        let both = vec![
            (players(), Err(RequestError::Unconfirmed)),
            rejected(refused.clone()),
        ];
        assert_eq!(combine(both), Err(refused));
    }
}
