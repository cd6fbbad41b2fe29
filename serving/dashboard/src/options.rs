//! The options of the dashboard.

use std::fmt::{self, Debug, Formatter};
use std::net::SocketAddr;

use client::Cluster;
use http_service::is_exposed;
use subtle::ConstantTimeEq;

use crate::error::StartError;
use crate::store::Topic;

/// The minimum length of a token. Shorter tokens are too easy to guess.
const TOKEN_CHARACTERS_MIN: usize = 16;

/// The options of [`start`](crate::start).
#[derive(Debug)]
pub struct Options {
    /// The cluster whose topics are shown. The topics may be created later.
    pub cluster: Cluster,
    /// The clients that may view the dashboard.
    pub access: Access,
    /// The topics and charts of the pages *Explore* and *Pinned*.
    pub explore: Explore,
    /// The games of the catalogue, in the order of their cards; empty if there is none.
    pub games: Vec<Game>,
}

/// A game of the catalogue.
#[derive(Clone, Debug)]
pub struct Game {
    /// The `game_id` of its events. No other game of the catalogue has it.
    pub id: String,
    /// The name.
    pub name: String,
    /// The genre, in a few words.
    pub genre: String,
    /// The cover picture, as the text of an SVG file with the proportions 16 to 9.
    pub cover: Option<String>,
}

/// What the pages *Explore* and *Pinned* show.
#[derive(Clone, Debug, Default)]
pub struct Explore {
    /// The derived topics of the dataflow file; empty if the file is not known.
    pub topics: Vec<ExploredTopic>,
    /// The charts of the page *Pinned*.
    pub pinned: Vec<PinnedChart>,
}

impl Explore {
    /// Returns whether the topic of a built-in view gets records: it is in the dataflow file, or every runner writes
    /// it.
    pub(crate) fn has(&self, topic: Topic) -> bool {
        let mut names = self.topics.iter().map(|topic| topic.name.as_str());
        self.topics.is_empty() || !topic.is_derived() || names.any(|name| name == topic.name())
    }
}

/// A derived topic, and what is known about its columns.
#[derive(Clone, Debug, Default)]
pub struct ExploredTopic {
    /// The name.
    pub name: String,
    /// The columns of the derivation's query, in their order; empty if it has no query. Other columns are inferred.
    pub columns: Vec<ExploredColumn>,
    /// The names of the inferred columns whose sums over several keys have a meaning.
    pub additive: Vec<String>,
}

/// A column of a query.
#[derive(Clone, Debug)]
pub struct ExploredColumn {
    /// The name.
    pub name: String,
    /// The SQL type.
    pub kind: String,
    /// Whether the sum of its values over several keys has a meaning.
    pub is_additive: bool,
}

/// A chart of the page *Pinned*.
#[derive(Clone, Debug)]
pub struct PinnedChart {
    /// The title.
    pub title: String,
    /// The derived topic.
    pub topic: String,
    /// The columns that are plotted.
    pub measures: Vec<String>,
    /// The column whose values have a line each.
    pub split: Option<String>,
    /// Whether the chart has bars instead of lines.
    pub has_bars: bool,
    /// The length of the time span.
    pub minutes: u16,
}

/// The clients that may view the dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Clients on this machine. The dashboard must listen on a loopback address.
    Loopback,
    /// Clients that send the token.
    Token(Token),
    /// Every client that can reach the address.
    Anybody,
}

impl Access {
    /// Returns an error if other machines can reach the address, and neither a token nor [`Access::Anybody`] is set.
    pub(crate) fn check(&self, address: SocketAddr) -> Result<(), StartError> {
        match self {
            Self::Loopback if is_exposed(address) => Err(StartError::Open(address)),
            _ => Ok(()),
        }
    }
}

/// The secret that clients send to view the dashboard. Its `Debug` output does not reveal it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Creates a token from a text, without the white space at both ends. Returns an error if the token is too short or
    /// contains white space.
    pub fn new(text: &str) -> Result<Self, StartError> {
        let text = text.trim();
        let length = text.chars().count();
        if length < TOKEN_CHARACTERS_MIN || text.chars().any(char::is_whitespace) {
            return Err(StartError::WeakToken(length));
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn is(&self, shown: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(shown).into()
    }
}

impl Debug for Token {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_token_only_a_loopback_address_is_accepted() {
        let check = |access: Access, address: &str| access.check(address.parse().unwrap()).is_ok();
        let token = Access::Token(Token::new("correct-horse-battery").unwrap());
        assert!(check(Access::Loopback, "127.0.0.1:80") && check(Access::Loopback, "[::1]:80"));
        assert!(!check(Access::Loopback, "0.0.0.0:80") && !check(Access::Loopback, "[::]:80"));
        assert!(check(token, "0.0.0.0:80") && check(Access::Anybody, "0.0.0.0:80"));
    }

    #[test]
    fn a_token_is_long_without_spaces_and_never_printed() {
        let token = Token::new(" correct-horse-battery\n").unwrap();
        assert!(token.is(b"correct-horse-battery") && !token.is(b"correct-horse-batterY"));
        assert!(!format!("{token:?}").contains("horse"));
        assert!(Token::new("short").is_err() && Token::new("two words are no token").is_err());
    }
}
