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
