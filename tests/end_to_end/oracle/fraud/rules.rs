//! Recomputes what each rule must report. Each function follows the definition of its rule as literally as possible.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::super::money::{decimal, half_even, minor_digits};
use super::conflict::transaction_conflict;
use super::{Finding, FraudRules, Limit, Transaction};

/// Returns all findings about one user. The transactions must be in the order of event time.
pub(super) fn findings(all: &[Transaction], rules: &FraudRules) -> Vec<Finding> {
    let of = |is_purchase: bool| -> Vec<&Transaction> {
        all.iter()
            .filter(|one| one.is_purchase == is_purchase)
            .collect()
    };
    let (purchases, refunds) = (of(true), of(false));
    let mut found = velocity(&purchases, rules.velocity);
    found.extend(amount_spike(&purchases, rules));
    found.extend(card_testing(&purchases, rules));
    found.extend(refund_abuse(all, &refunds, rules));
    found.extend(variety(&purchases, Variety::CURRENCIES, rules.currencies));
    found.extend(variety(&purchases, Variety::PLATFORMS, rules.platforms));
    found.extend(transaction_conflict(all, rules.conflict_window_s));
    found
}

/// Returns the transactions in the window that ends at `at_ms`, among the first `count` transactions.
pub(super) fn within<'t>(
    transactions: &[&'t Transaction],
    count: usize,
    at_ms: i64,
    window_s: i64,
) -> Vec<&'t Transaction> {
    let is_in = |one: &&&Transaction| one.time_ms > at_ms - window_s * 1000;
    transactions[..count]
        .iter()
        .filter(is_in)
        .copied()
        .collect()
}

/// Whether `fell` returns true for the window at some instant between two times. Only the instants at which a
/// transaction leaves the window are checked, because the window does not shrink at other instants.
fn has_fallen(
    transactions: &[&Transaction],
    between_ms: (i64, i64),
    window_s: i64,
    fell: impl Fn(&[&Transaction]) -> bool,
) -> bool {
    let leaves = transactions.iter().map(|one| one.time_ms + window_s * 1000);
    let mut between = leaves.filter(|at_ms| between_ms.0 < *at_ms && *at_ms < between_ms.1);
    between.any(|at_ms| {
        let by_then = transactions.partition_point(|one| one.time_ms <= at_ms);
        fell(&within(transactions, by_then, at_ms, window_s))
    })
}

/// Calls `fires` at the first transaction at which `is_too_much` returns true for the window. Calls it again only after
/// `is_too_much` has returned false at some instant in between.
fn bursts<'t>(
    transactions: &[&'t Transaction],
    window_s: i64,
    is_too_much: impl Fn(&[&Transaction]) -> bool,
    fires: impl Fn(&[&'t Transaction], i64) -> Option<Finding>,
) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for (place, last) in transactions.iter().enumerate() {
        let window = within(transactions, place + 1, last.time_ms, window_s);
        let is_new = found.last().is_none_or(|before| {
            let between_ms = (before.at_ms, last.time_ms);
            has_fallen(transactions, between_ms, window_s, |window| {
                !is_too_much(window)
            })
        });
        if is_new && is_too_much(&window) {
            found.extend(fires(&window, last.time_ms));
        }
    }
    found
}

fn velocity(purchases: &[&Transaction], (n, window_s): (usize, i64)) -> Vec<Finding> {
    bursts(
        purchases,
        window_s,
        |window| window.len() > n,
        |window, at_ms| {
            let (since_ms, count) = (window[0].time_ms, window.len());
            let span_ms = at_ms - since_ms;
            Some(Finding {
                rule: "velocity",
                since_ms,
                at_ms,
                ids: ids(window),
                score: 1.0 - 0.5 * span_ms as f64 / (window_s * 1000) as f64,
                reason: Some(format!(
                    "{count} purchases within {} s: more than {n} in {window_s} s",
                    decimal(span_ms, 3)
                )),
                evidence: json!({"purchases": count, "within_ms": span_ms, "n": n, "window_s": window_s}),
            })
        },
    )
}

fn amount_spike(purchases: &[&Transaction], rules: &FraudRules) -> Vec<Finding> {
    let (k, m, window_s) = (rules.spike_k, rules.spike_m, rules.spike_window_s);
    let mut found = Vec::new();
    for (place, last) in purchases.iter().enumerate() {
        let (currency, at_ms) = (&last.currency, last.time_ms);
        let mut earlier = within(purchases, place, at_ms, window_s);
        earlier.retain(|one| one.currency == *currency);
        let (count, sum) = (
            earlier.len() as i64,
            earlier.iter().map(|one| one.minor).sum::<i64>(),
        );
        let limit = rules.spike_limit.minor(currency);
        let is_spike = earlier.len() >= m && sum > 0 && last.minor * count >= k * sum;
        let is_beyond = limit.is_some_and(|limit| last.minor >= limit);
        if !is_spike && !is_beyond {
            continue;
        }
        let money = |minor| format!("{} {currency}", decimal(minor, minor_digits(currency)));
        let mean = (count > 0).then(|| half_even(sum, count));
        let amount = money(last.minor);
        let reason = match (is_spike, is_beyond) {
            (true, true) => None,
            (true, false) => Some(format!(
                "a purchase of {amount}: at least {k} times the mean {} of {count} earlier purchases in {window_s} s",
                money(mean.unwrap_or(0))
            )),
            (false, _) => Some(format!(
                "a purchase of {amount}: at least the limit of {}",
                money(limit.unwrap_or(0))
            )),
        };
        let score = |threshold: f64, holds: bool| {
            f64::from(u8::from(holds)) * (1.0 - 0.5 * threshold / last.minor as f64)
        };
        let number = |minor| decimal(minor, minor_digits(currency));
        found.push(Finding {
            rule: "amount-spike",
            since_ms: at_ms,
            at_ms,
            ids: vec![last.id.clone()],
            score: score((k * sum) as f64 / count.max(1) as f64, is_spike)
                .max(score(limit.unwrap_or(0) as f64, is_beyond)),
            reason,
            evidence: json!({
                "amount": number(last.minor), "currency": currency, "earlier_purchases": count,
                "mean": mean.map(number), "k": k, "m": m, "limit": limit.map(number), "window_s": window_s,
            }),
        });
    }
    found
}

fn card_testing(purchases: &[&Transaction], rules: &FraudRules) -> Vec<Finding> {
    let (n, window_s) = (rules.testing_n, rules.testing_window_s);
    let mut found = Vec::new();
    let mut used = 0; // purchases before this index are already evidence of an alert
    for (place, last) in purchases.iter().enumerate() {
        let (currency, at_ms) = (&last.currency, last.time_ms);
        let mut small = within(&purchases[used..], place - used, at_ms, window_s);
        let is_large = |one: &Transaction| {
            let large = rules.testing_large.minor(&one.currency);
            large.is_some_and(|large| one.minor >= large)
        };
        small.retain(|one| {
            let limit = rules.testing_small.minor(&one.currency);
            limit.is_some_and(|limit| one.minor < limit) && !is_large(one)
        });
        if !is_large(last) || small.len() < n {
            continue;
        }
        used = place + 1;
        let count = small.len();
        let money = |limit: Limit| Some(decimal(limit.minor(currency)?, minor_digits(currency)));
        let (is_below, large) = (money(rules.testing_small), money(rules.testing_large));
        let below = is_below.as_ref().map_or(String::new(), |small| {
            format!(" (below {small} {currency})")
        });
        let amount = decimal(last.minor, minor_digits(currency));
        found.push(Finding {
            rule: "card-testing",
            since_ms: small[0].time_ms,
            at_ms,
            ids: [ids(&small), vec![last.id.clone()]].concat(),
            score: 1.0 - 0.25 * n as f64 / count as f64,
            reason: Some(format!(
                "a purchase of {amount} {currency} after {count} small ones{below} in {window_s} s"
            )),
            evidence: json!({
                "small_purchases": count, "amount": amount, "currency": currency, "n": n,
                "small": is_below, "large": large, "window_s": window_s,
            }),
        });
    }
    found
}

fn refund_abuse(all: &[Transaction], refunds: &[&Transaction], rules: &FraudRules) -> Vec<Finding> {
    let (n, window_s) = (rules.refunds_n, rules.refunds_window_s);
    bursts(
        refunds,
        window_s,
        |window| window.len() >= n,
        |window, at_ms| {
            let last = window[window.len() - 1];
            let so_far = all.iter().take_while(|one| !std::ptr::eq(*one, last));
            let is_in =
                |one: &&Transaction| one.is_purchase && one.time_ms > at_ms - window_s * 1000;
            let (count, purchases) = (window.len(), so_far.filter(is_in).count());
            let ratio = count as f64 / purchases as f64;
            let r = rules.refunds_r as f64 / 1e3;
            (count * 1000 >= rules.refunds_r * purchases).then(|| Finding {
                rule: "refund-abuse",
                since_ms: window[0].time_ms,
                at_ms,
                ids: ids(window),
                score: ratio.min(1.0),
                reason: Some(format!(
                    "{count} refunds for {purchases} purchases in {window_s} s: \
                     at least {n} refunds and {r} for each purchase"
                )),
                evidence: json!({
                    "refunds": count, "purchases": purchases, "n": n, "r": r, "window_s": window_s,
                    "refund_ratio": (purchases > 0).then_some(ratio),
                }),
            })
        },
    )
}

/// A field that should not have many different values for one user.
struct Variety {
    rule: &'static str,
    names: &'static str,
    /// The beginning of the alert's reason.
    sentence: &'static str,
    of: fn(&Transaction) -> &String,
}

impl Variety {
    const CURRENCIES: Self = Self {
        rule: "multi-currency",
        names: "currencies",
        sentence: "purchases in several currencies",
        of: |one| &one.currency,
    };
    const PLATFORMS: Self = Self {
        rule: "multi-platform",
        names: "platforms",
        sentence: "purchases from several platforms",
        of: |one| &one.platform,
    };
}

fn variety(
    purchases: &[&Transaction],
    variety: Variety,
    (n, window_s): (usize, i64),
) -> Vec<Finding> {
    let of = variety.of;
    bursts(
        purchases,
        window_s,
        |window| {
            window
                .iter()
                .map(|one| of(one))
                .collect::<BTreeSet<_>>()
                .len()
                > n
        },
        |window, at_ms| {
            let latest: BTreeMap<&String, usize> = (0..)
                .zip(window)
                .map(|(place, one)| (of(one), place))
                .collect();
            let mut places: Vec<usize> = latest.values().copied().collect();
            places.sort_unstable();
            let evidence: Vec<&Transaction> = places.iter().map(|place| window[*place]).collect();
            let (since_ms, names) = (evidence[0].time_ms, latest.keys().collect::<Vec<_>>());
            let list: Vec<String> = names.iter().map(ToString::to_string).collect();
            Some(Finding {
                rule: variety.rule,
                since_ms,
                at_ms,
                ids: ids(&evidence),
                score: 1.0 - 0.5 * (at_ms - since_ms) as f64 / (window_s * 1000) as f64,
                reason: Some(format!(
                    "{} within {} s: {} of them ({}), more than {n} in {window_s} s",
                    variety.sentence,
                    decimal(at_ms - since_ms, 3),
                    list.len(),
                    list.join(", ")
                )),
                evidence: json!({variety.names: names, "n": n, "window_s": window_s}),
            })
        },
    )
}

fn ids(transactions: &[&Transaction]) -> Vec<String> {
    transactions.iter().map(|one| one.id.clone()).collect()
}
