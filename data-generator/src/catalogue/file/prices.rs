//! Converts prices to minor units, and checks them. The checks keep honest purchases from looking like fraud, and let
//! planted fraud break exactly one rule of `fraud-alerts`.

use model::decimal;

use super::goods::{ItemEntry, RangeEntry};
use super::place::{Place, Wrong};
use crate::catalogue::goods::{Currency, FraudItems, Item, PriceRange, Weighted};

/// The default limits of `fraud-alerts`, in US dollars: of a small purchase, of a large one, and of any.
const SMALL: i128 = 1;
const LARGE: i128 = 50;
const LIMIT: i128 = 500;
/// How far the values of an item's prices may be from each other, in percent.
const DIFFERENCE: i128 = 15;
/// The most expensive item of a price range costs less than this many times the cheapest. `amount-spike` reports ten
/// times the mean.
const SPREAD: i128 = 9;

/// The items, whose prices are in the order of `currencies`.
pub(super) struct Prices<'a> {
    currencies: &'a [Currency],
    items: Vec<Item>,
}

impl<'a> Prices<'a> {
    pub(super) fn of(currencies: &'a [Currency], entries: Vec<ItemEntry>) -> Result<Self, Wrong> {
        let mut all = Self {
            currencies,
            items: Vec::new(),
        };
        for (index, entry) in entries.into_iter().enumerate() {
            let place = prices_of(index);
            let prices = all.minor(&entry, &place)?;
            all.check_values(&prices, &place)?;
            let item = Item {
                id: entry.id.0,
                kind: entry.kind.0,
                prices,
            };
            all.check_order(&item, &place)?;
            all.items.push(item);
        }
        Ok(all)
    }

    pub(super) fn into_items(self) -> Vec<Item> {
        self.items
    }

    /// Returns the item's prices in minor units.
    fn minor(&self, entry: &ItemEntry, place: &Place) -> Result<Vec<i64>, Wrong> {
        let codes: Vec<&str> = self.currencies.iter().map(|it| &*it.code).collect();
        let is_unknown = |code: &&String| !codes.contains(&code.as_str());
        if let Some(code) = entry.prices.keys().find(is_unknown) {
            let codes = codes.join(", ");
            return Err(place.field(code).wrong(format!(
                "`{code}` is not a currency of this catalogue: use {codes}"
            )));
        }
        let minor = |currency: &Currency| {
            let (code, digits) = (&currency.code, currency.minor_digits);
            let Some(price) = entry.prices.get(code) else {
                return Err(place.wrong(format!(
                    "the item has no price in {code}: give one in each of {}",
                    codes.join(", ")
                )));
            };
            let exact = decimal::scaled(&price.0, digits).filter(|_| price.decimals() <= digits);
            exact.ok_or_else(|| {
                place.field(code).wrong(format!(
                    "`{}` has too many decimals: {code} has {digits}",
                    price.0
                ))
            })
        };
        self.currencies.iter().map(minor).collect()
    }

    /// Checks that all prices of an item have about the value of its price in the first currency.
    fn check_values(&self, prices: &[i64], place: &Place) -> Result<(), Wrong> {
        let (first, price) = (&self.currencies[0], prices[0]);
        for (currency, other) in self.currencies.iter().zip(prices) {
            let of_percent = |percent: i128| {
                let value = i128::from(price) * currency.hundred_dollars * percent;
                value / (first.hundred_dollars * 100)
            };
            let (low, high) = (
                of_percent(100 - DIFFERENCE) + 1,
                of_percent(100 + DIFFERENCE),
            );
            if !(low..=high).contains(&i128::from(*other)) {
                return Err(place.field(&currency.code).wrong(format!(
                    "{} does not have about the same value as {}: give {} to {}",
                    currency.text(*other),
                    first.text(price),
                    currency.text(low as i64),
                    currency.text(high as i64)
                )));
            }
        }
        Ok(())
    }

    /// Checks that an item costs at least as much as the one before it.
    fn check_order(&self, item: &Item, place: &Place) -> Result<(), Wrong> {
        let Some(before) = self.items.last() else {
            return Ok(());
        };
        let mut pairs = self.pairs(item, before);
        let Some((currency, price, earlier)) = pairs.find(|(_, price, earlier)| price < earlier)
        else {
            return Ok(());
        };
        Err(place.field(&currency.code).wrong(format!(
            "`{}` costs {}, less than `{}` before it, which costs {}: list the items by price, cheapest first",
            item.id,
            currency.text(price),
            before.id,
            currency.text(earlier)
        )))
    }

    /// Returns the prices of two items in each currency.
    fn pairs(&self, one: &Item, other: &Item) -> impl Iterator<Item = (&'a Currency, i64, i64)> {
        let prices = one.prices.iter().zip(&other.prices);
        let pairs = self.currencies.iter().zip(prices);
        pairs.map(|(currency, (one, other))| (currency, *one, *other))
    }

    /// Finds the items that planted fraud needs.
    pub(super) fn fraud_items(&self) -> Result<FraudItems, Wrong> {
        let (small, large, limit) = (self.worth(SMALL), self.worth(LARGE), self.worth(LIMIT));
        let smallest = self.find(&format!("less than {small}"), |item| {
            self.is_below(item, SMALL)
        })?;
        let above_limit = self.find(&format!("at least {limit}"), |item| {
            self.is_from(item, LIMIT)
        })?;
        let between = format!("at least {large}, and less than {limit}");
        let first_large = self.find(&between, |item| {
            self.is_from(item, LARGE) && self.is_below(item, LIMIT)
        })?;
        let is_below_large = |item: &Item| self.is_below(item, LARGE);
        let below_large = self.items.iter().rposition(is_below_large);
        let below_large = below_large.unwrap_or(smallest);
        self.check_large(first_large, below_large)?;
        let below = &self.items[below_large];
        let is_modest = |item: &Item| {
            let mut pairs = self.pairs(item, below);
            self.is_from(item, SMALL) && pairs.all(|(_, price, below)| 10 * price <= below)
        };
        let modest = format!("at least {small}, and at most a tenth of `{}`", below.id);
        let first = self.find(&modest, is_modest)?;
        let rest = self.items[first..].iter();
        let count = rest.take_while(|item| is_modest(item)).count();
        Ok(FraudItems {
            small: smallest,
            modest: first..first + count,
            below_large,
            large: first_large,
            above_limit,
        })
    }

    fn find(&self, price: &str, is_wanted: impl Fn(&Item) -> bool) -> Result<usize, Wrong> {
        let found = self.items.iter().position(is_wanted);
        found.ok_or_else(|| {
            let place = Place::of("items");
            place.wrong(format!(
                "no item costs {price}, but planted fraud needs one: add it"
            ))
        })
    }

    /// Checks that the purchase of a large item is no `amount-spike` after two of the item below it.
    fn check_large(&self, large: usize, below: usize) -> Result<(), Wrong> {
        let (item, below) = (&self.items[large], &self.items[below]);
        let mut pairs = self.pairs(item, below);
        let Some((currency, price, other)) = pairs.find(|(_, price, below)| *price >= 3 * below)
        else {
            return Ok(());
        };
        Err(prices_of(large).field(&currency.code).wrong(format!(
            "`{}` costs {}, at least three times as much as `{}`, which costs {}: add an item for less than {} and \
             more than a third of {}",
            item.id,
            currency.text(price),
            below.id,
            currency.text(other),
            currency.text(currency.of_dollars(LARGE)),
            currency.text(price)
        )))
    }

    /// Returns an amount in each currency, for messages.
    fn worth(&self, dollars: i128) -> String {
        let amounts = self
            .currencies
            .iter()
            .map(|currency| currency.text(currency.of_dollars(dollars)));
        amounts.collect::<Vec<_>>().join(" / ")
    }

    /// Whether an item costs at least this much in every currency.
    fn is_from(&self, item: &Item, dollars: i128) -> bool {
        let mut prices = self.currencies.iter().zip(&item.prices);
        prices.all(|(currency, price)| *price >= currency.of_dollars(dollars))
    }

    /// Whether an item costs less than this in every currency.
    fn is_below(&self, item: &Item, dollars: i128) -> bool {
        let mut prices = self.currencies.iter().zip(&item.prices);
        prices.all(|(currency, price)| *price < currency.of_dollars(dollars))
    }

    /// Converts the price ranges. `weights` are those of the items.
    pub(super) fn ranges(
        &self,
        entries: &[RangeEntry],
        weights: &[u32],
    ) -> Result<Weighted<PriceRange>, Wrong> {
        let range = |(index, entry): (usize, &RangeEntry)| {
            let place = Place::of("price_ranges").item(index);
            let from = self.item(&place.field("from"), &entry.from.0)?;
            let to = self.item(&place.field("to"), &entry.to.0)?;
            self.check_range(&place, from, to)?;
            let weights = weights[from..=to].to_vec();
            if weights.iter().all(|weight| *weight == 0) {
                return Err(
                    place.wrong("every item of the range has the weight 0: give one above 0")
                );
            }
            let range = PriceRange {
                items: from..to + 1,
                weights,
            };
            Ok((range, entry.weight.0))
        };
        entries.iter().enumerate().map(range).collect()
    }

    fn item(&self, place: &Place, id: &str) -> Result<usize, Wrong> {
        let found = self.items.iter().position(|item| item.id == id);
        found.ok_or_else(|| {
            place.wrong(format!(
                "`{id}` is not the id of an item: give one of those in `items`"
            ))
        })
    }

    fn check_range(&self, place: &Place, from: usize, to: usize) -> Result<(), Wrong> {
        let (first, last) = (&self.items[from], &self.items[to]);
        let mut pairs = self.pairs(first, last);
        if !pairs.all(|(_, cheapest, dearest)| cheapest < dearest) {
            return Err(place.field("to").wrong(format!(
                "`{}` does not cost more than `{}` in every currency: end the range with a more expensive item",
                last.id, first.id
            )));
        }
        if self.is_honest(first, last) {
            return Ok(());
        }
        let rest = self.items[from..].iter();
        let end = rest.take_while(|item| self.is_honest(first, item)).last();
        let end = end.map_or("another item", |item| &item.id);
        let currency = &self.currencies[0];
        Err(place.field("to").wrong(format!(
            "`{}` costs {}, and `{}` {}: so that honest purchases do not look like fraud, the most expensive item of a \
             range costs less than {SPREAD} times the cheapest, and less than {}; end this range with `{end}` or a \
             cheaper item",
            last.id,
            currency.text(last.prices[0]),
            first.id,
            currency.text(first.prices[0]),
            self.worth(LIMIT)
        )))
    }

    /// Whether an honest player may buy both items, in any two currencies.
    fn is_honest(&self, cheap: &Item, dear: &Item) -> bool {
        let values = |item: &Item| -> Vec<(i128, i128)> {
            let prices = self.currencies.iter().zip(&item.prices);
            let value = |(currency, price): (&Currency, &i64)| {
                (i128::from(*price), currency.hundred_dollars)
            };
            prices.map(value).collect()
        };
        let (cheap, expensive) = (values(cheap), values(dear));
        let is_close = |(price, unit): &(i128, i128)| {
            let mut low = cheap.iter();
            low.all(|(low, low_unit)| price * low_unit < SPREAD * low * unit)
        };
        self.is_below(dear, LIMIT) && expensive.iter().all(is_close)
    }
}

fn prices_of(item: usize) -> Place {
    Place::of("items").item(item).field("prices")
}
