//! `purchase-summaries`: purchases and refunds of each item.

use model::derived::Derived;
use serde::Deserialize;

use crate::limits::{RECORDS_JOINED, ROWS_JOINED};
use crate::money::Amount;
use crate::store::Unshown;
use crate::store::shown::{Names, ShownRow, narrow};
use crate::symbols::Symbol;

/// The measures of a record, with amounts parsed into minor units.
#[derive(Debug, Deserialize)]
pub(crate) struct PurchaseMeasures {
    game_id: String,
    item_id: String,
    currency: String,
    item_type: String,
    purchases: u64,
    refunds: u64,
    gross: Amount,
    refunded: Amount,
}

/// Purchases and refunds of an item in one currency, in one window or summed over several windows. Amounts are in minor
/// units.
#[derive(Clone, Debug)]
pub(crate) struct ItemRow {
    pub(crate) item_type: Symbol,
    pub(crate) purchases: u32,
    pub(crate) refunds: u32,
    pub(crate) gross: i64,
    pub(crate) refunded: i64,
}

impl ItemRow {
    fn join(&mut self, later: &Self) {
        self.item_type = later.item_type;
        self.purchases = self.purchases.saturating_add(later.purchases);
        self.refunds = self.refunds.saturating_add(later.refunds);
        self.gross = self.gross.saturating_add(later.gross);
        self.refunded = self.refunded.saturating_add(later.refunded);
    }
}

impl ShownRow for ItemRow {
    type Measures = PurchaseMeasures;
    /// Game, item and currency.
    type Key = (Symbol, Symbol, Symbol);

    const ROWS_MAX: usize = ROWS_JOINED;
    const RECORDS_MAX: usize = RECORDS_JOINED;
    const JOIN: Option<fn(&mut Self, &Self)> = Some(Self::join);

    fn key(row: &Derived<PurchaseMeasures>, names: &mut Names<'_>) -> Result<Self::Key, Unshown> {
        let of = &row.measures;
        let game = names.game(&of.game_id)?;
        Ok((game, names.key(&of.item_id)?, names.key(&of.currency)?))
    }

    fn value(measures: &PurchaseMeasures, names: &mut Names<'_>) -> Self {
        Self {
            item_type: names.intern(&measures.item_type),
            purchases: narrow(measures.purchases),
            refunds: narrow(measures.refunds),
            gross: measures.gross.0,
            refunded: measures.refunded.0,
        }
    }
}
