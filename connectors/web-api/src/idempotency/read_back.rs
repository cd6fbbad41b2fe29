//! Reads back which records of a request stand in their topics.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use client::{ClientError, Cluster, Mode, Record, Start};
use futures_util::StreamExt;

use crate::delivery::{Parcels, Places};
use crate::source::Target;
use crate::writer::{Outgoing, Place};

/// What was found so far of records that are looked for.
pub(super) struct Standing {
    topics: BTreeMap<Target, Topic>,
}

struct Topic {
    target: Target,
    /// Where the next look begins, by partition; partitions that are not named were empty.
    next: Vec<i64>,
    /// The places of each record that is looked for, in their order.
    found: HashMap<Likeness, Vec<Place>>,
}

/// What two records have in common that are the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Likeness(Bytes, Bytes);

impl Likeness {
    fn of(target: Target, key: &Bytes, value: &Bytes) -> Self {
        match target {
            Target::Source(_) => Self(key.clone(), value.clone()),
            // The key names the request and the record; the value says when the request came too.
            Target::Rejected => Self(key.clone(), Bytes::new()),
        }
    }

    fn of_outgoing(target: Target, record: &Outgoing) -> Self {
        Self::of(target, &record.key, &record.value)
    }
}

impl Standing {
    /// Looks for these records, from these offsets of each topic on.
    pub(super) fn new(wanted: &Parcels, from: BTreeMap<String, Vec<i64>>) -> Self {
        let topics = wanted.iter().map(|(target, records)| {
            let likenesses = records
                .iter()
                .map(|record| Likeness::of_outgoing(*target, record));
            let topic = Topic {
                target: *target,
                next: from.get(target.topic()).cloned().unwrap_or_default(),
                found: likenesses.map(|likeness| (likeness, Vec::new())).collect(),
            };
            (*target, topic)
        });
        Self {
            topics: topics.collect(),
        }
    }

    /// Looks at all that has come since the last look.
    pub(super) async fn read_on(&mut self, cluster: &Cluster) -> Result<(), ClientError> {
        for (target, topic) in &mut self.topics {
            let partitions = cluster.partition_count(target.topic()).await?;
            for partition in 0..partitions {
                topic.read_on(cluster, partition).await?;
            }
        }
        Ok(())
    }

    /// Takes out of `wanted` what stands and `is_another_s` does not claim; where that is. Of records
    /// that are alike as many are taken out as stand.
    pub(super) fn take(
        mut self,
        wanted: &mut Parcels,
        is_another_s: impl Fn(Target, Place) -> bool,
    ) -> Places {
        let mut places = Places::new();
        for (target, records) in wanted.iter_mut() {
            let Some(topic) = self.topics.get_mut(target) else {
                continue;
            };
            for found in topic.found.values_mut() {
                found.retain(|place| !is_another_s(*target, *place));
                found.reverse();
            }
            records.retain(|record| {
                let found = topic.found.get_mut(&Likeness::of_outgoing(*target, record));
                let Some(place) = found.and_then(Vec::pop) else {
                    return true;
                };
                places.entry(*target).or_default().push(place);
                false
            });
        }
        wanted.retain(|_, records| !records.is_empty());
        places
    }
}

impl Topic {
    async fn read_on(&mut self, cluster: &Cluster, partition: u32) -> Result<(), ClientError> {
        let index = partition as usize;
        if self.next.len() <= index {
            self.next.resize(index + 1, 0);
        }
        let start = Start::Offset(self.next[index]);
        let mut records = cluster
            .records(self.target.topic(), partition, start, Mode::UntilEnd)
            .await?;
        while let Some(record) = records.next().await {
            self.look(partition, record?);
        }
        Ok(())
    }

    fn look(&mut self, partition: u32, record: Record) {
        self.next[partition as usize] = record.offset + 1;
        let likeness = Likeness::of(self.target, &record.key.unwrap_or_default(), &record.value);
        if let Some(found) = self.found.get_mut(&likeness) {
            found.push((partition, record.offset));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    const PLAYERS: Target = Target::Source(Source::PlayerEvents);

    fn outgoing(value: &'static str) -> Outgoing {
        Outgoing {
            key: Bytes::from_static(b"p1"),
            value: Bytes::from_static(value.as_bytes()),
        }
    }

    fn standing(wanted: &Parcels, values: &[&'static str]) -> Standing {
        let mut standing = Standing::new(wanted, BTreeMap::new());
        let topic = standing.topics.get_mut(&PLAYERS).unwrap();
        topic.next = vec![0];
        for (offset, value) in (0..).zip(values) {
            let record = outgoing(value);
            topic.look(
                0,
                Record {
                    offset,
                    timestamp_ms: None,
                    key: Some(record.key),
                    value: record.value,
                },
            );
        }
        standing
    }

    #[test]
    fn as_many_are_taken_out_as_stand() {
        let mut wanted = Parcels::from([(PLAYERS, ["a", "b", "a", "a"].map(outgoing).to_vec())]);
        let standing = standing(&wanted, &["x", "a", "c", "a"]);
        let places = standing.take(&mut wanted, |_, _| false);
        assert_eq!(places[&PLAYERS], [(0, 1), (0, 3)]);
        assert_eq!(wanted[&PLAYERS], ["b", "a"].map(outgoing));
    }

    #[test]
    fn what_another_request_has_written_is_not_taken_for_ours() {
        let mut wanted = Parcels::from([(PLAYERS, vec![outgoing("a")])]);
        let mut again = wanted.clone();
        let one = standing(&wanted, &["a"]);
        assert!(one.take(&mut wanted, |_, place| place == (0, 0)).is_empty());
        assert_eq!(wanted, again);
        let two = standing(&again, &["a", "a"]);
        let places = two.take(&mut again, |_, place| place == (0, 0));
        assert_eq!(places[&PLAYERS], [(0, 1)]);
        assert!(again.is_empty());
    }

    #[test]
    fn a_record_under_another_key_is_another() {
        let mut wanted = Parcels::from([(PLAYERS, vec![outgoing("a")])]);
        let mut other = wanted.clone();
        other.get_mut(&PLAYERS).unwrap()[0].key = Bytes::from_static(b"p2");
        let standing = standing(&other, &["a"]);
        assert!(standing.take(&mut wanted, |_, _| false).is_empty());
    }

    #[test]
    fn rejected_records_are_known_by_their_key() {
        let mut wanted = Parcels::from([(Target::Rejected, vec![outgoing("at one")])]);
        let mut standing = Standing::new(&wanted, BTreeMap::new());
        let topic = standing.topics.get_mut(&Target::Rejected).unwrap();
        topic.next = vec![0];
        let earlier = outgoing("at two");
        topic.look(
            0,
            Record {
                offset: 9,
                timestamp_ms: None,
                key: Some(earlier.key),
                value: earlier.value,
            },
        );
        let places = standing.take(&mut wanted, |_, _| false);
        assert_eq!(places[&Target::Rejected], [(0, 9)]);
    }
}
