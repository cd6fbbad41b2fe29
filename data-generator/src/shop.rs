//! Purchases and refunds. Most players buy little and a few whales buy a lot; some players buy several
//! items in a row, and some return purchases. All of these transactions are honest and stay well below the
//! limits of the fraud rules.

use std::collections::VecDeque;
use std::sync::Arc;

use model::time::Timestamp;

use crate::catalogue::{Game, Goods, Item};
use crate::dice::Dice;
use crate::payload::{Amount, Payment, Transaction, User, encode};
use crate::population::{Player, Population};

/// The number of random players considered for a purchase. Whales among them are preferred.
const CANDIDATES: usize = 8;
/// The probability that a purchase begins a series, the probability that each further purchase continues the series,
/// and the range from which the minimum time between two purchases of a series is drawn.
const SPREES: f64 = 0.06;
const SPREES_GO_ON: f64 = 0.5;
const SPREE_US: (i64, i64) = (6_000_000, 12_000_000);
/// The probability that a player who may return a purchase does so instead of buying.
const REFUNDS: f64 = 0.05;

/// Counts transactions, and remembers players who will soon buy another item.
pub(crate) struct Shop {
    run: String,
    transactions: u64,
    /// For each series of purchases, the earliest time of the next purchase and the player.
    sprees: VecDeque<(i64, usize)>,
}

impl Shop {
    pub(crate) fn new(run: &str) -> Self {
        Self {
            run: run.to_owned(),
            transactions: 0,
            sprees: VecDeque::new(),
        }
    }

    /// Returns the key and value of a purchase or refund; `None` if no player wants to make one.
    pub(crate) fn trade(
        &mut self,
        population: &mut Population,
        now_us: i64,
        time: Timestamp,
        dice: &mut Dice,
    ) -> Option<(String, Vec<u8>)> {
        let eager = self.eager_customer(population, now_us);
        let customer = eager.or_else(|| customer(population, now_us, dice))?;
        let catalogue = Arc::clone(population.catalogue());
        let goods = &catalogue.goods;
        let player = population.player(customer);
        self.transactions += 1;
        let id = format!("trans_{}_{}", self.run, self.transactions);
        let wallet = &mut player.wallet;
        wallet.visit(now_us);
        if eager.is_none() && wallet.may_return(now_us) && dice.chance(REFUNDS) {
            let item = wallet.give_back(now_us, dice);
            return Some(transaction(goods, player, &id, "refund", item, time));
        }
        let range = &goods.price_ranges[wallet.price_range];
        let item = wallet.buy(range, now_us, dice);
        let more = if eager.is_some() {
            SPREES_GO_ON
        } else {
            SPREES
        };
        if dice.chance(more) {
            let from_us = now_us + dice.between(SPREE_US.0, SPREE_US.1);
            self.sprees.push_back((from_us, customer));
        }
        Some(transaction(goods, player, &id, "purchase", item, time))
    }

    /// Returns a player whose next purchase of a series is due.
    fn eager_customer(&mut self, population: &mut Population, now_us: i64) -> Option<usize> {
        while self.sprees.front()?.0 <= now_us {
            let (_, customer) = self.sprees.pop_front()?;
            let player = population.player(customer);
            if player.is_online && player.wallet.may_go_on(now_us) {
                return Some(customer);
            }
        }
        None
    }
}

/// Returns a random player who may buy again, preferably a whale.
fn customer(population: &mut Population, now_us: i64, dice: &mut Dice) -> Option<usize> {
    let seen: Vec<usize> = (0..CANDIDATES)
        .filter_map(|_| population.anybody(dice))
        .filter(|player| population.known(*player).wallet.has_rested(now_us))
        .collect();
    let goods = &population.catalogue().goods;
    seen.into_iter()
        .max_by_key(|player| goods.is_for_whales(population.known(*player).wallet.price_range))
}

fn transaction(
    goods: &Goods,
    player: &Player,
    id: &str,
    transaction_type: &'static str,
    item: usize,
    time: Timestamp,
) -> (String, Vec<u8>) {
    let item = &goods.items[item];
    let transaction = ShopTransaction {
        goods,
        user_id: &player.id,
        game: &player.game,
        platform: player.platform,
        currency: player.wallet.currency,
        item,
        minor: item.prices[player.wallet.currency],
        transaction_type,
        id,
        time,
    };
    (player.id.clone(), transaction.encode())
}

/// One transaction. The platform and the currency are indexes into the lists of `goods`.
pub(crate) struct ShopTransaction<'a> {
    pub(crate) goods: &'a Goods,
    pub(crate) user_id: &'a str,
    pub(crate) game: &'a Game,
    pub(crate) platform: usize,
    pub(crate) currency: usize,
    pub(crate) item: &'a Item,
    /// The amount in minor units of the currency.
    pub(crate) minor: i64,
    pub(crate) transaction_type: &'static str,
    pub(crate) id: &'a str,
    pub(crate) time: Timestamp,
}

impl ShopTransaction<'_> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let currency = &self.goods.currencies[self.currency];
        encode(&Transaction {
            event_name: "transaction",
            parameters: Payment {
                game_id: self.game.event_id(),
                transaction_id: self.id,
                transaction_type: self.transaction_type,
                currency: &currency.code,
                amount: Amount::new(self.minor, currency.minor_digits),
                item_id: &self.item.id,
                item_type: &self.item.kind,
            },
            event_timestamp: self.time,
            user_data: User {
                user_id: self.user_id,
                platform: &self.goods.platforms[self.platform],
            },
        })
    }
}
