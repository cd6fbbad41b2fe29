//! The permissions of a key's owner.

use std::collections::BTreeSet;
use std::time::Instant;

use super::KeyEntry;
use super::rate::Rate;
use crate::error::RequestError;
use crate::topics::SourceTopic;

/// The owner of a valid key: which events it may write, and how many.
#[derive(Debug)]
pub(crate) struct Owner {
    id: String,
    game_id: String,
    topics: BTreeSet<String>,
    rate: Rate,
}

impl Owner {
    pub(super) fn new(entry: &KeyEntry) -> Self {
        Self {
            id: entry.id.clone(),
            game_id: entry.game_id.clone(),
            topics: entry.topics.clone(),
            rate: Rate::new(entry.events_per_second),
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn may_write_to(&self, source: &SourceTopic) -> Result<(), RequestError> {
        self.check_topic(source, None)
    }

    /// Checks that the owner may write the event at `index` of the request. `game` is the game of the
    /// event, if it has one.
    pub(crate) fn may_write(
        &self,
        index: usize,
        source: &SourceTopic,
        game: Option<&str>,
    ) -> Result<(), RequestError> {
        self.check_topic(source, Some(index))?;
        match game {
            Some(game) if game != self.game_id => Err(RequestError::WrongGame {
                index,
                game: game.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    fn check_topic(&self, source: &SourceTopic, index: Option<usize>) -> Result<(), RequestError> {
        let topic = source.topic();
        if self.topics.contains(topic) {
            Ok(())
        } else {
            let topic = topic.to_owned();
            Err(RequestError::WrongTopic { index, topic })
        }
    }

    /// Admits a request. It costs as much as one record, even if it is empty.
    pub(crate) fn admit(&self, now: Instant) -> Result<(), RequestError> {
        let taken = self.rate.take(1, 0, now);
        taken.map_err(RequestError::RateLimited)
    }

    /// Charges all records of an admitted request except the first, which was charged on admission.
    pub(crate) fn spend(&self, records: usize, now: Instant) -> Result<(), RequestError> {
        let rest = records.saturating_sub(1);
        let taken = self.rate.take(rest, 1, now);
        taken.map_err(RequestError::RateLimited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::RECORDS_PER_REQUEST_MAX;
    use crate::topics::BuiltIn;
    use model::Timestamp;
    use std::time::Duration;

    fn owner(events_per_second: u32) -> Owner {
        Owner::new(&KeyEntry {
            id: "k1".to_owned(),
            sha256: String::new(),
            game_id: "chess".to_owned(),
            topics: ["player-events".to_owned()].into(),
            events_per_second,
            created: Timestamp::from_millis(0),
            revoked: None,
        })
    }

    #[test]
    fn events_of_another_game_or_topic_are_refused_with_their_index() {
        let owner = owner(1);
        assert_eq!(
            owner.may_write(
                0,
                &SourceTopic::built_in(BuiltIn::PlayerEvents),
                Some("chess")
            ),
            Ok(())
        );
        assert!(matches!(
            owner.may_write(3, &SourceTopic::built_in(BuiltIn::PlayerEvents), Some("go")),
            Err(RequestError::WrongGame { index: 3, .. })
        ));
        assert!(matches!(
            owner.may_write(4, &SourceTopic::built_in(BuiltIn::ServerMetrics), None),
            Err(RequestError::WrongTopic { index: Some(4), .. })
        ));
        assert!(
            owner
                .may_write_to(&SourceTopic::built_in(BuiltIn::PurchaseEvents))
                .is_err()
        );
    }

    #[test]
    fn a_large_request_passes_and_the_next_waits_until_it_is_paid() {
        let owner = owner(10);
        let passes = |records, now| {
            owner.admit(now)?;
            owner.spend(records, now)
        };
        let now = Instant::now();
        assert_eq!(passes(RECORDS_PER_REQUEST_MAX, now), Ok(()));
        let wait = Duration::from_millis(499_100);
        assert_eq!(passes(1, now), Err(RequestError::RateLimited(wait)));
        assert_eq!(passes(1, now + wait), Ok(()));
        assert!(passes(0, now + wait).is_err());
    }
}
