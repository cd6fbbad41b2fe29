//! `quality`: how many records were accepted, rejected, late or duplicate; watermark delay, lag, and samples of dead
//! letters.

use std::collections::BTreeMap;

use client::Partition;
use serde::Serialize;

use super::ViewContext;
use crate::span::{Mean, Span};
use crate::store::{Account, Sample, SenderAhead, Topic, TopicState};
use crate::symbols::Symbol;

#[derive(Serialize)]
pub(super) struct Quality<'a> {
    accounts: Vec<Row<'a>>,
    rejected: Vec<Rejected>,
    rejected_samples: Vec<&'a Sample>,
    /// The number of late events, by derivation and source.
    late: Vec<Late>,
    late_samples: Vec<&'a Sample>,
    senders_ahead: Vec<&'a SenderAhead>,
    step_ms: i64,
    times: Vec<i64>,
    /// For each derivation, the mean watermark delay in seconds in each piece of the span.
    delays: BTreeMap<&'a str, Vec<Option<f64>>>,
    topics: Vec<TopicProgress>,
}

/// The account of one derivation and partition.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    account: &'a Account,
    /// The number of rejected records, for all reasons.
    rejected_total: u64,
    /// Whether `read = accepted + rejected + late + duplicate`.
    adds_up: bool,
    /// The number of records that were unread when the account was published.
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

/// The dashboard's own reading progress in a topic.
#[derive(Serialize)]
struct TopicProgress {
    topic: &'static str,
    records: u64,
    unshown: u64,
    arrived_ms: Option<i64>,
    last_error: Option<String>,
}

pub(super) fn view<'a>(context: &ViewContext<'a>) -> Quality<'a> {
    let span = Span::over(context.range.clone(), 0);
    Quality {
        accounts: context
            .store
            .topics
            .accounts
            .last()
            .map(|(at, account)| row(context, at, account))
            .collect(),
        rejected: rejected(context),
        rejected_samples: context.store.topics.rejected.latest().collect(),
        late: late(context),
        late_samples: context.store.topics.late.latest().collect(),
        senders_ahead: context.store.topics.accounts.senders_ahead.latest(),
        step_ms: span.step_ms,
        times: span.times(),
        delays: delays(context, &span),
        topics: Topic::ALL
            .map(|topic| read(topic, context.store.state(topic)))
            .into(),
    }
}

fn row<'a>(context: &ViewContext<'a>, published_at: i64, account: &'a Account) -> Row<'a> {
    let rejected_total = account.rejected.values().sum();
    let parts = account.accepted + rejected_total + account.late + account.duplicate;
    Row {
        rejected_total,
        adds_up: parts == account.read,
        lag: context.store.topics.accounts.lag(account, published_at),
        delay_ms: account
            .watermark
            .map(|watermark| published_at - watermark.as_millis()),
        published_at,
        account,
    }
}

/// Returns the number of rejected records for each source and reason. All derivations of a source count the same
/// records. So only one account of each partition is used: that of the derivation that has read furthest.
fn rejected(context: &ViewContext<'_>) -> Vec<Rejected> {
    let mut furthest = BTreeMap::<(&str, Partition), &Account>::new();
    for (_, account) in context.store.topics.accounts.last() {
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

fn late(context: &ViewContext<'_>) -> Vec<Late> {
    let mut sums = BTreeMap::<(&str, &str), u64>::new();
    for (_, account) in context.store.topics.accounts.last() {
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

fn delays<'a>(context: &ViewContext<'a>, span: &Span) -> BTreeMap<&'a str, Vec<Option<f64>>> {
    let mut lines = BTreeMap::<Symbol, Vec<Mean>>::new();
    for (at, derivation, delay_ms) in context.store.topics.accounts.delays.range(span.range()) {
        if let Some(piece) = span.index(at) {
            let line = lines.entry(*derivation).or_insert_with(|| span.values());
            line[piece].add(*delay_ms as f64 / 1_000.0);
        }
    }
    let values = |means: Vec<Mean>| means.into_iter().map(Mean::value).collect();
    lines
        .into_iter()
        .map(|(derivation, means)| (context.name(derivation), values(means)))
        .collect()
}

fn read(topic: Topic, state: &TopicState) -> TopicProgress {
    TopicProgress {
        topic: topic.name(),
        records: state.records,
        unshown: state.unshown,
        arrived_ms: state.arrived_ms,
        last_error: state.last_error.clone(),
    }
}
