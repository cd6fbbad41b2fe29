//! `quality`: what became of every record, and how far behind the numbers are.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Look;
use crate::span::{Mean, Span};
use crate::store::{Account, Sample, Topic, TopicState};
use crate::symbols::Sym;

#[derive(Serialize)]
pub(super) struct Quality<'a> {
    accounts: Vec<Row<'a>>,
    rejected: Vec<Rejected>,
    rejected_samples: Vec<&'a Sample>,
    /// Late for a window of one derivation, by derivation and source.
    late: Vec<Late>,
    late_samples: Vec<&'a Sample>,
    step_ms: i64,
    times: Vec<i64>,
    /// Seconds from the watermark to the moment of the account, by derivation.
    delays: BTreeMap<&'a str, Vec<Option<f64>>>,
    topics: Vec<Read>,
}

/// What became of the records of a partition.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    account: &'a Account,
    /// All that were rejected.
    rejected_total: u64,
    /// Whether `read = accepted + rejected + late + duplicate`.
    adds_up: bool,
    /// Records that wait.
    lag: Option<i64>,
    delay_ms: Option<i64>,
    published_at: i64,
}

#[derive(Serialize)]
struct Rejected {
    topic: String,
    reason: String,
    records: u64,
}

#[derive(Serialize)]
struct Late {
    derivation: String,
    topic: String,
    records: u64,
}

/// How far a topic has been read here.
#[derive(Serialize)]
struct Read {
    topic: &'static str,
    records: u64,
    unshown: u64,
    arrived_ms: Option<i64>,
    trouble: Option<String>,
}

pub(super) fn view<'a>(look: &Look<'a>) -> Quality<'a> {
    let span = Span::over(look.range.clone(), 0);
    Quality {
        accounts: look
            .store
            .accounts
            .last()
            .map(|(at, account)| row(look, at, account))
            .collect(),
        rejected: rejected(look),
        rejected_samples: look.store.rejected.latest().collect(),
        late: late(look),
        late_samples: look.store.late.latest().collect(),
        step_ms: span.step_ms,
        times: span.times(),
        delays: delays(look, &span),
        topics: Topic::ALL
            .map(|topic| read(topic, look.store.topic(topic)))
            .into(),
    }
}

fn row<'a>(look: &Look<'a>, published_at: i64, account: &'a Account) -> Row<'a> {
    let rejected_total = account.rejected.values().sum();
    let parts = account.accepted + rejected_total + account.late + account.duplicate;
    Row {
        rejected_total,
        adds_up: parts == account.read,
        lag: look.store.accounts.lag(account, published_at),
        delay_ms: account
            .watermark
            .map(|watermark| published_at - watermark.as_millis()),
        published_at,
        account,
    }
}

/// Every derivation of a source meets the same bad records: those who have come furthest tell.
fn rejected(look: &Look<'_>) -> Vec<Rejected> {
    let mut furthest = BTreeMap::<(&str, u32), &Account>::new();
    for (_, account) in look.store.accounts.last() {
        let known = furthest
            .entry((&account.topic, account.partition))
            .or_insert(account);
        if account.next_offset > known.next_offset {
            *known = account;
        }
    }
    let mut sums = BTreeMap::<(&str, &str), u64>::new();
    for account in furthest.into_values() {
        for (reason, count) in &account.rejected {
            *sums.entry((&account.topic, reason)).or_default() += count;
        }
    }
    let counted = sums.into_iter().filter(|(_, records)| *records > 0);
    let rejected = counted.map(|((topic, reason), records)| Rejected {
        topic: topic.to_owned(),
        reason: reason.to_owned(),
        records,
    });
    rejected.collect()
}

fn late(look: &Look<'_>) -> Vec<Late> {
    let mut sums = BTreeMap::<(&str, &str), u64>::new();
    for (_, account) in look.store.accounts.last() {
        *sums
            .entry((&account.derivation, &account.topic))
            .or_default() += account.late;
    }
    let late = sums.into_iter().map(|((derivation, topic), records)| Late {
        derivation: derivation.to_owned(),
        topic: topic.to_owned(),
        records,
    });
    late.collect()
}

fn delays<'a>(look: &Look<'a>, span: &Span) -> BTreeMap<&'a str, Vec<Option<f64>>> {
    let mut lines = BTreeMap::<Sym, Vec<Mean>>::new();
    for (at, derivation, delay_ms) in look.store.accounts.delays.range(span.range()) {
        if let Some(piece) = span.index(at) {
            let line = lines.entry(*derivation).or_insert_with(|| span.values());
            line[piece].add(*delay_ms as f64 / 1_000.0);
        }
    }
    let values = |means: Vec<Mean>| means.into_iter().map(Mean::value).collect();
    lines
        .into_iter()
        .map(|(derivation, means)| (look.name(derivation), values(means)))
        .collect()
}

fn read(topic: Topic, state: &TopicState) -> Read {
    Read {
        topic: topic.name(),
        records: state.records,
        unshown: state.unshown,
        arrived_ms: state.arrived_ms,
        trouble: state.trouble.clone(),
    }
}
