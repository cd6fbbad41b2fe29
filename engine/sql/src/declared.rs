//! Declared sources as the fold reads them: the columns of a record are the event.

use std::collections::BTreeSet;

use model::source::Source as _;
use model::{Event, ParamError, Params, Rejection, Timestamp};

use crate::alike::Alike;
use crate::checks::Checks;
use crate::code::{self, PLAN, SOURCE};
use crate::plan::Plan;
use crate::read::{Place, Reader};
use crate::source::{Column, Record, Source};
use crate::types::SqlType;
use crate::value::Value;

/// Reads the records of a declared source. In the topics with built-in derivations, a record must also be an event of
/// these.
pub struct DeclaredSource {
    reader: Reader,
    checks: Checks,
    /// The paths of the checked fields come first.
    alike: Alike,
    /// For each column, where its value is.
    places: Vec<Place>,
}

impl DeclaredSource {
    /// Creates the source. All columns are read.
    pub fn new(source: Source) -> Self {
        let checks = Checks::of(&source.name);
        let mut alike = Alike::default();
        checks.add_paths(&mut alike);
        let place = |column: &Column| match alike.add(&column.path) {
            Some(_) if checks.parse_time(column) => Place::Time,
            Some(index) if column.ty == SqlType::Text => Place::Text(index),
            Some(index) => Place::Other(index),
            None => Place::List,
        };
        Self {
            places: source.columns.iter().map(place).collect(),
            reader: Reader::new(source),
            checks,
            alike,
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
        let columns = self.reader.source().columns.iter();
        for (number, (column, place)) in columns.zip(&mut self.places).enumerate() {
            if !read.contains(&number) && self.checks.suffice(column) {
                *place = Place::Unread;
            }
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
        let Self {
            reader,
            checks,
            alike,
            places,
        } = self;
        let read = alike.read(record, |values| {
            let time = checks.check_values(values)?;
            reader.convert(places, values, time)
        });
        match read {
            Some(read) => read,
            None => self.scan(record),
        }
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
