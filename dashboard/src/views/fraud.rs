//! `fraud`: the alerts, the latest first, with their evidence; a user's own with `user`.

use std::collections::BTreeMap;

use model::derived::{Derived, FraudAlert};
use serde::Serialize;

use super::Look;
use crate::limits::ALERTS_SHOWN;
use crate::span::Span;

#[derive(Serialize)]
pub(super) struct Fraud<'a> {
    alerts: Vec<&'a Derived<FraudAlert>>,
    alerts_left_out: usize,
    step_ms: i64,
    times: Vec<i64>,
    /// Alerts of each rule in each piece of the span.
    rules: BTreeMap<&'static str, Vec<u32>>,
}

/// Of one user everything that is kept is shown, whenever it was.
pub(super) fn view<'a>(look: &Look<'a>) -> Fraud<'a> {
    let span = Span::over(look.range.clone(), 0);
    let mut rules = BTreeMap::<&'static str, Vec<u32>>::new();
    let (mut alerts, mut left_out) = (Vec::new(), 0);
    for (time, row) in look.store.fraud.newest_first() {
        let of = &row.measures;
        let user = look.query.user.as_ref();
        let whenever = user.is_some_and(|user| *user == of.user_id);
        if !look.wants_name(&of.game_id) || !whenever && (user.is_some() || !look.has(time)) {
            continue;
        }
        if let Some(piece) = span.index(time) {
            rules.entry(of.rule.name()).or_insert_with(|| span.values())[piece] += 1;
        }
        if alerts.len() < ALERTS_SHOWN {
            alerts.push(row);
        } else {
            left_out += 1;
        }
    }
    Fraud {
        alerts,
        alerts_left_out: left_out,
        step_ms: span.step_ms,
        times: span.times(),
        rules,
    }
}
