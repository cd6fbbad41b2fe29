//! Fraud: for each rule, a series of transactions that breaks this rule and no other.

use std::sync::Arc;

use model::derived::FraudRule;
use model::time::Timestamp;

use super::truth::Subject;
use super::{Plan, PlannedEvent};
use crate::catalogue::{Catalogue, Game, Goods, Item};
use crate::dice::Dice;
use crate::event::Topic;
use crate::population::Player;
use crate::shop::ShopTransaction;

/// Pauses that allow at most five purchases in a minute, one fewer than the velocity rule reports.
const CALM_MS: (i64, i64) = (13_000, 20_000);
/// Pauses that result in more than five purchases in a minute.
const HASTE_MS: (i64, i64) = (3_000, 6_000);
/// The rule velocity reports the purchase after this many in a minute.
const VELOCITY_N: i64 = 5;
/// The rule refund-abuse reports this many refunds, because there is at least one for every two purchases.
const REFUNDS_N: usize = 3;

/// The account that a fraud uses.
pub(crate) struct Account {
    user_id: String,
    game: Arc<Game>,
    platform: usize,
    currency: usize,
    price_range: usize,
}

impl Account {
    /// Returns the account of a player of the world.
    pub(crate) fn of(player: &Player) -> Self {
        Self {
            user_id: player.id.clone(),
            game: Arc::clone(&player.game),
            platform: player.platform,
            currency: player.wallet.currency,
            price_range: player.wallet.price_range,
        }
    }

    /// Creates a new account, which has no other purchases.
    pub(crate) fn new(user_id: String, catalogue: &Catalogue, dice: &mut Dice) -> Self {
        let goods = &catalogue.goods;
        Self {
            user_id,
            game: catalogue.choose(dice),
            platform: goods.platforms.choose(dice),
            currency: dice.index(goods.currencies.len()),
            price_range: goods.price_ranges.choose(dice),
        }
    }

    pub(crate) fn subject(&self, rule: FraudRule) -> Subject {
        Subject::Fraud {
            rule,
            game_id: self.game.id.clone(),
            user_id: self.user_id.clone(),
            transaction_ids: Vec::new(),
        }
    }
}

/// Whether the rule finds a fraud on a player's account whatever the player buys.
pub(crate) fn may_be_taken_over(rule: FraudRule) -> bool {
    match rule {
        FraudRule::Velocity
        | FraudRule::MultiCurrency
        | FraudRule::MultiPlatform
        | FraudRule::TransactionConflict => true,
        FraudRule::AmountSpike | FraudRule::CardTesting | FraudRule::RefundAbuse => false,
    }
}

/// Returns the transactions of a fraud that breaks `rule`. All of them are evidence, and their ids begin with `prefix`.
pub(super) fn plan(
    rule: FraudRule,
    account: Account,
    prefix: String,
    now_ms: i64,
    goods: &Goods,
    dice: &mut Dice,
) -> Plan {
    let mut thief = Thief {
        goods,
        dice,
        account,
        prefix,
        now_ms,
        plan: Plan::default(),
    };
    match rule {
        FraudRule::Velocity => thief.buys_in_haste(),
        FraudRule::AmountSpike => thief.buys_something_too_expensive(),
        FraudRule::CardTesting => thief.tests_a_card(),
        FraudRule::RefundAbuse => thief.gives_nearly_all_back(),
        FraudRule::MultiCurrency => thief.pays_in_another_currency(),
        FraudRule::MultiPlatform => thief.is_in_two_places(),
        FraudRule::TransactionConflict => thief.contradicts_a_transaction(),
    }
    thief.plan
}

struct Thief<'a> {
    goods: &'a Goods,
    dice: &'a mut Dice,
    account: Account,
    prefix: String,
    now_ms: i64,
    plan: Plan,
}

impl<'a> Thief<'a> {
    /// Returns the items of the price range of the account's owner, cheapest first.
    fn usual_items(&self) -> &'a [Item] {
        let range = &self.goods.price_ranges[self.account.price_range];
        &self.goods.items[range.items.clone()]
    }

    fn buys_in_haste(&mut self) {
        for purchases in 1..=self.dice.between(7, 9) {
            self.buy_as_usual();
            if purchases > VELOCITY_N {
                self.plan.evident();
            }
            self.wait(HASTE_MS);
        }
    }

    /// Breaks the rule in one of two ways: with a purchase of at least ten times the mean, far below the absolute
    /// limit; or with a purchase above the absolute limit, after fewer purchases than the rule needs for a mean.
    fn buys_something_too_expensive(&mut self) {
        let Goods {
            items, fraud_items, ..
        } = self.goods;
        if self.dice.chance(0.5) {
            for _ in 0..self.dice.between(3, 4) {
                let item = self.dice.pick(&items[fraud_items.modest.clone()]);
                self.buy(item);
                self.wait(CALM_MS);
            }
            let item = *self
                .dice
                .pick(&[fraud_items.below_large, fraud_items.large]);
            self.buy(&items[item]);
        } else {
            self.buy(&items[fraud_items.large]);
            self.wait(CALM_MS);
            self.buy(&items[fraud_items.above_limit]);
        }
        self.plan.evident();
    }

    /// Starts with two expensive purchases. They raise the mean, so that the last purchase does not also make the rule
    /// `amount-spike` fire.
    fn tests_a_card(&mut self) {
        let Goods {
            items, fraud_items, ..
        } = self.goods;
        for _ in 0..2 {
            self.buy(&items[fraud_items.below_large]);
            self.wait(CALM_MS);
        }
        for _ in 0..self.dice.between(3, 4) {
            self.buy(&items[fraud_items.small]);
            self.wait(CALM_MS);
        }
        self.buy(&items[fraud_items.large]);
        self.plan.evident();
    }

    fn gives_nearly_all_back(&mut self) {
        let count = self.dice.between(4, 5) as usize;
        let items = self.usual_items().iter().cycle().take(count);
        for item in items.clone() {
            self.buy(item);
            self.wait(CALM_MS);
        }
        for (refunds, item) in (1..).zip(items.skip(1)) {
            self.refund(item);
            if refunds >= REFUNDS_N {
                self.plan.evident();
            }
            self.wait(CALM_MS);
        }
    }

    fn pays_in_another_currency(&mut self) {
        let own = self.account.currency;
        let count = self.goods.currencies.len();
        let other = (own + self.dice.between(1, count as i64 - 1) as usize) % count;
        for currency in [own, other, own] {
            self.account.currency = currency;
            self.buy_as_usual();
            if currency == other {
                self.plan.evident();
            }
            self.wait((35_000, 60_000));
        }
    }

    fn is_in_two_places(&mut self) {
        self.buy_as_usual();
        self.wait((5_000, 40_000));
        let count = self.goods.platforms.len();
        let elsewhere = self.dice.between(1, count as i64 - 1) as usize;
        self.account.platform = (self.account.platform + elsewhere) % count;
        self.buy_as_usual();
        self.plan.evident();
    }

    /// Uses one id for two different purchases, or refunds a purchase under its id for more than it cost.
    fn contradicts_a_transaction(&mut self) {
        let items = self.usual_items();
        let (cheapest, dearest) = (&items[0], &items[items.len() - 1]);
        let id = self.next_id();
        self.add_transaction("purchase", cheapest, cheapest, &id);
        self.wait((5_000, 30_000));
        if self.dice.chance(0.5) {
            self.add_transaction("purchase", dearest, dearest, &id);
        } else {
            self.add_transaction("refund", cheapest, dearest, &id);
        }
        self.plan.evident();
    }

    /// Buys an item from the price range of the account's owner.
    fn buy_as_usual(&mut self) {
        let Goods {
            items,
            price_ranges,
            ..
        } = self.goods;
        let item = price_ranges[self.account.price_range].choose(self.dice);
        self.buy(&items[item]);
    }

    fn buy(&mut self, item: &Item) {
        let id = self.next_id();
        self.add_transaction("purchase", item, item, &id);
    }

    fn refund(&mut self, item: &Item) {
        let id = self.next_id();
        self.add_transaction("refund", item, item, &id);
    }

    fn next_id(&self) -> String {
        format!("{}_{}", self.prefix, self.plan.events.len() + 1)
    }

    /// Adds a transaction for `item` at the price of `priced_as`.
    fn add_transaction(
        &mut self,
        transaction_type: &'static str,
        item: &Item,
        priced_as: &Item,
        id: &str,
    ) {
        let account = &self.account;
        let transaction = ShopTransaction {
            goods: self.goods,
            user_id: &account.user_id,
            game: &account.game,
            platform: account.platform,
            currency: account.currency,
            item,
            minor: priced_as.prices[account.currency],
            transaction_type,
            id,
            time: Timestamp::from_millis(self.now_ms),
        };
        self.plan.events.push(PlannedEvent {
            topic: Topic::PurchaseEvents,
            key: account.user_id.clone(),
            value: transaction.encode(),
            event_ms: self.now_ms,
            is_evidence: true,
        });
    }

    fn wait(&mut self, (shortest_ms, longest_ms): (i64, i64)) {
        self.now_ms += self.dice.between(shortest_ms, longest_ms);
    }
}
