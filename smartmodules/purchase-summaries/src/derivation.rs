//! Sums sales and refunds by item and currency.

use model::derived::PurchaseSummaries;
use model::event::PurchaseEvent;
use model::merge::{Bookkeeping, Latest, Ledger};
use model::source::PurchaseEvents;
use model::{
    AlignedWindows, Emit, Lift, Merge, ParamError, Params, RecordKey, Window, Windowed, money,
};
use serde::{Deserialize, Serialize};

/// The derivation of `purchase-summaries`.
#[derive(Clone, Copy, Debug)]
pub struct PurchaseSummariesDerivation {
    bookkeeping: Bookkeeping,
}

/// What a set of events contributes to the row of one item and currency.
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

impl Lift for PurchaseSummariesDerivation {
    const NAME: &'static str = "purchase-summaries";
    const PARAMETERS: &'static [&'static str] = Bookkeeping::PARAMETERS;

    type Grouping = AlignedWindows;
    type Source = PurchaseEvents;
    type Partial = Sales;

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
}

impl Windowed for PurchaseSummariesDerivation {
    type Output = PurchaseSummaries;

    fn duplicates(&self, sales: &mut Sales, events: u64) -> u64 {
        sales.ledger.duplicates(events)
    }

    fn finish(&self, _: Window, key: &RecordKey, sales: &Sales) -> Option<PurchaseSummaries> {
        let [game_id, item_id, currency] = key.fields()?;
        let totals = sales.ledger.totals();
        Some(PurchaseSummaries {
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
