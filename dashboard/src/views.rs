//! The views: what each makes of the store, for a game, a level, a user and a span of time.

mod engagement;
mod fraud;
mod overview;
mod purchases;
mod quality;
mod servers;
mod sessions;

use std::ops::Range;

use model::Timestamp;
use serde::Serialize;

use crate::query::Query;
use crate::store::{Store, Topic, now};
use crate::symbols::Sym;

/// A page of the dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum View {
    Overview,
    Engagement,
    Sessions,
    Purchases,
    Fraud,
    Servers,
    Quality,
}

impl View {
    /// In the order of their declaration.
    pub(crate) const ALL: [Self; 7] = [
        Self::Overview,
        Self::Engagement,
        Self::Sessions,
        Self::Purchases,
        Self::Fraud,
        Self::Servers,
        Self::Quality,
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Engagement => "engagement",
            Self::Sessions => "sessions",
            Self::Purchases => "purchases",
            Self::Fraud => "fraud",
            Self::Servers => "servers",
            Self::Quality => "quality",
        }
    }

    pub(crate) fn topics(self) -> impl Iterator<Item = Topic> {
        Topic::ALL
            .into_iter()
            .filter(move |topic| topic.feeds().contains(&self))
    }
}

/// What every answer says of itself.
#[derive(Serialize)]
struct Answer<'a, T> {
    view: View,
    /// When the answer was made.
    as_of: Timestamp,
    /// The event time up to which all topics of the view have said what they have to say.
    watermark: Option<Timestamp>,
    /// The span of event time, in milliseconds since 1970.
    from: i64,
    to: i64,
    games: Vec<&'a str>,
    data: T,
}

/// A look at the store: of when, and of which game.
struct Look<'a> {
    store: &'a Store,
    query: &'a Query,
    range: Range<i64>,
    game: Option<Sym>,
    /// A game was asked for that nothing is known of.
    nothing: bool,
}

impl<'a> Look<'a> {
    /// Whether an instant lies in the span. What has just happened is its last one.
    fn has(&self, time: i64) -> bool {
        self.range.contains(&time) || time == self.range.end
    }

    fn wants(&self, game: Sym) -> bool {
        !self.nothing && self.game.is_none_or(|wanted| wanted == game)
    }

    fn wants_name(&self, game: &str) -> bool {
        self.query.game.as_ref().is_none_or(|wanted| wanted == game)
    }

    fn name(&self, symbol: Sym) -> &'a str {
        self.store.symbols.name(symbol)
    }
}

/// The answer of a view, as JSON.
pub(crate) fn answer(view: View, store: &Store, query: &Query) -> serde_json::Result<Vec<u8>> {
    let game = query
        .game
        .as_ref()
        .and_then(|game| store.symbols.find(game));
    let look = Look {
        store,
        query,
        range: query.range(newest(view, store)),
        game,
        nothing: query.game.is_some() && game.is_none(),
    };
    match view {
        View::Overview => write(view, &look, overview::view(&look)),
        View::Engagement => write(view, &look, engagement::view(&look)),
        View::Sessions => write(view, &look, sessions::view(&look)),
        View::Purchases => write(view, &look, purchases::view(&look)),
        View::Fraud => write(view, &look, fraud::view(&look)),
        View::Servers => write(view, &look, servers::view(&look)),
        View::Quality => write(view, &look, quality::view(&look)),
    }
}

/// Accounts are known by when they were published, everything else by event time.
fn newest(view: View, store: &Store) -> i64 {
    match view {
        View::Quality => now().as_millis(),
        _ => store.clock(),
    }
}

fn write<T: Serialize>(view: View, look: &Look<'_>, data: T) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Answer {
        view,
        as_of: now(),
        watermark: view
            .topics()
            .filter_map(|topic| look.store.watermark(topic))
            .min(),
        from: look.range.start,
        to: look.range.end,
        games: look.store.game_names(),
        data,
    })
}

/// An amount as people and charts read it.
fn money(minor: i128, currency: &str) -> String {
    model::money::format(minor, currency)
}

#[cfg(test)]
mod tests;
