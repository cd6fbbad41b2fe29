//! The fold: one batch of records in, one partial out. No state crosses from batch to batch.

mod groups;
mod sessions;
mod slots;

use groups::{Groups, InPane, InSession};
use serde::Serialize;

use crate::derivation::Derivation;
use crate::event::{Event, Layouts};
use crate::merge::Merge;
use crate::params::{ParamError, Params};
use crate::partial::{BatchHeader, BatchPartialRef, FORMAT};
use crate::reject::{Reason, Rejection};
use crate::time::Timestamp;
use crate::window::Windowing;

/// How far an event's time may be ahead of its record's ingest time unless told otherwise.
const MAX_SKEW_MS: i64 = 5 * 60 * 1_000;

/// The parameter that says otherwise.
const MAX_SKEW: &str = "max_skew_ms";

/// A source record as the fold sees it.
#[derive(Clone, Copy, Debug)]
pub struct SourceRecord<'r> {
    /// Its true offset.
    pub offset: i64,
    /// When the cluster's producer took it in; `None` where the record does not say.
    pub ingest_time: Option<Timestamp>,
    /// Its value.
    pub value: &'r [u8],
}

impl<'r> SourceRecord<'r> {
    /// A record whose ingest time is given in milliseconds since the Unix epoch.
    pub fn new(offset: i64, ingest_ms: Option<i64>, value: &'r [u8]) -> Self {
        let ingest_time = ingest_ms.map(Timestamp::from_millis);
        Self {
            offset,
            ingest_time,
            value,
        }
    }
}

/// Folds batches for one derivation.
pub struct Fold<D: Derivation> {
    derivation: D,
    windowing: Windowing,
    max_skew_ms: i64,
    layouts: Layouts,
}

impl<D: Derivation> Fold<D> {
    /// A fold with the parameters of `dataflow.yaml`.
    pub fn from_params(params: &Params) -> Result<Self, ParamError> {
        let known = [Windowing::parameters(D::SHAPE), &[MAX_SKEW], D::PARAMETERS].concat();
        params.refuse_unknown(&known)?;
        Ok(Self {
            derivation: D::from_params(params)?,
            windowing: Windowing::from_params(D::SHAPE, params)?,
            max_skew_ms: params.positive_ms(MAX_SKEW, Some(MAX_SKEW_MS))?,
            layouts: Layouts::default(),
        })
    }

    /// Appends the partial of one batch, the bytes of a [`BatchPartial`](crate::BatchPartial), to
    /// `output`.
    pub fn batch<'r>(
        &mut self,
        records: impl Iterator<Item = SourceRecord<'r>>,
        output: &mut Vec<u8>,
    ) {
        let mut open = self.open();
        for record in records {
            let event = D::Event::parse_alike(record.value, &mut self.layouts);
            self.take(&mut open, &record, event.as_ref());
        }
        open.close(output);
    }

    /// A batch that no record has been taken into. With [`take`](Self::take), for those who read an
    /// event once and fold it several times.
    pub fn open(&self) -> OpenBatch<D::Partial> {
        OpenBatch {
            header: BatchHeader {
                format: FORMAT,
                first_offset: 0,
                next_offset: 0,
                max_event_time: None,
                accepted: 0,
                rejected: Vec::new(),
            },
            is_empty: true,
            groups: Groups::new(self.windowing),
        }
    }

    /// Takes the next record into the batch: its event, or why it is none.
    #[inline]
    pub fn take(
        &self,
        open: &mut OpenBatch<D::Partial>,
        record: &SourceRecord<'_>,
        event: Result<&D::Event<'_>, &Rejection>,
    ) {
        let header = &mut open.header;
        if std::mem::take(&mut open.is_empty) {
            header.first_offset = record.offset;
        }
        header.next_offset = record.offset + 1;
        match self.lift(record, event, &mut open.groups) {
            Ok(time) => {
                header.accepted += 1;
                header.max_event_time = header.max_event_time.max(Some(time));
            }
            Err(rejection) => {
                let delta = record.offset - header.first_offset;
                header.rejected.push((delta as u32, rejection.reason));
            }
        }
    }

    #[inline]
    fn lift(
        &self,
        record: &SourceRecord<'_>,
        event: Result<&D::Event<'_>, &Rejection>,
        groups: &mut Groups<D::Partial>,
    ) -> Result<Timestamp, Rejection> {
        let event = event.map_err(|rejection| *rejection)?;
        let time = event.time();
        let ahead = |ingest: Timestamp| {
            // Saturating: a producer may have written any ingest time.
            time.as_millis().saturating_sub(ingest.as_millis()) > self.max_skew_ms
        };
        if record.ingest_time.is_some_and(ahead) {
            return Err(Rejection::new(Reason::FutureTimestamp, "event_timestamp"));
        }
        let offset = record.offset;
        match groups {
            Groups::Panes(panes) => {
                let slots = panes.slots(time);
                self.derivation.lift(event, &mut InPane { slots, offset });
            }
            Groups::Sessions(slots, gap_ms) => {
                let gap_ms = *gap_ms;
                let mut sessions = InSession {
                    slots,
                    time,
                    gap_ms,
                    offset,
                };
                self.derivation.lift(event, &mut sessions);
            }
        }
        Ok(time)
    }
}

/// One batch while it is folded.
pub struct OpenBatch<P> {
    header: BatchHeader,
    is_empty: bool,
    groups: Groups<P>,
}

impl<P: Merge + Serialize> OpenBatch<P> {
    /// Appends the partial of what was taken in to `output`.
    pub fn close(mut self, output: &mut Vec<u8>) {
        let contributions = self.groups.contributions();
        BatchPartialRef {
            header: self.header,
            contributions,
        }
        .encode(output);
    }
}
