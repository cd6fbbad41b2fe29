//! The rules by brute force: no state is carried along, every transaction looks at all others.

use std::collections::BTreeSet;

use model::Timestamp;
use serde_json::Value;

/// What is said of one user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Alert {
    pub(crate) rule: String,
    pub(crate) user: String,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) revision: u64,
    pub(crate) ids: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Deal {
    ms: i64,
    id: String,
    is_purchase: bool,
    currency: String,
    /// Hundredths of a dollar, and yen.
    amount: i64,
    item: String,
    platform: String,
}

/// The place of the transaction that fires, where it begins, and the evidence.
type Found = (usize, i64, Vec<usize>);

/// All alerts, sorted.
pub(crate) fn recomputed(records: &[Value], unique: bool) -> Vec<Alert> {
    let user = |record: &Value| {
        record["user_data"]["user_id"]
            .as_str()
            .expect("a user")
            .to_owned()
    };
    let users: BTreeSet<String> = records.iter().map(user).collect();
    let mut alerts = Vec::new();
    for name in users {
        let mut deals: Vec<Deal> = Vec::new();
        for record in records.iter().filter(|record| user(record) == name) {
            let deal = deal(record);
            if !unique || !deals.contains(&deal) {
                deals.push(deal);
            }
        }
        deals.sort_by_key(|deal| deal.ms);
        for (rule, found) in found(&deals, unique) {
            alerts.extend(said(rule, &name, &deals, found));
        }
    }
    alerts.sort();
    alerts
}

fn deal(record: &Value) -> Deal {
    let parameters = &record["parameters"];
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let time = Timestamp::parse(&text(&record["event_timestamp"])).expect("a time");
    let amount = parameters["amount"].as_f64().expect("a number");
    let scale = if parameters["currency"] == "JPY" {
        1.0
    } else {
        100.0
    };
    Deal {
        ms: time.as_millis() - super::EPOCH_MS,
        id: text(&parameters["transaction_id"]),
        is_purchase: parameters["transaction_type"] == "purchase",
        currency: text(&parameters["currency"]),
        amount: (amount * scale).round() as i64,
        item: text(&parameters["item_id"]),
        platform: text(&record["user_data"]["platform"]),
    }
}

fn found(deals: &[Deal], unique: bool) -> [(&'static str, Vec<Found>); 7] {
    [
        ("velocity", velocity(deals)),
        ("amount-spike", amount_spike(deals)),
        ("card-testing", card_testing(deals)),
        ("refund-abuse", refund_abuse(deals)),
        (
            "multi-currency",
            variety(deals, 30_000, 1, |deal| &deal.currency),
        ),
        (
            "multi-platform",
            variety(deals, 15_000, 2, |deal| &deal.platform),
        ),
        (
            "transaction-conflict",
            if unique { conflicts(deals) } else { Vec::new() },
        ),
    ]
}

/// Findings that begin at the same time are revisions of one alert.
fn said(rule: &str, user: &str, deals: &[Deal], found: Vec<Found>) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for (index, (place, start_ms, _)) in found.iter().enumerate() {
        let before = found[..index].iter().filter(|other| other.1 == *start_ms);
        let story = found[..=index].iter().filter(|other| other.1 == *start_ms);
        let ids = story
            .flat_map(|(_, _, evidence)| evidence.iter().map(|place| deals[*place].id.clone()));
        alerts.push(Alert {
            rule: rule.to_owned(),
            user: user.to_owned(),
            start_ms: *start_ms,
            end_ms: deals[*place].ms + 1,
            revision: before.count() as u64,
            ids: ids.collect(),
        });
    }
    alerts
}

/// The places up to `place` whose deals are less than `window` before it.
fn window(deals: &[Deal], place: usize, window: i64) -> Vec<usize> {
    (0..=place)
        .filter(|other| deals[*other].ms > deals[place].ms - window)
        .collect()
}

/// The findings of a rule that lasts: `fires` says what the window of a transaction amounts to, if
/// it is enough; `lasts` whether the deals of the window that ends with an instant still are.
fn episodes(
    deals: &[Deal],
    length: i64,
    fires: impl Fn(usize, &[usize]) -> Option<Vec<usize>>,
    lasts: impl Fn(&[&Deal]) -> bool,
) -> Vec<Found> {
    let changes: Vec<i64> = deals
        .iter()
        .flat_map(|deal| [deal.ms, deal.ms + length])
        .collect();
    let lasts_at = |now: i64| {
        let inside = deals
            .iter()
            .filter(|deal| now - length < deal.ms && deal.ms <= now);
        lasts(&inside.collect::<Vec<_>>())
    };
    let mut found: Vec<Found> = Vec::new();
    for place in 0..deals.len() {
        let Some(evidence) = fires(place, &window(deals, place, length)) else {
            continue;
        };
        let goes_on = |from: i64| {
            let mut between = changes
                .iter()
                .filter(|change| from <= **change && **change < deals[place].ms);
            between.all(|change| lasts_at(*change))
        };
        if !found
            .iter()
            .any(|(earlier, ..)| goes_on(deals[*earlier].ms))
        {
            let start = evidence
                .iter()
                .map(|place| deals[*place].ms)
                .min()
                .expect("evidence");
            found.push((place, start, evidence));
        }
    }
    found
}

fn velocity(deals: &[Deal]) -> Vec<Found> {
    let fires = |_: usize, inside: &[usize]| {
        let bought: Vec<_> = inside
            .iter()
            .copied()
            .filter(|place| deals[*place].is_purchase)
            .collect();
        (bought.len() > 3).then_some(bought)
    };
    let lasts = |inside: &[&Deal]| inside.iter().filter(|deal| deal.is_purchase).count() > 3;
    episodes(deals, 20_000, fires, lasts)
}

fn refund_abuse(deals: &[Deal]) -> Vec<Found> {
    let fires = |place: usize, inside: &[usize]| {
        let (bought, back): (Vec<_>, Vec<_>) =
            inside.iter().partition(|place| deals[**place].is_purchase);
        let enough = back.len() >= 2 && 2 * back.len() >= bought.len();
        (enough && !deals[place].is_purchase).then_some(back)
    };
    let lasts = |inside: &[&Deal]| inside.iter().filter(|deal| !deal.is_purchase).count() >= 2;
    episodes(deals, 50_000, fires, lasts)
}

fn variety(deals: &[Deal], length: i64, n: usize, kind: fn(&Deal) -> &str) -> Vec<Found> {
    let fires = |_: usize, inside: &[usize]| {
        // The last purchase of each kind: no later one is of the same.
        let bought: Vec<_> = inside
            .iter()
            .copied()
            .filter(|place| deals[*place].is_purchase)
            .collect();
        let is_last = |place: &usize| {
            let mut later = bought.iter().filter(|other| *other > place);
            !later.any(|other| kind(&deals[*other]) == kind(&deals[*place]))
        };
        let last: Vec<_> = bought.iter().copied().filter(is_last).collect();
        (last.len() > n).then_some(last)
    };
    let lasts = |inside: &[&Deal]| {
        let bought = inside.iter().filter(|deal| deal.is_purchase);
        bought.map(|deal| kind(deal)).collect::<BTreeSet<_>>().len() > n
    };
    episodes(deals, length, fires, lasts)
}

fn amount_spike(deals: &[Deal]) -> Vec<Found> {
    let mut found = Vec::new();
    for (place, deal) in deals
        .iter()
        .enumerate()
        .filter(|(_, deal)| deal.is_purchase)
    {
        let alike = window(deals, place, 60_000).into_iter().filter(|other| {
            *other != place && deals[*other].is_purchase && deals[*other].currency == deal.currency
        });
        let amounts: Vec<i64> = alike.map(|other| deals[other].amount).collect();
        let (count, sum) = (amounts.len() as i64, amounts.iter().sum::<i64>());
        let is_far_above = count >= 2 && sum > 0 && 2 * deal.amount * count >= 5 * sum;
        let limit = if deal.currency == "JPY" { 5_000 } else { 6_000 };
        if is_far_above || deal.amount >= limit {
            found.push((place, deal.ms, vec![place]));
        }
    }
    found
}

fn card_testing(deals: &[Deal]) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let limits = |deal: &Deal| {
        if deal.currency == "JPY" {
            (150, 4_000)
        } else {
            (100, 3_000)
        }
    };
    for (place, deal) in deals.iter().enumerate() {
        let used = found.last().map_or(0, |(earlier, ..)| *earlier);
        let inside = window(deals, place, 40_000).into_iter();
        let mut evidence: Vec<usize> = inside
            .filter(|other| *other >= used && deals[*other].is_purchase)
            .filter(|other| deals[*other].amount < limits(&deals[*other]).0)
            .collect();
        if deal.is_purchase && deal.amount >= limits(deal).1 && evidence.len() >= 2 {
            let start = deals[evidence[0]].ms;
            evidence.push(place);
            found.push((place, start, evidence));
        }
    }
    found
}

fn conflicts(deals: &[Deal]) -> Vec<Found> {
    let earlier = |place: usize| {
        let inside = window(deals, place, 45_000).into_iter();
        inside.filter(move |other| *other != place && deals[*other].id == deals[place].id)
    };
    let contradicts =
        |place: usize| earlier(place).any(|other| contradict(&deals[other], &deals[place]));
    let fires = |place: &usize| contradicts(*place) && !earlier(*place).any(contradicts);
    let found = (0..deals.len()).filter(fires);
    found
        .map(|place| (place, deals[place].ms, vec![place]))
        .collect()
}

fn contradict(a: &Deal, b: &Deal) -> bool {
    let (bought, back) = match (a.is_purchase, b.is_purchase) {
        (true, false) => (a, b),
        (false, true) => (b, a),
        _ => return true,
    };
    bought.currency != back.currency || bought.item != back.item || back.amount > bought.amount
}
