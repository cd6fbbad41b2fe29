//! A derivation whose rows are computed from all keys of a window.

use std::cmp::Reverse;

use model::derivation::Group;
use model::{AlignedWindows, Emit, Lift, ParamError, Params, RecordKey, Window, Windowed};
use serde::Serialize;

use super::{DistinctTicks, Seen, Tick, Ticks};

/// The largest number of rows of a window.
pub(crate) const RANKS: usize = 2;

/// Ranks the keys that have an odd number of different values: those with the most values first, then by key. A row's
/// key is its rank.
pub(crate) struct RankedTicks;

#[derive(Default, Serialize)]
pub(crate) struct RankedKey {
    key: Option<String>,
    #[serde(flatten)]
    seen: Seen,
}

impl Lift for RankedTicks {
    const NAME: &'static str = "ranked-ticks";
    const PARAMETERS: &'static [&'static str] = &[];

    type Grouping = AlignedWindows;
    type Source = Ticks;
    type Partial = Seen;

    fn from_params(_: &Params) -> Result<Self, ParamError> {
        Ok(Self)
    }

    fn lift(&self, event: &Tick<'_>, out: &mut impl Emit<Seen>) {
        DistinctTicks::<false>.lift(event, out);
    }
}

impl Windowed for RankedTicks {
    type Output = RankedKey;

    fn duplicates(&self, seen: &mut Seen, events: u64) -> u64 {
        DistinctTicks::<false>.duplicates(seen, events)
    }

    fn finish(&self, _: Window, _: &RecordKey, _: &Seen) -> Option<RankedKey> {
        Some(RankedKey::default())
    }

    fn by_window(&self) -> bool {
        true
    }

    fn window_rows<'g>(
        &self,
        window: Window,
        groups: impl Iterator<Item = Group<'g, Seen>>,
    ) -> Vec<(RecordKey, RankedKey)> {
        let kept =
            groups.filter(|(key, seen)| DistinctTicks::<true>.keeps(window, key, seen.as_ref()));
        let mut kept: Vec<_> = kept.collect();
        kept.sort_by_key(|(key, seen)| (Reverse(seen.values.len()), (*key).clone()));
        let ranked = kept.into_iter().take(RANKS).zip(1..);
        let row = |((key, seen), rank): (Group<'_, Seen>, usize)| {
            let row = RankedKey {
                key: Some(key.to_string()),
                seen: seen.into_owned(),
            };
            (RecordKey::new(&[&rank.to_string()]), row)
        };
        ranked.map(row).collect()
    }
}
