//! The thresholds and times of the alerts, with the checks of their parameters.

use model::event::READING_UNIT;
use model::{ParamError, Params};

/// The names of the parameters.
pub(crate) const PARAMETERS: &[&str] = &[
    "window_s",
    "consecutive_windows",
    "cpu_percent",
    "memory_percent",
    "percent_margin",
    "latency_ms",
    "latency_margin_ms",
    "silent_s",
    "forget_s",
];

/// The longest time in seconds: one day. A longer time is probably a mistake. No sum of times up to this limit
/// overflows.
const SECONDS_MAX: i64 = 86_400;
/// The largest number of consecutive windows. With more, an alert would come much too late.
const CONSECUTIVE_MAX: i64 = 100;
/// The largest latency threshold: a latency is at most one day.
const LATENCY_MS_MAX: i64 = SECONDS_MAX * 1_000;

/// The parameters that decide when alerts open and close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// The length of a window.
    pub(crate) window_ms: i64,
    /// The number of consecutive windows that it takes to open or close an alert.
    pub(crate) consecutive: u32,
    pub(crate) cpu: Limit,
    pub(crate) memory: Limit,
    pub(crate) latency: Limit,
    /// A silence longer than this is an alert.
    pub(crate) silent_ms: i64,
    /// A server that is silent for longer than this is forgotten.
    pub(crate) forget_ms: i64,
}

/// A threshold with its hysteresis, in the unit of the readings: millionths of a percent or of a millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    /// Values above it open an alert.
    pub(crate) opens_above: i64,
    /// Values below it close an alert.
    pub(crate) closes_below: i64,
}

impl Rules {
    pub(crate) fn from_params(params: &Params) -> Result<Self, ParamError> {
        let percent = "a whole number of percent from 1 to 99";
        let seconds = "a whole number of seconds from 1 to 86400";
        let cpu = whole(params, "cpu_percent", 80, 1..=99, percent)?;
        let memory = whole(params, "memory_percent", 80, 1..=99, percent)?;
        let percent_margin = whole(
            params,
            "percent_margin",
            5,
            0..=cpu.min(memory) - 1,
            "a whole number of percent, below `cpu_percent` and `memory_percent`",
        )?;
        let latency = whole(
            params,
            "latency_ms",
            250,
            1..=LATENCY_MS_MAX,
            "a whole number of milliseconds from 1 to 86400000",
        )?;
        let latency_margin = whole(
            params,
            "latency_margin_ms",
            25,
            0..=latency - 1,
            "a whole number of milliseconds, below `latency_ms`",
        )?;
        let window_s = whole(params, "window_s", 10, 1..=SECONDS_MAX, seconds)?;
        let silent_s = whole(params, "silent_s", 30, 1..=SECONDS_MAX, seconds)?;
        let forget_s = whole(
            params,
            "forget_s",
            600,
            // A server must not be forgotten at the time its alert opens, because that would close the alert
            // at once.
            window_s.max(silent_s) + 1..=SECONDS_MAX,
            "a whole number of seconds, above `window_s` and `silent_s` and at most 86400",
        )?;
        let consecutive = whole(
            params,
            "consecutive_windows",
            2,
            1..=CONSECUTIVE_MAX,
            "a whole number from 1 to 100",
        )?;
        Ok(Self {
            window_ms: window_s * 1_000,
            consecutive: consecutive as u32,
            cpu: Limit::new(cpu, percent_margin),
            memory: Limit::new(memory, percent_margin),
            latency: Limit::new(latency, latency_margin),
            silent_ms: silent_s * 1_000,
            forget_ms: forget_s * 1_000,
        })
    }
}

impl Limit {
    fn new(threshold: i64, margin: i64) -> Self {
        Self {
            opens_above: threshold * READING_UNIT,
            closes_below: (threshold - margin) * READING_UNIT,
        }
    }
}

fn whole(
    params: &Params,
    name: &str,
    default: i64,
    range: std::ops::RangeInclusive<i64>,
    expected: &'static str,
) -> Result<i64, ParamError> {
    let value = params.get(name, expected, default)?;
    let invalid = || ParamError::Invalid {
        name: name.to_owned(),
        value: value.to_string(),
        expected,
    };
    range.contains(&value).then_some(value).ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(pairs: &[(&str, &str)]) -> Result<Rules, ParamError> {
        Rules::from_params(&pairs.iter().copied().collect())
    }

    #[test]
    fn without_parameters_the_defaults_apply() {
        let millionths = |opens_above: i64, closes_below: i64| Limit {
            opens_above: opens_above * 1_000_000,
            closes_below: closes_below * 1_000_000,
        };
        let expected = Rules {
            window_ms: 10_000,
            consecutive: 2,
            cpu: millionths(80, 75),
            memory: millionths(80, 75),
            latency: millionths(250, 225),
            silent_ms: 30_000,
            forget_ms: 600_000,
        };
        assert_eq!(rules(&[]), Ok(expected));
    }

    #[test]
    fn impossible_values_are_refused_with_name_and_value() {
        for (name, value) in [
            ("window_s", "0"),
            ("window_s", "86401"),
            ("window_s", "10s"),
            ("consecutive_windows", "0"),
            ("consecutive_windows", "101"),
            ("cpu_percent", "100"),
            ("memory_percent", "0"),
            ("percent_margin", "80"),
            ("percent_margin", "-1"),
            ("latency_ms", "0"),
            ("latency_ms", "86400001"),
            ("latency_margin_ms", "250"),
            ("silent_s", "soon"),
            ("silent_s", "-30"),
            ("silent_s", "600"),
            ("forget_s", "30"),
            ("forget_s", "99999999999999999999"),
        ] {
            let error = rules(&[(name, value)]).expect_err(name).to_string();
            // `silent_s` of 600 makes the default of `forget_s` invalid, so the error names `forget_s`.
            let named = [
                format!("`{name}` is `{value}`"),
                "`forget_s` is `600`".into(),
            ];
            assert!(named.iter().any(|named| error.contains(named)), "{error}");
        }
    }

    #[test]
    fn a_default_that_contradicts_another_parameter_is_refused() {
        let error = rules(&[("cpu_percent", "4")]).expect_err("below the margin");
        assert!(error.to_string().contains("`percent_margin` is `5`"));
        assert!(rules(&[("cpu_percent", "4"), ("percent_margin", "3")]).is_ok());
    }
}
