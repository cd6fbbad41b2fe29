//! Recomputes the rule about transactions that contradict another transaction with the same id.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::measures::timestamp;
use super::super::money::{decimal, minor_digits};
use super::rules::within;
use super::{Finding, Transaction};

/// Finds records that contradict an earlier record with the same transaction id.
pub(super) fn transaction_conflict(all: &[Transaction], window_s: i64) -> Vec<Finding> {
    let all: Vec<&Transaction> = all.iter().collect();
    let (mut found, mut reported) = (Vec::new(), BTreeMap::<&str, i64>::new());
    for (place, now) in all.iter().enumerate() {
        let mut same = all[..=place].to_vec();
        same.retain(|one| one.id == now.id);
        let remembered = within(&same, same.len() - 1, now.time_ms, window_s);
        let Some(first) = remembered.iter().find(|one| contradict(one, now)) else {
            continue;
        };
        // Further contradictions of the same id within the window are not reported.
        let is_recent = |reported_ms: i64| now.time_ms - reported_ms < window_s * 1000;
        if reported.insert(&now.id, now.time_ms).is_some_and(is_recent) {
            continue;
        }
        let (larger, smaller) = (now.minor.max(first.minor), now.minor.min(first.minor));
        let is_refund_of = now.is_purchase != first.is_purchase
            && (&now.item, &now.currency) == (&first.item, &first.currency);
        let (conflict, score) = match is_refund_of {
            true => (
                "refund_larger_than_purchase",
                1.0 - 0.5 * smaller as f64 / larger as f64,
            ),
            false => ("different_content", 0.6),
        };
        found.push(Finding {
            rule: "transaction-conflict",
            since_ms: now.time_ms,
            at_ms: now.time_ms,
            ids: vec![now.id.clone()],
            score,
            reason: Some(sentence(first, now, is_refund_of)),
            evidence: json!({
                "transaction_id": now.id, "conflict": conflict,
                "first": described(first), "now": described(now), "differs": differs(first, now),
                "window_s": window_s,
            }),
        });
    }
    found
}

/// Whether two records of the same transaction cannot both be true.
fn contradict(a: &Transaction, b: &Transaction) -> bool {
    let (purchase, refund) = if a.is_purchase { (a, b) } else { (b, a) };
    a.is_purchase == b.is_purchase
        || (&a.item, &a.currency) != (&b.item, &b.currency)
        || refund.minor > purchase.minor
}

fn sentence(first: &Transaction, now: &Transaction, is_refund_of: bool) -> String {
    let of = |one: &Transaction| {
        let kind = if one.is_purchase {
            "purchase"
        } else {
            "refund"
        };
        let amount = decimal(one.minor, minor_digits(&one.currency));
        format!("a {kind} of {amount} {}", one.currency)
    };
    let at = |one: &Transaction| timestamp(one.time_ms).as_str().unwrap().to_owned();
    if is_refund_of {
        let (purchase, refund) = if now.is_purchase {
            (now, first)
        } else {
            (first, now)
        };
        let price = of(purchase).replacen("a purchase of ", "", 1);
        return format!(
            "transaction `{}`: {} for a purchase of {price}",
            now.id,
            of(refund)
        );
    }
    format!(
        "transaction `{}` stands for two things: {} at {}, and {} at {}; they differ in {}",
        now.id,
        of(first),
        at(first),
        of(now),
        at(now),
        differs(first, now).join(", ")
    )
}

/// Returns the descriptive fields in which the two records differ.
fn differs(first: &Transaction, now: &Transaction) -> Vec<&'static str> {
    const FIELDS: [&str; 7] = [
        "transaction_type",
        "amount",
        "currency",
        "item_id",
        "item_type",
        "platform",
        "time",
    ];
    let (first, now) = (described(first), described(now));
    FIELDS
        .into_iter()
        .filter(|field| first[*field] != now[*field])
        .collect()
}

fn described(one: &Transaction) -> Value {
    json!({
        "transaction_type": if one.is_purchase { "purchase" } else { "refund" },
        "amount": decimal(one.minor, minor_digits(&one.currency)), "currency": one.currency,
        "item_id": one.item, "item_type": one.item_type, "platform": one.platform, "time": timestamp(one.time_ms),
    })
}
