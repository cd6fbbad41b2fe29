//! `revenue`: what a game earns, and from how many.

use serde::{Deserialize, Serialize};

/// The revenue of one game in one currency in one window. Money is a decimal string with the
/// currency's minor digits; quotients are rounded to them half to even.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revenue {
    /// The game.
    pub game_id: String,
    /// The currency.
    pub currency: String,
    /// Purchases.
    pub purchases: u64,
    /// Refunds.
    pub refunds: u64,
    /// The sum of the purchases.
    pub gross: String,
    /// The sum of the refunds.
    pub refunded: String,
    /// `gross` − `refunded`.
    pub net: String,
    /// Distinct users with a purchase.
    pub buyers: u64,
    /// The relative error of `buyers`, where it is an estimate; `arppu` is then as far off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyers_error: Option<f64>,
    /// `gross` / `purchases`; null without purchases.
    pub average_purchase: Option<String>,
    /// `net` / `buyers`, the average revenue per paying user; null without buyers.
    pub arppu: Option<String>,
}
