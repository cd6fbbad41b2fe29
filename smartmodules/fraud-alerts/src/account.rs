//! The state of one user: the latest transactions, and the alarms of the rules.

use std::collections::BTreeMap;

use model::Timestamp;
use model::derived::FraudRule;
use serde::{Deserialize, Serialize};

use crate::alarm::{Alarm, Alert};
use crate::history::{Entry, History, Transaction};
use crate::rules::Rules;

/// One user's latest transactions, and the alerts about them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    history: History,
    /// The alarms of the rules that have fired.
    alarms: BTreeMap<FraudRule, Alarm>,
}

impl Account {
    /// Adds the user's next transaction. Returns the alerts that it raises.
    pub(crate) fn on_event(
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

    /// Lets rules fire again if the cause of their alert had ended at `before`, the last instant before the
    /// current transaction.
    fn rearm(&mut self, rules: &Rules, before: Timestamp) {
        for (name, rule) in rules.all() {
            if let Some(alarm) = self.alarms.get_mut(&name).filter(|alarm| alarm.is_on) {
                alarm.is_on = !rule.is_over(&self.history, before);
            }
        }
    }

    /// Returns when the last transaction has left every window. No later transaction can then be related to
    /// it.
    pub(crate) fn forgotten_at(&self, rules: &Rules) -> Option<Timestamp> {
        let newest = self.history.newest()?;
        // A transaction exactly `memory_ms` after the newest one still needs the state: `rearm` checks the instant
        // before it, when the newest one is still in the longest window.
        Some(newest.time.plus_ms(rules.memory_ms() + 1))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.history.newest().is_none()
    }
}
