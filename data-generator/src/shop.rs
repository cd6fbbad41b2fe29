//! Purchases and refunds: most players buy little, a few whales buy a lot, and some give back what they bought.

use model::time::Timestamp;

use crate::catalog::{CURRENCIES, GAMES, ITEM_WEIGHTS, ITEMS, PLATFORMS, WHALE_ITEM_WEIGHTS};
use crate::dice::Dice;
use crate::payload::{Amount, Payment, Transaction, User, encode};
use crate::population::{Player, Population};

/// How many players chance looks at to find one who buys, so that whales and those who have waited come first.
const CANDIDATES: usize = 8;
/// Nobody reads the shop faster: buying more often is what fraud looks like.
const REST_US: i64 = 25_000_000;
const REFUNDS: f64 = 0.05;
/// How many purchases a player can still give back.
const BOUGHT_MAX: usize = 4;

/// What a player pays with, and what for.
pub(crate) struct Wallet {
    currency: usize,
    whale: bool,
    /// Items that may still be given back.
    bought: Vec<usize>,
    last_us: i64,
}

impl Wallet {
    pub(crate) fn new(currency: usize, whale: bool) -> Self {
        Self {
            currency,
            whale,
            bought: Vec::new(),
            last_us: i64::MIN / 2,
        }
    }
}

/// The shop's counter of transactions.
pub(crate) struct Shop {
    run: String,
    transactions: u64,
}

impl Shop {
    pub(crate) fn new(run: &str) -> Self {
        Self {
            run: run.to_owned(),
            transactions: 0,
        }
    }

    /// Somebody buys or gives back: the key and the value. `None` if nobody is there.
    pub(crate) fn trade(
        &mut self,
        population: &mut Population,
        now_us: i64,
        time: Timestamp,
        dice: &mut Dice,
    ) -> Option<(String, Vec<u8>)> {
        let customer = customer(population, now_us, dice)?;
        let player = population.player(customer);
        self.transactions += 1;
        let id = format!("trans_{}_{}", self.run, self.transactions);
        let wallet = &mut player.wallet;
        wallet.last_us = now_us;
        if !wallet.bought.is_empty() && dice.chance(REFUNDS) {
            let item = wallet.bought.remove(dice.index(wallet.bought.len()));
            return Some(transaction(player, &id, "refund", item, time));
        }
        let item = dice.weighted(if wallet.whale {
            &WHALE_ITEM_WEIGHTS
        } else {
            &ITEM_WEIGHTS
        });
        if wallet.bought.len() == BOUGHT_MAX {
            wallet.bought.remove(0);
        }
        wallet.bought.push(item);
        Some(transaction(player, &id, "purchase", item, time))
    }
}

/// A whale that has rested, else anybody who has, else the one who has rested longest.
fn customer(population: &mut Population, now_us: i64, dice: &mut Dice) -> Option<usize> {
    let seen: Vec<usize> = (0..CANDIDATES)
        .filter_map(|_| population.anybody(dice))
        .collect();
    let rested_us = |wallet: &Wallet| (now_us - wallet.last_us).min(REST_US);
    seen.into_iter().max_by_key(|player| {
        let wallet = &population.player(*player).wallet;
        (rested_us(wallet), wallet.whale)
    })
}

fn transaction(
    player: &Player,
    id: &str,
    transaction_type: &'static str,
    item: usize,
    time: Timestamp,
) -> (String, Vec<u8>) {
    let (item, currency) = (&ITEMS[item], player.wallet.currency);
    let transaction = Transaction {
        event_name: "transaction",
        parameters: Payment {
            game_id: GAMES[player.game],
            transaction_id: id,
            transaction_type,
            currency: CURRENCIES[currency].code,
            amount: Amount::new(item.prices[currency], CURRENCIES[currency].minor_digits),
            item_id: item.id,
            item_type: item.kind,
        },
        event_timestamp: time,
        user_data: User {
            user_id: &player.id,
            platform: PLATFORMS[player.platform],
        },
    };
    (player.id.clone(), encode(&transaction))
}
