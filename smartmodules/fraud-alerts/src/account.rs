//! All that is remembered of one user.

use std::collections::BTreeMap;

use model::Timestamp;
use model::derived::FraudRule;
use serde::{Deserialize, Serialize};

use crate::alarm::{Alarm, Alert};
use crate::history::{Entry, History, Transaction};
use crate::rules::Rules;

/// One user: the latest transactions, and what was said of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    history: History,
    /// Of the rules that have fired.
    alarms: BTreeMap<FraudRule, Alarm>,
}

impl Account {
    /// The user's next transaction, and what the rules make of it.
    pub(crate) fn follow(
        &mut self,
        rules: &Rules,
        time: Timestamp,
        transaction: Transaction,
    ) -> Vec<Alert> {
        let entry = Entry::new(time, transaction);
        if rules.is_duplicate(&self.history, &entry) {
            return Vec::new();
        }
        self.history.forget_before(time.plus_ms(-rules.memory_ms()));
        self.rearm(rules, time.plus_ms(-1));
        self.history.push(entry);
        let mut alerts = Vec::new();
        for (name, rule) in rules.all() {
            if self.alarms.get(&name).is_some_and(|alarm| alarm.is_on) {
                continue;
            }
            if let Some(suspicion) = rule.suspect(&mut self.history) {
                let alarm = self.alarms.entry(name).or_default();
                alerts.push(alarm.raise(name, suspicion, time));
            }
        }
        alerts
    }

    /// Rules may fire again where what they fired for was over at `before`, the last instant before
    /// the present one.
    fn rearm(&mut self, rules: &Rules, before: Timestamp) {
        for (name, rule) in rules.all() {
            if let Some(alarm) = self.alarms.get_mut(&name).filter(|alarm| alarm.is_on) {
                alarm.is_on = !rule.is_over(&self.history, before);
            }
        }
    }

    /// When the last transaction has left every window for good: nothing that comes then, or later,
    /// has to do with it.
    pub(crate) fn forgotten_at(&self, rules: &Rules) -> Option<Timestamp> {
        let newest = self.history.newest()?;
        // At the end of the longest window itself, a rule still looks at the instant before.
        Some(newest.time.plus_ms(rules.memory_ms() + 1))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.history.newest().is_none()
    }
}
