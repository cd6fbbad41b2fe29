//! `purchases`: what comes in over time, by currency, and what sells.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Look, money};
use crate::limits::RANKS_MAX;
use crate::span::Span;
use crate::store::Topic;
use crate::symbols::Sym;

#[derive(Serialize)]
pub(super) struct Purchases<'a> {
    step_ms: i64,
    times: Vec<i64>,
    currencies: Vec<Currency<'a>>,
    items: Vec<Item<'a>>,
    items_left_out: usize,
}

/// A currency over the span. There are no exchange rates: currencies are never added up.
#[derive(Serialize)]
struct Currency<'a> {
    currency: &'a str,
    gross: String,
    refunded: String,
    net: String,
    purchases: u64,
    refunds: u64,
    /// Net in each piece of the span; nothing where no window was.
    nets: Vec<Option<String>>,
    /// Net for each buyer of a window, of the latest window of each piece.
    arppus: Vec<Option<String>>,
    /// The same of the latest window of all, with its buyers.
    arppu: Option<String>,
    buyers: u32,
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

pub(super) fn view<'a>(look: &Look<'a>) -> Purchases<'a> {
    let span = Span::over(
        look.range.clone(),
        look.store.topic(Topic::Revenue).window_ms,
    );
    let mut items = items(look);
    let left_out = items.len().saturating_sub(RANKS_MAX);
    items.truncate(RANKS_MAX);
    Purchases {
        step_ms: span.step_ms,
        times: span.times(),
        currencies: currencies(look, &span),
        items,
        items_left_out: left_out,
    }
}

/// The one with the most purchases first.
fn currencies<'a>(look: &Look<'a>, span: &Span) -> Vec<Currency<'a>> {
    struct Line {
        sums: Sums,
        nets: Vec<Option<i128>>,
        arppus: Vec<Option<i64>>,
        arppu: Option<i64>,
        buyers: u32,
    }
    let mut lines = BTreeMap::<Sym, Line>::new();
    for (start, (game, currency), row) in look.store.revenue.range(span.range()) {
        let (true, Some(piece)) = (look.wants(*game), span.index(start)) else {
            continue;
        };
        let line = lines.entry(*currency).or_insert_with(|| Line {
            sums: Sums::default(),
            nets: span.values(),
            arppus: span.values(),
            arppu: None,
            buyers: 0,
        });
        line.sums
            .add(row.purchases, row.refunds, row.gross, row.refunded);
        let net = i128::from(row.gross) - i128::from(row.refunded);
        *line.nets[piece].get_or_insert(0) += net;
        line.arppus[piece] = row.arppu.or(line.arppus[piece]);
        (line.arppu, line.buyers) = (row.arppu, row.buyers);
    }
    let currencies = lines.into_iter().map(|(currency, line)| {
        let currency = look.name(currency);
        let text = |minor: i128| money(minor, currency);
        Currency {
            gross: text(line.sums.gross),
            refunded: text(line.sums.refunded),
            net: text(line.sums.net()),
            purchases: line.sums.purchases,
            refunds: line.sums.refunds,
            nets: line.nets.iter().map(|minor| minor.map(text)).collect(),
            arppus: line
                .arppus
                .iter()
                .map(|minor| minor.map(|minor| text(minor.into())))
                .collect(),
            arppu: line.arppu.map(|minor| text(minor.into())),
            buyers: line.buyers,
            currency,
        }
    });
    let mut currencies: Vec<_> = currencies.collect();
    currencies.sort_by_key(|currency| std::cmp::Reverse(currency.purchases));
    currencies
}

/// What was bought most often first.
fn items<'a>(look: &Look<'a>) -> Vec<Item<'a>> {
    let mut sums = BTreeMap::<(Sym, Sym), (Sym, Sums)>::new();
    for (_, (game, item, currency), row) in look.store.items.range(look.range.clone()) {
        if look.wants(*game) {
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
            let currency = look.name(currency);
            Item {
                item: look.name(item),
                item_type: look.name(item_type),
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
