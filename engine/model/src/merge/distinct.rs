//! Counts distinct values: exactly up to a limit, and above it with a sketch whose error is known.

use std::cell::RefCell;

use datasketches::hll::{HllSketch, HllType, HllUnion};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use xxhash_rust::xxh3::xxh3_128;

use super::{Merge, SortedSet, piece};

/// Returns a 128-bit fingerprint of `text`, the same on every machine. The probability that any two of 16,384
/// texts have the same fingerprint is below 10^-30, so counting fingerprints counts texts exactly.
#[inline]
pub fn fingerprint(text: &str) -> u128 {
    xxh3_128(text.as_bytes())
}

/// The base-2 logarithm of the sketch's number of registers. The 65,536 registers of one byte each take a
/// quarter of the size of the largest exact set.
const LG_REGISTERS: u8 = 16;

/// Counts the different fingerprints that were added.
#[derive(Clone, Debug)]
pub struct Distinct(State);

#[derive(Clone, Debug)]
enum State {
    Exact(SortedSet<Halves>),
    Sketch(Box<HllUnion>),
}

/// The upper and lower half of a fingerprint, in this order so that pairs sort in the same way as fingerprints.
/// In WASM, allocating memory for `u128` values takes several times as long as for such pairs.
type Halves = [u64; 2];

fn halves(fingerprint: u128) -> Halves {
    [(fingerprint >> 64) as u64, fingerprint as u64]
}

fn whole([upper, lower]: Halves) -> u128 {
    u128::from(upper) << 64 | u128::from(lower)
}

impl Default for Distinct {
    fn default() -> Self {
        Self(State::Exact(SortedSet::default()))
    }
}

impl Distinct {
    /// The largest number of different values that is counted exactly.
    pub const EXACT_MAX: usize = 16_384;
    /// The relative error of a sketch's count: two standard deviations, each 1.04 / √65,536. About 19 of 20 counts
    /// are within this error.
    pub const SKETCH_ERROR: f64 = 0.0082;
    /// While values are added, a set is checked against `EXACT_MAX` only when it may contain more values than this. A
    /// check sorts the set, which also removes repeated values. With a threshold of `EXACT_MAX`, a set just below the
    /// limit would be sorted again after every few additions, even of values that it already contains.
    const LOOK_AT: usize = 2 * Self::EXACT_MAX;

    /// Adds one value.
    #[inline]
    pub fn insert(&mut self, fingerprint: u128) {
        match &mut self.0 {
            State::Exact(set) => {
                set.insert(halves(fingerprint));
                self.limit_if_large();
            }
            State::Sketch(union) => union.update_value(fingerprint),
        }
    }

    /// Returns the number of different values, which is an estimate if [`error`](Self::error) returns a value.
    pub fn count(&self) -> u64 {
        match &self.0 {
            State::Exact(set) => {
                let values = set.settled();
                if values.len() > Self::EXACT_MAX {
                    estimate(&sketch(&values))
                } else {
                    values.len() as u64
                }
            }
            State::Sketch(union) => estimate(union),
        }
    }

    /// Returns the relative error of [`Self::count`]; `None` if the count is exact.
    pub fn error(&self) -> Option<f64> {
        let is_exact = match &self.0 {
            State::Exact(set) => {
                set.len_max() <= Self::EXACT_MAX || set.settled().len() <= Self::EXACT_MAX
            }
            State::Sketch(_) => false,
        };
        (!is_exact).then_some(Self::SKETCH_ERROR)
    }

    #[inline]
    fn limit_if_large(&mut self) {
        if let State::Exact(set) = &self.0
            && set.len_max() > Self::LOOK_AT
        {
            self.limit();
        }
    }

    /// Sorts an exact set, and converts it into a sketch if it exceeds the limit.
    fn limit(&mut self) {
        let State::Exact(set) = &mut self.0 else {
            return;
        };
        if set.len() > Self::EXACT_MAX {
            self.0 = State::Sketch(sketch(set.values()));
        }
    }
}

fn sketch(fingerprints: &[Halves]) -> Box<HllUnion> {
    let mut union = empty_union();
    for fingerprint in fingerprints {
        union.update_value(whole(*fingerprint));
    }
    union
}

/// Returns the composite estimate, which depends only on the registers and not on the order of updates.
fn estimate(union: &HllUnion) -> u64 {
    union.to_sketch(HllType::Hll8).composite_estimate().round() as u64
}

fn empty_union() -> Box<HllUnion> {
    match HllUnion::new(LG_REGISTERS) {
        Ok(union) => Box::new(union),
        Err(error) => unreachable!("a constant within the sketch's range was refused: {error}"),
    }
}

impl Merge for Distinct {
    fn merge(&mut self, other: Self) {
        match (&mut self.0, other.0) {
            (State::Exact(mine), State::Exact(theirs)) => {
                mine.merge(theirs);
                self.limit_if_large();
            }
            (State::Sketch(mine), State::Exact(mut theirs)) => {
                theirs
                    .values()
                    .iter()
                    .for_each(|fingerprint| mine.update_value(whole(*fingerprint)));
            }
            (State::Sketch(mine), State::Sketch(theirs)) => {
                mine.update(&theirs.to_sketch(HllType::Hll8))
            }
            (State::Exact(_), theirs @ State::Sketch(_)) => {
                let mine = std::mem::replace(self, Self(theirs));
                self.merge(mine);
            }
        }
    }

    fn settle(&mut self) {
        self.limit();
    }
}

/// The encoded form: either fingerprints of 16 bytes each, or the sketch in the format of its library.
#[derive(Deserialize)]
enum Wire {
    #[serde(with = "piece")]
    Exact(Vec<u8>),
    #[serde(with = "piece")]
    Sketch(Vec<u8>),
}

/// The encoded form, borrowed for writing.
#[derive(Serialize)]
enum WireRef<'a> {
    #[serde(serialize_with = "piece::serialize")]
    Exact(&'a [u8]),
    #[serde(serialize_with = "piece::serialize")]
    Sketch(&'a [u8]),
}

thread_local! {
    /// The buffer in which sets are encoded. A partial can have hundreds of small sets, and allocating memory for
    /// each would take longer than writing its bytes.
    static BYTES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Serialize for Distinct {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let set = match &self.0 {
            State::Exact(set) => set.settled(),
            State::Sketch(union) => {
                let bytes = union.to_sketch(HllType::Hll8).serialize();
                return WireRef::Sketch(&bytes).serialize(serializer);
            }
        };
        let mut bytes = BYTES.take();
        bytes.clear();
        for fingerprint in set.iter() {
            bytes.extend_from_slice(&whole(*fingerprint).to_le_bytes());
        }
        let result = WireRef::Exact(&bytes).serialize(serializer);
        BYTES.set(bytes);
        result
    }
}

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Wire::deserialize(deserializer)? {
            Wire::Exact(bytes) => {
                let (fingerprints, rest) = bytes.as_chunks();
                if !rest.is_empty() {
                    return Err(de::Error::custom("a fingerprint is cut short"));
                }
                let fingerprints = fingerprints.iter().copied().map(u128::from_le_bytes);
                let mut distinct = Self(State::Exact(fingerprints.map(halves).collect()));
                distinct.limit_if_large();
                Ok(distinct)
            }
            Wire::Sketch(bytes) => {
                let mut union = empty_union();
                union.update(&HllSketch::deserialize(&bytes).map_err(de::Error::custom)?);
                Ok(Self(State::Sketch(union)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: impl Iterator<Item = u64>) -> Distinct {
        let mut distinct = Distinct::default();
        values.for_each(|value| distinct.insert(fingerprint(&value.to_string())));
        distinct
    }

    #[test]
    fn is_exact_up_to_its_limit_and_close_above_it() {
        let limit = Distinct::EXACT_MAX as u64;
        let full = of((0..limit).chain(0..limit));
        assert_eq!((full.count(), full.error()), (limit, None));
        for count in [limit + 1, 2 * limit, 50_000, 300_000] {
            let mut sketch = of(0..count);
            let unsettled = (sketch.count(), sketch.error());
            sketch.settle();
            assert_eq!((sketch.count(), sketch.error()), unsettled);
            let off = (sketch.count() as f64 - count as f64).abs() / count as f64;
            assert!(off <= 0.01, "{count} counted as {}", sketch.count());
            assert_eq!(sketch.error(), Some(Distinct::SKETCH_ERROR));
        }
    }

    #[test]
    fn a_sketch_is_the_same_in_any_order_and_split() {
        let whole = of(0..60_000);
        let mut parts = [
            of(40_000..60_000),
            of(0..100),
            of(50..30_000),
            of(20_000..41_000),
        ];
        let mut forward = Distinct::default();
        parts.iter().for_each(|part| forward.merge(part.clone()));
        parts.reverse();
        let mut backward = Distinct::default();
        parts.iter().for_each(|part| backward.merge(part.clone()));
        assert_eq!([forward.count(), backward.count()], [whole.count(); 2]);
        let bytes = postcard::to_stdvec(&forward).expect("serializes");
        let back: Distinct = postcard::from_bytes(&bytes).expect("deserializes");
        assert_eq!((back.count(), back.error()), (whole.count(), whole.error()));
    }

    proptest! {
        #[test]
        fn survives_encoding(values in prop::collection::vec(0_u64..500, 0..300)) {
            let distinct = of(values.iter().copied());
            let oracle = values.iter().collect::<std::collections::HashSet<_>>().len() as u64;
            let bytes = postcard::to_stdvec(&distinct).expect("serializes");
            let back: Distinct = postcard::from_bytes(&bytes).expect("deserializes");
            prop_assert_eq!((distinct.count(), back.count()), (oracle, oracle));
        }
    }
}
