//! Adds up the money of one currency in integer minor units.

use model::event::{PurchaseEvent, TransactionType};
use serde::{Deserialize, Serialize};

/// Purchases and refunds. For mixed currencies, the ledger has only counts and no sums.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    /// The number of purchases.
    pub purchases: u64,
    /// The sum of the purchases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gross_minor: Option<u64>,
    /// The number of refunds.
    pub refunds: u64,
    /// The sum of the refunds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refunded_minor: Option<u64>,
}

impl Ledger {
    /// Creates the ledger of a single currency, with sums.
    pub(crate) fn with_sums() -> Self {
        Self {
            gross_minor: Some(0),
            refunded_minor: Some(0),
            ..Self::default()
        }
    }

    /// Adds one transaction. A count or sum that would overflow becomes the maximum and stays there.
    pub(crate) fn add(&mut self, event: &PurchaseEvent<'_>) {
        let (count, sum) = match event.transaction_type {
            TransactionType::Purchase => (&mut self.purchases, &mut self.gross_minor),
            TransactionType::Refund => (&mut self.refunds, &mut self.refunded_minor),
        };
        *count = count.saturating_add(1);
        *sum = sum.map(|sum| sum.saturating_add(event.amount_minor.unsigned_abs()));
    }
}
