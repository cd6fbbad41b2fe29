//! The kinds of windows that every property is asked of.

use model::fold::SourceRecord;
use model::{Params, Windowing};

use crate::registration::Registration;
use crate::testing::{DistinctTicks, FollowedTicks, SILENCE_MS, SessionTicks};
use crate::windows::{AnyWindows, Bounds};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tumbling,
    Hopping,
    Sessions,
    Followed,
}

impl Kind {
    pub(super) fn windowing(self) -> Windowing {
        let windows = |size_ms, hop_ms| Windowing::Windows { size_ms, hop_ms };
        match self {
            Self::Tumbling => windows(10_000, 10_000),
            Self::Hopping => windows(12_000, 4_000),
            Self::Sessions => Windowing::Sessions { gap_ms: 2_000 },
            Self::Followed => Windowing::Events,
        }
    }

    /// How long after an event all has been said of it, in event time.
    pub(super) fn said_after_ms(self) -> i64 {
        match self.windowing() {
            Windowing::Windows { size_ms, .. } => size_ms,
            Windowing::Sessions { gap_ms } => gap_ms + 1,
            Windowing::Events => SILENCE_MS,
        }
    }

    fn registration(self) -> Registration {
        match self {
            Self::Tumbling | Self::Hopping => Registration::of::<DistinctTicks>(),
            Self::Sessions => Registration::of::<SessionTicks>(),
            Self::Followed => Registration::following::<FollowedTicks>(),
        }
    }

    fn params(self) -> Params {
        match self.windowing() {
            Windowing::Windows { size_ms, hop_ms } => [
                ("window_ms", size_ms.to_string()),
                ("hop_ms", hop_ms.to_string()),
            ]
            .into_iter()
            .collect(),
            Windowing::Sessions { gap_ms } => {
                [("gap_ms", gap_ms.to_string())].into_iter().collect()
            }
            Windowing::Events => Params::default(),
        }
    }

    pub(super) fn windows(self, bounds: Bounds) -> Box<dyn AnyWindows> {
        let windows = self.registration().windows(&self.params(), bounds);
        windows.expect("good parameters")
    }

    /// The partial of one batch.
    pub(super) fn partial(self, first_offset: i64, records: &[String]) -> Vec<u8> {
        let mut fold = self
            .registration()
            .fold(&self.params())
            .expect("good parameters");
        let records = (first_offset..).zip(records);
        let mut records =
            records.map(|(offset, record)| SourceRecord::new(offset, None, record.as_bytes()));
        let mut partial = Vec::new();
        fold.batch(&mut records, &mut partial);
        partial
    }
}
