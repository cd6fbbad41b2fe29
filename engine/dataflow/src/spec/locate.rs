//! Finds the event time and key of a source record, type-erased for any derivation.

use model::event::Layouts;
use model::{Emit, Event, Lift, RecordKey, Rejection, Timestamp};

/// Finds the event time and key of source records.
pub(crate) trait Locate: Send + Sync {
    /// The event time and key of a record. The error is the reason why the record is not a valid event.
    fn locate(&self, record: &[u8]) -> Result<(Timestamp, RecordKey), Rejection>;
}

/// Finds event times and keys with the code of the derivation `L`.
pub(crate) struct LocateBy<L>(pub(crate) L);

impl<L: Lift> Locate for LocateBy<L> {
    fn locate(&self, record: &[u8]) -> Result<(Timestamp, RecordKey), Rejection> {
        let event = L::Event::parse_alike(record, &mut Layouts::default())?;
        let mut key = KeyOnly(None);
        self.0.lift(&event, &mut key);
        Ok((event.time(), key.0.unwrap_or(RecordKey::new(&[]))))
    }
}

/// Receives the contributions of an event, and stores only the key of the last one.
struct KeyOnly(Option<RecordKey>);

impl<P> Emit<P> for KeyOnly {
    fn offset(&self) -> i64 {
        0
    }

    fn emit(&mut self, key: &[&str], _: impl FnOnce(&mut P)) {
        self.0 = Some(RecordKey::new(key));
    }
}
