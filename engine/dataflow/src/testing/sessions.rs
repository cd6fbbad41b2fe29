//! A derivation with sessions that collects the different values of each session. The value [`LAST_VALUE`] completes
//! its session.

use model::{Emit, Lift, ParamError, Params, RecordKey, SessionGap, Sessions, Window, Windowed};

use super::{DistinctTicks, Seen, Tick, Ticks};

/// The value that completes its session, so that the session is emitted without waiting for the gap.
pub(crate) const LAST_VALUE: &str = "11";

/// [`DistinctTicks`], but for sessions instead of windows.
pub(crate) struct SessionTicks;

impl Lift for SessionTicks {
    const NAME: &'static str = "session-ticks";
    const PARAMETERS: &'static [&'static str] = &[];

    type Grouping = SessionGap;
    type Source = Ticks;
    type Partial = Seen;

    fn from_params(_: &Params) -> Result<Self, ParamError> {
        Ok(Self)
    }

    fn lift(&self, event: &Tick<'_>, out: &mut impl Emit<Seen>) {
        DistinctTicks::<false>.lift(event, out);
    }
}

impl Windowed for SessionTicks {
    type Output = Seen;

    fn duplicates(&self, seen: &mut Seen, events: u64) -> u64 {
        DistinctTicks::<false>.duplicates(seen, events)
    }

    fn finish(&self, session: Window, key: &RecordKey, seen: &Seen) -> Option<Seen> {
        DistinctTicks::<false>.finish(session, key, seen)
    }
}

impl Sessions for SessionTicks {
    fn is_complete(&self, _: Window, seen: &Seen) -> bool {
        seen.values.contains(LAST_VALUE)
    }
}
