//! Declared sources as the fold reads them: the columns of a record are the event.

use model::{Event, ParamError, Params, Rejection, Timestamp, json};

use crate::alike::Alike;
use crate::checks::Checks;
use crate::code;
use crate::read::Reader;
use crate::source::{Record, Source};
use crate::value::Value;

/// The parameter with the encoded [`Source`].
pub(crate) const SOURCE: &str = "source";

/// Reads the records of a declared source. In the topics with built-in derivations, a record must also be an event of
/// these.
pub struct DeclaredSource {
    reader: Reader,
    checks: Checks,
    /// The paths of the checked fields come first.
    alike: Alike,
    /// For each column, the index of its path; `None` for a list column.
    indexes: Vec<Option<usize>>,
}

impl DeclaredSource {
    /// Creates the source.
    pub fn new(source: Source) -> Self {
        let checks = Checks::of(&source.name);
        let mut alike = Alike::default();
        checks.add_paths(&mut alike);
        let columns = source.columns.iter();
        Self {
            indexes: columns.map(|column| alike.add(&column.path)).collect(),
            reader: Reader::new(source),
            checks,
            alike,
        }
    }

    /// Returns the declaration.
    pub fn declaration(&self) -> &Source {
        self.reader.source()
    }

    /// Reads a record that is like no earlier one.
    #[cold]
    fn scan<'r>(&mut self, record: &'r [u8]) -> Result<Record<'r>, Rejection> {
        self.checks.check(record)?;
        let read = self.reader.read(record)?;
        self.alike.learn(record);
        Ok(read)
    }
}

impl model::source::Source for DeclaredSource {
    const TOPIC: Option<&'static str> = None;
    const PARAMETERS: &'static [&'static str] = &[SOURCE];

    type Event<'e> = Record<'e>;

    fn from_params(params: &Params) -> Result<Self, ParamError> {
        code::decode(params, SOURCE).map(Self::new)
    }

    fn parse<'r>(&mut self, record: &'r [u8]) -> Result<Record<'r>, Rejection> {
        let Some(values) = self.alike.read(record) else {
            return self.scan(record);
        };
        self.checks.check_values(&values)?;
        let found = |index: &Option<usize>| index.and_then(|index| values[index]);
        let values = self.indexes.iter().map(found);
        self.reader
            .convert(values.map(|value| value.unwrap_or(json::Value::Null)))
    }

    fn event_time(&self) -> &str {
        &self.declaration().event_time
    }
}

impl Event for Record<'_> {
    fn time(&self) -> Timestamp {
        self.time
    }

    fn sender(&self) -> &str {
        match self.sender.map(|column| &self.cells[column]) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }
}
