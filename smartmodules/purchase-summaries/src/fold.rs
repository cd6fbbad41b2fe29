//! What was sold and refunded, per item and currency.

use model::derived::PurchaseSummary;
use model::event::PurchaseEvent;
use model::merge::{Bookkeeping, Latest, Ledger};
use model::{Derivation, Emit, Merge, ParamError, Params, RecordKey, Window, money};
use serde::{Deserialize, Serialize};

/// The derivation of `purchase-summaries`.
#[derive(Clone, Copy, Debug)]
pub struct PurchaseSummariesFold {
    bookkeeping: Bookkeeping,
}

/// What events contribute to one item and currency.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Sales {
    item_type: Latest<String>,
    ledger: Ledger,
}

impl Merge for Sales {
    fn merge(&mut self, other: Self) {
        self.item_type.merge(other.item_type);
        self.ledger.merge(other.ledger);
    }

    fn settle(&mut self) {
        self.ledger.settle();
    }
}

impl Derivation for PurchaseSummariesFold {
    const NAME: &'static str = "purchase-summaries";
    const PARAMETERS: &'static [&'static str] = Bookkeeping::PARAMETERS;
    type Event<'e> = PurchaseEvent<'e>;
    type Partial = Sales;
    type Output = PurchaseSummary;

    fn from_params(params: &Params) -> Result<Self, ParamError> {
        Ok(Self {
            bookkeeping: Bookkeeping::from_params(params)?,
        })
    }

    fn lift(&self, event: &PurchaseEvent<'_>, out: &mut impl Emit<Sales>) {
        out.emit(
            &[&event.game_id, &event.item_id, &event.currency],
            |sales| {
                sales
                    .item_type
                    .set(event.time, || event.item_type.to_string());
                self.bookkeeping.enter(event, &mut sales.ledger);
            },
        );
    }

    fn duplicates(&self, sales: &mut Sales, events: u64) -> u64 {
        sales.ledger.duplicates(events)
    }

    fn finish(&self, _: Window, key: &RecordKey, sales: &Sales) -> Option<PurchaseSummary> {
        let [game_id, item_id, currency] = key.fields()?;
        let totals = sales.ledger.totals();
        Some(PurchaseSummary {
            game_id,
            item_id,
            item_type: sales.item_type.get()?.clone(),
            purchases: totals.purchases,
            refunds: totals.refunds,
            gross: money::format(totals.gross_minor, &currency),
            refunded: money::format(totals.refunded_minor, &currency),
            net: money::format(totals.net_minor(), &currency),
            buyers: totals.buyers,
            buyers_error: totals.buyers_error,
            currency,
        })
    }
}
