//! What the world is made of: games, platforms, currencies, items and regions, with how common each is.

use std::ops::Range;

use crate::dice::Dice;

/// A game. The second has no name in its events: `game_id` is optional.
pub(crate) const GAMES: [Option<&str>; 3] = [Some("skyforge"), None, Some("rift-runners")];
pub(crate) const GAME_WEIGHTS: [u32; 3] = [50, 20, 30];

pub(crate) const PLATFORMS: [&str; 3] = ["PC", "Console", "Mobile"];
pub(crate) const PLATFORM_WEIGHTS: [u32; 3] = [45, 25, 30];

/// A currency and its minor digits (ISO 4217).
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

/// Something to buy.
pub(crate) struct Item {
    pub(crate) id: &'static str,
    pub(crate) kind: &'static str,
    /// In minor units, in the order of [`CURRENCIES`].
    pub(crate) prices: [i64; 4],
}

const fn item(id: &'static str, kind: &'static str, prices: [i64; 4]) -> Item {
    Item { id, kind, prices }
}

/// Cheap first. No price reaches 500 of its currency's unit: rules compare figures, without exchange rates, and at 500
/// they suspect fraud. Hence the modest prices in yen.
pub(crate) static ITEMS: [Item; 14] = [
    item("emote_wave", "emote", [99, 99, 30, 375]),
    item("boost_xp_1h", "boost", [149, 149, 40, 560]),
    item("skin_scout", "skin", [199, 199, 55, 750]),
    item("coins_500", "currency_pack", [499, 499, 100, 1_880]),
    item("skin_dragon", "skin", [499, 549, 105, 1_885]),
    item("weapon_longbow", "weapon", [599, 599, 120, 2_250]),
    item("weapon_frostblade", "weapon", [799, 799, 160, 3_000]),
    item("season_pass", "pass", [999, 999, 200, 3_750]),
    item("coins_1200", "currency_pack", [999, 1_049, 205, 3_765]),
    item("skin_phoenix", "skin", [1_499, 1_499, 240, 5_625]),
    item("bundle_starter", "bundle", [1_999, 1_999, 280, 7_500]),
    item("weapon_sunlance", "weapon", [2_499, 2_499, 320, 9_375]),
    item("coins_6500", "currency_pack", [4_999, 4_999, 400, 18_750]),
    item("bundle_legend", "bundle", [9_999, 9_999, 480, 37_500]),
];

/// What a player is ready to pay: neighbours among the [`ITEMS`], each with how often it is bought. The dearest is well
/// below ten times the cheapest, so that no honest purchase stands out from the others of its user.
pub(crate) struct Purse {
    cheapest: usize,
    weights: &'static [u32],
}

impl Purse {
    /// The places of its items.
    pub(crate) fn items(&self) -> Range<usize> {
        self.cheapest..self.cheapest + self.weights.len()
    }

    /// The place of the next item that is bought.
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
/// How common the first two are; the last is that of the whales.
pub(crate) const PURSE_WEIGHTS: [u32; 2] = [60, 40];
pub(crate) const WHALE_PURSE: usize = 2;

/// Where servers stand, and the latency in milliseconds that distance alone gives.
pub(crate) const REGIONS: [(&str, i64); 5] = [
    ("us-west", 35),
    ("us-east", 30),
    ("eu-central", 28),
    ("ap-northeast", 45),
    ("me-south", 60),
];
pub(crate) const SERVER_TYPES: [&str; 2] = ["dedicated", "virtual"];

/// Levels of a game, and maps of a level.
pub(crate) const LEVELS: u16 = 20;
pub(crate) const MAPS: u16 = 3;
