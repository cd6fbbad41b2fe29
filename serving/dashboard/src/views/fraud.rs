//! `fraud`: alerts with their evidence, latest first. The parameter `user` selects the alerts of one user.

use std::collections::BTreeMap;

use model::derived::{Derived, FraudAlerts};
use serde::Serialize;

use super::ViewContext;
use crate::limits::ALERTS_SHOWN;
use crate::span::Span;

#[derive(Serialize)]
pub(super) struct Fraud<'a> {
    alerts: Vec<&'a Derived<FraudAlerts>>,
    alerts_left_out: usize,
    step_ms: i64,
    times: Vec<i64>,
    /// The number of alerts of each rule in each piece of the span.
    rules: BTreeMap<&'static str, Vec<u32>>,
}

/// Computes the view. If the query has a `user`, the view contains stored alerts of this user from any time, not only
/// those in the span.
pub(super) fn view<'a>(context: &ViewContext<'a>) -> Fraud<'a> {
    let span = Span::over(context.range.clone(), 0);
    let mut rules = BTreeMap::<&'static str, Vec<u32>>::new();
    let (mut alerts, mut left_out) = (Vec::new(), 0);
    for (time, row) in context.store.topics.fraud.newest_first() {
        let of = &row.measures;
        let user = context.query.user.as_ref();
        let is_of_user = user.is_some_and(|user| *user == of.user_id);
        if !context.wants_name(&of.game_id) || !is_of_user && (user.is_some() || !context.has(time))
        {
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
