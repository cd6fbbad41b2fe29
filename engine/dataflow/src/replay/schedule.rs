//! The order of a replay: which partition is read next, and when windows are closed. The order depends only
//! on the contents of the partitions, so two replays of one history are equal.
//!
//! Partitions are scanned once before the replay. A window is therefore closed only when no remaining record
//! belongs to it, in whatever order the records are stored. The exception is a replay whose open windows
//! take up too much of `entries_max`: it closes windows as a runner would, and later records of these windows are late.

use client::{Offset, OffsetRange, Partition};
use model::Timestamp;
use model::partial::BatchHeader;

use crate::covered::Covered;
use crate::watermarks;

/// The ends and the smallest event times of a partition's batches. A replay has to know these before it merges the
/// first batch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scan {
    batches: Vec<ScannedBatch>,
}

#[derive(Clone, Copy, Debug)]
struct ScannedBatch {
    /// The offset after its last record.
    end: Offset,
    /// The smallest event time of its accepted records. [`Scan::least_from`] replaces it with the smallest event
    /// time in this batch and all later ones.
    least_time: Option<Timestamp>,
}

impl Scan {
    pub(crate) fn add(&mut self, header: &BatchHeader) {
        self.batches.push(ScannedBatch {
            end: header.offsets().end,
            least_time: header.min_event_time,
        });
    }

    /// For each batch, the smallest event time in it and in all later batches.
    fn least_from(mut self) -> Vec<ScannedBatch> {
        let mut least: Option<Timestamp> = None;
        for batch in self.batches.iter_mut().rev() {
            least = batch.least_time.iter().chain(&least).min().copied();
            batch.least_time = least;
        }
        self.batches
    }
}

/// Decides which partition a replay reads next, and which windows it closes.
pub(crate) struct Schedule {
    partitions: Vec<PartitionHistory>,
    /// How long after the end of a window a runner can still correct it, in milliseconds of event time: the
    /// lateness plus the allowed lateness.
    lateness_ms: i64,
    closed_to: Timestamp,
}

struct PartitionHistory {
    next_offset: Offset,
    end_offset: Offset,
    stream_time: Option<Timestamp>,
    least_from: Vec<ScannedBatch>,
}

impl PartitionHistory {
    fn is_over(&self) -> bool {
        self.next_offset >= self.end_offset
    }

    /// The smallest event time among the unread records.
    fn least_left(&self) -> Option<Timestamp> {
        let read = |batch: &ScannedBatch| batch.end <= self.next_offset;
        let next = self.least_from.partition_point(read);
        self.least_from.get(next)?.least_time
    }
}

impl Schedule {
    /// Creates the schedule for a replay of the given offset range of each partition.
    pub(crate) fn new(
        partitions: impl IntoIterator<Item = (OffsetRange, Scan)>,
        lateness_ms: i64,
    ) -> Self {
        let partition = |(offsets, scan): (OffsetRange, Scan)| PartitionHistory {
            next_offset: offsets.start,
            end_offset: offsets.end,
            stream_time: None,
            least_from: scan.least_from(),
        };
        Self {
            partitions: partitions.into_iter().map(partition).collect(),
            lateness_ms,
            closed_to: Timestamp::MIN,
        }
    }

    /// Returns the partition with the smallest stream time among those with unread records; the first one if
    /// several are equal.
    pub(crate) fn next(&self) -> Option<Partition> {
        let partitions = Partition::all().zip(&self.partitions);
        watermarks::slowest(
            partitions
                .filter(|(_, history)| !history.is_over())
                .map(|(partition, history)| (partition, history.stream_time)),
        )
    }

    /// Notes that a batch of the partition has been merged.
    pub(crate) fn merged(&mut self, partition: Partition, header: &BatchHeader) {
        let history = &mut self.partitions[partition.index()];
        history.next_offset = header.offsets().end;
        history.stream_time = history.stream_time.max(header.stream_time);
    }

    /// Returns the time up to which windows are closed: no unread record belongs to a window that ends by it, except if
    /// memory `is_short`. Then windows that a runner would close are closed as well, whatever is still unread.
    pub(crate) fn closed_to(&mut self, is_short: bool) -> Timestamp {
        let left = self
            .partitions
            .iter()
            .filter_map(PartitionHistory::least_left);
        let mut closed_to = left.min().unwrap_or(Timestamp::MAX);
        if is_short {
            let open = self.partitions.iter().filter(|history| !history.is_over());
            let times = open.map(|history| history.stream_time);
            if let Some(least) = watermarks::least(times, self.lateness_ms) {
                closed_to = closed_to.max(least);
            }
        }
        self.closed_to = self.closed_to.max(closed_to);
        self.closed_to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(first_offset: i64, times: &[i64]) -> BatchHeader {
        let of = |time: Option<&i64>| time.copied().map(Timestamp::from_millis);
        BatchHeader {
            next_offset: first_offset + times.len() as i64,
            min_event_time: of(times.iter().min()),
            stream_time: of(times.iter().max()),
            ..BatchHeader::empty(first_offset)
        }
    }

    fn schedule(partitions: &[&[BatchHeader]]) -> Schedule {
        let partitions = partitions.iter().map(|batches| {
            let mut scan = Scan::default();
            batches.iter().for_each(|batch| scan.add(batch));
            let end = batches
                .last()
                .map_or(Offset::ZERO, |last| last.offsets().end);
            let start = Offset::ZERO;
            (OffsetRange { start, end }, scan)
        });
        Schedule::new(partitions.collect::<Vec<_>>(), 1_000)
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn windows_close_when_nothing_that_is_left_belongs_to_them() {
        let batches = [
            header(0, &[50_000, 60_000]),
            header(2, &[10_000]),
            header(3, &[70_000]),
        ];
        let mut schedule = schedule(&[&batches]);
        let mut closed = vec![schedule.closed_to(false)];
        for batch in &batches {
            assert_eq!(schedule.next(), Some(Partition(0)));
            schedule.merged(Partition(0), batch);
            closed.push(schedule.closed_to(false));
        }
        assert_eq!(closed, [at(10_000), at(10_000), at(70_000), Timestamp::MAX]);
        assert_eq!(schedule.next(), None);
    }

    #[test]
    fn the_partition_furthest_behind_is_read_and_all_hold_windows_open() {
        let (a, b) = (
            [header(0, &[40_000]), header(1, &[80_000])],
            [header(0, &[30_000]), header(1, &[90_000])],
        );
        let mut schedule = schedule(&[&a, &b]);
        schedule.merged(Partition(0), &a[0]);
        assert_eq!(
            (schedule.next(), schedule.closed_to(false)),
            (Some(Partition(1)), at(30_000))
        );
        schedule.merged(Partition(1), &b[0]);
        assert_eq!(
            (schedule.next(), schedule.closed_to(false)),
            (Some(Partition(1)), at(80_000))
        );
    }

    #[test]
    fn short_of_memory_a_stray_record_holds_nothing_open() {
        let batches = [
            header(0, &[50_000]),
            header(1, &[60_000]),
            header(2, &[1_000]),
        ];
        let mut schedule = schedule(&[&batches]);
        schedule.merged(Partition(0), &batches[0]);
        assert_eq!(schedule.closed_to(false), at(1_000));
        assert_eq!(schedule.closed_to(true), at(49_000));
        schedule.merged(Partition(0), &batches[1]);
        assert_eq!(schedule.closed_to(false), at(49_000), "it never goes back");
    }
}
