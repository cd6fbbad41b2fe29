//! The source topics that events can be posted to, and the other topics that are written to.

use model::Event;
use model::event::{PlayerEvent, PurchaseEvent, ServerMetric};

/// A source topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Source {
    /// What players do.
    PlayerEvents,
    /// What they buy and give back.
    PurchaseEvents,
    /// How the servers fare.
    ServerMetrics,
}

impl Source {
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

    /// The topic of events with this `event_name`.
    pub(crate) fn of_event(name: &str) -> Option<Self> {
        match name {
            "player_action" => Some(Self::PlayerEvents),
            "transaction" => Some(Self::PurchaseEvents),
            "server_metric" => Some(Self::ServerMetrics),
            _ => None,
        }
    }
}

/// The names of all source topics, in the order of `/v1/…`.
#[must_use]
pub fn source_topics() -> [&'static str; 3] {
    Source::ALL.map(Source::topic)
}

/// A topic that a request's records are written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Target {
    Source(Source),
    Rejected,
}

impl Target {
    pub(crate) const ALL: [Self; 4] = [
        Self::Source(Source::PlayerEvents),
        Self::Source(Source::PurchaseEvents),
        Self::Source(Source::ServerMetrics),
        Self::Rejected,
    ];

    pub(crate) fn topic(self) -> &'static str {
        match self {
            Self::Source(source) => source.topic(),
            Self::Rejected => model::REJECTED_EVENTS,
        }
    }

    pub(crate) fn index(self) -> usize {
        match self {
            Self::Source(source) => source as usize,
            Self::Rejected => Source::ALL.len(),
        }
    }

    pub(crate) fn of_topic(topic: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.topic() == topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_found_by_their_topic_and_stand_at_their_index() {
        for (index, target) in Target::ALL.into_iter().enumerate() {
            assert_eq!(target.index(), index);
            assert_eq!(Target::of_topic(target.topic()), Some(target));
        }
        assert_eq!(Target::of_topic("late-events"), None);
    }
}
