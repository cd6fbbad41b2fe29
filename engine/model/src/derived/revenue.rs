//! The record of `revenue`: what a game earns, and from how many players.

use serde::{Deserialize, Serialize};

/// The revenue of one game in one currency in one window. Money is a decimal string with the currency's minor
/// digits; quotients are rounded half to even to these digits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revenue {
    /// The game.
    pub game_id: String,
    /// The currency.
    pub currency: String,
    /// The number of purchases.
    pub purchases: u64,
    /// The number of refunds.
    pub refunds: u64,
    /// The sum of the purchases.
    pub gross: String,
    /// The sum of the refunds.
    pub refunded: String,
    /// `gross` − `refunded`.
    pub net: String,
    /// The number of distinct users who made a purchase.
    pub buyers: u64,
    /// The relative error of `buyers` if it is an estimate: two standard deviations. `arppu` has about the same
    /// error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyers_error: Option<f64>,
    /// `gross` / `purchases`; null without purchases.
    pub average_purchase: Option<String>,
    /// `net` / `buyers`, the average revenue per paying user; null without buyers.
    pub arppu: Option<String>,
}
