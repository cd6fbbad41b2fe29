//! The sources that clients can post to, as the dataflow file declares them.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::REJECTED_EVENTS;

use crate::declared::{Declared, KeyField};
use crate::field_path::FieldPath;
use crate::topics::{BuiltIn, JOURNAL, SourceTopic, TargetTopic};

/// A source of the dataflow file.
#[derive(Clone, Debug)]
pub struct DeclaredSource {
    /// The name and the columns.
    pub columns: sql::Source,
    /// The field with the record key: the name of a column, or a path.
    pub key: String,
    /// The values of `event_name` whose events `/v1/events` writes to this source.
    pub event_names: Vec<String>,
}

/// A setting of a source that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{place}` is `{value}`: {expected}")]
pub struct SourceError {
    /// The place in the dataflow file.
    pub place: String,
    /// The value.
    pub value: String,
    /// What is expected instead.
    pub expected: String,
}

/// The sources that clients can post to. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sources(Arc<Registry>);

#[derive(Debug, Default)]
struct Registry {
    by_topic: BTreeMap<String, SourceTopic>,
    by_event_name: BTreeMap<String, SourceTopic>,
}

impl Sources {
    /// Checks the sources. The sources with built-in event types keep the checks of these.
    pub fn new(declared: Vec<DeclaredSource>) -> Result<Self, SourceError> {
        let mut registry = Registry::default();
        for source in declared {
            registry.add(source)?;
        }
        Ok(Self(Arc::new(registry)))
    }

    /// Returns the sources with built-in event types.
    #[must_use]
    pub fn built_in() -> Self {
        let mut registry = Registry::default();
        for kind in BuiltIn::ALL {
            registry.add_built_in(kind);
        }
        Self(Arc::new(registry))
    }

    /// Returns the names of the sources.
    pub fn topics(&self) -> impl Iterator<Item = &str> {
        self.0.by_topic.keys().map(String::as_str)
    }

    /// Returns the names of events that `/v1/events` accepts.
    pub(crate) fn event_names(&self) -> impl Iterator<Item = &str> {
        self.0.by_event_name.keys().map(String::as_str)
    }

    /// Returns the names of events that `/v1/events` writes to a source.
    pub(crate) fn names_of(&self, source: &SourceTopic) -> impl Iterator<Item = &str> {
        let names = self.0.by_event_name.iter();
        names
            .filter(move |(_, named)| *named == source)
            .map(|(name, _)| name.as_str())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &SourceTopic> {
        self.0.by_topic.values()
    }

    pub(crate) fn of_topic(&self, topic: &str) -> Option<&SourceTopic> {
        self.0.by_topic.get(topic)
    }

    pub(crate) fn of_event(&self, name: &str) -> Option<&SourceTopic> {
        self.0.by_event_name.get(name)
    }

    /// Returns every topic to which records are written.
    pub(crate) fn targets(&self) -> impl Iterator<Item = TargetTopic> {
        let sources = self.iter().cloned().map(TargetTopic::SourceTopic);
        sources.chain([TargetTopic::Rejected])
    }

    /// Returns the topic with this name if records are written to it.
    pub(crate) fn target(&self, topic: &str) -> Option<TargetTopic> {
        match topic {
            REJECTED_EVENTS => Some(TargetTopic::Rejected),
            source => self.of_topic(source).cloned().map(TargetTopic::SourceTopic),
        }
    }
}

impl Registry {
    fn add(&mut self, declared: DeclaredSource) -> Result<(), SourceError> {
        let topic = declared.columns.name.clone();
        let invalid = |setting: &str, value: &str, expected: String| SourceError {
            place: format!("sources.{topic}{setting}"),
            value: value.to_owned(),
            expected,
        };
        if topic == JOURNAL || topic == REJECTED_EVENTS {
            let expected = "this is the name of a topic of the web API; choose a different one";
            return Err(invalid("", &topic, expected.to_owned()));
        }
        let source = match BuiltIn::of_topic(&topic) {
            Some(kind) => self.add_built_in(kind),
            None => {
                let key = KeyField::new(&declared.key, &declared.columns)
                    .map_err(|expected| invalid(".key", &declared.key, expected))?;
                let event_time = event_time(&declared.columns);
                let records = Declared::new(declared.columns, key);
                self.insert(SourceTopic::declared(&topic, event_time, records))
            }
        };
        for name in declared.event_names {
            self.check_event_name(&name)
                .map_err(|expected| invalid(".event_names", &name, expected))?;
            self.by_event_name.insert(name, source.clone());
        }
        Ok(())
    }

    fn add_built_in(&mut self, kind: BuiltIn) -> SourceTopic {
        let source = self.insert(SourceTopic::built_in(kind));
        let name = kind.event_name().to_owned();
        self.by_event_name.insert(name, source.clone());
        source
    }

    fn insert(&mut self, source: SourceTopic) -> SourceTopic {
        self.by_topic
            .insert(source.topic().to_owned(), source.clone());
        source
    }

    fn check_event_name(&self, name: &str) -> Result<(), String> {
        if name.is_empty() {
            return Err("an event name cannot be empty".to_owned());
        }
        let built_in = BuiltIn::ALL
            .into_iter()
            .find(|source| source.event_name() == name);
        if let Some(source) = built_in {
            return Err(format!(
                "events with this name belong to `{}`; choose a different name",
                source.topic()
            ));
        }
        match self.by_event_name.get(name) {
            Some(other) => Err(format!(
                "`{}` has this name already; an event goes to one source",
                other.topic()
            )),
            None => Ok(()),
        }
    }
}

/// Returns the path of a source's event time.
fn event_time(source: &sql::Source) -> FieldPath {
    let column = source
        .columns
        .iter()
        .find(|column| column.name == source.event_time);
    let path = column.map(|column| column.path.to_string());
    FieldPath::parse(path.as_deref().unwrap_or(&source.event_time))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(topic: &str, key: &str, event_names: &[&str]) -> DeclaredSource {
        DeclaredSource {
            columns: sql::Source::new(topic, key, "at", Vec::new()).unwrap(),
            key: key.to_owned(),
            event_names: event_names.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn errors_name_the_place_the_value_and_what_is_expected() {
        for (sources, expected) in [
            (
                vec![declared("a", "k", &["x", "x"])],
                "`sources.a.event_names` is `x`: `a` has this name already; an event goes to one source",
            ),
            (
                vec![declared("a", "k", &["x"]), declared("b", "k", &["y", "x"])],
                "`sources.b.event_names` is `x`: `a` has this name already; an event goes to one source",
            ),
            (
                vec![declared("a", "k", &["transaction"])],
                "`sources.a.event_names` is `transaction`: events with this name belong to `purchase-events`; choose \
                 a different name",
            ),
            (
                vec![declared("a", "k", &[""])],
                "`sources.a.event_names` is ``: an event name cannot be empty",
            ),
            (
                vec![declared("a", "k[]", &[])],
                "`sources.a.key` is `k[]`: the path goes through an array; a record has one key",
            ),
            (
                vec![declared(JOURNAL, "k", &[])],
                "`sources.web-api-requests` is `web-api-requests`: this is the name of a topic of the web API; \
                 choose a different one",
            ),
        ] {
            let error = Sources::new(sources).expect_err(expected);
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn only_declared_sources_have_event_names() {
        let sources = vec![
            declared("player-events", "k", &["jump"]),
            declared("b", "k", &["end", "start"]),
        ];
        let sources = Sources::new(sources).unwrap();
        let topic = |name| sources.of_event(name).map(SourceTopic::topic);
        let found = ["end", "start", "jump", "player_action", "transaction"].map(topic);
        let players = Some("player-events");
        assert_eq!(found, [Some("b"), Some("b"), players, players, None]);
    }
}
