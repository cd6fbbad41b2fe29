//! The dataflow map: which topics there are, and which derivation makes which from which. A pure
//! value, read from YAML.

mod line;
mod window;

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Params, Shape};
use serde::Deserialize;

use crate::registration::Registry;
use crate::rules::RULE_VERSION;
pub use window::WindowSpec;

/// The whole map.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataflowMap {
    /// Source topics by name.
    pub sources: BTreeMap<String, SourceSpec>,
    /// Derivations by the name of their derived topic, which is also their SmartModule's.
    pub derivations: BTreeMap<String, DerivationSpec>,
}

/// A source topic.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSpec {
    /// The field whose value is the record key; for people, and for who produces.
    pub key: String,
    /// Partitions to create the topic with.
    #[serde(default = "one")]
    pub partitions: u32,
    /// How long records are kept.
    #[serde(default, deserialize_with = "optional_duration")]
    pub retention: Option<Duration>,
}

/// A derivation.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DerivationSpec {
    /// The source topic.
    pub from: String,
    /// How its events are grouped in time; none where they are followed one by one.
    #[serde(default)]
    pub window: Option<WindowSpec>,
    /// How far the watermark stays behind the greatest event time.
    #[serde(default = "default_lateness", deserialize_with = "duration")]
    pub lateness: Duration,
    /// How long after its end a window is still corrected.
    #[serde(default = "default_allowed_lateness", deserialize_with = "duration")]
    pub allowed_lateness: Duration,
    /// How long a partition may be silent before the others go on without it.
    #[serde(default = "default_idle_timeout", deserialize_with = "duration")]
    pub idle_timeout: Duration,
    /// How far an event's time may be ahead of its record's ingest time.
    #[serde(default = "default_max_skew", deserialize_with = "duration")]
    pub max_skew: Duration,
    /// How many (window, key) pairs or sessions, or keys and waiting facts, it keeps in memory at
    /// most. Beyond that, keys of windows are counted together under `*`; events of new sessions and
    /// new followed keys go to `late-events`.
    #[serde(default = "default_entries_max")]
    pub entries_max: usize,
    /// Partitions to create the derived topic with.
    #[serde(default = "one")]
    pub partitions: u32,
    /// How long derived records are kept.
    #[serde(default, deserialize_with = "optional_duration")]
    pub retention: Option<Duration>,
    /// The topic of later versions of its parameters, for derivations that follow events one by one.
    #[serde(default)]
    pub rules: Option<String>,
    /// The derivation's own parameters.
    #[serde(default, deserialize_with = "scalars")]
    pub parameters: BTreeMap<String, String>,
}

/// A map that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    /// Not YAML, or not of the map's form; the text names line and column.
    #[error("the dataflow map cannot be read: {0}")]
    Syntax(#[from] serde_yaml::Error),
    /// A derivation reads from a topic that is no source.
    #[error(
        "derivation `{derivation}` reads from `{topic}`, which is not among the sources: {known}"
    )]
    UnknownSource {
        /// The derivation.
        derivation: String,
        /// The topic that it names.
        topic: String,
        /// The sources there are.
        known: String,
    },
    /// A derivation for which there is no code.
    #[error("derivation `{derivation}` is unknown; known are: {known}")]
    UnknownDerivation {
        /// The derivation.
        derivation: String,
        /// The derivations there are.
        known: String,
    },
    /// A derivation that reads events of another kind than its source topic carries.
    #[error(
        "derivation `{derivation}` reads from `{topic}`, but it takes the events of `{expected}`"
    )]
    WrongSource {
        /// The derivation.
        derivation: String,
        /// The topic that it names.
        topic: String,
        /// The topic whose events it takes.
        expected: String,
    },
    /// A value outside what it may be.
    #[error("`{place}` is `{value}`: {expected}")]
    Invalid {
        /// Where in the map.
        place: String,
        /// What stands there.
        value: String,
        /// What should.
        expected: &'static str,
    },
    /// A window of a form that the derivation cannot have.
    #[error("derivation `{derivation}`: {expected}")]
    Window {
        /// The derivation.
        derivation: String,
        /// What it should have.
        expected: &'static str,
    },
    /// A derivation's parameters are wrong.
    #[error("derivation `{derivation}`: {cause}")]
    Parameter {
        /// The derivation.
        derivation: String,
        /// What is wrong.
        cause: model::ParamError,
    },
    /// Any of these, and where it stands.
    #[error("line {line}: {cause}")]
    At {
        /// The line of the map, from 1.
        line: usize,
        /// What is wrong there.
        cause: Box<MapError>,
    },
}

impl MapError {
    /// Says where in the map's text it is, if that is known.
    fn located(self, yaml: &str, derivation: &str) -> Self {
        let field = match &self {
            Self::Parameter { cause, .. } => cause.parameter().trim_end_matches("_ms"),
            Self::Window { .. } => "window",
            Self::UnknownSource { .. } | Self::WrongSource { .. } => "from",
            Self::Invalid { place, .. } => place.rsplit('.').next().unwrap_or_default(),
            _ => derivation,
        };
        let field = if field == "hop" { "window" } else { field };
        match line::line_of(yaml, derivation, field) {
            Some(line) => Self::At {
                line,
                cause: Box::new(self),
            },
            None => self,
        }
    }
}

impl DataflowMap {
    /// Reads a map from YAML text and checks it against the derivations there are.
    pub fn parse(yaml: &str, registry: &Registry) -> Result<Self, MapError> {
        let map: Self = serde_yaml::from_str(yaml)?;
        map.sources.iter().try_for_each(|(name, source)| {
            check_partitions(&format!("sources.{name}"), source.partitions)
        })?;
        map.derivations.iter().try_for_each(|(name, spec)| {
            let checked = map.check(name, spec, registry);
            checked.map_err(|error| error.located(yaml, name))
        })?;
        Ok(map)
    }

    fn check(
        &self,
        name: &str,
        spec: &DerivationSpec,
        registry: &Registry,
    ) -> Result<(), MapError> {
        let derivation = || name.to_owned();
        let Some(registration) = registry.get(name) else {
            return Err(MapError::UnknownDerivation {
                derivation: derivation(),
                known: registry.names().join(", "),
            });
        };
        if !self.sources.contains_key(&spec.from) {
            let known = self.sources.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(MapError::UnknownSource {
                derivation: derivation(),
                topic: spec.from.clone(),
                known,
            });
        }
        if spec.from != registration.source() {
            let expected = registration.source().to_owned();
            return Err(MapError::WrongSource {
                derivation: derivation(),
                topic: spec.from.clone(),
                expected,
            });
        }
        check_partitions(&format!("derivations.{name}"), spec.partitions)?;
        check_entries_max(name, spec.entries_max)?;
        if let Some(expected) = wrong_window(registration.shape(), spec.window) {
            return Err(MapError::Window {
                derivation: derivation(),
                expected,
            });
        }
        if registration.shape() != Shape::Events
            && let Some(topic) = &spec.rules
        {
            return Err(MapError::Invalid {
                place: format!("derivations.{name}.rules"),
                value: topic.clone(),
                expected: "only derivations that follow events one by one take new rules",
            });
        }
        if let Some(topic) = &spec.rules
            && !registration.parameters().contains(&RULE_VERSION)
        {
            return Err(MapError::Invalid {
                place: format!("derivations.{name}.rules"),
                value: topic.clone(),
                expected: "it takes no parameter `rule_version`, so that no record could say which rules it goes by",
            });
        }
        let refuse = |cause| MapError::Parameter {
            derivation: derivation(),
            cause,
        };
        registration.check(&spec.params()).map_err(refuse)
    }
}

impl DerivationSpec {
    /// The parameters that SmartModule and runner are both given.
    pub fn params(&self) -> Params {
        self.param_texts().into_iter().collect()
    }

    /// The same as plain texts, as they travel with the invocation.
    pub fn param_texts(&self) -> BTreeMap<String, String> {
        let mut params = self.parameters.clone();
        params.extend(self.window.iter().flat_map(WindowSpec::params));
        params.insert(
            "max_skew_ms".to_owned(),
            self.max_skew.as_millis().to_string(),
        );
        params
    }
}

/// What is wrong with a window of this shape.
fn wrong_window(shape: Shape, window: Option<WindowSpec>) -> Option<&'static str> {
    use WindowSpec::{Hopping, Session, Tumbling};
    match (shape, window) {
        (Shape::Windows, Some(Tumbling(_) | Hopping { .. })) => None,
        (Shape::Windows, _) => {
            Some("give it a `window` such as `10s`, or `{size: 1m, hop: 10s}` if windows overlap")
        }
        (Shape::Sessions, Some(Session(_))) => None,
        (Shape::Sessions, _) => Some("it has sessions: give it a `window` such as `{gap: 30m}`"),
        (Shape::Events, None) => None,
        (Shape::Events, Some(_)) => {
            Some("it follows events one by one and has no windows: leave `window` out")
        }
    }
}

fn check_entries_max(name: &str, entries_max: usize) -> Result<(), MapError> {
    if entries_max > 0 {
        return Ok(());
    }
    Err(MapError::Invalid {
        place: format!("derivations.{name}.entries_max"),
        value: entries_max.to_string(),
        expected: "a number above 0",
    })
}

fn check_partitions(place: &str, partitions: u32) -> Result<(), MapError> {
    const PARTITIONS_MAX: u32 = 1_024; // each is a stream, a connection and a watermark of its own
    if (1..=PARTITIONS_MAX).contains(&partitions) {
        return Ok(());
    }
    Err(MapError::Invalid {
        place: format!("{place}.partitions"),
        value: partitions.to_string(),
        expected: "1 to 1024 partitions",
    })
}

fn duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse_duration(&String::deserialize(deserializer)?)
}

fn parse_duration<E: serde::de::Error>(text: &str) -> Result<Duration, E> {
    humantime::parse_duration(text).map_err(|error| {
        E::custom(format!(
            "`{text}` is no duration such as `10s` or `5m`: {error}"
        ))
    })
}

fn optional_duration<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

fn one() -> u32 {
    1
}

/// A pair takes some 200 bytes and a few sets: with a million of them a runner stays well below the
/// memory of a small machine.
fn default_entries_max() -> usize {
    1_000_000
}

fn default_lateness() -> Duration {
    Duration::from_secs(2)
}

fn default_allowed_lateness() -> Duration {
    Duration::from_secs(60)
}

fn default_idle_timeout() -> Duration {
    Duration::from_secs(10)
}

fn default_max_skew() -> Duration {
    Duration::from_secs(5 * 60)
}

/// Parameters may be written as texts, numbers or truth values; they travel as texts.
pub(crate) fn scalars<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let values = BTreeMap::<String, serde_yaml::Value>::deserialize(deserializer)?;
    values
        .into_iter()
        .map(|(name, value)| match value {
            serde_yaml::Value::String(text) => Ok((name, text)),
            serde_yaml::Value::Number(number) => Ok((name, number.to_string())),
            serde_yaml::Value::Bool(truth) => Ok((name, truth.to_string())),
            _ => Err(serde::de::Error::custom(format!(
                "parameter `{name}` must be a text, a number, `true` or `false`"
            ))),
        })
        .collect()
}

#[cfg(test)]
mod tests;
