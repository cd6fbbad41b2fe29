//! Computes the revenue and the number of buyers by game and currency.

use model::derived::Revenue;
use model::event::PurchaseEvent;
use model::merge::{Bookkeeping, Ledger};
use model::source::PurchaseEvents;
use model::{
    AlignedWindows, Emit, Lift, ParamError, Params, RecordKey, Window, Windowed, decimal, money,
};

/// The derivation of `revenue`.
#[derive(Clone, Copy, Debug)]
pub struct RevenueDerivation {
    bookkeeping: Bookkeeping,
}

impl Lift for RevenueDerivation {
    const NAME: &'static str = "revenue";
    const PARAMETERS: &'static [&'static str] = Bookkeeping::PARAMETERS;

    type Grouping = AlignedWindows;
    type Source = PurchaseEvents;
    type Partial = Ledger;

    fn from_params(params: &Params) -> Result<Self, ParamError> {
        Ok(Self {
            bookkeeping: Bookkeeping::from_params(params)?,
        })
    }

    fn lift(&self, event: &PurchaseEvent<'_>, out: &mut impl Emit<Ledger>) {
        out.emit(&[&event.game_id, &event.currency], |ledger| {
            self.bookkeeping.enter(event, ledger);
        });
    }
}

impl Windowed for RevenueDerivation {
    type Output = Revenue;

    fn duplicates(&self, ledger: &mut Ledger, events: u64) -> u64 {
        ledger.duplicates(events)
    }

    fn finish(&self, _: Window, key: &RecordKey, ledger: &Ledger) -> Option<Revenue> {
        let [game_id, currency] = key.fields()?;
        let totals = ledger.totals();
        Some(Revenue {
            game_id,
            purchases: totals.purchases,
            refunds: totals.refunds,
            gross: money::format(totals.gross_minor, &currency),
            refunded: money::format(totals.refunded_minor, &currency),
            net: money::format(totals.net_minor(), &currency),
            buyers: totals.buyers,
            buyers_error: totals.buyers_error,
            average_purchase: share(totals.gross_minor, totals.purchases, &currency),
            arppu: share(totals.net_minor(), totals.buyers, &currency),
            currency,
        })
    }
}

/// Formats `minor` / `count`, rounded half to even to a minor unit; `None` if `count` is 0.
fn share(minor: i128, count: u64, currency: &str) -> Option<String> {
    (count > 0).then(|| money::format(decimal::divide(minor, count.into()), currency))
}
