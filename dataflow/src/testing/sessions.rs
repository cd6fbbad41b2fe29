//! The different values of a key's sessions; one value ends its session.

use model::{Derivation, Emit, ParamError, Params, RecordKey, Shape, Window};

use super::{DistinctTicks, Seen, Tick};

/// Nothing is expected after it.
pub(crate) const LAST_VALUE: &str = "11";

/// [`DistinctTicks`] in sessions.
pub(crate) struct SessionTicks;

impl Derivation for SessionTicks {
    const NAME: &'static str = "session-ticks";
    const PARAMETERS: &'static [&'static str] = &[];
    const SHAPE: Shape = Shape::Sessions;
    type Event<'e> = Tick<'e>;
    type Partial = Seen;
    type Output = Seen;

    fn from_params(_: &Params) -> Result<Self, ParamError> {
        Ok(Self)
    }

    fn lift(&self, event: &Tick<'_>, out: &mut impl Emit<Seen>) {
        DistinctTicks.lift(event, out);
    }

    fn duplicates(&self, seen: &mut Seen, events: u64) -> u64 {
        DistinctTicks.duplicates(seen, events)
    }

    fn is_complete(&self, _: Window, seen: &Seen) -> bool {
        seen.values.contains(LAST_VALUE)
    }

    fn finish(&self, session: Window, key: &RecordKey, seen: &Seen) -> Option<Seen> {
        DistinctTicks.finish(session, key, seen)
    }
}
