//! Writes the records of one request to all their topics.

use std::collections::BTreeMap;

use client::{ClientError, Cluster};
use futures_util::future::join_all;
use tokio_util::task::TaskTracker;

use crate::error::Refusal;
use crate::rejected::{self, Origin};
use crate::source::Target;
use crate::validate::Checked;
use crate::writer::{Outgoing, Place, Writer};

/// The records of one request by topic, in their order.
pub(crate) type Parcels = BTreeMap<Target, Vec<Outgoing>>;

/// Where they stand, in the same order.
pub(crate) type Places = BTreeMap<Target, Vec<Place>>;

/// The records that a request comes to.
pub(crate) fn parcels(checked: &Checked, origin: Origin<'_>) -> Parcels {
    let mut parcels = Parcels::new();
    for event in &checked.accepted {
        let records = parcels.entry(Target::Source(event.source)).or_default();
        records.push(Outgoing {
            key: event.key.clone(),
            value: event.value.clone(),
        });
    }
    for rejected in &checked.rejected {
        let records = parcels.entry(Target::Rejected).or_default();
        records.extend(rejected::records(rejected, origin));
    }
    parcels
}

/// The writers of all topics that requests are written to.
#[derive(Clone, Debug)]
pub(crate) struct Writers([Writer; Target::ALL.len()]);

impl Writers {
    pub(crate) async fn start(cluster: &Cluster, tasks: &TaskTracker) -> Result<Self, ClientError> {
        let start = |target: Target| Writer::start(cluster, target.topic(), tasks);
        let [players, purchases, servers, rejected] = Target::ALL;
        Ok(Self([
            start(players).await?,
            start(purchases).await?,
            start(servers).await?,
            start(rejected).await?,
        ]))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Writer> {
        self.0.iter()
    }

    pub(crate) fn of(&self, target: Target) -> &Writer {
        &self.0[target.index()]
    }

    /// Writes all of it and waits until the cluster has it. Unless the error is [`Refusal::Unsure`] or
    /// [`Refusal::Refused`] nothing was written and nothing will be.
    pub(crate) async fn write(&self, parcels: Parcels) -> Result<Places, Refusal> {
        // All places in the queues first: one that is full refuses before anything is written.
        let slots: Result<Vec<_>, Refusal> = parcels
            .into_iter()
            .map(|(target, records)| Ok((target, self.of(target).slot()?, records)))
            .collect();
        let queued: Vec<_> = slots?
            .into_iter()
            .map(|(target, slot, records)| (target, slot.send(records)))
            .collect();
        let written = queued
            .into_iter()
            .map(|(target, queued)| async move { (target, queued.written().await) });
        together(join_all(written).await)
    }
}

fn together(results: Vec<(Target, Result<Vec<Place>, Refusal>)>) -> Result<Places, Refusal> {
    let mut failures = results
        .iter()
        .filter_map(|(_, result)| result.as_ref().err());
    let is_nothing = |refusal: &Refusal| matches!(refusal, Refusal::Away | Refusal::Busy);
    if let Some(first) = failures.next().cloned() {
        let failures: Vec<_> = std::iter::once(&first).chain(failures).cloned().collect();
        if failures.len() == results.len() && failures.iter().all(is_nothing) {
            return Err(first);
        }
        let refused = failures
            .into_iter()
            .find(|failure| matches!(failure, Refusal::Refused(_)));
        return Err(refused.unwrap_or(Refusal::Unsure));
    }
    let places = results
        .into_iter()
        .filter_map(|(target, places)| Some((target, places.ok()?)));
    Ok(places.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    const PLAYERS: Target = Target::Source(Source::PlayerEvents);

    #[test]
    fn only_where_nothing_was_written_a_request_says_so() {
        let ok = || (PLAYERS, Ok(vec![(0, 7)]));
        let rejected = |refusal| (Target::Rejected, Err(refusal));
        assert_eq!(together(vec![ok()]).unwrap()[&PLAYERS], [(0, 7)]);
        assert_eq!(together(vec![rejected(Refusal::Away)]), Err(Refusal::Away));
        assert_eq!(
            together(vec![ok(), rejected(Refusal::Away)]),
            Err(Refusal::Unsure)
        );
        assert_eq!(
            together(vec![ok(), rejected(Refusal::Busy)]),
            Err(Refusal::Unsure)
        );
        let refused = Refusal::Refused("too large".to_owned());
        let both = vec![(PLAYERS, Err(Refusal::Unsure)), rejected(refused.clone())];
        assert_eq!(together(both), Err(refused));
    }
}
