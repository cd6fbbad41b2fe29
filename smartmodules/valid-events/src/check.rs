//! Checks whether a record is a valid event.

use model::event::EventReader;
use model::{ParamError, Params};

/// Recognizes valid events.
#[derive(Clone, Debug, Default)]
pub struct ValidEvents {
    reader: EventReader,
}

impl ValidEvents {
    /// Creates the check from its parameters. `kind` is the only parameter.
    pub fn from_params(params: &Params) -> Result<Self, ParamError> {
        EventReader::from_params(params).map(|reader| Self { reader })
    }

    /// Returns whether a record's value is a valid event.
    pub fn passes(&mut self, record: &[u8]) -> bool {
        self.reader.read(record).is_some()
    }
}
