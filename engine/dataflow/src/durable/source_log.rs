//! Checks whether a source partition still holds the log that was read. If the topic was deleted and created again, it
//! has different records at the offsets that were read. If the server lost the end of the log, the partition ends
//! before the last of these offsets.

use client::{Cluster, Mode, Offset, OffsetRange, Partition, Start};
use futures_util::StreamExt;
use model::fold::SourceRecord;

use crate::error::RunError;

/// The position up to which a partition has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadTo {
    /// The offset after the last record read.
    pub(crate) next_offset: Offset,
    /// The fingerprint of that last record; `None` if nothing was read or if retention had already removed the
    /// record.
    pub(crate) last_record: Option<u64>,
}

impl ReadTo {
    /// Creates a position. `last_record` is the fingerprint of the record before `next_offset`, if it is known.
    pub(crate) fn new(next_offset: Offset, last_record: Option<u64>) -> Self {
        Self {
            next_offset,
            last_record,
        }
    }

    /// Returns the offset of the last record read, if its fingerprint is known and a partition with these offsets
    /// still contains that record. Returns an error text if such a partition cannot hold the log that was read.
    fn wanted(&self, offsets: OffsetRange) -> Result<Option<Offset>, String> {
        if offsets.end < self.next_offset {
            return Err(format!("it ends at offset {}", offsets.end));
        }
        let last = self.next_offset - 1;
        Ok((last >= offsets.start && self.last_record.is_some()).then_some(last))
    }

    /// Returns an error text if `found`, the fingerprint of the record that is now at the last offset read, differs
    /// from that of the record that was read there.
    fn compare(&self, found: u64) -> Result<(), String> {
        match self.last_record {
            Some(read) if read != found => Err(format!(
                "it has a different record at offset {}",
                self.next_offset - 1
            )),
            _ => Ok(()),
        }
    }

    /// Runs the whole check against an in-memory log.
    #[cfg(test)]
    pub(crate) fn verify(
        &self,
        offsets: OffsetRange,
        record_at: impl Fn(Offset) -> u64,
    ) -> Result<(), String> {
        match self.wanted(offsets)? {
            Some(last) => self.compare(record_at(last)),
            None => Ok(()),
        }
    }
}

/// Returns an error if the partition does not hold the log that `derivation` has read.
pub(crate) async fn check(
    cluster: &Cluster,
    derivation: &str,
    topic: &str,
    partition: Partition,
    read_to: ReadTo,
) -> Result<(), RunError> {
    if read_to.next_offset == Offset::ZERO {
        return Ok(());
    }
    let replaced = |found| RunError::SourceReplaced {
        derivation: derivation.to_owned(),
        topic: topic.to_owned(),
        partition,
        next_offset: read_to.next_offset,
        found,
    };
    let offsets = cluster.offsets(topic, partition).await?;
    let Some(last) = read_to.wanted(offsets).map_err(replaced)? else {
        return Ok(());
    };
    let mut records = cluster
        .records(topic, partition, Start::Offset(last), Mode::UntilEnd)
        .await?;
    match records.next().await.transpose()? {
        Some(record) if record.offset == last => {
            let found = SourceRecord::new(last.0, record.timestamp_ms, &record.value);
            read_to.compare(found.fingerprint()).map_err(replaced)
        }
        // Retention has removed the record in the meantime.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: ReadTo = ReadTo {
        next_offset: Offset(10),
        last_record: Some(7),
    };

    fn verify(read_to: ReadTo, start: i64, end: i64, found: u64) -> Result<(), String> {
        let (start, end) = (Offset(start), Offset(end));
        read_to.verify(OffsetRange { start, end }, |offset| {
            assert_eq!(offset, Offset(9), "the last record read");
            found
        })
    }

    #[test]
    fn a_log_that_has_the_last_record_is_the_one_that_was_read() {
        assert_eq!(verify(READ, 0, 10, 7), Ok(()));
        assert_eq!(verify(READ, 9, 20, 7), Ok(()));
    }

    #[test]
    fn another_record_at_that_offset_or_none_is_another_log() {
        assert!(verify(READ, 0, 20, 8).is_err());
        assert!(verify(READ, 0, 9, 7).is_err());
        assert!(verify(READ, 0, 0, 7).is_err());
    }

    #[test]
    fn what_retention_removed_is_not_asked_for() {
        assert_eq!(verify(READ, 10, 10, 8), Ok(()));
        assert_eq!(verify(READ, 15, 20, 8), Ok(()));
    }

    #[test]
    fn without_a_fingerprint_the_length_alone_decides() {
        let read_to = ReadTo {
            last_record: None,
            ..READ
        };
        assert_eq!(verify(read_to, 0, 10, 8), Ok(()));
        assert!(verify(read_to, 0, 9, 8).is_err());
    }
}
