//! The values that each detector must reach, from a YAML file.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::{Detector, Report, Score};

/// The floor of each detector that has one.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Floors(BTreeMap<Detector, Floor>);

/// The values that a detector must reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    /// The smallest precision.
    precision: Option<Share>,
    /// The smallest recall.
    recall: Option<Share>,
    /// The longest p95 of the delay, in seconds.
    p95_delay_s: Option<Seconds>,
}

/// A number from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
struct Share(f64);

impl TryFrom<f64> for Share {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        if (0.0..=1.0).contains(&value) {
            return Ok(Self(value));
        }
        Err(format!("{value} is not a share: give a number from 0 to 1"))
    }
}

/// A finite number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
struct Seconds(f64);

impl TryFrom<f64> for Seconds {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        if value.is_finite() {
            return Ok(Self(value));
        }
        Err(format!("{value} is not a delay: give a number of seconds"))
    }
}

/// Why a file of floors is invalid, with the line.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct FloorsError(#[from] serde_yaml::Error);

/// A value that misses its floor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shortfall {
    /// The detector.
    pub detector: Detector,
    /// The name of the measure.
    pub measure: &'static str,
    /// The measured value; `None` if there was nothing to measure.
    pub value: Option<f64>,
    /// The floor, or the longest delay.
    pub floor: f64,
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            detector,
            measure,
            floor,
            ..
        } = self;
        match self.value {
            Some(value) => write!(
                f,
                "{detector}: {measure} is {value:.3}, but the floor is {floor}"
            ),
            None => write!(
                f,
                "{detector}: {measure} was not measured, but the floor is {floor}"
            ),
        }
    }
}

impl Floors {
    /// Parses the text of a file.
    pub fn parse(yaml: &str) -> Result<Self, FloorsError> {
        Ok(serde_yaml::from_str(yaml)?)
    }

    /// Returns the values that miss their floors. A measure without a value misses its floor too, so that a truth file
    /// without incidents of a detector cannot pass for a good score.
    pub fn check(&self, report: &Report) -> Vec<Shortfall> {
        let nothing = Score::default();
        let mut missed = Vec::new();
        for (detector, floor) in &self.0 {
            let score = report.scores.get(detector).unwrap_or(&nothing);
            let at_least = |value: f64, floor: f64| value >= floor;
            let at_most = |value: f64, limit: f64| value <= limit;
            let (precision, recall) = (floor.precision.map(|s| s.0), floor.recall.map(|s| s.0));
            let delay = floor.p95_delay_s.map(|s| s.0);
            let mut check =
                |measure, value: Option<f64>, floor: Option<f64>, holds: fn(f64, f64) -> bool| {
                    let Some(floor) = floor else { return };
                    if !value.is_some_and(|value| holds(value, floor)) {
                        missed.push(Shortfall {
                            detector: *detector,
                            measure,
                            value,
                            floor,
                        });
                    }
                };
            check("precision", score.precision(), precision, at_least);
            check("recall", score.recall(), recall, at_least);
            check("p95 delay in seconds", score.delay_s(95), delay, at_most);
        }
        missed
    }
}
