//! What all games have in common: platforms, currencies, items and regions.

use std::ops::{Index, Range};

use crate::dice::Dice;

/// A list from which entries are chosen at random, each with a probability proportional to its weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Weighted<T> {
    entries: Vec<T>,
    weights: Vec<u32>,
}

impl<T> Weighted<T> {
    /// Returns the index of a random entry.
    pub(crate) fn choose(&self, dice: &mut Dice) -> usize {
        dice.weighted(&self.weights)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn entries(&self) -> &[T] {
        &self.entries
    }
}

impl<T> Index<usize> for Weighted<T> {
    type Output = T;

    fn index(&self, index: usize) -> &T {
        &self.entries[index]
    }
}

impl<T> FromIterator<(T, u32)> for Weighted<T> {
    fn from_iter<I: IntoIterator<Item = (T, u32)>>(entries: I) -> Self {
        let (entries, weights) = entries.into_iter().unzip();
        Self { entries, weights }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Goods {
    pub(crate) platforms: Weighted<String>,
    pub(crate) currencies: Weighted<Currency>,
    /// All items, cheapest first.
    pub(crate) items: Vec<Item>,
    pub(crate) price_ranges: Weighted<PriceRange>,
    pub(crate) fraud_items: FraudItems,
    pub(crate) regions: Vec<Region>,
    /// The type of each server; servers beyond the end of the list start again at its beginning.
    pub(crate) server_types: Vec<ServerType>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Currency {
    /// The code of ISO 4217.
    pub(crate) code: String,
    /// The number of decimal digits of its amounts.
    pub(crate) minor_digits: u32,
    /// The value of 100 US dollars in minor units.
    pub(super) hundred_dollars: i128,
}

impl Currency {
    /// Returns the value of an amount in US dollars, in minor units, rounded up.
    pub(super) fn of_dollars(&self, dollars: i128) -> i64 {
        ((dollars * self.hundred_dollars + 99) / 100) as i64
    }

    pub(super) fn text(&self, minor: i64) -> String {
        let amount = model::money::format(minor.into(), &self.code);
        format!("{amount} {}", self.code)
    }
}

/// An item that players can buy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) kind: String,
    /// The prices in minor units, in the order of [`Goods::currencies`].
    pub(crate) prices: Vec<i64>,
}

/// The items among which a player chooses. The most expensive one costs less than nine times the cheapest, so that no
/// honest purchase is a spike compared with the user's other purchases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PriceRange {
    /// The indexes of the items.
    pub(crate) items: Range<usize>,
    pub(super) weights: Vec<u32>,
}

impl PriceRange {
    /// Returns the index of a random item.
    pub(crate) fn choose(&self, dice: &mut Dice) -> usize {
        self.items.start + dice.weighted(&self.weights)
    }
}

/// Indexes of items with which planted fraud breaks the rules about amounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FraudItems {
    /// An item that costs less than a dollar.
    pub(crate) small: usize,
    /// Items that cost a dollar or more, but at most a tenth of the price of `below_large`.
    pub(crate) modest: Range<usize>,
    /// An item that costs less than 50 dollars.
    pub(crate) below_large: usize,
    /// An item that costs 50 dollars or more, but less than three times the price of `below_large`.
    pub(crate) large: usize,
    /// An item that costs 500 dollars or more. Only fraudsters buy it.
    pub(crate) above_limit: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) name: String,
    /// The latency of an idle server.
    pub(crate) latency_ms: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerType {
    pub(crate) name: String,
    /// The maximum random deviation of the CPU load, in percentage points.
    pub(crate) cpu_noise: i64,
}

impl Goods {
    /// Whether no other price range begins with a more expensive item. Players in this range are the whales.
    pub(crate) fn is_for_whales(&self, price_range: usize) -> bool {
        let start = |range: &PriceRange| range.items.start;
        let highest = self.price_ranges.entries().iter().map(start).max();
        Some(self.price_ranges[price_range].items.start) == highest
    }
}
