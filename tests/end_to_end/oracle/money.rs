//! Recomputes the derived topics that have fixed windows and are computed from purchase events. Amounts are in whole
//! minor units.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Rows;
use super::accept::{Accepted, Event, purchase_events_one_by_one};
use super::measures::rows;

/// Returns the expected rows of `purchase-summaries`.
pub(crate) fn purchase_summaries(accepted: &Accepted) -> Rows {
    rows(accepted, |events| {
        let ledger = Ledger::of(events);
        let latest = events
            .iter()
            .map(|event| (event.time_ms, event.text("parameters", "item_type")))
            .max()
            .unwrap();
        json!({
            "game_id": events[0].game(), "item_id": events[0].text("parameters", "item_id"),
            "currency": events[0].text("parameters", "currency"),
            "item_type": latest.1, "purchases": ledger.purchases, "refunds": ledger.refunds,
            "gross": ledger.money(ledger.gross), "refunded": ledger.money(ledger.refunded),
            "net": ledger.money(ledger.gross - ledger.refunded), "buyers": ledger.buyers.len(),
        })
    })
}

/// Returns the expected rows of `revenue`.
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

/// Returns the gross and refunded amounts of all accepted transactions by currency, in minor units. Repeated
/// transactions count once.
pub(crate) fn ledger(records: &[client::Record]) -> BTreeMap<String, (i64, i64)> {
    let mut seen = BTreeSet::new();
    let mut sums = BTreeMap::<_, (i64, i64)>::new();
    for event in purchase_events_one_by_one(records) {
        if seen.insert(event.content()) {
            let sum = sums
                .entry(event.text("parameters", "currency"))
                .or_default();
            match event.text("parameters", "transaction_type").as_str() {
                "purchase" => sum.0 += event.minor(),
                _ => sum.1 += event.minor(),
            }
        }
    }
    sums
}

/// The totals of the distinct transactions in one currency. Amounts are in minor units.
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
        let digits = minor_digits(&events[0].text("parameters", "currency"));
        let mut seen = BTreeSet::new();
        let (mut purchases, mut refunds, mut gross, mut refunded) = (0, 0, 0, 0);
        let mut buyers = BTreeSet::new();
        for event in events {
            if !seen.insert(event.content()) {
                continue;
            }
            let minor = event.minor();
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
        decimal(minor, self.digits)
    }

    /// Divides an amount by `count`, and rounds half to even. Returns `None` if `count` is 0.
    fn share(&self, minor: i64, count: i64) -> Option<String> {
        if count == 0 {
            return None;
        }
        Some(self.money(minor.signum() * half_even(minor.abs(), count)))
    }
}

/// Returns the number of decimal digits of a currency by ISO 4217; 2 for an unknown currency.
pub(crate) fn minor_digits(currency: &str) -> usize {
    const DIGITS: [(usize, &str); 3] = [
        (
            0,
            "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
        ),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
    ];
    let has = |(_, codes): &&(usize, &str)| codes.split(' ').any(|code| code == currency);
    DIGITS.iter().find(has).map_or(2, |(digits, _)| *digits)
}

/// Formats minor units as a decimal number.
pub(super) fn decimal(minor: i64, digits: usize) -> String {
    let unit = 10_i64.pow(digits as u32);
    let sign = if minor < 0 { "-" } else { "" };
    let (whole, part) = (minor.abs() / unit, minor.abs() % unit);
    match digits {
        0 => minor.to_string(),
        _ => format!("{sign}{whole}.{part:0digits$}"),
    }
}

/// Divides two numbers that are not negative, and rounds half to even.
pub(super) fn half_even(dividend: i64, divisor: i64) -> i64 {
    let (down, rest) = (dividend / divisor, dividend % divisor);
    let up = 2 * rest > divisor || (2 * rest == divisor && down % 2 == 1);
    down + i64::from(up)
}

/// Returns the amount of a transaction, computed from the digits of its text and rounded half to even; `None`
/// if it is out of range.
pub(super) fn minor_units(event: &Value) -> Option<i64> {
    const MINOR_MAX: i128 = 1_000_000_000_000;
    let parameters = &event["parameters"];
    let text = parameters["amount"].as_number()?.to_string();
    let digits = minor_digits(parameters["currency"].as_str()?) as i32;
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all: i128 = format!("{whole}{part}").parse().ok()?;
    let shift = digits + exponent.parse::<i32>().ok()? - part.len() as i32;
    let minor = match u32::try_from(shift) {
        Ok(shift) => all.checked_mul(10_i128.checked_pow(shift)?)?,
        Err(_) => {
            let divisor = 10_i128.checked_pow(shift.unsigned_abs())?;
            let (down, rest) = (all.div_euclid(divisor), all.rem_euclid(divisor));
            let up = 2 * rest > divisor || (2 * rest == divisor && down % 2 == 1);
            down + i128::from(up)
        }
    };
    let is_in_range = all >= 0 && minor <= MINOR_MAX;
    is_in_range.then_some(minor as i64)
}
