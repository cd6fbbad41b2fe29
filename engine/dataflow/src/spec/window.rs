//! The forms of `window` in the dataflow file: `10s` or `{size: 10s}` (tumbling), `{size: 1m, hop: 10s}` (hopping)
//! and `{gap: 30m}` (sessions).

use std::fmt;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

/// How the events of a derivation are grouped in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowSpec {
    /// Consecutive windows of this length.
    Tumbling(Duration),
    /// A window of `size` begins every `hop`.
    Hopping {
        /// The length of a window; a multiple of `hop`.
        size: Duration,
        /// The time from the start of one window to the start of the next.
        hop: Duration,
    },
    /// Sessions of each key. A session ends when the key has no events for longer than this.
    Session(Duration),
}

impl WindowSpec {
    /// The length of a window, or the gap of sessions.
    pub(crate) fn size(self) -> Duration {
        match self {
            Self::Tumbling(size) | Self::Hopping { size, .. } | Self::Session(size) => size,
        }
    }

    /// The window's parameters, in milliseconds.
    pub(crate) fn params(&self) -> Vec<(String, String)> {
        let param = |name: &str, value: &Duration| (name.to_owned(), value.as_millis().to_string());
        match self {
            Self::Tumbling(size) => vec![param("window_ms", size)],
            Self::Hopping { size, hop } => vec![param("window_ms", size), param("hop_ms", hop)],
            Self::Session(gap) => vec![param("gap_ms", gap)],
        }
    }
}

impl<'de> Deserialize<'de> for WindowSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Forms)
    }
}

struct Forms;

impl<'de> Visitor<'de> for Forms {
    type Value = WindowSpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`10s` (tumbling), `{size: 1m, hop: 10s}` (hopping) or `{gap: 30m}` (sessions)")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<WindowSpec, E> {
        super::durations::parse(text).map(WindowSpec::Tumbling)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut dataflow: A) -> Result<WindowSpec, A::Error> {
        let (mut size, mut hop, mut gap) = (None, None, None);
        while let Some((name, text)) = dataflow.next_entry::<String, String>()? {
            let place = match name.as_str() {
                "size" => &mut size,
                "hop" => &mut hop,
                "gap" => &mut gap,
                other => return Err(de::Error::unknown_field(other, &["size", "hop", "gap"])),
            };
            if place.replace(super::durations::parse(&text)?).is_some() {
                return Err(de::Error::custom(format!("`{name}` is given twice")));
            }
        }
        match (size, hop, gap) {
            (Some(size), Some(hop), None) => Ok(WindowSpec::Hopping { size, hop }),
            (Some(size), None, None) => Ok(WindowSpec::Tumbling(size)),
            (None, None, Some(gap)) => Ok(WindowSpec::Session(gap)),
            _ => Err(de::Error::custom(
                "a window has a `size`, or a `size` and a `hop`, or a `gap`",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<WindowSpec, String> {
        serde_yaml::from_str(yaml).map_err(|error| error.to_string())
    }

    #[test]
    fn every_form_is_read_and_becomes_parameters() {
        let params = |yaml| {
            let params = read(yaml).expect("a window").params();
            let params = params.iter().map(|(name, value)| format!("{name}={value}"));
            params.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(params("10s"), "window_ms=10000");
        assert_eq!(params("{size: 10s}"), "window_ms=10000");
        assert_eq!(
            params("{size: 1m, hop: 10s}"),
            "window_ms=60000 hop_ms=10000"
        );
        assert_eq!(params("{gap: 30m}"), "gap_ms=1800000");
    }

    #[test]
    fn other_forms_are_refused_with_what_is_wrong() {
        for (yaml, expected) in [
            ("ten", "`ten` is not a duration"),
            ("10", "invalid type"),
            ("{size: 1m, hop: soon}", "`soon` is not a duration"),
            ("{size: 1m, gap: 1m}", "a window has"),
            ("{hop: 1m}", "a window has"),
            ("{}", "a window has"),
            ("{length: 1m}", "unknown field `length`"),
        ] {
            let error = read(yaml).expect_err(yaml);
            assert!(error.contains(expected), "{yaml}: {error}");
        }
    }
}
