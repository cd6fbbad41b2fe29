//! Where the values of columns are, if the values of a record have been found without scanning it.

use model::{Reason, Rejection, Timestamp, json};

use crate::convert::convert;
use crate::source::{Column, Source};
use crate::types::SqlType;
use crate::value::Value;

/// The places of the columns of a source that are read. Lists have no place: records with elements are scanned.
#[derive(Debug)]
pub(crate) struct Places {
    /// The column of the event time, if a check parses it.
    time: Option<usize>,
    texts: Vec<Place>,
    /// The columns of other types.
    others: Vec<Place>,
}

/// The place of one column.
#[derive(Clone, Copy, Debug)]
struct Place {
    column: usize,
    /// The index of the value.
    value: usize,
    required: bool,
}

/// The values of a record by the index of their path; `None` if there is none.
type Values<'v, 'a> = &'v [Option<json::Value<'a>>];

impl Places {
    /// Creates the places of a source. `index` returns the index of a column's value, and `None` for a list;
    /// `is_parsed` returns whether a check parses the event time of a column.
    pub(crate) fn new(
        source: &Source,
        mut index: impl FnMut(&Column) -> Option<usize>,
        is_parsed: impl Fn(&Column) -> bool,
    ) -> Self {
        let mut places = Self {
            time: None,
            texts: Vec::new(),
            others: Vec::new(),
        };
        for (number, column) in source.columns.iter().enumerate() {
            let Some(value) = index(column) else {
                continue;
            };
            let place = Place {
                column: number,
                value,
                required: column.required,
            };
            match column.ty {
                _ if is_parsed(column) => places.time = Some(number),
                SqlType::Text => places.texts.push(place),
                _ => places.others.push(place),
            }
        }
        places
    }

    /// Leaves out the columns of texts for which `is_unread` is true. They are NULL.
    pub(crate) fn leave_out(&mut self, is_unread: impl Fn(usize) -> bool) {
        self.texts.retain(|place| !is_unread(place.column));
    }

    /// Returns the values of all columns. `time` is the event time that a check has parsed. `cells` is empty, and its
    /// memory is used.
    #[inline]
    pub(crate) fn cells<'a>(
        &self,
        source: &Source,
        values: Values<'_, 'a>,
        time: Option<Timestamp>,
        mut cells: Vec<Value<'a>>,
    ) -> Result<Vec<Value<'a>>, Rejection> {
        cells.extend(source.columns.iter().map(|_| Value::Null));
        if let (Some(column), Some(time)) = (self.time, time) {
            cells[column] = Value::Timestamp(time);
        }
        for place in &self.texts {
            match values[place.value] {
                Some(json::Value::String(text)) => cells[place.column] = Value::Text(text.decode()),
                None | Some(json::Value::Null) if !place.required => {}
                _ => return Err(self.misfit(source, values)),
            }
        }
        for place in &self.others {
            match place.convert(source, values) {
                Ok(value) if !(place.required && value.is_null()) => cells[place.column] = value,
                _ => return Err(self.misfit(source, values)),
            }
        }
        Ok(cells)
    }

    /// Returns why the values do not fit: because of the first value that cannot be converted, otherwise because of the
    /// first one that is missing.
    #[cold]
    fn misfit(&self, source: &Source, values: Values<'_, '_>) -> Rejection {
        let mut places: Vec<_> = self.texts.iter().chain(&self.others).collect();
        places.sort_by_key(|place| place.column);
        let name = |place: &Place| source.columns[place.column].name.clone();
        let converted = places
            .iter()
            .map(|place| (place, place.convert(source, values)));
        let mut missing = String::new();
        for (place, value) in converted {
            match value {
                Err(reason) => return Rejection::new(reason, name(place)),
                Ok(Value::Null) if place.required && missing.is_empty() => missing = name(place),
                Ok(_) => {}
            }
        }
        Rejection::new(Reason::MissingField, missing)
    }
}

impl Place {
    fn convert<'a>(&self, source: &Source, values: Values<'_, 'a>) -> Result<Value<'a>, Reason> {
        let value = values[self.value].unwrap_or(json::Value::Null);
        convert(&source.columns[self.column], value)
    }
}
