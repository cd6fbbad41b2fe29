//! `purchases`: revenue over time by currency, and purchases by item.

use std::collections::BTreeMap;

use model::decimal;
use serde::Serialize;

use super::{ViewContext, money};
use crate::limits::RANKS_MAX;
use crate::span::Span;
use crate::store::{RevenueRow, Topic};
use crate::symbols::Symbol;

#[derive(Serialize)]
pub(super) struct Purchases<'a> {
    step_ms: i64,
    times: Vec<i64>,
    currencies: Vec<Currency<'a>>,
    items: Vec<Item<'a>>,
    items_left_out: usize,
}

/// The totals of a currency over the span. Amounts in different currencies are never added.
#[derive(Serialize)]
struct Currency<'a> {
    currency: &'a str,
    gross: String,
    refunded: String,
    net: String,
    purchases: u64,
    refunds: u64,
    /// Net revenue in each piece of the span; `None` if the piece has no window.
    nets: Vec<Option<String>>,
    /// For each piece of the span, the net revenue per buyer in the piece's latest window that has buyers.
    arppus: Vec<Option<String>>,
    /// The net revenue per buyer in the latest window of the span; `None` without buyers. `buyers` is the number of
    /// buyers in this window.
    arppu: Option<String>,
    buyers: u64,
}

#[derive(Serialize)]
struct Item<'a> {
    item: &'a str,
    item_type: &'a str,
    currency: &'a str,
    purchases: u64,
    refunds: u64,
    gross: String,
    refunded: String,
    net: String,
}

#[derive(Clone, Copy, Default)]
struct Sums {
    purchases: u64,
    refunds: u64,
    gross: i128,
    refunded: i128,
}

impl Sums {
    fn add(&mut self, purchases: u32, refunds: u32, gross: i64, refunded: i64) {
        self.purchases += u64::from(purchases);
        self.refunds += u64::from(refunds);
        self.gross += i128::from(gross);
        self.refunded += i128::from(refunded);
    }

    fn net(&self) -> i128 {
        self.gross - self.refunded
    }
}

pub(super) fn view<'a>(context: &ViewContext<'a>) -> Purchases<'a> {
    let span = Span::over(
        context.range.clone(),
        context.store.state(Topic::Revenue).window_ms,
    );
    let mut items = items(context);
    let left_out = items.len().saturating_sub(RANKS_MAX);
    items.truncate(RANKS_MAX);
    Purchases {
        step_ms: span.step_ms,
        times: span.times(),
        currencies: currencies(context, &span),
        items,
        items_left_out: left_out,
    }
}

/// The buyers in the window that begins at `start`, and their net revenue in minor units, for one or several games.
#[derive(Clone, Copy)]
struct Paying {
    start: i64,
    buyers: u64,
    net: i128,
}

impl Paying {
    fn of(start: i64, row: &RevenueRow) -> Self {
        let arppu = row.arppu.unwrap_or_default();
        Self {
            start,
            buyers: row.buyers.into(),
            net: i128::from(arppu) * i128::from(row.buyers),
        }
    }

    /// Adds this game's buyers to `latest`, or replaces `latest` if it belongs to an earlier window.
    fn add_to(mut self, latest: &mut Option<Self>) {
        if let Some(same) = latest.filter(|latest| latest.start == self.start) {
            self.buyers += same.buyers;
            self.net += same.net;
        }
        *latest = Some(self);
    }

    fn per_buyer(self) -> Option<i128> {
        (self.buyers > 0).then(|| decimal::divide(self.net, self.buyers.into()))
    }
}

/// Returns the currencies, the one with the most purchases first.
fn currencies<'a>(context: &ViewContext<'a>, span: &Span) -> Vec<Currency<'a>> {
    struct Line {
        sums: Sums,
        nets: Vec<Option<i128>>,
        paying: Vec<Option<Paying>>,
        last: Option<Paying>,
    }
    let mut lines = BTreeMap::<Symbol, Line>::new();
    for (start, (game, currency), row) in context.store.topics.revenue.range(span.range()) {
        let (true, Some(piece)) = (context.wants(*game), span.index(start)) else {
            continue;
        };
        let line = lines.entry(*currency).or_insert_with(|| Line {
            sums: Sums::default(),
            nets: span.values(),
            paying: span.values(),
            last: None,
        });
        line.sums
            .add(row.purchases, row.refunds, row.gross, row.refunded);
        let net = i128::from(row.gross) - i128::from(row.refunded);
        *line.nets[piece].get_or_insert(0) += net;
        let paying = Paying::of(start, row);
        paying.add_to(&mut line.last);
        if row.arppu.is_some() {
            paying.add_to(&mut line.paying[piece]);
        }
    }
    let currencies = lines.into_iter().map(|(currency, line)| {
        let currency = context.name(currency);
        let text = |minor: i128| money(minor, currency);
        Currency {
            gross: text(line.sums.gross),
            refunded: text(line.sums.refunded),
            net: text(line.sums.net()),
            purchases: line.sums.purchases,
            refunds: line.sums.refunds,
            nets: line.nets.iter().map(|minor| minor.map(text)).collect(),
            arppus: line
                .paying
                .iter()
                .map(|paying| paying.and_then(Paying::per_buyer).map(text))
                .collect(),
            arppu: line.last.and_then(Paying::per_buyer).map(text),
            buyers: line.last.map_or(0, |paying| paying.buyers),
            currency,
        }
    });
    let mut currencies: Vec<_> = currencies.collect();
    currencies.sort_by_key(|currency| std::cmp::Reverse(currency.purchases));
    currencies
}

/// Returns the items, the one with the most purchases first.
fn items<'a>(context: &ViewContext<'a>) -> Vec<Item<'a>> {
    let mut sums = BTreeMap::<(Symbol, Symbol), (Symbol, Sums)>::new();
    for (_, (game, item, currency), row) in context.store.topics.items.range(context.range.clone())
    {
        if context.wants(*game) {
            let sum = sums
                .entry((*item, *currency))
                .or_insert((row.item_type, Sums::default()));
            sum.0 = row.item_type;
            sum.1
                .add(row.purchases, row.refunds, row.gross, row.refunded);
        }
    }
    let items = sums
        .into_iter()
        .map(|((item, currency), (item_type, sums))| {
            let currency = context.name(currency);
            Item {
                item: context.name(item),
                item_type: context.name(item_type),
                purchases: sums.purchases,
                refunds: sums.refunds,
                gross: money(sums.gross, currency),
                refunded: money(sums.refunded, currency),
                net: money(sums.net(), currency),
                currency,
            }
        });
    let mut items: Vec<_> = items.collect();
    items.sort_by_key(|item| std::cmp::Reverse(item.purchases));
    items
}
