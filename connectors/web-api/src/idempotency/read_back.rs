//! Finds out which records of a request are in their topics, by reading the topics.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use client::{ClientError, Cluster, Mode, Offset, Partition, PartitionOffset, Record, Start};
use futures_util::StreamExt;

use crate::delivery::{PositionsByTopic, RecordsByTopic};
use crate::topics::TargetTopic;
use crate::writer::OutgoingRecord;

/// A search for the records of a request in their topics.
pub(super) struct ReadBack {
    topics: BTreeMap<TargetTopic, TopicScan>,
}

struct TopicScan {
    target: TargetTopic,
    /// The next offset to read in each partition. A partition without an entry is read from its beginning.
    next: Vec<Offset>,
    /// For each wanted record, the positions at which it was found, in order.
    found: HashMap<RecordIdentity, Vec<PartitionOffset>>,
}

/// The properties that identify a record. Records with the same identity are interchangeable.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct RecordIdentity(Bytes, Bytes);

impl RecordIdentity {
    fn of(target: &TargetTopic, key: &Bytes, value: &Bytes) -> Self {
        match target {
            TargetTopic::SourceTopic(_) => Self(key.clone(), value.clone()),
            // The key contains the request's id and the record's position. The value is not compared, because it
            // contains the time of an intent, and a request can have several intents.
            TargetTopic::Rejected => Self(key.clone(), Bytes::new()),
        }
    }

    fn of_outgoing(target: &TargetTopic, record: &OutgoingRecord) -> Self {
        Self::of(target, &record.key, &record.value)
    }
}

impl ReadBack {
    /// Creates a search for `wanted` that starts at the offsets `from` of each topic.
    pub(super) fn new(wanted: &RecordsByTopic, from: BTreeMap<String, Vec<Offset>>) -> Self {
        let topics = wanted.iter().map(|(target, records)| {
            let identities = records
                .iter()
                .map(|record| RecordIdentity::of_outgoing(target, record));
            let topic = TopicScan {
                target: target.clone(),
                next: from.get(target.topic()).cloned().unwrap_or_default(),
                found: identities.map(|identity| (identity, Vec::new())).collect(),
            };
            (target.clone(), topic)
        });
        Self {
            topics: topics.collect(),
        }
    }

    /// Reads to the current end of each partition. Starts where the last call ended.
    pub(super) async fn read_new(&mut self, cluster: &Cluster) -> Result<(), ClientError> {
        for (target, topic) in &mut self.topics {
            let partitions = cluster.partition_count(target.topic()).await?;
            for partition in Partition::of(partitions) {
                topic.read_new(cluster, partition).await?;
            }
        }
        Ok(())
    }

    /// Removes from `wanted` the records that were found, and returns their positions. Ignores positions
    /// that belong to other requests. If several records are equal, removes as many as were found.
    pub(super) fn take(
        mut self,
        wanted: &mut RecordsByTopic,
        is_of_other: impl Fn(&TargetTopic, PartitionOffset) -> bool,
    ) -> PositionsByTopic {
        let mut positions = PositionsByTopic::new();
        for (target, records) in wanted.iter_mut() {
            let Some(topic) = self.topics.get_mut(target) else {
                continue;
            };
            for found in topic.found.values_mut() {
                found.retain(|position| !is_of_other(target, *position));
                found.reverse();
            }
            records.retain(|record| {
                let found = topic
                    .found
                    .get_mut(&RecordIdentity::of_outgoing(target, record));
                let Some(position) = found.and_then(Vec::pop) else {
                    return true;
                };
                positions.entry(target.clone()).or_default().push(position);
                false
            });
        }
        wanted.retain(|_, records| !records.is_empty());
        positions
    }
}

impl TopicScan {
    async fn read_new(
        &mut self,
        cluster: &Cluster,
        partition: Partition,
    ) -> Result<(), ClientError> {
        let index = partition.index();
        if self.next.len() <= index {
            self.next.resize(index + 1, Offset::ZERO);
        }
        let start = Start::Offset(self.next[index]);
        let mut records = cluster
            .records(self.target.topic(), partition, start, Mode::UntilEnd)
            .await?;
        while let Some(record) = records.next().await {
            self.compare(partition, record?);
        }
        Ok(())
    }

    fn compare(&mut self, partition: Partition, record: Record) {
        let offset = record.offset;
        self.next[partition.index()] = offset.next();
        let identity =
            RecordIdentity::of(&self.target, &record.key.unwrap_or_default(), &record.value);
        if let Some(found) = self.found.get_mut(&identity) {
            found.push(PartitionOffset { partition, offset });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::{BuiltIn, SourceTopic};

    fn players() -> TargetTopic {
        TargetTopic::SourceTopic(SourceTopic::built_in(BuiltIn::PlayerEvents))
    }

    fn outgoing(value: &'static str) -> OutgoingRecord {
        OutgoingRecord {
            key: Bytes::from_static(b"p1"),
            value: Bytes::from_static(value.as_bytes()),
        }
    }

    /// Returns the position of this offset in partition 0.
    fn at(offset: i64) -> PartitionOffset {
        PartitionOffset {
            partition: Partition(0),
            offset: Offset(offset),
        }
    }

    fn read_back(wanted: &RecordsByTopic, values: &[&'static str]) -> ReadBack {
        let mut read_back = ReadBack::new(wanted, BTreeMap::new());
        let topic = read_back.topics.get_mut(&players()).unwrap();
        topic.next = vec![Offset::ZERO];
        for (offset, value) in (0..).zip(values) {
            let record = outgoing(value);
            topic.compare(
                Partition(0),
                Record {
                    offset: Offset(offset),
                    timestamp_ms: None,
                    key: Some(record.key),
                    value: record.value,
                },
            );
        }
        read_back
    }

    #[test]
    fn as_many_equal_records_are_removed_as_were_found() {
        let mut wanted =
            RecordsByTopic::from([(players(), ["a", "b", "a", "a"].map(outgoing).to_vec())]);
        let read_back = read_back(&wanted, &["x", "a", "c", "a"]);
        let positions = read_back.take(&mut wanted, |_, _| false);
        assert_eq!(positions[&players()], [at(1), at(3)]);
        assert_eq!(wanted[&players()], ["b", "a"].map(outgoing));
    }

    #[test]
    fn records_of_another_request_are_not_taken() {
        let mut wanted = RecordsByTopic::from([(players(), vec![outgoing("a")])]);
        let mut again = wanted.clone();
        let one = read_back(&wanted, &["a"]);
        assert!(
            one.take(&mut wanted, |_, position| position == at(0))
                .is_empty()
        );
        assert_eq!(wanted, again);
        let two = read_back(&again, &["a", "a"]);
        let positions = two.take(&mut again, |_, position| position == at(0));
        assert_eq!(positions[&players()], [at(1)]);
        assert!(again.is_empty());
    }

    #[test]
    fn a_record_with_another_key_is_not_the_same() {
        let mut wanted = RecordsByTopic::from([(players(), vec![outgoing("a")])]);
        let mut other = wanted.clone();
        other.get_mut(&players()).unwrap()[0].key = Bytes::from_static(b"p2");
        let read_back = read_back(&other, &["a"]);
        assert!(read_back.take(&mut wanted, |_, _| false).is_empty());
    }

    #[test]
    fn rejected_records_are_identified_by_their_key() {
        let mut wanted = RecordsByTopic::from([(TargetTopic::Rejected, vec![outgoing("at one")])]);
        let mut read_back = ReadBack::new(&wanted, BTreeMap::new());
        let topic = read_back.topics.get_mut(&TargetTopic::Rejected).unwrap();
        topic.next = vec![Offset::ZERO];
        let earlier = outgoing("at two");
        topic.compare(
            Partition(0),
            Record {
                offset: Offset(9),
                timestamp_ms: None,
                key: Some(earlier.key),
                value: earlier.value,
            },
        );
        let positions = read_back.take(&mut wanted, |_, _| false);
        assert_eq!(positions[&TargetTopic::Rejected], [at(9)]);
    }
}
