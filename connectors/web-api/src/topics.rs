//! The topics to which posted records are written: the source topics and `rejected-events`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use model::event::{PlayerEvent, PurchaseEvent, ServerMetric, TypedEvent};

use crate::declared::Declared;
use crate::field_path::FieldPath;

/// The topic with the journal of requests that have an idempotency key.
pub(crate) const JOURNAL: &str = "web-api-requests";

/// The sources with built-in event types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BuiltIn {
    PlayerEvents,
    PurchaseEvents,
    ServerMetrics,
}

impl BuiltIn {
    pub(crate) const ALL: [Self; 3] = [
        Self::PlayerEvents,
        Self::PurchaseEvents,
        Self::ServerMetrics,
    ];

    pub(crate) fn topic(self) -> &'static str {
        match self {
            Self::PlayerEvents => PlayerEvent::TOPIC,
            Self::PurchaseEvents => PurchaseEvent::TOPIC,
            Self::ServerMetrics => ServerMetric::TOPIC,
        }
    }

    /// Returns the `event_name` of the events.
    pub(crate) fn event_name(self) -> &'static str {
        match self {
            Self::PlayerEvents => "player_action",
            Self::PurchaseEvents => "transaction",
            Self::ServerMetrics => "server_metric",
        }
    }

    pub(crate) fn of_topic(topic: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.topic() == topic)
    }
}

/// Returns the names of the built-in source topics: player events, purchase events, server metrics.
#[must_use]
pub fn source_topics() -> [&'static str; 3] {
    BuiltIn::ALL.map(BuiltIn::topic)
}

/// A source topic, with the check of its records. Cheap to clone. Source topics are compared by their names.
#[derive(Clone)]
pub(crate) struct SourceTopic(Arc<Inner>);

struct Inner {
    topic: String,
    event_time: FieldPath,
    records: SourceRecords,
}

/// How the records of a source are checked.
#[derive(Debug)]
pub(crate) enum SourceRecords {
    BuiltIn(BuiltIn),
    Declared(Box<Declared>),
}

impl SourceTopic {
    pub(crate) fn built_in(source: BuiltIn) -> Self {
        Self(Arc::new(Inner {
            topic: source.topic().to_owned(),
            event_time: FieldPath::parse("event_timestamp"),
            records: SourceRecords::BuiltIn(source),
        }))
    }

    pub(crate) fn declared(topic: &str, event_time: FieldPath, records: Declared) -> Self {
        Self(Arc::new(Inner {
            topic: topic.to_owned(),
            event_time,
            records: SourceRecords::Declared(Box::new(records)),
        }))
    }

    pub(crate) fn topic(&self) -> &str {
        &self.0.topic
    }

    /// Returns the path of the event time.
    pub(crate) fn event_time(&self) -> &FieldPath {
        &self.0.event_time
    }

    pub(crate) fn records(&self) -> &SourceRecords {
        &self.0.records
    }
}

impl fmt::Debug for SourceTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SourceTopic").field(&self.topic()).finish()
    }
}

impl PartialEq for SourceTopic {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for SourceTopic {}

impl PartialOrd for SourceTopic {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SourceTopic {
    fn cmp(&self, other: &Self) -> Ordering {
        // Almost all comparisons are between clones.
        match Arc::ptr_eq(&self.0, &other.0) {
            true => Ordering::Equal,
            false => self.topic().cmp(other.topic()),
        }
    }
}

impl Hash for SourceTopic {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.topic().hash(state);
    }
}

/// A topic that a request's records are written to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TargetTopic {
    SourceTopic(SourceTopic),
    Rejected,
}

impl TargetTopic {
    pub(crate) fn topic(&self) -> &str {
        match self {
            Self::SourceTopic(source) => source.topic(),
            Self::Rejected => model::REJECTED_EVENTS,
        }
    }
}
