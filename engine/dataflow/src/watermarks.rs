//! Watermarks: the progress of event time, for each partition and for the derivation. The code does not read a
//! clock: the caller passes the wall-clock time, in milliseconds since an arbitrary fixed instant.

use client::Partition;
use model::Timestamp;

/// The watermarks of one derivation.
///
/// - The watermark of a derivation never goes back.
/// - A partition that is not idle holds the watermark back, however slow it is.
#[derive(Clone, Debug)]
pub struct Watermarks {
    lateness_ms: i64,
    idle_timeout_ms: i64,
    partitions: Vec<PartitionClock>,
    current: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct PartitionClock {
    /// How far the partition has advanced event time, as in [`model::partial::BatchHeader::stream_time`].
    stream_time: Option<Timestamp>,
    /// When the last accepted record arrived.
    heard_ms: i64,
    /// The event time at that moment: the stream time, or the time from which the watermark of the derivation follows
    /// if that is later. It is later if the watermark had advanced with the wall clock before a late record arrived.
    reached: Option<Timestamp>,
    idle: bool,
}

impl Watermarks {
    /// Creates watermarks for partitions with these stream times, which are restored from a checkpoint.
    pub fn new(
        lateness_ms: i64,
        idle_timeout_ms: i64,
        stream_times: impl Iterator<Item = Option<Timestamp>>,
        current: Option<Timestamp>,
        now_ms: i64,
    ) -> Self {
        let clock = |stream_time| PartitionClock {
            stream_time,
            heard_ms: now_ms,
            reached: reached(stream_time, current, lateness_ms),
            idle: false,
        };
        Self {
            lateness_ms,
            idle_timeout_ms,
            partitions: stream_times.map(clock).collect(),
            current,
        }
    }

    /// Notes that records of a partition have arrived. `stream_time` is how far the accepted ones among them
    /// advance event time; `None` if none was accepted. In that case the partition remains silent: a producer that
    /// writes only invalid records must not hold back all windows.
    pub fn heard(&mut self, partition: Partition, stream_time: Option<Timestamp>, now_ms: i64) {
        if stream_time.is_none() {
            return;
        }
        let clock = &mut self.partitions[partition.index()];
        clock.stream_time = clock.stream_time.max(stream_time);
        clock.heard_ms = now_ms;
        clock.reached = reached(clock.stream_time, self.current, self.lateness_ms);
        clock.idle = false;
    }

    /// Partitions that have been silent for the idle timeout but are not idle yet. Before marking one of them
    /// as idle, the caller must make sure that it has no unread records.
    pub fn silent(&self, now_ms: i64) -> Vec<Partition> {
        let silent =
            |clock: &PartitionClock| !clock.idle && now_ms - clock.heard_ms >= self.idle_timeout_ms;
        let partitions = Partition::all().zip(&self.partitions);
        let silent = partitions.filter(|(_, clock)| silent(clock));
        silent.map(|(partition, _)| partition).collect()
    }

    /// Ignores a partition until accepted records arrive from it again.
    pub fn set_idle(&mut self, partition: Partition) {
        self.partitions[partition.index()].idle = true;
    }

    /// The partition that holds back the watermark, the first one if there are several; `None` if all partitions
    /// are idle.
    pub(crate) fn furthest_behind(&self) -> Option<Partition> {
        let partitions = Partition::all().zip(&self.partitions);
        slowest(
            partitions
                .filter(|(_, clock)| !clock.idle)
                .map(|(partition, clock)| (partition, clock.stream_time)),
        )
    }

    /// How far a partition has advanced event time.
    pub fn stream_time(&self, partition: Partition) -> Option<Timestamp> {
        self.partitions[partition.index()].stream_time
    }

    /// The last value of the watermark.
    pub(crate) fn current(&self) -> Option<Timestamp> {
        self.current
    }

    /// Advances and returns the derivation's watermark: the smallest stream time of the partitions that are not
    /// idle, minus the lateness. If all partitions are idle, the event time that was reached when the last accepted
    /// record of each partition arrived is advanced by the wall-clock time since then, and the greatest result replaces
    /// the smallest stream time. The watermark never decreases.
    pub fn advance(&mut self, now_ms: i64) -> Option<Timestamp> {
        let active = || self.partitions.iter().filter(|clock| !clock.idle);
        let candidate = if active().next().is_some() {
            active().map(|clock| clock.stream_time).min().flatten()
        } else {
            self.partitions
                .iter()
                .filter_map(|clock| clock.at(now_ms))
                .max()
        };
        let lagging =
            candidate.map(|time| Timestamp::from_millis(time.as_millis() - self.lateness_ms));
        self.current = self.current.max(lagging);
        self.current
    }
}

/// Returns the partition with the smallest stream time; the first one if several are equal. A partition without a
/// stream time comes before all others.
pub(crate) fn slowest(
    partitions: impl Iterator<Item = (Partition, Option<Timestamp>)>,
) -> Option<Partition> {
    let slowest = partitions.min_by_key(|(_, stream_time)| *stream_time);
    slowest.map(|(partition, _)| partition)
}

/// The smallest stream time of the partitions, minus the lateness; `None` if a partition has no stream time yet, or if
/// there are no partitions.
pub(crate) fn least(
    partitions: impl Iterator<Item = Option<Timestamp>>,
    lateness_ms: i64,
) -> Option<Timestamp> {
    Some(partitions.min().flatten()?.plus_ms(-lateness_ms))
}

impl PartitionClock {
    /// The event time that was reached, advanced by the wall-clock time since the last accepted record.
    fn at(&self, now_ms: i64) -> Option<Timestamp> {
        let elapsed = now_ms - self.heard_ms;
        Some(self.reached?.plus_ms(elapsed))
    }
}

/// The later of a partition's stream time and the time from which the watermark follows; `None` if the partition has no
/// stream time.
fn reached(
    stream_time: Option<Timestamp>,
    watermark: Option<Timestamp>,
    lateness_ms: i64,
) -> Option<Timestamp> {
    let followed = watermark.map(|time| time.plus_ms(lateness_ms));
    stream_time.max(followed).filter(|_| stream_time.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Option<Timestamp> {
        Some(Timestamp::from_millis(ms))
    }

    fn fresh(partitions: usize) -> Watermarks {
        Watermarks::new(2_000, 10_000, (0..partitions).map(|_| None), None, 0)
    }

    #[test]
    fn the_partition_that_is_furthest_behind_is_active() {
        let mut watermarks = fresh(3);
        assert_eq!(watermarks.furthest_behind(), Some(Partition(0)));
        watermarks.heard(Partition(0), at(50_000), 1);
        watermarks.heard(Partition(2), at(40_000), 1);
        assert_eq!(
            watermarks.furthest_behind(),
            Some(Partition(1)),
            "it had no records"
        );
        watermarks.set_idle(Partition(1));
        assert_eq!(watermarks.furthest_behind(), Some(Partition(2)));
        watermarks.set_idle(Partition(0));
        watermarks.set_idle(Partition(2));
        assert_eq!(watermarks.furthest_behind(), None);
    }

    #[test]
    fn the_slowest_active_partition_decides_and_time_never_goes_back() {
        let mut watermarks = fresh(2);
        watermarks.heard(Partition(0), at(50_000), 1);
        assert_eq!(watermarks.advance(1), None, "partition 1 had no records");
        watermarks.heard(Partition(1), at(30_000), 2);
        assert_eq!(watermarks.advance(2), at(28_000));
        watermarks.heard(Partition(1), at(20_000), 3);
        watermarks.heard(Partition(1), None, 3);
        assert_eq!(watermarks.advance(3), at(28_000));
        watermarks.heard(Partition(1), at(60_000), 4);
        assert_eq!(watermarks.advance(4), at(48_000));
    }

    #[test]
    fn an_idle_partition_holds_the_watermark_back_only_once_it_has_records_again() {
        let mut watermarks = fresh(2);
        watermarks.heard(Partition(0), at(50_000), 5_000);
        assert_eq!(watermarks.silent(9_999), []);
        assert_eq!(watermarks.silent(10_000), [Partition(1)]);
        watermarks.set_idle(Partition(1));
        assert_eq!(watermarks.advance(10_000), at(48_000));
        watermarks.heard(Partition(1), at(49_000), 10_001);
        watermarks.heard(Partition(0), at(90_000), 10_001);
        assert_eq!(
            watermarks.advance(10_001),
            at(48_000),
            "partition 1 counts again"
        );
    }

    #[test]
    fn a_partition_of_rejected_records_alone_is_silent() {
        let mut watermarks = fresh(2);
        watermarks.heard(Partition(0), at(50_000), 5_000);
        watermarks.heard(Partition(1), None, 9_000);
        assert_eq!(watermarks.silent(10_000), [Partition(1)]);
        watermarks.set_idle(Partition(1));
        watermarks.heard(Partition(1), None, 10_001);
        assert_eq!(watermarks.advance(10_001), at(48_000));
    }

    #[test]
    fn in_silence_time_goes_on_with_the_wall_clock() {
        let mut watermarks = fresh(2);
        watermarks.heard(Partition(0), at(50_000), 1_000);
        watermarks.heard(Partition(1), at(40_000), 4_000);
        assert_eq!(watermarks.advance(14_000), at(38_000));
        watermarks
            .silent(14_000)
            .into_iter()
            .for_each(|partition| watermarks.set_idle(partition));
        assert_eq!(
            watermarks.advance(14_000),
            at(61_000),
            "13 s after the record of 50 s, less the lateness"
        );
        assert_eq!(watermarks.advance(15_500), at(62_500));
    }

    #[test]
    fn a_late_record_in_silence_delays_the_watermark_only_until_its_partition_is_idle_again() {
        let mut watermarks = fresh(1);
        watermarks.heard(Partition(0), at(50_000), 0);
        watermarks.set_idle(Partition(0));
        assert_eq!(watermarks.advance(60_000), at(108_000));
        watermarks.heard(Partition(0), at(80_000), 60_000);
        assert_eq!(watermarks.advance(61_000), at(108_000));
        watermarks.set_idle(Partition(0));
        assert_eq!(watermarks.advance(70_000), at(118_000));
    }

    #[test]
    fn a_restart_in_silence_goes_on_from_the_watermark() {
        let times = [at(50_000), None].into_iter();
        let mut watermarks = Watermarks::new(2_000, 10_000, times, at(108_000), 5_000);
        watermarks.set_idle(Partition(0));
        watermarks.set_idle(Partition(1));
        assert_eq!(watermarks.advance(15_000), at(118_000));
    }

    #[test]
    fn a_partition_that_falls_behind_while_it_is_active_stays_behind_in_silence() {
        let mut watermarks = fresh(1);
        watermarks.heard(Partition(0), at(50_000), 0);
        watermarks.heard(Partition(0), at(60_000), 40_000);
        assert_eq!(watermarks.advance(40_000), at(58_000));
        watermarks.set_idle(Partition(0));
        assert_eq!(
            watermarks.advance(51_000),
            at(69_000),
            "11 s after the record of 60 s"
        );
    }

    #[test]
    fn nothing_heard_at_all_gives_no_watermark() {
        let mut watermarks = fresh(1);
        watermarks.set_idle(Partition(0));
        assert_eq!(watermarks.advance(1_000_000), None);
    }
}
