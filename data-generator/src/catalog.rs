//! What the world is made of: games, platforms, currencies, items and regions, with how common each is.

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

/// Cheap first: most players buy from the front, whales from the back.
pub(crate) const ITEMS: [Item; 14] = [
    item("emote_wave", "emote", [99, 99, 150, 375]),
    item("boost_xp_1h", "boost", [149, 149, 220, 560]),
    item("skin_scout", "skin", [199, 199, 300, 750]),
    item("coins_500", "currency_pack", [499, 499, 750, 1_880]),
    item("skin_dragon", "skin", [499, 549, 760, 1_885]),
    item("weapon_longbow", "weapon", [599, 599, 900, 2_250]),
    item("weapon_frostblade", "weapon", [799, 799, 1_200, 3_000]),
    item("season_pass", "pass", [999, 999, 1_500, 3_750]),
    item("coins_1200", "currency_pack", [999, 1_049, 1_500, 3_765]),
    item("skin_phoenix", "skin", [1_499, 1_499, 2_250, 5_625]),
    item("bundle_starter", "bundle", [1_999, 1_999, 3_000, 7_500]),
    item("weapon_sunlance", "weapon", [2_499, 2_499, 3_750, 9_375]),
    item("coins_6500", "currency_pack", [4_999, 4_999, 7_500, 18_750]),
    item("bundle_legend", "bundle", [9_999, 9_999, 15_000, 37_500]),
];
/// How often each item is bought by most players.
pub(crate) const ITEM_WEIGHTS: [u32; 14] = [20, 15, 14, 12, 10, 8, 6, 6, 4, 2, 1, 1, 1, 0];
/// How often by whales.
pub(crate) const WHALE_ITEM_WEIGHTS: [u32; 14] = [1, 1, 2, 2, 4, 4, 6, 6, 10, 12, 12, 14, 14, 12];

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
