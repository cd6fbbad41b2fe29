//! Small derivations for the tests of this crate. `CountTicks` reads records of the form `MILLISECONDS KEY` and
//! counts the events of each key. The others read records of the form `MILLISECONDS KEY VALUE`: `DistinctTicks` and
//! `SessionTicks` collect the different values of a key, `RankedTicks` ranks the keys by the number of their values,
//! and `FollowedTicks` is a keyed process.

mod followed;
mod ranked;
mod sessions;

pub(crate) use followed::{FollowedTicks, SILENCE_MS};
pub(crate) use ranked::{RANKS, RankedTicks};
pub(crate) use sessions::{LAST_VALUE, SessionTicks};

use std::collections::BTreeSet;

use client::Offset;
use model::fold::SourceRecord;
use model::source::Source;
use model::{
    AlignedWindows, Emit, Event, Fold, Lift, Merge, ParamError, Params, Reason, RecordKey,
    Rejection, Timestamp, Window, Windowed,
};
use serde::{Deserialize, Serialize};

pub(crate) struct Tick<'e> {
    time: Timestamp,
    key: &'e str,
}

impl Tick<'_> {
    /// Splits the text after the time into the key and the value.
    pub(crate) fn parts(&self) -> (&str, &str) {
        self.key.split_once(' ').unwrap_or((self.key, ""))
    }
}

impl Event for Tick<'_> {
    fn time(&self) -> Timestamp {
        self.time
    }

    fn sender(&self) -> &str {
        self.parts().0
    }
}

pub(crate) struct Ticks;

impl Source for Ticks {
    const TOPIC: Option<&'static str> = Some("ticks");
    const PARAMETERS: &'static [&'static str] = &[];

    type Event<'e> = Tick<'e>;

    fn from_params(_: &Params) -> Result<Self, ParamError> {
        Ok(Self)
    }

    fn parse<'r>(&mut self, record: &'r [u8]) -> Result<Tick<'r>, Rejection> {
        let refused = || Rejection::new(Reason::NotJson, "record");
        let text = std::str::from_utf8(record).map_err(|_| refused())?;
        let (ms, key) = text.split_once(' ').ok_or_else(refused)?;
        let time = Timestamp::from_millis(ms.parse().map_err(|_| refused())?);
        Ok(Tick { time, key })
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Count {
    count: u64,
}

impl Merge for Count {
    fn merge(&mut self, other: Self) {
        self.count += other.count;
    }
}

pub(crate) struct CountTicks;

impl Lift for CountTicks {
    const NAME: &'static str = "tick-counts";
    const PARAMETERS: &'static [&'static str] = &["step"];

    type Grouping = AlignedWindows;
    type Source = Ticks;
    type Partial = Count;

    fn from_params(params: &Params) -> Result<Self, ParamError> {
        params.get("step", "a whole number", 1_u64).map(|_| Self)
    }

    fn lift(&self, event: &Tick<'_>, out: &mut impl Emit<Count>) {
        out.emit(&[event.key], |count| count.count += 1);
    }
}

impl Windowed for CountTicks {
    type Output = Count;

    fn finish(&self, _: Window, _: &RecordKey, partial: &Count) -> Option<Count> {
        Some(Count {
            count: partial.count,
        })
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) values: BTreeSet<String>,
}

impl Merge for Seen {
    fn merge(&mut self, other: Self) {
        self.values.extend(other.values);
    }
}

/// Collects each value of a key once; repeated values are duplicates. If `ODD`, a window and key have a row only while
/// they have an odd number of values.
pub(crate) struct DistinctTicks<const ODD: bool = false>;

impl<const ODD: bool> Lift for DistinctTicks<ODD> {
    const NAME: &'static str = "distinct-ticks";
    const PARAMETERS: &'static [&'static str] = &[];

    type Grouping = AlignedWindows;
    type Source = Ticks;
    type Partial = Seen;

    fn from_params(_: &Params) -> Result<Self, ParamError> {
        Ok(Self)
    }

    fn lift(&self, event: &Tick<'_>, out: &mut impl Emit<Seen>) {
        let (key, value) = event.parts();
        out.emit(&[key], |seen| {
            seen.values.insert(value.to_owned());
        });
    }
}

impl<const ODD: bool> Windowed for DistinctTicks<ODD> {
    type Output = Seen;

    fn keeps(&self, _: Window, _: &RecordKey, seen: &Seen) -> bool {
        !ODD || seen.values.len() % 2 == 1
    }

    fn duplicates(&self, seen: &mut Seen, events: u64) -> u64 {
        events - seen.values.len() as u64
    }

    fn finish(&self, _: Window, _: &RecordKey, seen: &Seen) -> Option<Seen> {
        Some(Seen {
            values: seen.values.clone(),
        })
    }
}

pub(crate) fn offsets<const N: usize>(numbers: [i64; N]) -> [Offset; N] {
    numbers.map(Offset)
}

/// Returns the partial of `CountTicks` for one batch that begins at `first_offset`, with windows of 10 s.
pub(crate) fn partial(first_offset: i64, records: &[&str]) -> Vec<u8> {
    partial_of::<CountTicks>(first_offset, records)
}

/// Like [`partial`], for any derivation with windows.
pub(crate) fn partial_of<D: Lift>(first_offset: i64, records: &[&str]) -> Vec<u8> {
    partial_with::<D>(&[("window_ms", "10000")], first_offset, records)
}

/// Like [`partial`], for any derivation and any parameters.
pub(crate) fn partial_with<D: Lift>(
    params: &[(&str, &str)],
    first_offset: i64,
    records: &[&str],
) -> Vec<u8> {
    let params = params.iter().copied().collect();
    let mut fold = Fold::<D>::from_params(&params).expect("good parameters");
    let mut bytes = Vec::new();
    let records = (first_offset..)
        .zip(records)
        .map(|(offset, value)| SourceRecord::new(offset, None, value.as_bytes()));
    fold.batch(records, &mut bytes);
    bytes
}
