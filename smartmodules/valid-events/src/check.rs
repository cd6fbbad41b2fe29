//! The check: whether a record is an event that the derivations would accept.

use model::event::EventReader;
use model::{ParamError, Params};

/// Tells valid events from everything else.
#[derive(Clone, Debug, Default)]
pub struct ValidEvents {
    reader: EventReader,
}

impl ValidEvents {
    /// The check that `params` ask for: `kind`, and nothing else.
    pub fn from_params(params: &Params) -> Result<Self, ParamError> {
        EventReader::from_params(params).map(|reader| Self { reader })
    }

    /// Whether a record's value is a valid event.
    pub fn passes(&mut self, record: &[u8]) -> bool {
        self.reader.read(record).is_some()
    }
}
