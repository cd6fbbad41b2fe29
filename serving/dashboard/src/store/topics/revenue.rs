//! `revenue`: the earnings of each game.

use model::derived::Derived;
use serde::Deserialize;

use crate::money::Amount;
use crate::store::Unshown;
use crate::store::shown::{Names, ShownRow, narrow};
use crate::symbols::Symbol;

/// The measures of a record, with amounts parsed into minor units.
#[derive(Debug, Deserialize)]
pub(crate) struct RevenueMeasures {
    game_id: String,
    currency: String,
    purchases: u64,
    refunds: u64,
    gross: Amount,
    refunded: Amount,
    buyers: u64,
    arppu: Option<Amount>,
}

/// The earnings of a game in one currency and one window. Amounts are in minor units.
#[derive(Clone, Debug)]
pub(crate) struct RevenueRow {
    pub(crate) purchases: u32,
    pub(crate) refunds: u32,
    pub(crate) gross: i64,
    pub(crate) refunded: i64,
    pub(crate) buyers: u32,
    pub(crate) arppu: Option<i64>,
}

impl ShownRow for RevenueRow {
    type Measures = RevenueMeasures;
    /// Game and currency.
    type Key = (Symbol, Symbol);

    fn key(row: &Derived<RevenueMeasures>, names: &mut Names<'_>) -> Result<Self::Key, Unshown> {
        let of = &row.measures;
        Ok((names.game(&of.game_id)?, names.key(&of.currency)?))
    }

    fn value(measures: &RevenueMeasures, _: &mut Names<'_>) -> Self {
        Self {
            purchases: narrow(measures.purchases),
            refunds: narrow(measures.refunds),
            gross: measures.gross.0,
            refunded: measures.refunded.0,
            buyers: narrow(measures.buyers),
            arppu: measures.arppu.map(|amount| amount.0),
        }
    }
}
