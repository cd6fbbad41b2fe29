//! Watermarks: how far event time has come, per partition and for the derivation. Pure: the wall
//! clock is an argument, in milliseconds from any fixed instant.

use model::Timestamp;

/// The watermarks of one derivation.
#[derive(Clone, Debug)]
pub(crate) struct Watermarks {
    lateness_ms: i64,
    idle_timeout_ms: i64,
    partitions: Vec<PartitionClock>,
    current: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct PartitionClock {
    max_event_time: Option<Timestamp>,
    heard_ms: i64,
    idle: bool,
}

impl Watermarks {
    /// Clocks for partitions with these greatest event times so far, from a checkpoint.
    pub(crate) fn new(
        lateness_ms: i64,
        idle_timeout_ms: i64,
        max_event_times: impl Iterator<Item = Option<Timestamp>>,
        current: Option<Timestamp>,
        now_ms: i64,
    ) -> Self {
        let clock = |max_event_time| PartitionClock {
            max_event_time,
            heard_ms: now_ms,
            idle: false,
        };
        Self {
            lateness_ms,
            idle_timeout_ms,
            partitions: max_event_times.map(clock).collect(),
            current,
        }
    }

    /// Notes records of a partition; `max_event_time` is that of the accepted ones. Where none was
    /// accepted nothing has been heard: a broken producer must not hold the windows of all others
    /// open.
    pub(crate) fn heard(
        &mut self,
        partition: usize,
        max_event_time: Option<Timestamp>,
        now_ms: i64,
    ) {
        if max_event_time.is_none() {
            return;
        }
        let clock = &mut self.partitions[partition];
        clock.max_event_time = clock.max_event_time.max(max_event_time);
        clock.heard_ms = now_ms;
        clock.idle = false;
    }

    /// Partitions that have been silent for the idle timeout but are not idle yet. Whoever asks
    /// must make sure that nothing waits to be read before calling one idle.
    pub(crate) fn silent(&self, now_ms: i64) -> Vec<usize> {
        let silent =
            |clock: &PartitionClock| !clock.idle && now_ms - clock.heard_ms >= self.idle_timeout_ms;
        (0..self.partitions.len())
            .filter(|index| silent(&self.partitions[*index]))
            .collect()
    }

    /// Takes a partition out of the reckoning until it is heard again.
    pub(crate) fn set_idle(&mut self, partition: usize) {
        self.partitions[partition].idle = true;
    }

    /// The partition that holds the watermark back; of several the first, none if all are idle.
    pub(crate) fn furthest_behind(&self) -> Option<usize> {
        let active = (0..self.partitions.len()).filter(|index| !self.partitions[*index].idle);
        active.min_by_key(|index| self.partitions[*index].max_event_time)
    }

    /// The greatest accepted event time of a partition.
    pub(crate) fn max_event_time(&self, partition: usize) -> Option<Timestamp> {
        self.partitions[partition].max_event_time
    }

    /// The watermark as last advanced.
    pub(crate) fn current(&self) -> Option<Timestamp> {
        self.current
    }

    /// The derivation's watermark: the least over the partitions that are not idle; where all are,
    /// the greatest, going on with the wall clock. It never goes back.
    pub(crate) fn advance(&mut self, now_ms: i64) -> Option<Timestamp> {
        let active = || self.partitions.iter().filter(|clock| !clock.idle);
        let candidate = if active().next().is_some() {
            active().map(|clock| clock.max_event_time).min().flatten()
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

impl PartitionClock {
    /// The greatest event time, gone on with the wall clock since the last record.
    fn at(&self, now_ms: i64) -> Option<Timestamp> {
        let elapsed = now_ms - self.heard_ms;
        self.max_event_time
            .map(|time| Timestamp::from_millis(time.as_millis() + elapsed))
    }
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
        assert_eq!(watermarks.furthest_behind(), Some(0));
        watermarks.heard(0, at(50_000), 1);
        watermarks.heard(2, at(40_000), 1);
        assert_eq!(
            watermarks.furthest_behind(),
            Some(1),
            "it has not been heard"
        );
        watermarks.set_idle(1);
        assert_eq!(watermarks.furthest_behind(), Some(2));
        watermarks.set_idle(0);
        watermarks.set_idle(2);
        assert_eq!(watermarks.furthest_behind(), None);
    }

    #[test]
    fn the_slowest_active_partition_decides_and_time_never_goes_back() {
        let mut watermarks = fresh(2);
        watermarks.heard(0, at(50_000), 1);
        assert_eq!(
            watermarks.advance(1),
            None,
            "partition 1 has not been heard"
        );
        watermarks.heard(1, at(30_000), 2);
        assert_eq!(watermarks.advance(2), at(28_000));
        watermarks.heard(1, at(20_000), 3);
        watermarks.heard(1, None, 3);
        assert_eq!(watermarks.advance(3), at(28_000));
        watermarks.heard(1, at(60_000), 4);
        assert_eq!(watermarks.advance(4), at(48_000));
    }

    #[test]
    fn an_idle_partition_holds_nobody_up_until_it_is_heard_again() {
        let mut watermarks = fresh(2);
        watermarks.heard(0, at(50_000), 5_000);
        assert_eq!(watermarks.silent(9_999), Vec::<usize>::new());
        assert_eq!(watermarks.silent(10_000), [1]);
        watermarks.set_idle(1);
        assert_eq!(watermarks.advance(10_000), at(48_000));
        watermarks.heard(1, at(49_000), 10_001);
        watermarks.heard(0, at(90_000), 10_001);
        assert_eq!(
            watermarks.advance(10_001),
            at(48_000),
            "partition 1 counts again"
        );
    }

    #[test]
    fn a_partition_of_rejected_records_alone_is_silent() {
        let mut watermarks = fresh(2);
        watermarks.heard(0, at(50_000), 5_000);
        watermarks.heard(1, None, 9_000);
        assert_eq!(watermarks.silent(10_000), [1]);
        watermarks.set_idle(1);
        watermarks.heard(1, None, 10_001);
        assert_eq!(watermarks.advance(10_001), at(48_000));
    }

    #[test]
    fn in_silence_time_goes_on_with_the_wall_clock() {
        let mut watermarks = fresh(2);
        watermarks.heard(0, at(50_000), 1_000);
        watermarks.heard(1, at(40_000), 4_000);
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
    fn nothing_heard_at_all_gives_no_watermark() {
        let mut watermarks = fresh(1);
        watermarks.set_idle(0);
        assert_eq!(watermarks.advance(1_000_000), None);
    }
}
