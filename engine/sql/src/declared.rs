//! Declared sources as the fold reads them: the columns of a record are the event.

use std::collections::BTreeSet;

use model::source::Source as _;
use model::{Event, ParamError, Params, Rejection, Timestamp};

use crate::alike::Alike;
use crate::checks::Checks;
use crate::code::{self, PLAN, SOURCE};
use crate::places::Places;
use crate::plan::Plan;
use crate::read::Reader;
use crate::source::{Record, Source};
use crate::value::Value;

/// Reads the records of a declared source. In the topics with built-in derivations, a record must also be an event of
/// these.
pub struct DeclaredSource {
    reader: Reader,
    checks: Checks,
    /// The paths of the checked fields come first.
    alike: Alike,
    places: Places,
    /// Empty vectors of earlier records, whose memory is used again.
    spare: Vec<Vec<Value<'static>>>,
}

impl DeclaredSource {
    /// Creates the source. All columns are read.
    pub fn new(source: Source) -> Self {
        let checks = Checks::of(&source.name);
        let mut alike = Alike::default();
        checks.add_paths(&mut alike);
        Self {
            places: Places::new(
                &source,
                |column| alike.add(&column.path),
                |column| checks.parse_time(column),
            ),
            reader: Reader::new(source),
            checks,
            alike,
            spare: Vec::new(),
        }
    }

    /// Creates the source that several queries read, from the parameters of each. Columns that no query reads are NULL
    /// if the checks of the built-in derivations suffice to know that their values fit.
    pub fn of_queries<'p>(
        queries: impl IntoIterator<Item = &'p Params>,
    ) -> Result<Self, ParamError> {
        let mut queries = queries.into_iter().peekable();
        let mut source = match queries.peek() {
            Some(params) => Self::from_params(params)?,
            None => return Self::from_params(&Params::default()),
        };
        let mut read: BTreeSet<usize> = source.declaration().key.into_iter().collect();
        for params in queries {
            let plan: Plan = code::decode(params, PLAN)?;
            read.extend(plan.columns_of_rows());
        }
        source.read_only(&read);
        Ok(source)
    }

    fn read_only(&mut self, read: &BTreeSet<usize>) {
        let Self {
            reader,
            checks,
            places,
            ..
        } = self;
        let columns = &reader.source().columns;
        places.leave_out(|column| !read.contains(&column) && checks.suffice(&columns[column]));
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
        let Self {
            reader,
            checks,
            alike,
            places,
            spare,
        } = self;
        let read = alike.read(record, |values| {
            let time = checks.check_values(values)?;
            let cells = spare.pop().unwrap_or_default();
            reader.record_without_elements(places.cells(reader.source(), values, time, cells)?)
        });
        match read {
            Some(read) => read,
            None => self.scan(record),
        }
    }

    fn reuse<'e>(&mut self, events: impl Iterator<Item = Record<'e>>) {
        self.spare.extend(events.map(|event| {
            let mut cells = event.cells;
            cells.clear();
            // Collecting an empty vector into one of the same layout keeps its memory.
            cells.into_iter().map(|_| Value::Null).collect()
        }));
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
