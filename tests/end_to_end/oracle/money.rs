//! What each derived topic has to say of the accepted purchase events. The generator's amounts have
//! their currency's digits exactly.

use std::collections::BTreeSet;

use serde_json::json;

use super::Rows;
use super::accept::{Accepted, Event};
use super::measures::rows;

/// The rows of `purchase-summaries`.
pub(crate) fn purchase_summaries(accepted: &Accepted) -> Rows {
    rows(accepted, |events| {
        let ledger = Ledger::of(events);
        let latest = events
            .iter()
            .map(|event| (event.time_ms, event.text("parameters", "item_type")))
            .max()
            .unwrap();
        json!({
            "game_id": events[0].game(), "item_id": events[0].text("parameters", "item_id"), "currency": events[0].text("parameters", "currency"),
            "item_type": latest.1, "purchases": ledger.purchases, "refunds": ledger.refunds,
            "gross": ledger.money(ledger.gross), "refunded": ledger.money(ledger.refunded),
            "net": ledger.money(ledger.gross - ledger.refunded), "buyers": ledger.buyers.len(),
        })
    })
}

/// The rows of `revenue`.
pub(crate) fn revenue(accepted: &Accepted) -> Rows {
    rows(accepted, |events| {
        let ledger = Ledger::of(events);
        let (net, buyers) = (ledger.gross - ledger.refunded, ledger.buyers.len() as i64);
        json!({
            "game_id": events[0].game(), "currency": events[0].text("parameters", "currency"),
            "purchases": ledger.purchases, "refunds": ledger.refunds,
            "gross": ledger.money(ledger.gross), "refunded": ledger.money(ledger.refunded),
            "net": ledger.money(net), "buyers": buyers,
            "average_purchase": ledger.share(ledger.gross, ledger.purchases), "arppu": ledger.share(net, buyers),
        })
    })
}

/// The transactions of one currency, each once, in minor units.
struct Ledger {
    digits: usize,
    purchases: i64,
    refunds: i64,
    gross: i64,
    refunded: i64,
    buyers: BTreeSet<String>,
}

impl Ledger {
    fn of(events: &[Event]) -> Self {
        let digits = match events[0].text("parameters", "currency").as_str() {
            "JPY" => 0,
            "BHD" => 3,
            _ => 2,
        };
        let mut seen = BTreeSet::new();
        let (mut purchases, mut refunds, mut gross, mut refunded) = (0, 0, 0, 0);
        let mut buyers = BTreeSet::new();
        for event in events {
            if !seen.insert(event.json.to_string()) {
                continue;
            }
            let minor = (event.number("amount") * 10_f64.powi(digits as i32)).round() as i64;
            if event.text("parameters", "transaction_type") == "purchase" {
                (purchases, gross) = (purchases + 1, gross + minor);
                buyers.insert(event.text("user_data", "user_id"));
            } else {
                (refunds, refunded) = (refunds + 1, refunded + minor);
            }
        }
        Self {
            digits,
            purchases,
            refunds,
            gross,
            refunded,
            buyers,
        }
    }

    fn money(&self, minor: i64) -> String {
        let unit = 10_i64.pow(self.digits as u32);
        match self.digits {
            0 => minor.to_string(),
            _ => format!(
                "{}{}.{:0width$}",
                if minor < 0 { "-" } else { "" },
                minor.abs() / unit,
                minor.abs() % unit,
                width = self.digits
            ),
        }
    }

    /// The magnitude divided and rounded half to even: the same on both sides of zero.
    fn share(&self, minor: i64, count: i64) -> Option<String> {
        if count == 0 {
            return None;
        }
        let (down, rest) = (minor.abs() / count, minor.abs() % count);
        let up = 2 * rest > count || (2 * rest == count && down % 2 == 1);
        Some(self.money(minor.signum() * (down + i64::from(up))))
    }
}
