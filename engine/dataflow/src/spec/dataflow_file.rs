//! The dataflow file: the source topics, and the derivations with their settings. It is parsed from YAML without
//! access to a cluster.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Params, Shape};
use serde::Deserialize;
use sql::ColumnSpec;

use super::durations::{
    default_allowed_lateness, default_idle_timeout, default_lateness, default_max_skew, duration,
    optional_duration,
};
use super::query::{QueryCode, QueryColumn};
use super::registration::{Registration, Registry};
use super::tables::{TableSpec, columns};
use super::{SpecError, ViewSpec, WindowSpec};

/// The parameter that contains the version of a derivation's rules.
pub const RULE_VERSION: &str = "rule_version";

/// The whole dataflow file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataflowSpec {
    /// Source topics by name.
    pub sources: BTreeMap<String, SourceSpec>,
    /// Tables by the name of their topic. Queries can join them.
    #[serde(default)]
    pub tables: BTreeMap<String, TableSpec>,
    /// Derivations by the name of their derived topic, which is also the name of their code in the [`Registry`].
    pub derivations: BTreeMap<String, DerivationSpec>,
    /// The charts of the dashboard's page *Pinned*.
    #[serde(default)]
    pub views: Vec<ViewSpec>,
}

/// A source topic.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSpec {
    /// The field whose value is the record key. Producers use it; the runner does not.
    pub key: String,
    /// The names of the events that belong here if a producer writes events of several sources. Producers use them; the
    /// runner does not.
    #[serde(default)]
    pub event_names: Vec<String>,
    /// The number of partitions with which the topic is created.
    #[serde(default = "one")]
    pub partitions: u32,
    /// How long records are retained.
    #[serde(default, deserialize_with = "optional_duration")]
    pub retention: Option<Duration>,
    /// The path of the event time.
    #[serde(default = "event_timestamp")]
    pub event_time: String,
    /// The columns that queries can use, by name. Fields without a column are ignored.
    #[serde(default)]
    pub columns: BTreeMap<String, ColumnSpec>,
}

/// A derivation.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DerivationSpec {
    /// The source topic. A query names it.
    #[serde(default)]
    pub from: String,
    /// The query that computes the rows; `None` if the derivation has code of its own.
    #[serde(default)]
    pub sql: Option<String>,
    /// What the query's plan says.
    #[serde(skip)]
    pub(crate) code: Option<QueryCode>,
    /// How events are grouped in time; `None` if they are processed one by one. A query contains it.
    #[serde(default)]
    pub window: Option<WindowSpec>,
    /// How far the watermark stays behind stream time, so that events may arrive out of order.
    #[serde(default = "default_lateness", deserialize_with = "duration")]
    pub lateness: Duration,
    /// How long after its end a window can still be corrected.
    #[serde(default = "default_allowed_lateness", deserialize_with = "duration")]
    pub allowed_lateness: Duration,
    /// How long a partition may be silent before the watermark advances without it.
    #[serde(default = "default_idle_timeout", deserialize_with = "duration")]
    pub idle_timeout: Duration,
    /// How far an event's time may be ahead of its record's ingest time.
    #[serde(default = "default_max_skew", deserialize_with = "duration")]
    pub max_skew: Duration,
    /// How often rows of open windows are written, if at all. Each row then says whether it is final.
    #[serde(default, deserialize_with = "optional_duration")]
    pub emit_every: Option<Duration>,
    /// The maximum number of entries in memory: (window, key) pairs, or (pane, key) pairs of hopping windows, or
    /// sessions, or keys plus events that wait for the watermark. When it is reached, new keys of windows are counted
    /// together under `*`, and the events of new sessions and of new keys of a keyed process go to `late-events`.
    #[serde(default = "default_entries_max")]
    pub entries_max: usize,
    /// The number of partitions with which the derived topic is created.
    #[serde(default = "one")]
    pub partitions: u32,
    /// How long derived records are retained.
    #[serde(default, deserialize_with = "optional_duration")]
    pub retention: Option<Duration>,
    /// The topic with later versions of the derivation's parameters. Only keyed processes can have one.
    #[serde(default)]
    pub rules: Option<String>,
    /// The derivation's own parameters.
    #[serde(default, deserialize_with = "scalars")]
    pub parameters: BTreeMap<String, String>,
}

impl DataflowSpec {
    /// Parses a dataflow file from YAML and checks it against the known derivations.
    pub fn parse(yaml: &str, registry: &Registry) -> Result<Self, SpecError> {
        // Parsing the text as a `Value` first rejects duplicate names. A `BTreeMap` would silently keep the last one.
        serde_yaml::from_str::<serde_yaml::Value>(yaml)?;
        let mut dataflow: Self = serde_yaml::from_str(yaml)?;
        let checked = dataflow.complete(registry);
        checked.map_err(|error| error.located(yaml))?;
        Ok(dataflow)
    }

    /// Plans the queries and checks everything.
    pub(super) fn complete(&mut self, registry: &Registry) -> Result<(), SpecError> {
        let (sources, tables) = (self.query_sources()?, self.query_tables()?);
        self.plan_queries(sql::Catalog {
            sources: &sources,
            tables: &tables,
        })?;
        self.check_limits()?;
        let mut derivations = self.derivations.iter();
        derivations.try_for_each(|(name, spec)| self.check(name, spec, registry))?;
        self.check_views()
    }

    /// Returns the sources as queries see them.
    pub fn query_sources(&self) -> Result<Vec<sql::Source>, SpecError> {
        let sources = self.sources.iter();
        sources
            .map(|(name, source)| source.query_source(name))
            .collect()
    }

    /// Returns the tables as queries see them.
    pub fn query_tables(&self) -> Result<Vec<sql::Table>, SpecError> {
        let tables = self.tables.iter();
        tables
            .map(|(name, table)| table.query_table(name))
            .collect()
    }

    fn check(
        &self,
        name: &str,
        spec: &DerivationSpec,
        registry: &Registry,
    ) -> Result<(), SpecError> {
        let derivation = || name.to_owned();
        let Some(registration) = registry.code_of(name, spec) else {
            return Err(SpecError::UnknownDerivation {
                derivation: derivation(),
                known: registry.names().join(", "),
            });
        };
        if !self.sources.contains_key(&spec.from) {
            let known = self.sources.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(SpecError::UnknownSource {
                derivation: derivation(),
                topic: spec.from.clone(),
                known,
            });
        }
        if let Some(expected) = registration.source().filter(|topic| *topic != spec.from) {
            let expected = expected.to_owned();
            return Err(SpecError::WrongSource {
                derivation: derivation(),
                topic: spec.from.clone(),
                expected,
            });
        }
        if let Some(expected) = wrong_window(registration.shape(), spec.window) {
            return Err(SpecError::Window {
                derivation: derivation(),
                expected,
            });
        }
        check_rules(name, spec, &registration)?;
        check_early(name, spec, &registration)?;
        let refuse = |cause| SpecError::Parameter {
            derivation: derivation(),
            cause,
        };
        registration.check(&spec.params()).map_err(refuse)
    }
}

impl SourceSpec {
    fn query_source(&self, name: &str) -> Result<sql::Source, SpecError> {
        let columns = columns("sources", name, &self.columns)?;
        sql::Source::new(name, &self.key, &self.event_time, columns).map_err(|expected| {
            SpecError::Invalid {
                place: format!("sources.{name}.event_time"),
                value: self.event_time.clone(),
                expected,
            }
        })
    }
}

impl DerivationSpec {
    /// The columns of the derivation's query, in their order; empty if it has no query.
    pub fn columns(&self) -> &[QueryColumn] {
        self.code.as_ref().map_or(&[], |code| &code.outputs)
    }

    /// The table that the derivation's query joins.
    pub(crate) fn table(&self) -> Option<&sql::Table> {
        self.code.as_ref()?.table.as_ref()
    }

    /// The parameters that both the SmartModule and the runner receive.
    pub fn params(&self) -> Params {
        self.param_texts().into_iter().collect()
    }

    /// The parameters of [`Self::params`] as strings, in the form that is sent to the SmartModule.
    pub fn param_texts(&self) -> BTreeMap<String, String> {
        let mut params = self.parameters.clone();
        params.extend(self.window.iter().flat_map(WindowSpec::params));
        params.extend(self.code.iter().flat_map(|code| code.params.clone()));
        params.insert(
            "max_skew_ms".to_owned(),
            self.max_skew.as_millis().to_string(),
        );
        params
    }
}

/// Checks that the derivation can accept new rules, if it has a rules topic.
fn check_rules(
    name: &str,
    spec: &DerivationSpec,
    registration: &Registration,
) -> Result<(), SpecError> {
    let Some(topic) = &spec.rules else {
        return Ok(());
    };
    let expected = if registration.shape() != Shape::Events {
        "only derivations that process events one by one accept new rules"
    } else if !registration.parameters().contains(&RULE_VERSION) {
        "it has no parameter `rule_version`, so its records could not contain the version of their rules"
    } else {
        return Ok(());
    };
    Err(SpecError::Invalid {
        place: format!("derivations.{name}.rules"),
        value: topic.clone(),
        expected: expected.to_owned(),
    })
}

/// Checks that the derivation can write rows of open windows, if it should.
fn check_early(
    name: &str,
    spec: &DerivationSpec,
    registration: &Registration,
) -> Result<(), SpecError> {
    match spec.emit_every {
        Some(every) if registration.shape() == Shape::Events => Err(SpecError::Invalid {
            place: format!("derivations.{name}.emit_every"),
            value: humantime::format_duration(every).to_string(),
            expected: "it has no windows, and its records do not wait for one: remove `emit_every`"
                .to_owned(),
        }),
        _ => Ok(()),
    }
}

/// The advice for the operator if `window` does not fit the derivation's shape; `None` if it does.
fn wrong_window(shape: Shape, window: Option<WindowSpec>) -> Option<&'static str> {
    use WindowSpec::{Hopping, Session, Tumbling};
    match (shape, window) {
        (Shape::Windows, Some(Tumbling(_) | Hopping { .. })) => None,
        (Shape::Windows, _) => Some(
            "give it a `window` such as `10s`, or `{size: 1m, hop: 10s}` for overlapping windows",
        ),
        (Shape::Sessions, Some(Session(_))) => None,
        (Shape::Sessions, _) => Some("it has sessions: give it a `window` such as `{gap: 30m}`"),
        (Shape::Events, None) => None,
        (Shape::Events, Some(_)) => {
            Some("it processes events one by one and has no windows: remove `window`")
        }
    }
}

fn event_timestamp() -> String {
    "event_timestamp".to_owned()
}

fn one() -> u32 {
    1
}

/// A (window, key) pair takes about 200 bytes, plus any sets in its partial. A million pairs take about 200 MB, which
/// even a small machine has.
fn default_entries_max() -> usize {
    1_000_000
}

/// Deserializes parameters, which may be strings, numbers or booleans, into strings.
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
                "parameter `{name}` must be a string, a number, `true` or `false`"
            ))),
        })
        .collect()
}
