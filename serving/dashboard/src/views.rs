//! Computes the views from the store. A query can restrict a view to a game, a level, a user and a time span.

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
use crate::symbols::Symbol;

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
    /// All views, in the order of their declaration.
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

    /// Returns the topics that the view is computed from. If a view's other topics may be silent, the list includes
    /// `accounting`, which receives records regularly, so that the view is updated and its watermark advances.
    pub(crate) fn topics(self) -> &'static [Topic] {
        match self {
            Self::Overview => &[
                Topic::ActivePlayers,
                Topic::FraudAlerts,
                Topic::Revenue,
                Topic::ServerAlerts,
                Topic::ServerHealth,
                Topic::StuckPlayers,
            ],
            Self::Engagement => &[
                Topic::ActivePlayers,
                Topic::LevelEngagement,
                Topic::StuckPlayers,
            ],
            Self::Sessions => &[Topic::PlayerSessionSummaries, Topic::Accounting],
            Self::Purchases => &[Topic::PurchaseSummaries, Topic::Revenue, Topic::Accounting],
            Self::Fraud => &[Topic::FraudAlerts, Topic::Accounting],
            Self::Servers => &[Topic::ServerAlerts, Topic::ServerHealth],
            Self::Quality => &[Topic::Accounting, Topic::RejectedEvents, Topic::LateEvents],
        }
    }

    /// Returns whether the view can have rows if only these topics get records. `accounting` alone is not enough for a
    /// view of derived topics.
    pub(crate) fn has_rows_of(self, topics: &[Topic]) -> bool {
        let needs_derived = self.topics().iter().any(|topic| topic.is_derived());
        let counts = |topic: &&Topic| topic.is_derived() || !needs_derived;
        let mut counting = self.topics().iter().filter(counts);
        counting.any(|topic| topics.contains(topic))
    }

    /// Returns the views that are computed from a topic.
    pub(crate) fn of_topic(topic: Topic) -> impl Iterator<Item = Self> {
        let uses = move |view: &Self| view.topics().contains(&topic);
        Self::ALL.into_iter().filter(uses)
    }
}

/// The response to a query: the data of a view, with its context.
#[derive(Serialize)]
struct Answer<'a, T> {
    view: View,
    /// The time at which the response was computed.
    as_of: Timestamp,
    /// The event time up to which all topics of the view are complete.
    watermark: Option<Timestamp>,
    /// The start and end of the span, in milliseconds since 1970.
    from: i64,
    to: i64,
    games: Vec<&'a str>,
    data: T,
}

/// The input of a view: the store, the query and the span.
struct ViewContext<'a> {
    store: &'a Store,
    query: &'a Query,
    range: Range<i64>,
    game: Option<Symbol>,
    /// Whether the view must be empty because the query names an unknown game.
    nothing: bool,
}

impl<'a> ViewContext<'a> {
    /// Whether a time is in the span. The end of the span is included, because it may be the time of the latest event.
    fn has(&self, time: i64) -> bool {
        self.range.contains(&time) || time == self.range.end
    }

    fn wants(&self, game: Symbol) -> bool {
        !self.nothing && self.game.is_none_or(|wanted| wanted == game)
    }

    fn wants_name(&self, game: &str) -> bool {
        self.query.game.as_ref().is_none_or(|wanted| wanted == game)
    }

    fn name(&self, symbol: Symbol) -> &'a str {
        self.store.symbols.name(symbol)
    }
}

/// Computes a view for a query, as JSON.
pub(crate) fn answer(view: View, store: &Store, query: &Query) -> serde_json::Result<Vec<u8>> {
    let game = query
        .game
        .as_ref()
        .and_then(|game| store.symbols.find(game));
    let context = ViewContext {
        store,
        query,
        range: query.range(newest(view, store)),
        game,
        nothing: query.game.is_some() && game.is_none(),
    };
    match view {
        View::Overview => write(view, &context, overview::view(&context)),
        View::Engagement => write(view, &context, engagement::view(&context)),
        View::Sessions => write(view, &context, sessions::view(&context)),
        View::Purchases => write(view, &context, purchases::view(&context)),
        View::Fraud => write(view, &context, fraud::view(&context)),
        View::Servers => write(view, &context, servers::view(&context)),
        View::Quality => write(view, &context, quality::view(&context)),
    }
}

/// Returns the end of the span for a query without `from` and `to`. For the view `quality` it is a wall-clock time,
/// because accounts are ordered by publication time. For the other views it is an event time.
fn newest(view: View, store: &Store) -> i64 {
    match view {
        View::Quality => now().as_millis(),
        _ => store.clock(),
    }
}

fn write<T: Serialize>(
    view: View,
    context: &ViewContext<'_>,
    data: T,
) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Answer {
        view,
        as_of: now(),
        watermark: view
            .topics()
            .iter()
            .filter_map(|topic| context.store.watermark(*topic))
            .min(),
        from: context.range.start,
        to: context.range.end,
        games: context.store.game_names(),
        data,
    })
}

/// Formats an amount as a decimal string.
fn money(minor: i128, currency: &str) -> String {
    model::money::format(minor, currency)
}

#[cfg(test)]
mod tests;
