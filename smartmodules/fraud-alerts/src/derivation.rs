//! Applies the seven rules to each user's transactions in the order of event time.

use model::derived::{FraudAlerts, Severity};
use model::event::PurchaseEvent;
use model::keyed_process::{Collect, Detection, TimedEvent};
use model::merge::fingerprint;
use model::source::PurchaseEvents;
use model::{KeyedProcess, ParamError, Params, RecordKey, Timestamp};

use crate::account::Account;
use crate::alarm::Alert;
use crate::history::Transaction;
use crate::parameters;
use crate::rules::Rules;

/// The derivation of `fraud-alerts`: a keyed process with one state for each user.
#[derive(Clone, Debug)]
pub struct FraudAlertsDerivation {
    rules: Rules,
    rule_version: u32,
}

impl KeyedProcess for FraudAlertsDerivation {
    const NAME: &'static str = "fraud-alerts";
    const PARAMETERS: &'static [&'static str] = parameters::NAMES;
    type Source = PurchaseEvents;
    type Fact = Transaction;
    type State = Account;
    type Output = FraudAlerts;

    fn from_params(params: &Params) -> Result<Self, ParamError> {
        Ok(Self {
            rules: Rules::from_params(params)?,
            rule_version: params.get("rule_version", "a whole number from 0", 1)?,
        })
    }

    fn fact(&self, event: &PurchaseEvent<'_>, out: &mut impl Collect<Transaction>) {
        out.collect(&[&event.game_id, &event.user_id], Transaction::of(event));
    }

    fn on_event(
        &self,
        key: &RecordKey,
        account: &mut Account,
        event: TimedEvent<Transaction>,
        detections: &mut Vec<Detection<FraudAlerts>>,
    ) {
        let alerts = account.on_event(&self.rules, event.time, event.fact);
        detections.extend(
            alerts
                .into_iter()
                .filter_map(|alert| self.detection(key, alert)),
        );
    }

    fn timer(&self, account: &Account) -> Option<Timestamp> {
        account.forgotten_at(&self.rules)
    }

    /// The timer fires when no transaction is left in any window, so the whole state is dropped.
    fn on_timer(
        &self,
        _: &RecordKey,
        account: &mut Account,
        _: Timestamp,
        _: &mut Vec<Detection<FraudAlerts>>,
    ) {
        *account = Account::default();
    }

    fn is_empty(&self, account: &Account) -> bool {
        account.is_empty()
    }
}

impl FraudAlertsDerivation {
    fn detection(&self, key: &RecordKey, alert: Alert) -> Option<Detection<FraudAlerts>> {
        let [game_id, user_id] = key.fields()?;
        let rule = alert.rule;
        let key = RecordKey::new(&[&game_id, &user_id, rule.name()]);
        let start = alert.span.start.as_millis().to_string();
        let place = RecordKey::new(&[&game_id, &user_id, rule.name(), &start]);
        let output = FraudAlerts {
            game_id,
            user_id,
            rule,
            alert_id: format!("{rule}-{:032x}", fingerprint(place.as_str())),
            severity: Severity::of(alert.score),
            reason: alert.reason,
            score: alert.score,
            transaction_ids: alert.transaction_ids,
            transactions: alert.transactions,
            evidence: alert.evidence,
            rule_version: self.rule_version,
        };
        Some(Detection {
            key,
            span: alert.span,
            output,
            revision: alert.revision,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{at, purchase};

    const HOUR_MS: i64 = 3_600_000;

    fn rules(params: &[(&str, &str)]) -> FraudAlertsDerivation {
        FraudAlertsDerivation::from_params(&params.iter().copied().collect())
            .expect("good parameters")
    }

    fn spike(
        rules: &FraudAlertsDerivation,
        account: &mut Account,
        user: &str,
        ms: i64,
    ) -> Vec<Detection<FraudAlerts>> {
        let (time, fact) = (at(ms), purchase("t", "600 USD", "PC"));
        let event = TimedEvent {
            time,
            partition: 0,
            offset: 0,
            fact,
        };
        let mut detections = Vec::new();
        rules.on_event(
            &RecordKey::new(&["arena", user]),
            account,
            event,
            &mut detections,
        );
        detections
    }

    #[test]
    fn a_user_is_forgotten_when_nothing_is_left_in_any_window() {
        let (rules, mut account) = (rules(&[]), Account::default());
        assert!(rules.is_empty(&account) && rules.timer(&account).is_none());
        spike(&rules, &mut account, "u", 7);
        let deadline = rules.timer(&account).expect("a deadline");
        assert_eq!(deadline, at(7 + HOUR_MS + 1));
        assert!(!rules.is_empty(&account));
        let key = RecordKey::new(&["arena", "u"]);
        let mut detections = Vec::new();
        rules.on_timer(&key, &mut account, deadline, &mut detections);
        assert!(rules.is_empty(&account) && detections.is_empty());
        assert_eq!(account, Account::default());
    }

    #[test]
    fn a_user_is_kept_for_the_longest_window() {
        let rules = rules(&[("velocity_window_s", "7200")]);
        let mut account = Account::default();
        spike(&rules, &mut account, "u", 0);
        assert_eq!(rules.timer(&account), Some(at(2 * HOUR_MS + 1)));
    }

    #[test]
    fn an_alert_has_an_id_by_rule_key_and_start_whatever_the_version() {
        let find = |version: &str, user: &str, ms: i64| {
            let rules = rules(&[("rule_version", version)]);
            let mut detections = spike(&rules, &mut Account::default(), user, ms);
            detections.pop().expect("a detection")
        };
        let first = find("1", "u|v", 7);
        assert_eq!(first.key.as_str(), "arena|u%7Cv|amount-spike");
        let FraudAlerts {
            user_id,
            alert_id,
            rule_version,
            severity,
            ..
        } = first.output;
        assert_eq!((user_id.as_str(), rule_version), ("u|v", 1));
        assert_eq!(severity, Severity::Low);
        let id = |version, user, ms| find(version, user, ms).output.alert_id;
        assert_eq!(id("2", "u|v", 7), alert_id);
        assert_ne!(id("1", "u|v", 8), alert_id);
        assert_ne!(id("1", "u", 7), alert_id);
    }
}
