//! Distinct players by platform. The number of platforms is limited, because clients can send any name.

use std::collections::BTreeMap;

use model::Merge;
use model::merge::Distinct;
use serde::{Deserialize, Serialize};

/// The largest number of platforms with their own entry in one window and key. It is several times the number of
/// real platforms, and small enough that the encoded sets of players take less than ten megabytes.
const NAMED_MAX: usize = 32;

/// The entry for the players of all other platforms.
const OTHER: &str = "other";

/// Players by platform: one entry each for the first [`NAMED_MAX`] names in byte order, and one for the rest. The
/// result does not depend on how the events are split into parts: a part drops a name only if the part has
/// [`NAMED_MAX`] other names that precede it, and these names also precede it in the merged result.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Platforms {
    named: BTreeMap<String, Distinct>,
    /// The players of all other platforms, including a platform whose real name is [`OTHER`].
    other: Distinct,
}

impl Platforms {
    #[inline]
    pub(crate) fn insert(&mut self, platform: &str, player: u128) {
        match self.named.get_mut(platform) {
            Some(players) => players.insert(player),
            None => self.insert_new(platform, player),
        }
    }

    #[cold]
    fn insert_new(&mut self, platform: &str, player: u128) {
        if platform == OTHER || self.is_full_below(platform) {
            self.other.insert(player);
        } else {
            let players = self.named.entry(platform.to_owned()).or_default();
            players.insert(player);
            self.limit();
        }
    }

    fn is_full_below(&self, platform: &str) -> bool {
        let last = self.named.last_key_value();
        self.named.len() >= NAMED_MAX && last.is_some_and(|(last, _)| last.as_str() < platform)
    }

    fn limit(&mut self) {
        while self.named.len() > NAMED_MAX
            && let Some((_, players)) = self.named.pop_last()
        {
            self.other.merge(players);
        }
    }

    /// Returns the players of all platforms together, each once.
    pub(crate) fn players(&self) -> Distinct {
        let mut players = self.other.clone();
        for platform in self.named.values() {
            players.merge(platform.clone());
        }
        players
    }

    /// Returns the number of players on each platform that has any.
    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        let named = self
            .named
            .iter()
            .map(|(name, players)| (name.as_str(), players));
        named
            .chain([(OTHER, &self.other)])
            .map(|(name, players)| (name.to_owned(), players.count()))
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// Returns the relative error of those counts that are estimates; `None` if all counts are exact.
    pub(crate) fn error(&self) -> Option<f64> {
        let mut all = self.named.values().chain([&self.other]);
        all.find_map(Distinct::error)
    }
}

impl Merge for Platforms {
    fn merge(&mut self, other: Self) {
        self.other.merge(other.other);
        for (platform, players) in other.named {
            self.named.entry(platform).or_default().merge(players);
        }
        self.limit();
    }

    fn settle(&mut self) {
        self.named.values_mut().for_each(Distinct::settle);
        self.other.settle();
    }
}
