//! What fraud looks like: for each rule a story that satisfies it, and no other.

use model::derived::FraudRule;
use model::event::DEFAULT_GAME_ID;
use model::time::Timestamp;

use super::Planned;
use super::truth::Subject;
use crate::catalog::{GAME_WEIGHTS, GAMES, ITEMS, Item, PLATFORM_WEIGHTS, PLATFORMS, PURSES};
use crate::dice::Dice;
use crate::event::Topic;
use crate::population::Player;
use crate::shop::Deal;

/// So far apart, five purchases are the most there can be in a minute: one less than what is too many.
const CALM_MS: (i64, i64) = (13_000, 20_000);
/// So close together, more than five are.
const HASTE_MS: (i64, i64) = (3_000, 6_000);
/// A thing that nobody honest buys: at 549.00 it is above the limit for anybody.
const COLLECTION: Item = Item {
    id: "bundle_collection",
    kind: "bundle",
    prices: [54_900, 54_900, 480, 37_500],
};
/// Currencies in which amounts mean the same to every rule: US dollar and euro.
const HARD_CURRENCIES: usize = 2;
/// The purse of an account that was made for the purpose.
const ORDINARY_PURSE: usize = 1;
/// Items of the catalog: one below 1.00, two that are modest, one just below 50.00, one above.
const TINY: usize = 0;
const MODEST: [usize; 2] = [1, 2];
const DEAR: usize = 12;
const DEAREST: usize = 13;

/// Whose name the transactions are in.
pub(crate) struct Account {
    user_id: String,
    game: usize,
    platform: usize,
    currency: usize,
    purse: usize,
}

impl Account {
    /// A player's.
    pub(crate) fn of(player: &Player) -> Self {
        Self {
            user_id: player.id.clone(),
            game: player.game,
            platform: player.platform,
            currency: player.wallet.currency,
            purse: player.wallet.purse,
        }
    }

    /// One that nothing else is bought with.
    pub(crate) fn new(user_id: String, dice: &mut Dice) -> Self {
        Self {
            user_id,
            game: dice.weighted(&GAME_WEIGHTS),
            platform: dice.weighted(&PLATFORM_WEIGHTS),
            currency: dice.index(HARD_CURRENCIES),
            purse: ORDINARY_PURSE,
        }
    }

    pub(crate) fn subject(&self, rule: FraudRule) -> Subject {
        Subject::Fraud {
            rule,
            game_id: GAMES[self.game].unwrap_or(DEFAULT_GAME_ID).to_owned(),
            user_id: self.user_id.clone(),
            transaction_ids: Vec::new(),
        }
    }
}

/// Whether what the owner buys beside it makes no difference to any rule.
pub(crate) fn may_be_taken_over(rule: FraudRule) -> bool {
    match rule {
        FraudRule::Velocity
        | FraudRule::MultiCurrency
        | FraudRule::MultiPlatform
        | FraudRule::TransactionConflict => true,
        FraudRule::AmountSpike | FraudRule::CardTesting | FraudRule::RefundAbuse => false,
    }
}

/// Whether a player's account will do.
pub(crate) fn suits(rule: FraudRule, player: &Player) -> bool {
    rule != FraudRule::MultiCurrency || player.wallet.currency < HARD_CURRENCIES
}

/// The transactions, all of which are evidence. Ids begin with `prefix`.
pub(crate) fn story(
    rule: FraudRule,
    account: Account,
    prefix: String,
    now_ms: i64,
    dice: &mut Dice,
) -> Vec<Planned> {
    let mut thief = Thief {
        dice,
        account,
        prefix,
        now_ms,
        story: Vec::new(),
    };
    match rule {
        FraudRule::Velocity => thief.buys_in_haste(),
        FraudRule::AmountSpike => thief.buys_something_too_dear(),
        FraudRule::CardTesting => thief.tests_a_card(),
        FraudRule::RefundAbuse => thief.gives_nearly_all_back(),
        FraudRule::MultiCurrency => thief.pays_in_another_currency(),
        FraudRule::MultiPlatform => thief.is_in_two_places(),
        FraudRule::TransactionConflict => thief.contradicts_a_transaction(),
    }
    thief.story
}

struct Thief<'a> {
    dice: &'a mut Dice,
    account: Account,
    prefix: String,
    now_ms: i64,
    story: Vec<Planned>,
}

impl Thief<'_> {
    fn buys_in_haste(&mut self) {
        for _ in 0..self.dice.between(7, 9) {
            self.buy_as_usual();
            self.wait(HASTE_MS);
        }
    }

    /// Either ten times the mean, far below the limit, or above the limit after purchases that make no mean.
    fn buys_something_too_dear(&mut self) {
        if self.dice.chance(0.5) {
            for _ in 0..self.dice.between(3, 4) {
                let item = *self.dice.pick(&MODEST);
                self.buy(&ITEMS[item]);
                self.wait(CALM_MS);
            }
            let item = *self.dice.pick(&[DEAR, DEAREST]);
            self.buy(&ITEMS[item]);
        } else {
            self.buy(&ITEMS[DEAREST]);
            self.wait(CALM_MS);
            self.buy(&COLLECTION);
        }
    }

    /// Two dear purchases first, so that the last one is no more than ten times the mean.
    fn tests_a_card(&mut self) {
        for _ in 0..2 {
            self.buy(&ITEMS[DEAR]);
            self.wait(CALM_MS);
        }
        for _ in 0..self.dice.between(3, 4) {
            self.buy(&ITEMS[TINY]);
            self.wait(CALM_MS);
        }
        self.buy(&ITEMS[DEAREST]);
    }

    fn gives_nearly_all_back(&mut self) {
        let first = PURSES[self.account.purse].items().start;
        let items = first..first + self.dice.between(4, 5) as usize;
        for item in items.clone() {
            self.buy(&ITEMS[item]);
            self.wait(CALM_MS);
        }
        for item in items.skip(1) {
            self.refund(&ITEMS[item]);
            self.wait(CALM_MS);
        }
    }

    fn pays_in_another_currency(&mut self) {
        let own = self.account.currency;
        for currency in [own, HARD_CURRENCIES - 1 - own, own] {
            self.account.currency = currency;
            self.buy_as_usual();
            self.wait((35_000, 60_000));
        }
    }

    fn is_in_two_places(&mut self) {
        self.buy_as_usual();
        self.wait((5_000, 40_000));
        let elsewhere = self.dice.between(1, PLATFORMS.len() as i64 - 1) as usize;
        self.account.platform = (self.account.platform + elsewhere) % PLATFORMS.len();
        self.buy_as_usual();
    }

    /// Either one id for two purchases, or a refund under the purchase's id and of more than its amount.
    fn contradicts_a_transaction(&mut self) {
        let items = PURSES[self.account.purse].items();
        let (cheapest, dearest) = (&ITEMS[items.start], &ITEMS[items.end - 1]);
        let id = self.next_id();
        self.deal("purchase", cheapest, cheapest, &id);
        self.wait((5_000, 30_000));
        if self.dice.chance(0.5) {
            self.deal("purchase", dearest, dearest, &id);
        } else {
            self.deal("refund", cheapest, dearest, &id);
        }
    }

    /// Something that the account's owner could buy.
    fn buy_as_usual(&mut self) {
        let item = PURSES[self.account.purse].choose(self.dice);
        self.buy(&ITEMS[item]);
    }

    fn buy(&mut self, item: &Item) {
        let id = self.next_id();
        self.deal("purchase", item, item, &id);
    }

    fn refund(&mut self, item: &Item) {
        let id = self.next_id();
        self.deal("refund", item, item, &id);
    }

    fn next_id(&self) -> String {
        format!("{}_{}", self.prefix, self.story.len() + 1)
    }

    /// A transaction about `item` at the price of `priced_as`.
    fn deal(&mut self, transaction_type: &'static str, item: &Item, priced_as: &Item, id: &str) {
        let account = &self.account;
        let deal = Deal {
            user_id: &account.user_id,
            game: account.game,
            platform: account.platform,
            currency: account.currency,
            item,
            minor: priced_as.prices[account.currency],
            transaction_type,
            id,
            time: Timestamp::from_millis(self.now_ms),
        };
        self.story.push(Planned {
            topic: Topic::PurchaseEvents,
            key: account.user_id.clone(),
            value: deal.encode(),
            event_ms: self.now_ms,
            is_evidence: true,
        });
    }

    fn wait(&mut self, (shortest_ms, longest_ms): (i64, i64)) {
        self.now_ms += self.dice.between(shortest_ms, longest_ms);
    }
}
