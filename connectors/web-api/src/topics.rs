//! The topics to which posted records are written: the source topics and `rejected-events`.

use model::event::{PlayerEvent, PurchaseEvent, ServerMetric, TypedEvent};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum SourceTopic {
    PlayerEvents,
    PurchaseEvents,
    ServerMetrics,
}

impl SourceTopic {
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

    /// Returns the topic for events with this `event_name`.
    pub(crate) fn of_event(name: &str) -> Option<Self> {
        match name {
            "player_action" => Some(Self::PlayerEvents),
            "transaction" => Some(Self::PurchaseEvents),
            "server_metric" => Some(Self::ServerMetrics),
            _ => None,
        }
    }
}

/// Returns the names of all source topics: player events, purchase events, server metrics.
#[must_use]
pub fn source_topics() -> [&'static str; 3] {
    SourceTopic::ALL.map(SourceTopic::topic)
}

/// A topic that a request's records are written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TargetTopic {
    SourceTopic(SourceTopic),
    Rejected,
}

impl TargetTopic {
    pub(crate) const ALL: [Self; 4] = [
        Self::SourceTopic(SourceTopic::PlayerEvents),
        Self::SourceTopic(SourceTopic::PurchaseEvents),
        Self::SourceTopic(SourceTopic::ServerMetrics),
        Self::Rejected,
    ];

    pub(crate) fn topic(self) -> &'static str {
        match self {
            Self::SourceTopic(source) => source.topic(),
            Self::Rejected => model::REJECTED_EVENTS,
        }
    }

    pub(crate) fn index(self) -> usize {
        match self {
            Self::SourceTopic(source) => source as usize,
            Self::Rejected => SourceTopic::ALL.len(),
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
    fn targets_are_found_by_their_topic_and_ordered_by_their_index() {
        for (index, target) in TargetTopic::ALL.into_iter().enumerate() {
            assert_eq!(target.index(), index);
            assert_eq!(TargetTopic::of_topic(target.topic()), Some(target));
        }
        assert_eq!(TargetTopic::of_topic("late-events"), None);
    }
}
