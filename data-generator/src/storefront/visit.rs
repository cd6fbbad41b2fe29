//! One visit to the store: views, searches, the wishlist, the cart and the order. All of it is planned when the visit
//! begins. A visit begins with an empty cart.

use model::time::Timestamp;

use super::Store;
use super::odds::{self, Habits};
use super::payload::{self, Bought, Details, StoreEvent, dollars};
use crate::deed::Deed;
use crate::dice::Dice;
use crate::event::Topic;
use crate::payload::encode;

/// The mean time between two actions, and the range of times after which a late order is placed.
const PAUSE_US: i64 = 20_000_000;
const RECOVERY_US: (i64, i64) = (7_200_000_000, 172_800_000_000);
const SOURCES: [&str; 3] = ["home", "recommendation", "newsletter"];
const PAYMENTS: [&str; 3] = ["card", "wallet", "gift_card"];
const PAYMENT_WEIGHTS: [u32; 3] = [65, 25, 10];
/// The maximum number of results of a search.
const RESULTS_MAX: i64 = 40;

/// A visitor of the store.
pub(super) struct Visitor {
    pub(super) number: u64,
    pub(super) id: String,
    pub(super) persona: usize,
    /// The index of the region.
    pub(super) region: usize,
    pub(super) visits: u64,
    /// The games whose pages the visitor has viewed, as bits.
    pub(super) seen: u128,
    /// The number of games in the wishlist.
    pub(super) wishes: usize,
}

/// A visit that is being planned.
pub(super) struct Visit<'a> {
    pub(super) store: &'a Store,
    pub(super) visitor: &'a mut Visitor,
    pub(super) habits: &'static Habits,
    pub(super) dice: Dice,
    pub(super) now_us: i64,
    pub(super) day: i64,
    pub(super) deeds: Vec<Deed>,
    /// The games in the cart with their prices in cents, and whether each will be bought.
    pub(super) cart: Vec<(usize, i64, bool)>,
}

impl Visit<'_> {
    /// Plans the visit, and returns its end.
    pub(super) fn plan(&mut self) -> i64 {
        loop {
            let source = if self.dice.percent(self.habits.searches) {
                if !self.search() {
                    break;
                }
                "search"
            } else {
                SOURCES[self.dice.index(SOURCES.len())]
            };
            self.view(source);
            if !self.dice.percent(self.habits.looks_on) {
                break;
            }
        }
        self.leave_cart();
        self.now_us
    }

    /// Searches. Returns whether the visitor goes on to view a game.
    fn search(&mut self) -> bool {
        let store = self.store;
        let game = self.dice.index(store.games.len());
        let words = [&store.games[game].genre, &store.games[game].name];
        let search_query = &words[self.dice.index(words.len())].to_lowercase();
        let finds = !self.dice.percent(odds::ZERO_RESULTS);
        let results_count = match finds {
            true => self.dice.between(1, RESULTS_MAX).unsigned_abs(),
            false => 0,
        };
        self.tell(
            "search_performed",
            Details::Search {
                search_query,
                results_count,
                filter_tags: [payload::tags(&store.games[game])[1]],
            },
        );
        finds && self.dice.percent(odds::FOLLOWED)
    }

    /// Views the page of a game. The first view decides how far the visitor goes with the game.
    fn view(&mut self, source: &'static str) {
        let store = self.store;
        let number = self.dice.index(store.games.len());
        let game = &store.games[number];
        self.tell(
            "game_page_viewed",
            Details::View {
                game_id: &game.id,
                game_name: &game.name,
                price: dollars(payload::list_price(number)),
                on_sale: payload::is_on_sale(number, self.day),
                sale_price: dollars(payload::price(number, self.day)),
                category: &game.genre,
                tags: payload::tags(game),
                source,
            },
        );
        let bit = 1 << number;
        let is_first = self.visitor.seen & bit == 0;
        self.visitor.seen |= bit;
        if is_first && self.dice.percent(odds::WISHLISTED) {
            self.wish(number);
        }
    }

    fn wish(&mut self, game: usize) {
        self.change_wishlist(game, "added");
        if self.dice.percent(odds::CARTED) {
            let is_bought = self.dice.percent(odds::BOUGHT);
            let price = payload::price(game, self.day);
            self.cart.push((game, price, is_bought));
            self.change_cart(game, "added");
        } else if self.dice.percent(odds::UNWISHED) {
            self.change_wishlist(game, "removed");
        }
    }

    fn change_wishlist(&mut self, game: usize, action: &'static str) {
        match action {
            "added" => self.visitor.wishes += 1,
            _ => self.visitor.wishes -= 1,
        }
        let details = Details::Wishlist {
            game_id: &self.store.games[game].id,
            action,
            current_wishlist_size: self.visitor.wishes,
        };
        self.tell("wishlist_action", details);
    }

    /// Tells of a cart that has just been changed.
    fn change_cart(&mut self, game: usize, action: &'static str) {
        let value = self.cart.iter().map(|(_, price, _)| price).sum();
        let details = Details::Cart {
            game_id: &self.store.games[game].id,
            action,
            current_cart_value: dollars(value),
            items_in_cart: self.cart.len(),
        };
        self.tell("cart_action", details);
    }

    /// Buys what will be bought, after removing the rest from the cart; or empties the cart, or abandons it.
    fn leave_cart(&mut self) {
        let buys = self.cart.iter().any(|(.., is_bought)| *is_bought);
        if self.cart.is_empty() || (!buys && !self.dice.percent(odds::EMPTIED)) {
            return;
        }
        while let Some(place) = self.cart.iter().position(|(.., is_bought)| !is_bought) {
            let (game, ..) = self.cart.remove(place);
            self.change_cart(game, "removed");
        }
        if buys {
            self.order();
        }
    }

    fn order(&mut self) {
        if self.dice.percent(odds::RECOVERED) {
            self.now_us += self.dice.between(RECOVERY_US.0, RECOVERY_US.1);
        }
        let store = self.store;
        let cart = std::mem::take(&mut self.cart);
        let total = cart.iter().map(|(_, price, _)| price).sum();
        let games = cart.into_iter().map(|(game, price, _)| Bought {
            game_id: &store.games[game].id,
            price: dollars(price),
        });
        let (number, visit) = (self.visitor.number, self.visitor.visits);
        let details = Details::Purchase {
            order_id: &format!("order_{}_{number}_{visit}", store.run),
            games: games.collect(),
            total_amount: dollars(total),
            payment_method: PAYMENTS[self.dice.weighted(&PAYMENT_WEIGHTS)],
            region: &store.catalogue.goods.regions[self.visitor.region].name,
        };
        self.tell("purchase", details);
    }

    /// Adds an event some seconds after the last.
    fn tell(&mut self, event_type: &'static str, details: Details<'_>) {
        self.now_us += self.dice.pause(PAUSE_US);
        let event = StoreEvent {
            event_type,
            user_id: &self.visitor.id,
            timestamp: Timestamp::from_millis(self.store.start_ms + self.now_us / 1_000),
            details,
        };
        self.deeds.push(Deed {
            at_us: self.now_us,
            topic: Topic::StoreEvents,
            key: self.visitor.id.clone(),
            value: encode(&event),
            mark: None,
        });
    }
}
