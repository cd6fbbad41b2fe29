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

/// Which lines a chart has.
pub(crate) struct Plot<'q> {
    pub(crate) measure: &'q str,
    /// Whether the values of several rows of a window can be added.
    pub(crate) is_additive: bool,
    pub(crate) split: Option<&'q str>,
}

/// Divides the range so that each window that begins in it has a point of its own, if they are few enough.
pub(crate) fn span(rows: &[Shown<'_>], range: Range<i64>) -> Span {
    let starts: BTreeSet<i64> = rows.iter().map(|shown| shown.row.start).collect();
    let gaps = starts.iter().zip(starts.iter().skip(1));
    let shortest = gaps.map(|(earlier, later)| later - earlier).min();
    let from = starts
        .first()
        .map_or(range.start, |first| range.start.min(*first));
    // One window has no neighbour. With the whole range as its length, it has one point.
    Span::over(from..range.end, shortest.unwrap_or(range.end - from).max(1))
}

impl Plot<'_> {
    pub(crate) fn chart(&self, rows: &[Shown<'_>], span: &Span) -> Chart {
        let mut notes = Vec::new();
        let by_split = |shown: &Shown<'_>| match self.split {
            Some(column) => shown.row.text(column).unwrap_or("null").to_owned(),
            None => self.measure.to_owned(),
        };
        let mut lines = self.lines(rows, by_split);
        if self.split.is_none() && !self.is_additive && has_several(&lines) {
            lines = self.lines(rows, |shown| {
                String::from_utf8_lossy(shown.key).into_owned()
            });
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

    fn lines(&self, rows: &[Shown<'_>], name: impl Fn(&Shown<'_>) -> String) -> Lines {
        let mut lines = Lines::new();
        for shown in rows {
            let Some(amount) = shown.row.text(self.measure).and_then(Amount::parse) else {
                continue;
            };
            let name: String = name(shown).chars().take(NAME_CHARACTERS).collect();
            Value::add(lines.entry(name).or_default(), shown.row.start, amount);
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
