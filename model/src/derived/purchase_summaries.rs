//! `purchase-summaries`: what was sold and refunded, per item and currency.

use serde::{Deserialize, Serialize};

/// The sales of one item in one currency in one window. Money is a decimal string with the
/// currency's minor digits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PurchaseSummary {
    /// The game.
    pub game_id: String,
    /// The item.
    pub item_id: String,
    /// The currency.
    pub currency: String,
    /// The item's category, as the latest event names it.
    pub item_type: String,
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
    /// The relative error of `buyers`, where it is an estimate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyers_error: Option<f64>,
}
