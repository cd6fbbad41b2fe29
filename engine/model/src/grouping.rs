//! Defines how a derivation groups its events in time, and holds the partials of one batch in these groups.

mod key_sessions;
mod panes;
mod slots;

use std::fmt::Debug;

use serde::Serialize;

use self::key_sessions::BatchSessions;
use self::panes::BatchPanes;
use crate::emit::Emit;
use crate::merge::Merge;
use crate::params::{ParamError, Params};
use crate::partial::BatchHeader;
use crate::time::Timestamp;

/// The three kinds of grouping that the dataflow file distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Events are grouped in [`AlignedWindows`].
    Windows,
    /// Events are grouped in sessions, which a [`SessionGap`] separates.
    Sessions,
    /// Events are not grouped ([`SingleEvents`]).
    Events,
}

/// How events are grouped in time. The parameters come from `window` in the dataflow file.
pub trait Grouping: Copy + Debug + PartialEq + Send + Sync + 'static {
    /// The kind of this grouping.
    const SHAPE: Shape;
    /// The names of the grouping's parameters.
    const PARAMETERS: &'static [&'static str];

    /// The type that holds the partials of one batch.
    type Groups<P: Merge + Serialize + Send>: Groups<P> + Send;

    /// Creates the grouping from its parameters.
    fn from_params(params: &Params) -> Result<Self, ParamError>;

    /// Creates the empty groups for a batch.
    fn groups<P: Merge + Serialize + Send>(self) -> Self::Groups<P>;
}

/// The contributions of one batch, combined by group and key.
pub trait Groups<P> {
    /// Returns an emitter for the event at `time` and `offset`, which adds the event's contributions to its groups.
    fn emitter(&mut self, time: Timestamp, offset: i64) -> impl Emit<P>;

    /// Encodes the batch's partial, appends it to `output`, and removes all contributions. Keeps some of their memory
    /// for the next batch.
    fn encode(&mut self, header: &BatchHeader, output: &mut Vec<u8>);
}

/// Windows aligned to the epoch, either tumbling or hopping. The parameter `window_ms` sets their length;
/// hopping windows also have `hop_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlignedWindows {
    /// The length of a window, a multiple of `hop_ms`.
    pub size_ms: i64,
    /// The time from the start of one window to the start of the next; equal to `size_ms` for tumbling
    /// windows.
    pub hop_ms: i64,
}

impl Grouping for AlignedWindows {
    const SHAPE: Shape = Shape::Windows;
    const PARAMETERS: &'static [&'static str] = &["window_ms", "hop_ms"];

    type Groups<P: Merge + Serialize + Send> = BatchPanes<P>;

    fn from_params(params: &Params) -> Result<Self, ParamError> {
        let size_ms = params.positive_ms("window_ms", None)?;
        let hop_ms = params.positive_ms("hop_ms", Some(size_ms))?;
        if size_ms % hop_ms != 0 {
            return Err(ParamError::Invalid {
                name: "hop_ms".to_owned(),
                value: hop_ms.to_string(),
                expected: "a number of milliseconds that divides `window_ms`",
            });
        }
        Ok(Self { size_ms, hop_ms })
    }

    fn groups<P: Merge + Serialize + Send>(self) -> BatchPanes<P> {
        BatchPanes::new(self.hop_ms)
    }
}

/// Sessions of each key. A session ends when the key has no event for longer than `gap_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionGap {
    /// The longest time between two consecutive events of one session.
    pub gap_ms: i64,
}

impl Grouping for SessionGap {
    const SHAPE: Shape = Shape::Sessions;
    const PARAMETERS: &'static [&'static str] = &["gap_ms"];

    type Groups<P: Merge + Serialize + Send> = BatchSessions<P>;

    fn from_params(params: &Params) -> Result<Self, ParamError> {
        Ok(Self {
            gap_ms: params.positive_ms("gap_ms", None)?,
        })
    }

    fn groups<P: Merge + Serialize + Send>(self) -> BatchSessions<P> {
        BatchSessions::new(self.gap_ms)
    }
}

/// No grouping: each event is processed individually, in the order of event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SingleEvents;

impl Grouping for SingleEvents {
    const SHAPE: Shape = Shape::Events;
    const PARAMETERS: &'static [&'static str] = &[];

    type Groups<P: Merge + Serialize + Send> = BatchPanes<P>;

    fn from_params(_: &Params) -> Result<Self, ParamError> {
        Ok(Self)
    }

    fn groups<P: Merge + Serialize + Send>(self) -> BatchPanes<P> {
        BatchPanes::of_all_times()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hop_divides_its_window() {
        let read =
            |pairs: &[(&str, &str)]| AlignedWindows::from_params(&pairs.iter().copied().collect());
        let windows = |size_ms, hop_ms| Ok(AlignedWindows { size_ms, hop_ms });
        assert_eq!(read(&[("window_ms", "60")]), windows(60, 60));
        let hopping = [("window_ms", "60"), ("hop_ms", "20")];
        assert_eq!(read(&hopping), windows(60, 20));
        for hop in ["7", "0", "-20", "120"] {
            let params = [("window_ms", "60"), ("hop_ms", hop)];
            assert!(read(&params).is_err(), "{hop}");
        }
    }
}
