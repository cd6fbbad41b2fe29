//! A player's wallet: the currency, the price range, and the latest transactions. The latest transactions limit what an
//! honest player may do next.

use crate::catalogue::PriceRange;
use crate::dice::Dice;

/// The minimum time between two visits to the shop that do not belong to one series: more frequent purchases
/// look like fraud.
const REST_US: i64 = 25_000_000;
/// The maximum number of a player's transactions within `IN_A_ROW_US`. Even if a planted fraud adds two purchases to
/// the player's account, there are fewer than the six purchases per minute that the velocity rule reports.
const IN_A_ROW: usize = 3;
const IN_A_ROW_US: i64 = 61_000_000;
/// The number of latest purchases that a player can return, and the time within which they can be returned.
const BOUGHT_MAX: usize = 4;
const RETURN_US: i64 = 3_000_000_000;
/// The minimum time between two refunds: just over the hour that the refund-abuse rule considers.
const REFUNDS_APART_US: i64 = 3_660_000_000;

pub(crate) struct Wallet {
    pub(crate) currency: usize,
    /// The index of the price range in the catalogue.
    pub(crate) price_range: usize,
    /// The items that can be returned, with the times of purchase.
    bought: Vec<(usize, i64)>,
    /// The times of the latest transactions, oldest first.
    visits_us: [i64; IN_A_ROW],
    refund_us: i64,
}

impl Wallet {
    pub(crate) fn new(currency: usize, price_range: usize) -> Self {
        const NEVER: i64 = i64::MIN / 2;
        Self {
            currency,
            price_range,
            bought: Vec::new(),
            visits_us: [NEVER; IN_A_ROW],
            refund_us: NEVER,
        }
    }

    /// Whether another transaction of the player would be within the limit `IN_A_ROW`.
    pub(crate) fn may_go_on(&self, now_us: i64) -> bool {
        now_us - self.visits_us[0] >= IN_A_ROW_US
    }

    pub(crate) fn has_rested(&self, now_us: i64) -> bool {
        now_us - self.visits_us[IN_A_ROW - 1] >= REST_US && self.may_go_on(now_us)
    }

    pub(crate) fn may_return(&self, now_us: i64) -> bool {
        !self.bought.is_empty() && now_us - self.refund_us >= REFUNDS_APART_US
    }

    pub(crate) fn visit(&mut self, now_us: i64) {
        self.visits_us.rotate_left(1);
        self.visits_us[IN_A_ROW - 1] = now_us;
        self.bought
            .retain(|(_, bought_us)| now_us - bought_us <= RETURN_US);
    }

    /// Chooses an item from the player's price range.
    pub(crate) fn buy(&mut self, range: &PriceRange, now_us: i64, dice: &mut Dice) -> usize {
        let item = range.choose(dice);
        if self.bought.len() == BOUGHT_MAX {
            self.bought.remove(0);
        }
        self.bought.push((item, now_us));
        item
    }

    pub(crate) fn give_back(&mut self, now_us: i64, dice: &mut Dice) -> usize {
        self.refund_us = now_us;
        self.bought.remove(dice.index(self.bought.len())).0
    }
}
