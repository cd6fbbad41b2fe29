//! What the owner of a key may do.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use super::KeyEntry;
use crate::error::Refusal;
use crate::limits::RECORDS_PER_REQUEST_MAX;
use crate::source::Source;

/// The owner of a valid key.
#[derive(Debug)]
pub(crate) struct Owner {
    id: String,
    game_id: String,
    topics: BTreeSet<String>,
    limiter: DefaultDirectRateLimiter,
}

impl Owner {
    pub(super) fn new(entry: &KeyEntry) -> Self {
        let rate = NonZeroU32::new(entry.events_per_second).unwrap_or(NonZeroU32::MIN);
        // A whole request goes through at once however low the rate is: what it takes beyond the rate,
        // those behind it wait for.
        let largest = NonZeroU32::new(RECORDS_PER_REQUEST_MAX as u32).unwrap_or(rate);
        let quota = Quota::per_second(rate).allow_burst(rate.max(largest));
        Self {
            id: entry.id.clone(),
            game_id: entry.game_id.clone(),
            topics: entry.topics.clone(),
            limiter: RateLimiter::direct(quota),
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn may_write_to(&self, source: Source) -> Result<(), Refusal> {
        self.check_topic(source, None)
    }

    /// Whether it may write the event at `index` of its request, of `game` where the event has one.
    pub(crate) fn may_write(
        &self,
        index: usize,
        source: Source,
        game: Option<&str>,
    ) -> Result<(), Refusal> {
        self.check_topic(source, Some(index))?;
        match game {
            Some(game) if game != self.game_id => Err(Refusal::WrongGame {
                index,
                game: game.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    fn check_topic(&self, source: Source, index: Option<usize>) -> Result<(), Refusal> {
        let topic = source.topic();
        if self.topics.contains(topic) {
            Ok(())
        } else {
            Err(Refusal::WrongTopic { index, topic })
        }
    }

    /// Takes this many records from what it may send now.
    pub(crate) fn spend(&self, records: usize) -> Result<(), Refusal> {
        let Some(records) = u32::try_from(records).ok().and_then(NonZeroU32::new) else {
            return Ok(());
        };
        match self.limiter.check_n(records) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => Err(Refusal::RateLimited(
                not_until.wait_time_from(DefaultClock::default().now()),
            )),
            // No request has so many records.
            Err(_) => Err(Refusal::RateLimited(Duration::from_secs(1))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;

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
    fn events_of_another_game_or_topic_are_refused_by_their_index() {
        let owner = owner(1);
        assert_eq!(
            owner.may_write(0, Source::PlayerEvents, Some("chess")),
            Ok(())
        );
        assert!(matches!(
            owner.may_write(3, Source::PlayerEvents, Some("go")),
            Err(Refusal::WrongGame { index: 3, .. })
        ));
        assert!(matches!(
            owner.may_write(4, Source::ServerMetrics, None),
            Err(Refusal::WrongTopic { index: Some(4), .. })
        ));
        assert!(owner.may_write_to(Source::PurchaseEvents).is_err());
    }

    #[test]
    fn a_whole_request_passes_and_the_next_waits_for_it() {
        let owner = owner(10);
        assert_eq!(owner.spend(0), Ok(()));
        assert_eq!(owner.spend(RECORDS_PER_REQUEST_MAX), Ok(()));
        let Err(Refusal::RateLimited(wait)) = owner.spend(10) else {
            panic!("the rate is no limit");
        };
        assert!(
            wait <= Duration::from_secs(1) && wait > Duration::from_millis(500),
            "{wait:?}"
        );
    }
}
