//! The thresholds at which a visit raises an alert.

use std::ops::RangeInclusive;

use model::{ParamError, Params};

/// The names of the parameters.
pub(crate) const PARAMETERS: &[&str] = &["min_seconds", "min_events", "session_gap_s"];

/// The range of a parameter, and the text that describes it. Times are limited to a day: hardly any player plays
/// for longer without a break, so a longer time is probably a mistake in the unit. The range also limits how long a
/// player is remembered.
type Allowed = (RangeInclusive<u64>, &'static str);
const SECONDS: Allowed = (1..=86_400, "a whole number of seconds from 1 to 86400");
const EVENTS: Allowed = (1..=1_000_000, "a whole number from 1 to 1000000");

/// The values of the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thresholds {
    pub(crate) min_seconds: u64,
    pub(crate) min_events: u64,
    /// The longest time between two consecutive events of one visit.
    pub(crate) session_gap_s: u64,
}

impl Thresholds {
    pub(crate) fn from_params(params: &Params) -> Result<Self, ParamError> {
        Ok(Self {
            min_seconds: within(params, "min_seconds", 120, SECONDS)?,
            min_events: within(params, "min_events", 30, EVENTS)?,
            session_gap_s: within(params, "session_gap_s", 1_800, SECONDS)?,
        })
    }
}

fn within(params: &Params, name: &str, default: u64, allowed: Allowed) -> Result<u64, ParamError> {
    let (range, expected) = allowed;
    let value = params.get(name, expected, default)?;
    if range.contains(&value) {
        return Ok(value);
    }
    Err(ParamError::Invalid {
        name: name.to_owned(),
        value: value.to_string(),
        expected,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Thresholds, String> {
        let params: Params = pairs.iter().copied().collect();
        Thresholds::from_params(&params).map_err(|error| error.to_string())
    }

    #[test]
    fn every_parameter_has_a_default() {
        let defaults = Thresholds {
            min_seconds: 120,
            min_events: 30,
            session_gap_s: 1_800,
        };
        assert_eq!(read(&[]), Ok(defaults));
        let given = [("min_seconds", "1"), ("session_gap_s", "86400")];
        let expected = Thresholds {
            min_seconds: 1,
            session_gap_s: 86_400,
            ..defaults
        };
        assert_eq!(read(&given), Ok(expected));
    }

    #[test]
    fn values_out_of_range_are_refused_by_name_and_value() {
        for name in PARAMETERS {
            for value in ["0", "-1", "1000001", "2.5", "soon", ""] {
                let error = read(&[(name, value)]).expect_err(value);
                let expected = format!("parameter `{name}` is `{value}`: a whole number");
                assert!(error.starts_with(&expected), "{error}");
            }
        }
    }
}
