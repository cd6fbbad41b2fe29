//! Finds the event time and keys of a source record, type-erased for any derivation.

use std::sync::{Mutex, MutexGuard, PoisonError};

use model::source::Source;
use model::{Emit, Event, Lift, RecordKey, Rejection};

use crate::output::lateness::Located;

/// Finds the event time and keys of source records.
pub(crate) trait Locate: Send + Sync {
    /// Where a record counts. The error is the reason why the record is not a valid event.
    fn locate(&self, record: &[u8]) -> Result<Located, Rejection>;

    /// The field that contains the event time.
    fn event_time(&self) -> String;
}

/// Finds event times and keys with the code of the derivation `L`.
pub(crate) struct LocateBy<L: Lift> {
    pub(crate) derivation: L,
    pub(crate) source: Mutex<L::Source>,
}

impl<L: Lift> LocateBy<L> {
    fn source(&self) -> MutexGuard<'_, L::Source> {
        // After a panic, a source is as good as before: it remembers only what makes the next records faster to read.
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<L: Lift> Locate for LocateBy<L> {
    fn locate(&self, record: &[u8]) -> Result<Located, Rejection> {
        let mut source = self.source();
        let event = source.parse(record)?;
        let mut keys = Keys(Vec::new());
        self.derivation.lift(&event, &mut keys);
        Ok(Located {
            time: event.time(),
            keys: keys.0,
        })
    }

    fn event_time(&self) -> String {
        self.source().event_time().to_owned()
    }
}

/// Receives the contributions of an event, and stores only their keys.
struct Keys(Vec<RecordKey>);

impl<P> Emit<P> for Keys {
    fn offset(&self) -> i64 {
        0
    }

    fn emit(&mut self, key: &[&str], _: impl FnOnce(&mut P)) {
        self.0.push(RecordKey::new(key));
    }
}
