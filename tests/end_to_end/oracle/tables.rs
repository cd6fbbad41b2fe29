//! Recomputes queries that join a table.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use client::Record;
use serde_json::{Value, json};

use super::Rows;
use super::accept::{purchase_events_one_by_one, record_key};
use super::measures::timestamp;

/// The records of the table `items`: the time from which each counts, its item, and the item's rarity.
struct Change {
    from_ms: i64,
    item: String,
    rarity: Option<String>,
}

/// The start of a window, a rarity, and a currency.
type Group = (i64, Option<String>, String);

/// The changes, in the order of their records. A record counts at the latest time of it and of those before it.
fn changes(items: &[Record]) -> Vec<Change> {
    let mut from_ms = i64::MIN;
    let mut changes = Vec::new();
    for record in items {
        from_ms = from_ms.max(record.timestamp_ms.unwrap());
        let key = record.key.as_deref().map(String::from_utf8_lossy);
        if record.value.is_empty() {
            let item = key.unwrap().into_owned();
            changes.push(Change {
                from_ms,
                item,
                rarity: None,
            });
        } else if let Ok(row) = serde_json::from_slice::<Value>(&record.value) {
            changes.push(Change {
                from_ms,
                item: row["id"].as_str().unwrap().to_owned(),
                rarity: row["rarity"].as_str().map(str::to_owned),
            });
        }
    }
    changes
}

/// The orders and the revenue of each rarity and currency, in windows of this length. An item's rarity is the one that
/// it had when the window began.
pub(crate) fn rarity_revenue(purchases: &[Record], items: &[Record], size_ms: i64) -> Rows {
    let changes = changes(items);
    let rarity_at = |item: &str, start: i64| {
        let is_valid = |change: &&Change| change.from_ms <= start && change.item == item;
        let last = changes.iter().rev().find(is_valid);
        last.and_then(|change| change.rarity.clone())
    };
    let mut sums: BTreeMap<Group, (u64, i64)> = BTreeMap::new();
    for event in purchase_events_one_by_one(purchases) {
        if event.text("parameters", "transaction_type") != "purchase" {
            continue;
        }
        let start = event.time_ms.div_euclid(size_ms) * size_ms;
        let rarity = rarity_at(&event.text("parameters", "item_id"), start);
        let group = (start, rarity, event.text("parameters", "currency"));
        let (orders, thousandths) = sums.entry(group).or_default();
        *orders += 1;
        *thousandths += (event.number("amount") * 1_000.0).round() as i64;
    }
    let row = |((start, rarity, currency), (orders, thousandths)): (Group, (u64, i64))| {
        let row = json!({
            "window_start": timestamp(start), "window_end": timestamp(start + size_ms),
            "rarity": rarity, "currency": currency, "orders": orders,
            "revenue": format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000),
        });
        let rarity = rarity.unwrap_or("\\N".to_owned());
        ((start, record_key(&[rarity, currency])), row)
    };
    sums.into_iter().map(row).collect()
}

/// The rarities with the largest odd numbers of orders in each window, with their ranks, from the rows of
/// [`rarity_revenue`]. Items without a rarity do not count.
pub(crate) fn first_rarities(revenue: &Rows, limit: usize) -> Rows {
    let mut windows: BTreeMap<i64, BTreeMap<String, u64>> = BTreeMap::new();
    let mut bounds = BTreeMap::new();
    for ((start, _), row) in revenue {
        if let Some(rarity) = row["rarity"].as_str() {
            let orders = windows.entry(*start).or_default().entry(rarity.to_owned());
            *orders.or_default() += row["orders"].as_u64().unwrap();
            bounds.insert(*start, [&row["window_start"], &row["window_end"]]);
        }
    }
    let mut rows = Rows::new();
    for (start, rarities) in windows {
        let mut odd: Vec<_> = rarities
            .into_iter()
            .filter(|(_, orders)| orders % 2 == 1)
            .collect();
        odd.sort_by_key(|(_, orders)| Reverse(*orders));
        let [from, to] = bounds[&start];
        for (rank, (rarity, orders)) in (1..).zip(odd.into_iter().take(limit)) {
            let row = json!({
                "window_start": from, "window_end": to, "rarity": rarity, "orders": orders, "rank": rank,
            });
            rows.insert((start, rank.to_string()), row);
        }
    }
    rows
}
