//! The record of `purchase-summaries`: sales and refunds by game, item and currency.

use serde::{Deserialize, Serialize};

/// The sales of one item in one currency in one window. Money is a decimal string with the
/// currency's minor digits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PurchaseSummaries {
    /// The game.
    pub game_id: String,
    /// The item.
    pub item_id: String,
    /// The currency.
    pub currency: String,
    /// The item's category according to the latest event.
    pub item_type: String,
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
    /// The relative error of `buyers` if it is an estimate: two standard deviations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyers_error: Option<f64>,
}
