//! Computes the responses of the pages *Explore* and *Pinned* from the rows of the topics.

use std::ops::Range;

use model::Timestamp;
use serde::Serialize;

use super::columns::Column;
use super::query::ExploreQuery;
use super::series::{Chart, Plot, PlottedRow, span};
use super::table::{Shown, Table};
use crate::limits::EXPLORED_SHOWN;
use crate::options::{ExploredTopic, PinnedChart};
use crate::store::now;

/// A response, in the form of the other views' responses.
#[derive(Debug, Serialize)]
pub(crate) struct Answer<T> {
    pub(crate) view: &'static str,
    pub(crate) as_of: Timestamp,
    /// The end of the latest window.
    pub(crate) watermark: Option<Timestamp>,
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) games: [&'static str; 0],
    pub(crate) data: T,
}

impl<T> Answer<T> {
    pub(crate) fn new(view: &'static str, newest: Option<i64>, range: Range<i64>, data: T) -> Self {
        Self {
            view,
            as_of: now(),
            watermark: newest.map(Timestamp::from_millis),
            from: range.start,
            to: range.end,
            games: [],
            data,
        }
    }
}

/// The data of the page *Explore*.
#[derive(Debug, Serialize)]
pub(crate) struct ExploreData<'a> {
    pub(crate) topics: Vec<&'a str>,
    /// The topic of the query, if it names one.
    pub(crate) explored: Option<Explored>,
}

/// The data of the page *Pinned*.
#[derive(Debug, Serialize)]
pub(crate) struct PinnedData {
    pub(crate) charts: Vec<Pinned>,
}

/// What is shown of one topic.
#[derive(Debug, Serialize)]
pub(crate) struct Explored {
    topic: String,
    columns: Vec<Column>,
    /// The time of each point of the charts, in milliseconds since 1970.
    times: Vec<i64>,
    charts: Vec<Chart>,
    /// The latest rows: the start and the end of the window, the columns, and the revision.
    rows: Vec<Cells>,
    /// The number of rows in the time span that match the filters.
    matching: usize,
    records: u64,
    unreadable: u64,
    last_unreadable: Option<String>,
    /// Whether older rows, or some columns, are not in memory.
    dropped: bool,
    incomplete: bool,
    filling: bool,
    last_error: Option<String>,
}

/// The exact texts of a row; `None` for null.
type Cells = Vec<Option<String>>;

/// A chart of the page *Pinned*.
#[derive(Debug, Serialize)]
pub(crate) struct Pinned {
    pub(crate) title: String,
    pub(crate) split: Option<String>,
    pub(crate) bars: bool,
    pub(crate) minutes: u16,
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) explored: Explored,
}

impl Pinned {
    pub(crate) fn new(chart: &PinnedChart, range: Range<i64>, explored: Explored) -> Self {
        Self {
            title: chart.title.clone(),
            split: chart.split.clone(),
            bars: chart.has_bars,
            minutes: chart.minutes,
            from: range.start,
            to: range.end,
            explored,
        }
    }
}

/// Whether the end of the topic has been read, and the last error.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) is_filled: bool,
    pub(crate) last_error: Option<String>,
}

/// Returns the span of a query. Without `from` and `to` it ends with the latest window of the topic.
pub(crate) fn range(table: &Table, query: &ExploreQuery) -> Range<i64> {
    query
        .span
        .range(table.newest().unwrap_or_else(|| now().as_millis()))
}

/// Computes the charts and the latest rows. `rows_max` limits the rows of the table.
pub(crate) fn explore(
    topic: &ExploredTopic,
    table: &Table,
    reading: &Reading,
    query: &ExploreQuery,
    rows_max: usize,
) -> Explored {
    let columns = table.columns.of(topic);
    let range = range(table, query);
    let (mut plotted, mut rows) = (Vec::new(), Vec::new());
    // Rows are read one by one, because all of them together would take many times the memory of their records.
    for shown in table
        .latest(range.start, range.end)
        .filter(|shown| matches(shown, query))
    {
        plotted.push(PlottedRow::new(
            &shown,
            &query.measures,
            query.split.as_deref(),
        ));
        if rows.len() < rows_max {
            rows.push(cells(&shown, &columns));
        }
    }
    let span = span(&plotted, range);
    let chart = |(index, measure): (usize, &String)| {
        let mut columns = columns.iter();
        let plot = Plot {
            measure,
            index,
            is_additive: columns.any(|column| column.name == *measure && column.is_additive),
            is_split: query.split.is_some(),
        };
        plot.chart(&plotted, &span)
    };
    Explored {
        topic: topic.name.clone(),
        times: span.times(),
        charts: query.measures.iter().enumerate().map(chart).collect(),
        rows,
        matching: plotted.len(),
        records: table.records,
        unreadable: table.unreadable,
        last_unreadable: table.last_unreadable.clone(),
        dropped: table.dropped,
        incomplete: table.columns.incomplete,
        filling: !reading.is_filled,
        last_error: reading.last_error.clone(),
        columns,
    }
}

/// The number of rows in a response that is not a file.
pub(crate) const SHOWN: usize = EXPLORED_SHOWN;

/// Whether a row matches all filters.
fn matches(shown: &Shown<'_>, query: &ExploreQuery) -> bool {
    let mut filters = query.filters.iter();
    filters.all(|(column, wanted)| shown.row.text(column).unwrap_or_default() == wanted)
}

fn cells(shown: &Shown<'_>, columns: &[Column]) -> Cells {
    let row = &shown.row;
    let time = |ms| Some(Timestamp::from_millis(ms).to_string());
    let values = columns
        .iter()
        .map(|column| row.text(&column.name).map(str::to_owned));
    [time(row.start), time(row.end)]
        .into_iter()
        .chain(values)
        .chain([Some(row.revision.to_string())])
        .collect()
}
