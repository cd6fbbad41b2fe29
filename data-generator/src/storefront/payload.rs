//! The events of `store-events`, and the prices of games.

use model::time::Timestamp;
use serde::Serialize;

use crate::catalogue::Game;
use crate::payload::Amount;

/// The price of the first game of the catalogue, and by how much the next games cost more, in cents.
const PRICE: i64 = 999;
const PRICE_STEP: i64 = 500;
/// The number of different prices.
const PRICES: usize = 10;
/// Each game is on sale on every fourth day, for three quarters of its price.
const SALE_DAYS: i64 = 4;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StoreEvent<'a> {
    pub(super) event_type: &'static str,
    pub(super) user_id: &'a str,
    pub(super) timestamp: Timestamp,
    #[serde(flatten)]
    pub(super) details: Details<'a>,
}

/// The fields that depend on the type of the event.
#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub(super) enum Details<'a> {
    View {
        game_id: &'a str,
        game_name: &'a str,
        price: Amount,
        on_sale: bool,
        sale_price: Amount,
        category: &'a str,
        tags: [&'a str; 2],
        source: &'static str,
    },
    Wishlist {
        game_id: &'a str,
        action: &'static str,
        current_wishlist_size: usize,
    },
    Cart {
        game_id: &'a str,
        action: &'static str,
        current_cart_value: Amount,
        items_in_cart: usize,
    },
    Purchase {
        order_id: &'a str,
        games: Vec<Bought<'a>>,
        total_amount: Amount,
        payment_method: &'static str,
        region: &'a str,
    },
    Search {
        search_query: &'a str,
        results_count: u64,
        filter_tags: [&'a str; 1],
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bought<'a> {
    pub(super) game_id: &'a str,
    pub(super) price: Amount,
}

/// Returns an amount of US dollars.
pub(super) fn dollars(cents: i64) -> Amount {
    Amount::new(cents, 2)
}

/// Returns the price in cents of the game with this index.
pub(super) fn list_price(game: usize) -> i64 {
    PRICE + PRICE_STEP * (game % PRICES) as i64
}

pub(super) fn is_on_sale(game: usize, day: i64) -> bool {
    (game as i64 + day) % SALE_DAYS == 0
}

/// Returns the price in cents that a visitor pays for a game on a day.
pub(super) fn price(game: usize, day: i64) -> i64 {
    let price = list_price(game);
    if is_on_sale(game, day) {
        price * 3 / 4
    } else {
        price
    }
}

/// Returns the tags of a game.
pub(super) fn tags(game: &Game) -> [&str; 2] {
    let players = if game.maps.len() > 2 {
        "multiplayer"
    } else {
        "single-player"
    };
    [&game.genre, players]
}
