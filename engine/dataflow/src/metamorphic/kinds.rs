//! The kinds of windows for which the properties are tested.

use model::Params;
use model::fold::SourceRecord;

use crate::pipeline::Pipeline;
use crate::spec::locate::Locate;
use crate::spec::registration::Registration;
use crate::testing::{DistinctTicks, FollowedTicks, RankedTicks, SILENCE_MS, SessionTicks};
use crate::windows::Bounds;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tumbling,
    Hopping,
    /// Tumbling windows that have a row only while they have an odd number of values.
    Filtered,
    /// Tumbling windows whose rows are computed from all keys together.
    Ranked,
    /// The same for hopping windows.
    RankedHopping,
    Sessions,
    /// A keyed process, which processes the events of each key one by one.
    Followed,
}

/// The parameters of a kind, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Windowing {
    Windows { size_ms: i64, hop_ms: i64 },
    Sessions { gap_ms: i64 },
    Events,
}

impl Kind {
    pub(super) fn windowing(self) -> Windowing {
        let windows = |size_ms, hop_ms| Windowing::Windows { size_ms, hop_ms };
        match self {
            Self::Tumbling | Self::Filtered | Self::Ranked => windows(10_000, 10_000),
            Self::Hopping | Self::RankedHopping => windows(12_000, 4_000),
            Self::Sessions => Windowing::Sessions { gap_ms: 2_000 },
            Self::Followed => Windowing::Events,
        }
    }

    pub(super) fn is_ranked(self) -> bool {
        matches!(self, Self::Ranked | Self::RankedHopping)
    }

    /// How far past an event the watermark must be for all rows of the event to be written, in milliseconds.
    pub(super) fn said_after_ms(self) -> i64 {
        match self.windowing() {
            Windowing::Windows { size_ms, .. } => size_ms,
            Windowing::Sessions { gap_ms } => gap_ms + 1,
            Windowing::Events => SILENCE_MS,
        }
    }

    fn registration(self) -> Registration {
        match self {
            Self::Tumbling | Self::Hopping => Registration::windows::<DistinctTicks>(),
            Self::Filtered => Registration::windows::<DistinctTicks<true>>(),
            Self::Ranked | Self::RankedHopping => Registration::windows::<RankedTicks>(),
            Self::Sessions => Registration::sessions::<SessionTicks>(),
            Self::Followed => Registration::keyed::<FollowedTicks>(),
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

    pub(super) fn pipeline(self, bounds: Bounds) -> Pipeline {
        let windows = self.registration().make_windows(&self.params(), bounds);
        Pipeline::new(windows.expect("good parameters"))
    }

    pub(super) fn locate(self) -> Box<dyn Locate> {
        let locate = self.registration().locate(&self.params());
        locate.expect("good parameters")
    }

    /// Returns the partial that the SmartModule computes for one batch.
    pub(super) fn partial(
        self,
        first_offset: i64,
        ingest_ms: &[Option<i64>],
        records: &[String],
    ) -> Vec<u8> {
        let mut fold = self
            .registration()
            .fold(&self.params())
            .expect("good parameters");
        let records = (first_offset..).zip(ingest_ms.iter().zip(records));
        let mut records = records.map(|(offset, (ingest_ms, record))| {
            SourceRecord::new(offset, *ingest_ms, record.as_bytes())
        });
        let mut partial = Vec::new();
        fold.batch(&mut records, &mut partial);
        partial
    }
}
