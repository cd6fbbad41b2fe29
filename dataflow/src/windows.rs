//! The open windows of one derivation: partials go in, rows come out when a window closes.

use std::collections::BTreeMap;

use model::derived::Derived;
use model::partial::BatchHeader;
use model::{BatchPartial, Derivation, Merge, PartialError, RecordKey, Timestamp, Window};

/// A derived record, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) key: String,
    pub(crate) window_start: Timestamp,
    pub(crate) revision: u32,
    pub(crate) value: Vec<u8>,
}

/// What merging one partial came to.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) header: BatchHeader,
    /// Accepted events whose window had been closed.
    pub(crate) late: u64,
}

/// [`Windows`] of a derivation that the caller does not know.
pub(crate) trait AnyWindows: Send {
    /// Merges the partial of one batch of a partition. Contributions to closed windows are late,
    /// unless the batch lies before `replayed_to`: then they were merged before a restart.
    fn merge(
        &mut self,
        partition: usize,
        partial: &[u8],
        replayed_to: i64,
    ) -> Result<Merged, PartialError>;

    /// Closes every window that ends by `watermark`: its rows, by window and key.
    fn close(&mut self, watermark: Timestamp) -> Result<Vec<Row>, serde_json::Error>;

    /// Treats every window that ends by `watermark` as closed already.
    fn resume(&mut self, watermark: Timestamp);

    /// The first offset of a partition that an open window holds a contribution of.
    fn rewind_offset(&self, partition: usize) -> Option<i64>;

    /// The number of (window, key) pairs that are open.
    fn open(&self) -> usize;
}

/// The open windows of `D`.
pub(crate) struct Windows<D: Derivation> {
    derivation: D,
    partitions: usize,
    open: BTreeMap<Window, OpenWindow<D::Partial>>,
    closed_to: Option<Timestamp>,
}

struct OpenWindow<P> {
    partials: BTreeMap<RecordKey, P>,
    /// Per partition, the first offset that contributes: where a restart must read from.
    first_offsets: Vec<Option<i64>>,
}

impl<D: Derivation> Windows<D> {
    pub(crate) fn new(derivation: D, partitions: usize) -> Self {
        Self {
            derivation,
            partitions,
            open: BTreeMap::new(),
            closed_to: None,
        }
    }

    fn is_closed(&self, window: Window) -> bool {
        self.closed_to
            .is_some_and(|watermark| window.end <= watermark)
    }

    fn rows(
        &self,
        window: Window,
        partials: BTreeMap<RecordKey, D::Partial>,
    ) -> Result<Vec<Row>, serde_json::Error> {
        const REVISION: u32 = 0;
        let row = |(key, partial): (RecordKey, D::Partial)| {
            let measures = self.derivation.finish(window, &key, &partial)?;
            let value = serde_json::to_vec(&Derived::new(window, measures, REVISION));
            let row = |value| Row {
                key: key.to_string(),
                window_start: window.start,
                revision: REVISION,
                value,
            };
            Some(value.map(row))
        };
        partials.into_iter().filter_map(row).collect()
    }
}

impl<D: Derivation> AnyWindows for Windows<D> {
    fn merge(
        &mut self,
        partition: usize,
        partial: &[u8],
        replayed_to: i64,
    ) -> Result<Merged, PartialError> {
        let BatchPartial {
            header,
            contributions,
        } = BatchPartial::<D::Partial>::decode(partial)?;
        let mut late = 0;
        for contribution in contributions {
            if self.is_closed(contribution.window) {
                late += if header.next_offset > replayed_to {
                    contribution.events
                } else {
                    0
                };
                continue;
            }
            let window = self
                .open
                .entry(contribution.window)
                .or_insert_with(|| OpenWindow {
                    partials: BTreeMap::new(),
                    first_offsets: vec![None; self.partitions],
                });
            window.first_offsets[partition].get_or_insert(header.first_offset);
            window
                .partials
                .entry(contribution.key)
                .or_default()
                .merge(contribution.partial);
        }
        Ok(Merged { header, late })
    }

    fn close(&mut self, watermark: Timestamp) -> Result<Vec<Row>, serde_json::Error> {
        self.closed_to = self.closed_to.max(Some(watermark));
        let mut rows = Vec::new();
        while let Some(entry) = self.open.first_entry() {
            if entry.key().end > watermark {
                break;
            }
            let (window, open) = entry.remove_entry();
            rows.extend(self.rows(window, open.partials)?);
        }
        Ok(rows)
    }

    fn resume(&mut self, watermark: Timestamp) {
        self.closed_to = Some(watermark);
    }

    fn rewind_offset(&self, partition: usize) -> Option<i64> {
        self.open
            .values()
            .filter_map(|window| window.first_offsets[partition])
            .min()
    }

    fn open(&self) -> usize {
        self.open.values().map(|window| window.partials.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{CountTicks, partial};

    const NOT_REPLAYED: i64 = 0;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn merge(
        windows: &mut Windows<CountTicks>,
        partition: usize,
        first_offset: i64,
        records: &[&str],
    ) -> Merged {
        windows
            .merge(partition, &partial(first_offset, records), NOT_REPLAYED)
            .expect("a good partial")
    }

    fn texts(rows: Vec<Row>) -> Vec<String> {
        let text = |row: Row| {
            format!(
                "{} {} {}",
                row.window_start.as_millis(),
                row.key,
                String::from_utf8_lossy(&row.value)
            )
        };
        rows.into_iter().map(text).collect()
    }

    #[test]
    fn a_window_closes_when_its_end_is_reached_in_the_order_of_window_and_key() {
        let mut windows = Windows::new(CountTicks, 2);
        merge(&mut windows, 0, 0, &["12000 b", "1000 b", "9999 a"]);
        merge(&mut windows, 1, 0, &["1 b", "20000 a"]);
        assert_eq!(windows.open(), 4);
        assert!(windows.close(at(9_999)).expect("closes").is_empty());
        let first = windows.close(at(10_000)).expect("closes");
        let row = |start: &str, end: &str, key: &str, count: u32| {
            let ms = if start == "00" { 0 } else { 10_000 };
            format!(
                r#"{ms} {key} {{"window_start":"1970-01-01T00:00:{start}.000Z","window_end":"1970-01-01T00:00:{end}.000Z","count":{count},"revision":0}}"#
            )
        };
        assert_eq!(
            texts(first),
            [row("00", "10", "a", 1), row("00", "10", "b", 2)]
        );
        assert_eq!(
            texts(windows.close(at(25_000)).expect("closes")),
            [row("10", "20", "b", 1)]
        );
        assert!(
            windows.close(at(25_000)).expect("closes").is_empty(),
            "once"
        );
        assert_eq!(windows.open(), 1);
    }

    #[test]
    fn events_of_a_closed_window_are_late_unless_they_are_read_again() {
        let mut windows = Windows::new(CountTicks, 1);
        windows.close(at(10_000)).expect("closes");
        assert_eq!(
            merge(&mut windows, 0, 5, &["9000 a", "9999 b", "10000 a"]).late,
            2
        );
        assert_eq!(windows.open(), 1);
        let read_again = windows
            .merge(0, &partial(5, &["9000 a", "9999 b", "10000 a"]), 8)
            .expect("a good partial");
        assert_eq!(read_again.late, 0);
    }

    #[test]
    fn a_restart_rewinds_to_the_first_offset_that_an_open_window_needs() {
        let mut windows = Windows::new(CountTicks, 2);
        assert_eq!(windows.rewind_offset(0), None);
        merge(&mut windows, 0, 0, &["1000 a"]);
        merge(&mut windows, 0, 1, &["11000 a", "2000 a"]);
        merge(&mut windows, 0, 3, &["12000 a"]);
        merge(&mut windows, 1, 7, &["12000 a"]);
        assert_eq!(
            (windows.rewind_offset(0), windows.rewind_offset(1)),
            (Some(0), Some(7))
        );
        windows.close(at(10_000)).expect("closes");
        assert_eq!(
            (windows.rewind_offset(0), windows.rewind_offset(1)),
            (Some(1), Some(7))
        );
        windows.close(at(20_000)).expect("closes");
        assert_eq!(
            (windows.rewind_offset(0), windows.rewind_offset(1)),
            (None, None)
        );
    }

    #[test]
    fn foreign_bytes_are_an_error() {
        let mut windows = Windows::new(CountTicks, 1);
        for bytes in [&b""[..], b"\x01", b"\x09abc", b"{\"json\":1}"] {
            assert!(windows.merge(0, bytes, NOT_REPLAYED).is_err(), "{bytes:?}");
        }
    }
}
