//! Computes the lines of a chart from the rows of a topic.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::Serialize;

use super::amount::Amount;
use super::table::Shown;
use crate::limits::{NAME_CHARACTERS, SERIES_MAX};
use crate::span::Span;

/// The chart of one measure.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Chart {
    pub(crate) measure: String,
    pub(crate) series: Vec<Series>,
    /// What the reader of the chart must know, as sentences.
    pub(crate) notes: Vec<String>,
}

/// A line of a chart.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Series {
    pub(crate) name: String,
    /// One value for each point, as exact text; `None` where there is no row.
    pub(crate) values: Vec<Option<String>>,
}

/// The plotted values of the rows of one measure: for each line, the values by the start of their window.
type Lines = BTreeMap<String, BTreeMap<i64, Value>>;

/// The sum of the values of one line and window, and their number.
#[derive(Clone, Copy)]
struct Value {
    sum: Amount,
    rows: u32,
}

impl Value {
    fn add(of: &mut BTreeMap<i64, Self>, start: i64, amount: Amount) {
        let value = of.entry(start).or_insert(Self {
            sum: Amount::ZERO,
            rows: 0,
        });
        value.sum = value.sum.plus(amount);
        value.rows += 1;
    }
}

/// What charts need of a row.
pub(crate) struct PlottedRow {
    start: i64,
    /// The length of the window.
    length: i64,
    /// The value of the column by which the charts are split; the key of the record if they are not split.
    name: String,
    /// The values of the measures.
    amounts: Vec<Option<Amount>>,
}

impl PlottedRow {
    pub(crate) fn new(shown: &Shown<'_>, measures: &[String], split: Option<&str>) -> Self {
        let row = &shown.row;
        let name = match split {
            Some(column) => row.text(column).unwrap_or("null").into(),
            None => String::from_utf8_lossy(shown.key),
        };
        let amount = |measure: &String| row.text(measure).and_then(Amount::parse);
        Self {
            start: row.start,
            length: row.end - row.start,
            name: name.chars().take(NAME_CHARACTERS).collect(),
            amounts: measures.iter().map(amount).collect(),
        }
    }
}

/// Which lines a chart has.
pub(crate) struct Plot<'q> {
    pub(crate) measure: &'q str,
    /// The place of the measure in [`PlottedRow::amounts`].
    pub(crate) index: usize,
    /// Whether the values of several rows of a window can be added.
    pub(crate) is_additive: bool,
    pub(crate) is_split: bool,
}

/// Divides the range so that each window that begins in it has a point of its own, if they are few enough.
pub(crate) fn span(rows: &[PlottedRow], range: Range<i64>) -> Span {
    let starts: BTreeSet<i64> = rows.iter().map(|row| row.start).collect();
    let gaps = starts.iter().zip(starts.iter().skip(1));
    let shortest = gaps.map(|(earlier, later)| later - earlier).min();
    // If there is only one window, nothing else says how far apart windows are.
    let step = shortest.or_else(|| rows.first().map(|row| row.length));
    let first = starts.first().copied().unwrap_or(range.start);
    Span::over(range.start.min(first)..range.end, step.unwrap_or(1).max(1))
}

impl Plot<'_> {
    pub(crate) fn chart(&self, rows: &[PlottedRow], span: &Span) -> Chart {
        let mut notes = Vec::new();
        let mut lines = self.lines(rows, self.is_split);
        if !self.is_split && !self.is_additive && has_several(&lines) {
            lines = self.lines(rows, true);
            notes.push("Its values cannot be added, so each key has a line of its own.".to_owned());
        }
        let left_out = self.leave_out_sums(&mut lines);
        if left_out > 0 {
            notes.push(format!(
                "{left_out} points are left out: several rows belong to each of them, and values of `{}` cannot be \
                 added. Add a filter, or split by another column.",
                self.measure
            ));
        }
        let series = self.series(lines, span, &mut notes);
        Chart {
            measure: self.measure.to_owned(),
            series,
            notes,
        }
    }

    fn lines(&self, rows: &[PlottedRow], by_name: bool) -> Lines {
        let mut lines = Lines::new();
        for row in rows {
            let Some(amount) = row.amounts[self.index] else {
                continue;
            };
            let name = if by_name { &row.name } else { self.measure };
            Value::add(lines.entry(name.to_owned()).or_default(), row.start, amount);
        }
        lines
    }

    /// Removes the values that are sums of several rows, if they must not be added. Returns their number.
    fn leave_out_sums(&self, lines: &mut Lines) -> usize {
        if self.is_additive {
            return 0;
        }
        let count = |lines: &Lines| lines.values().map(BTreeMap::len).sum::<usize>();
        let before = count(lines);
        for values in lines.values_mut() {
            values.retain(|_, value| value.rows == 1);
        }
        lines.retain(|_, values| !values.is_empty());
        before - count(lines)
    }

    /// Returns the greatest lines, and the sum of the others.
    fn series(&self, lines: Lines, span: &Span, notes: &mut Vec<String>) -> Vec<Series> {
        let mut lines: Vec<_> = lines.into_iter().collect();
        lines.sort_by(|left, right| self.rank(&right.1).total_cmp(&self.rank(&left.1)));
        let others = lines.split_off(lines.len().min(SERIES_MAX));
        let mut is_mean = false;
        let mut line = |name: String, values: &BTreeMap<i64, Value>| Series {
            name,
            values: points(values, span, &mut is_mean),
        };
        let mut series: Vec<_> = lines
            .iter()
            .map(|(name, values)| line(name.clone(), values))
            .collect();
        if !others.is_empty() && self.is_additive {
            let mut rest = BTreeMap::new();
            for (start, value) in others.iter().flat_map(|(_, values)| values) {
                Value::add(&mut rest, *start, value.sum);
            }
            series.push(line(format!("other ({})", others.len()), &rest));
        } else if !others.is_empty() {
            notes.push(format!(
                "{} further lines are left out, because their values cannot be added.",
                others.len()
            ));
        }
        if is_mean {
            let seconds = span.step_ms / 1_000;
            notes.push(format!(
                "Each point is the mean of the windows that begin within {seconds} s."
            ));
        }
        series
    }

    /// The total of a line, or the mean of its windows if their values cannot be added.
    fn rank(&self, values: &BTreeMap<i64, Value>) -> f64 {
        let total: f64 = values.values().map(|value| value.sum.as_double()).sum();
        match self.is_additive {
            true => total,
            false => total / values.len().max(1) as f64,
        }
    }
}

fn has_several(lines: &Lines) -> bool {
    let mut values = lines.values().flat_map(BTreeMap::values);
    values.any(|value| value.rows > 1)
}

/// Returns one value for each point: that of its window, or the mean if the point covers several windows.
fn points(values: &BTreeMap<i64, Value>, span: &Span, is_mean: &mut bool) -> Vec<Option<String>> {
    let mut pieces: Vec<Vec<Amount>> = span.values();
    for (start, value) in values {
        if let Some(piece) = span.index(*start) {
            pieces[piece].push(value.sum);
        }
    }
    let mut point = |amounts: Vec<Amount>| match amounts.as_slice() {
        [] => None,
        [amount] => Some(amount.to_string()),
        several => {
            *is_mean = true;
            let sum: f64 = several.iter().map(|amount| amount.as_double()).sum();
            Some((sum / several.len() as f64).to_string())
        }
    };
    pieces.into_iter().map(&mut point).collect()
}
