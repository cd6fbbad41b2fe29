//! Money of one currency, in integer minor units.

use model::event::{PurchaseEvent, TransactionType};
use serde::{Deserialize, Serialize};

/// Purchases and refunds. Of mixed currencies there are counts, and no sums.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    /// How many purchases.
    pub purchases: u64,
    /// What was paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gross_minor: Option<u64>,
    /// How many refunds.
    pub refunds: u64,
    /// What was paid back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refunded_minor: Option<u64>,
}

impl Ledger {
    /// The ledger of one currency, with sums.
    pub(crate) fn with_sums() -> Self {
        Self {
            gross_minor: Some(0),
            refunded_minor: Some(0),
            ..Self::default()
        }
    }

    /// Adds one transaction. Sums stop at the greatest that there is.
    pub(crate) fn add(&mut self, event: &PurchaseEvent<'_>) {
        let (count, sum) = match event.transaction_type {
            TransactionType::Purchase => (&mut self.purchases, &mut self.gross_minor),
            TransactionType::Refund => (&mut self.refunds, &mut self.refunded_minor),
        };
        *count = count.saturating_add(1);
        *sum = sum.map(|sum| sum.saturating_add(event.amount_minor.unsigned_abs()));
    }
}
