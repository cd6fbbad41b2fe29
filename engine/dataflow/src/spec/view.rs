//! The charts that the dataflow file pins to a page of the dashboard.

use std::time::Duration;

use serde::Deserialize;

use super::durations::duration;
use super::{DataflowSpec, DerivationSpec, SpecError};

/// The maximum number of views. The dashboard keeps sixteen topics in memory, and other pages need some of them.
const VIEWS_MAX: usize = 12;
/// The maximum number of measures of a view. Each has a chart of its own.
const MEASURES_MAX: usize = 6;
const TITLE_CHARACTERS_MAX: usize = 100;
const MINUTE: Duration = Duration::from_secs(60);
/// The longest time span of the dashboard.
const RANGE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// A chart of a derived topic, with a title.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewSpec {
    /// The title.
    pub title: String,
    /// The derived topic.
    pub topic: String,
    /// The numeric columns that are plotted.
    pub measures: Vec<String>,
    /// The column whose values have a line each.
    #[serde(default)]
    pub split: Option<String>,
    /// The form of the chart.
    #[serde(default)]
    pub chart: ChartKind,
    /// The length of the time span, in whole minutes.
    #[serde(default = "hour", deserialize_with = "duration")]
    pub range: Duration,
}

/// The form of a chart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChartKind {
    /// A line for each series.
    #[default]
    Lines,
    /// A bar for each point, those of several series on top of each other.
    Bars,
}

impl DataflowSpec {
    /// Checks the views. The queries must have been planned.
    pub(super) fn check_views(&self) -> Result<(), SpecError> {
        for (index, view) in self.views.iter().enumerate() {
            if index == VIEWS_MAX {
                return Err(view.refused(
                    index,
                    "title",
                    &view.title,
                    "at most 12 views".to_owned(),
                ));
            }
            view.check(index, self)?;
        }
        Ok(())
    }
}

impl ViewSpec {
    fn check(&self, index: usize, dataflow: &DataflowSpec) -> Result<(), SpecError> {
        let refuse =
            |field, value: &str, expected: String| self.refused(index, field, value, expected);
        if self.title.trim().is_empty() || self.title.chars().count() > TITLE_CHARACTERS_MAX {
            let expected = "a title has 1 to 100 characters".to_owned();
            return Err(refuse("title", &self.title, expected));
        }
        let Some(derivation) = dataflow.derivations.get(&self.topic) else {
            let known = dataflow.derivations.keys().map(String::as_str);
            let expected = format!(
                "unknown derived topic; {}",
                sql::suggestion(&self.topic, known)
            );
            return Err(refuse("topic", &self.topic, expected));
        };
        if !(1..=MEASURES_MAX).contains(&self.measures.len()) {
            let expected = "give 1 to 6 numeric columns, such as `[orders]`".to_owned();
            return Err(refuse("measures", &self.measures.join(", "), expected));
        }
        let is_whole = self.range.as_millis().is_multiple_of(MINUTE.as_millis());
        if !is_whole || !(MINUTE..=RANGE_MAX).contains(&self.range) {
            let value = humantime::format_duration(self.range).to_string();
            let expected = "whole minutes, from `1m` to `24h`".to_owned();
            return Err(refuse("range", &value, expected));
        }
        self.check_columns(derivation)
            .map_err(|(field, value, expected)| refuse(field, value, expected))
    }

    /// Checks the columns, if a query declares them. The columns of other derivations are known only from their rows.
    fn check_columns(
        &self,
        derivation: &DerivationSpec,
    ) -> Result<(), (&'static str, &str, String)> {
        if derivation.sql.is_none() {
            return Ok(());
        }
        let columns = derivation.columns();
        let measures = self.measures.iter().map(|name| ("measures", name));
        let split = self.split.iter().map(|name| ("split", name));
        for (field, name) in measures.chain(split) {
            let Some(column) = columns.iter().find(|column| column.name == *name) else {
                let known = columns.iter().map(|column| column.name.as_str());
                let suggestion = sql::suggestion(name, known);
                let expected = format!(
                    "the query of `{}` has no such column; {suggestion}",
                    self.topic
                );
                return Err((field, name, expected));
            };
            if field == "measures" && !column.ty.is_numeric() {
                let expected = format!("it is {}; only numbers can be plotted", column.ty);
                return Err((field, name, expected));
            }
        }
        Ok(())
    }

    fn refused(
        &self,
        index: usize,
        field: &'static str,
        value: &str,
        expected: String,
    ) -> SpecError {
        SpecError::View {
            index,
            title: self.title.clone(),
            field,
            value: value.to_owned(),
            expected,
        }
    }
}

fn hour() -> Duration {
    60 * MINUTE
}
