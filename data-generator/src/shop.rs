//! Purchases and refunds: most players buy little, a few whales buy a lot, some buy several things in a row, and some
//! give back what they bought. All of it is honest: each habit keeps well below what the fraud rules look for.

use std::collections::VecDeque;

use model::time::Timestamp;

use crate::catalog::{CURRENCIES, GAMES, ITEMS, Item, PLATFORMS, PURSES, WHALE_PURSE};
use crate::dice::Dice;
use crate::payload::{Amount, Payment, Transaction, User, encode};
use crate::population::{Player, Population};

/// How many players chance looks at to find one who buys, so that whales come first.
const CANDIDATES: usize = 8;
/// Between two visits to the shop. Nobody reads it faster: buying more often is what fraud looks like.
const REST_US: i64 = 25_000_000;
/// How often a player who has bought something buys another thing at once, and how soon.
const SPREES: f64 = 0.06;
const SPREES_GO_ON: f64 = 0.5;
const SPREE_US: (i64, i64) = (6_000_000, 12_000_000);
/// No more transactions than this in the time below: far from the six purchases in a minute of a machine, even where a
/// thief adds two of his own.
const IN_A_ROW: usize = 3;
const IN_A_ROW_US: i64 = 61_000_000;
const REFUNDS: f64 = 0.05;
/// How many purchases a player can still give back, and how long.
const BOUGHT_MAX: usize = 4;
const RETURN_US: i64 = 3_000_000_000;
/// One refund in an hour is an occasion; three of them are a habit.
const REFUNDS_APART_US: i64 = 3_660_000_000;

/// What a player pays with, and what for.
pub(crate) struct Wallet {
    pub(crate) currency: usize,
    /// Which of the [`PURSES`].
    pub(crate) purse: usize,
    /// Items that may still be given back, and when they were bought.
    bought: Vec<(usize, i64)>,
    /// The latest transactions, oldest first.
    visits_us: [i64; IN_A_ROW],
    refund_us: i64,
}

impl Wallet {
    pub(crate) fn new(currency: usize, purse: usize) -> Self {
        const NEVER: i64 = i64::MIN / 2;
        Self {
            currency,
            purse,
            bought: Vec::new(),
            visits_us: [NEVER; IN_A_ROW],
            refund_us: NEVER,
        }
    }

    /// Whether another transaction would be nothing out of the ordinary.
    fn may_go_on(&self, now_us: i64) -> bool {
        now_us - self.visits_us[0] >= IN_A_ROW_US
    }

    fn has_rested(&self, now_us: i64) -> bool {
        now_us - self.visits_us[IN_A_ROW - 1] >= REST_US && self.may_go_on(now_us)
    }

    fn may_return(&self, now_us: i64) -> bool {
        !self.bought.is_empty() && now_us - self.refund_us >= REFUNDS_APART_US
    }

    fn visit(&mut self, now_us: i64) {
        self.visits_us.rotate_left(1);
        self.visits_us[IN_A_ROW - 1] = now_us;
        self.bought
            .retain(|(_, bought_us)| now_us - bought_us <= RETURN_US);
    }

    fn buy(&mut self, now_us: i64, dice: &mut Dice) -> usize {
        let item = PURSES[self.purse].choose(dice);
        if self.bought.len() == BOUGHT_MAX {
            self.bought.remove(0);
        }
        self.bought.push((item, now_us));
        item
    }

    fn give_back(&mut self, now_us: i64, dice: &mut Dice) -> usize {
        self.refund_us = now_us;
        self.bought.remove(dice.index(self.bought.len())).0
    }
}

/// The shop's counter of transactions, and who wants more.
pub(crate) struct Shop {
    run: String,
    transactions: u64,
    /// From when on, and who.
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

    /// Somebody buys or gives back: the key and the value. `None` if nobody is there who wants to.
    pub(crate) fn trade(
        &mut self,
        population: &mut Population,
        now_us: i64,
        time: Timestamp,
        dice: &mut Dice,
    ) -> Option<(String, Vec<u8>)> {
        let eager = self.eager_customer(population, now_us);
        let customer = eager.or_else(|| customer(population, now_us, dice))?;
        let player = population.player(customer);
        self.transactions += 1;
        let id = format!("trans_{}_{}", self.run, self.transactions);
        let wallet = &mut player.wallet;
        wallet.visit(now_us);
        if eager.is_none() && wallet.may_return(now_us) && dice.chance(REFUNDS) {
            let item = wallet.give_back(now_us, dice);
            return Some(transaction(player, &id, "refund", item, time));
        }
        let item = wallet.buy(now_us, dice);
        let more = if eager.is_some() {
            SPREES_GO_ON
        } else {
            SPREES
        };
        if dice.chance(more) {
            let from_us = now_us + dice.between(SPREE_US.0, SPREE_US.1);
            self.sprees.push_back((from_us, customer));
        }
        Some(transaction(player, &id, "purchase", item, time))
    }

    /// Somebody who has just bought something, and wants another thing.
    fn eager_customer(&mut self, population: &mut Population, now_us: i64) -> Option<usize> {
        while self.sprees.front()?.0 <= now_us {
            let (_, customer) = self.sprees.pop_front()?;
            let player = population.player(customer);
            if player.there && player.wallet.may_go_on(now_us) {
                return Some(customer);
            }
        }
        None
    }
}

/// A whale that has rested, else anybody who has.
fn customer(population: &mut Population, now_us: i64, dice: &mut Dice) -> Option<usize> {
    let seen: Vec<usize> = (0..CANDIDATES)
        .filter_map(|_| population.anybody(dice))
        .filter(|player| population.known(*player).wallet.has_rested(now_us))
        .collect();
    seen.into_iter()
        .max_by_key(|player| population.known(*player).wallet.purse == WHALE_PURSE)
}

fn transaction(
    player: &Player,
    id: &str,
    transaction_type: &'static str,
    item: usize,
    time: Timestamp,
) -> (String, Vec<u8>) {
    let item = &ITEMS[item];
    let deal = Deal {
        user_id: &player.id,
        game: player.game,
        platform: player.platform,
        currency: player.wallet.currency,
        item,
        minor: item.prices[player.wallet.currency],
        transaction_type,
        id,
        time,
    };
    (player.id.clone(), deal.encode())
}

/// One transaction. Games, platforms and currencies are places in the catalog.
pub(crate) struct Deal<'a> {
    pub(crate) user_id: &'a str,
    pub(crate) game: usize,
    pub(crate) platform: usize,
    pub(crate) currency: usize,
    pub(crate) item: &'a Item,
    /// What is paid, in minor units.
    pub(crate) minor: i64,
    pub(crate) transaction_type: &'static str,
    pub(crate) id: &'a str,
    pub(crate) time: Timestamp,
}

impl Deal<'_> {
    /// The bytes of its event.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let currency = &CURRENCIES[self.currency];
        encode(&Transaction {
            event_name: "transaction",
            parameters: Payment {
                game_id: GAMES[self.game],
                transaction_id: self.id,
                transaction_type: self.transaction_type,
                currency: currency.code,
                amount: Amount::new(self.minor, currency.minor_digits),
                item_id: self.item.id,
                item_type: self.item.kind,
            },
            event_timestamp: self.time,
            user_data: User {
                user_id: self.user_id,
                platform: PLATFORMS[self.platform],
            },
        })
    }
}
