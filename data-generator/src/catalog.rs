//! What is common to all games of the world: platforms, currencies, items and regions, with their weights.

use std::ops::Range;

use crate::dice::Dice;

pub(crate) const PLATFORMS: [&str; 3] = ["PC", "Console", "Mobile"];
pub(crate) const PLATFORM_WEIGHTS: [u32; 3] = [45, 25, 30];

/// A currency, with the number of decimal digits of its amounts (ISO 4217).
pub(crate) struct Currency {
    pub(crate) code: &'static str,
    pub(crate) minor_digits: u32,
}

pub(crate) const CURRENCIES: [Currency; 4] = [
    Currency {
        code: "USD",
        minor_digits: 2,
    },
    Currency {
        code: "EUR",
        minor_digits: 2,
    },
    Currency {
        code: "JPY",
        minor_digits: 0,
    },
    Currency {
        code: "BHD",
        minor_digits: 3,
    },
];
pub(crate) const CURRENCY_WEIGHTS: [u32; 4] = [50, 30, 15, 5];

/// An item that players can buy.
pub(crate) struct Item {
    pub(crate) id: &'static str,
    pub(crate) kind: &'static str,
    /// The prices in minor units, in the order of [`CURRENCIES`].
    pub(crate) prices: [i64; 4],
}

const fn item(id: &'static str, kind: &'static str, prices: [i64; 4]) -> Item {
    Item { id, kind, prices }
}

/// All items, cheapest first. Each has about the same value in every currency. In every currency, the item for 0.99
/// dollars is a small purchase for the rule `card-testing`, the item for 49.99 dollars is just below a large purchase,
/// and no item is near the absolute limit of `amount-spike`.
pub(crate) static ITEMS: [Item; 14] = [
    item("emote_wave", "emote", [99, 89, 145, 375]),
    item("boost_xp_1h", "boost", [149, 139, 220, 560]),
    item("skin_scout", "skin", [199, 179, 300, 750]),
    item("coins_500", "currency_pack", [499, 449, 740, 1_880]),
    item("skin_dragon", "skin", [499, 469, 750, 1_885]),
    item("weapon_longbow", "weapon", [599, 539, 890, 2_250]),
    item("weapon_frostblade", "weapon", [799, 719, 1_190, 3_000]),
    item("season_pass", "pass", [999, 899, 1_490, 3_750]),
    item("coins_1200", "currency_pack", [999, 919, 1_500, 3_765]),
    item("skin_phoenix", "skin", [1_499, 1_349, 2_240, 5_625]),
    item("bundle_starter", "bundle", [1_999, 1_799, 2_990, 7_500]),
    item("weapon_sunlance", "weapon", [2_499, 2_249, 3_740, 9_375]),
    item("coins_6500", "currency_pack", [4_999, 4_499, 7_490, 18_750]),
    item("bundle_legend", "bundle", [9_999, 8_999, 14_900, 37_500]),
];

/// A player's price range: adjacent [`ITEMS`], each with a weight. The most expensive item of a range costs less than
/// nine times the cheapest, so that no honest purchase is a spike compared with the user's other purchases.
pub(crate) struct Purse {
    cheapest: usize,
    weights: &'static [u32],
}

impl Purse {
    /// Returns the indexes of the items in the range.
    pub(crate) fn items(&self) -> Range<usize> {
        self.cheapest..self.cheapest + self.weights.len()
    }

    /// Returns the index of a random item.
    pub(crate) fn choose(&self, dice: &mut Dice) -> usize {
        self.cheapest + dice.weighted(self.weights)
    }
}

pub(crate) static PURSES: [Purse; 3] = [
    Purse {
        cheapest: 0,
        weights: &[20, 15, 14, 12, 10, 8, 6],
    },
    Purse {
        cheapest: 1,
        weights: &[12, 14, 12, 10, 8, 6, 6, 4],
    },
    Purse {
        cheapest: 9,
        weights: &[12, 12, 14, 14, 12],
    },
];
/// The weights of the first two price ranges; the last is only for whales.
pub(crate) const PURSE_WEIGHTS: [u32; 2] = [60, 40];
pub(crate) const WHALE_PURSE: usize = 2;

/// The regions of servers, each with its base latency in milliseconds.
pub(crate) const REGIONS: [(&str, i64); 5] = [
    ("us-west", 35),
    ("us-east", 30),
    ("eu-central", 28),
    ("ap-northeast", 45),
    ("me-south", 60),
];
pub(crate) const SERVER_TYPES: [&str; 2] = ["dedicated", "virtual"];

#[cfg(test)]
mod tests {
    use super::*;

    /// The approximate value of a dollar in the minor units of each currency.
    const DOLLAR: [f64; 4] = [100.0, 90.0, 150.0, 380.0];

    #[test]
    fn an_item_has_about_the_same_value_in_every_currency() {
        for item in &ITEMS {
            let dollars = item.prices[0] as f64 / DOLLAR[0];
            for (price, dollar) in item.prices.iter().zip(DOLLAR) {
                let worth = *price as f64 / dollar / dollars;
                assert!((0.85..1.15).contains(&worth), "{}: {worth}", item.id);
            }
        }
    }

    #[test]
    fn no_item_of_a_purse_is_a_price_spike() {
        for purse in &PURSES {
            for currency in 0..CURRENCIES.len() {
                let prices: Vec<i64> = ITEMS[purse.items()]
                    .iter()
                    .map(|item| item.prices[currency])
                    .collect();
                assert!(
                    prices.is_sorted() && prices[prices.len() - 1] < 9 * prices[0],
                    "{prices:?}"
                );
            }
        }
    }
}
