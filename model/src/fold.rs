//! The fold: one batch of records in, one partial out. No state crosses from batch to batch.

mod slots;

use slots::Slots;

use crate::derivation::{Derivation, Emit};
use crate::event::{Event, Layouts};
use crate::merge::Merge;
use crate::params::{ParamError, Params};
use crate::partial::{BatchHeader, BatchPartialRef, ContributionRef, FORMAT};
use crate::reject::{Reason, Rejection};
use crate::time::Timestamp;
use crate::window::Window;

/// How far an event's time may be ahead of its record's ingest time unless told otherwise.
const MAX_SKEW_MS: i64 = 5 * 60 * 1_000;

/// The parameters that every derivation has.
const PARAMETERS: [&str; 2] = ["window_ms", "max_skew_ms"];

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
    window_ms: i64,
    max_skew_ms: i64,
    layouts: Layouts,
}

impl<D: Derivation> Fold<D> {
    /// A fold with the parameters of `dataflow.yaml`.
    pub fn from_params(params: &Params) -> Result<Self, ParamError> {
        params.refuse_unknown(&[&PARAMETERS, D::PARAMETERS].concat())?;
        let positive = |ms: i64, name: &str| {
            let invalid = || ParamError::Invalid {
                name: name.to_owned(),
                value: ms.to_string(),
                expected: "a number of milliseconds above 0",
            };
            if ms > 0 { Ok(ms) } else { Err(invalid()) }
        };
        Ok(Self {
            derivation: D::from_params(params)?,
            window_ms: positive(
                params.require("window_ms", "a number of milliseconds")?,
                "window_ms",
            )?,
            max_skew_ms: positive(
                params.get("max_skew_ms", "a number of milliseconds", MAX_SKEW_MS)?,
                "max_skew_ms",
            )?,
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
        let mut windows = Windows::default();
        let header = self.fold(records, &mut windows);
        let contributions = windows.contributions();
        BatchPartialRef {
            header,
            contributions,
        }
        .encode(output);
    }

    fn fold<'r>(
        &mut self,
        records: impl Iterator<Item = SourceRecord<'r>>,
        windows: &mut Windows<D::Partial>,
    ) -> BatchHeader {
        let mut header = BatchHeader {
            format: FORMAT,
            first_offset: 0,
            next_offset: 0,
            max_event_time: None,
            accepted: 0,
            rejected: Vec::new(),
        };
        let mut first = true;
        for record in records {
            if std::mem::take(&mut first) {
                header.first_offset = record.offset;
            }
            header.next_offset = record.offset + 1;
            match self.lift(&record, windows) {
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
        header
    }

    #[inline]
    fn lift(
        &mut self,
        record: &SourceRecord<'_>,
        windows: &mut Windows<D::Partial>,
    ) -> Result<Timestamp, Rejection> {
        let event = D::Event::parse_alike(record.value, &mut self.layouts)?;
        let time = event.time();
        let ahead = |ingest: Timestamp| {
            // Saturating: a producer may have written any ingest time.
            time.as_millis().saturating_sub(ingest.as_millis()) > self.max_skew_ms
        };
        if record.ingest_time.is_some_and(ahead) {
            return Err(Rejection::new(Reason::FutureTimestamp, "event_timestamp"));
        }
        let slots = windows.slots(time, self.window_ms);
        self.derivation.lift(&event, &mut Keyed(slots));
        Ok(time)
    }
}

/// The windows that a batch touches: one or two, so a list that is searched from its last hit.
struct Windows<P>(Vec<(Window, Slots<P>)>);

impl<P> Default for Windows<P> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<P: Merge> Windows<P> {
    #[inline]
    fn slots(&mut self, time: Timestamp, size_ms: i64) -> &mut Slots<P> {
        let holds_time = |(window, _): &(Window, _)| window.start <= time && time < window.end;
        let found = self.0.iter().rposition(holds_time);
        let index = found.unwrap_or_else(|| {
            let window = Window::tumbling(time, size_ms);
            self.0.push((window, Slots::default()));
            self.0.len() - 1
        });
        &mut self.0[index].1
    }

    fn contributions(&mut self) -> Vec<ContributionRef<'_, P>> {
        self.0.sort_by_key(|(window, _)| *window);
        let mut contributions = Vec::new();
        for (window, slots) in &mut self.0 {
            let slots = slots.sorted(P::settle).into_iter();
            contributions.extend(slots.map(|slot| ContributionRef {
                window: *window,
                key: &slot.key,
                events: slot.events,
                partial: &slot.partial,
            }));
        }
        contributions
    }
}

struct Keyed<'k, P>(&'k mut Slots<P>);

impl<P: Merge> Emit<P> for Keyed<'_, P> {
    #[inline]
    fn emit(&mut self, key: &[&str], add: impl FnOnce(&mut P)) {
        let slot = self.0.slot(key);
        slot.events += 1;
        add(&mut slot.partial);
    }
}
