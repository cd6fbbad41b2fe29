//! The fold of one derivation: lifts the events of a batch and combines their contributions.

use super::parsed::{Covered, Parsed};
use super::{MAX_SKEW, MAX_SKEW_MS, SourceRecord};
use crate::ahead::FAR_AHEAD_MS;
use crate::derivation::Lift;
use crate::event::Event;
use crate::grouping::{Grouping, Groups};
use crate::params::{ParamError, Params};
use crate::partial::BatchHeader;
use crate::reject::Reason;
use crate::source::Source;

/// Folds parsed records for one derivation.
pub(super) struct Lifted<L: Lift> {
    derivation: L,
    max_skew_ms: i64,
    /// The header of the batch that is being folded.
    header: BatchHeader,
    /// The contributions of the batch that is being folded.
    groups: <L::Grouping as Grouping>::Groups<L::Partial>,
}

impl<L: Lift> Lifted<L> {
    /// Creates a fold with the parameters from `dataflow.yaml`.
    pub(super) fn from_params(params: &Params) -> Result<Self, ParamError> {
        let own = [L::PARAMETERS, L::Source::PARAMETERS];
        let known = [L::Grouping::PARAMETERS, &[MAX_SKEW], own[0], own[1]].concat();
        params.refuse_unknown(&known)?;
        let grouping = L::Grouping::from_params(params)?;
        Ok(Self {
            derivation: L::from_params(params)?,
            max_skew_ms: params.positive_ms(MAX_SKEW, Some(MAX_SKEW_MS))?,
            header: BatchHeader::empty(0),
            groups: grouping.groups(),
        })
    }

    /// Adds the next records of the batch that begins at `first_offset`.
    pub(super) fn add<'r>(
        &mut self,
        first_offset: i64,
        parsed: &[Parsed<'r, <L::Source as Source>::Event<'r>>],
    ) {
        let Self { header, groups, .. } = self;
        header.first_offset = first_offset;
        for Parsed { record, event } in parsed {
            match event {
                Ok(event) if record.ahead_ms(event.time()) <= self.max_skew_ms => {
                    let mut emitter = groups.emitter(event.time(), record.offset);
                    self.derivation.lift(event, &mut emitter);
                    accept(header, record, event);
                }
                Ok(_) => reject(header, record, Reason::FutureTimestamp),
                Err(rejection) => reject(header, record, rejection.reason),
            }
        }
    }

    /// Appends to `output` the partial of the records that were added since the last call.
    pub(super) fn finish(&mut self, covered: &Covered, output: &mut Vec<u8>) {
        let header = BatchHeader {
            first_offset: covered.first_offset,
            next_offset: covered.next_offset,
            last_record: covered.last_record,
            ..std::mem::replace(&mut self.header, BatchHeader::empty(0))
        };
        self.groups.encode(&header, output);
    }
}

fn reject(header: &mut BatchHeader, record: &SourceRecord<'_>, reason: Reason) {
    let delta = record.offset - header.first_offset;
    header.rejected.push((delta as u32, reason));
}

#[inline]
fn accept(header: &mut BatchHeader, record: &SourceRecord<'_>, event: &impl Event) {
    let time = event.time();
    header.accepted += 1;
    let earliest = header.min_event_time.map_or(time, |least| least.min(time));
    header.min_event_time = Some(earliest);
    let stream_time = record.ingest_time.map_or(time, |ingest| ingest.min(time));
    header.stream_time = header.stream_time.max(Some(stream_time));
    let ahead_ms = record.ahead_ms(time);
    if ahead_ms > FAR_AHEAD_MS {
        header.ahead.add(event.sender(), ahead_ms);
    }
}
