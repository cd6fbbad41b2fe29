//! Determines the state of each record of a rules topic: adopted, waiting or ignored.

use client::{Offset, Record};
use model::{Params, Timestamp};

use crate::spec::rule_set::{MAP_VERSION, Refusal, RuleHistory, RuleSet};

/// A record of a rules topic.
#[derive(Debug)]
pub struct ListedRules {
    /// The record's offset.
    pub offset: Offset,
    /// The time at which the record was written.
    pub written: Option<Timestamp>,
    /// The version in the record; `None` if the record contains no valid one.
    pub rules: Option<RuleSet>,
    /// The state of the record.
    pub state: RuleState,
}

/// The state of a version.
#[derive(Debug)]
pub enum RuleState {
    /// The version has been adopted. The list contains, for each source partition, the offset of the first record to
    /// which the version applies.
    Holds(Vec<Offset>),
    /// The runner has not decided on the version yet.
    Waits,
    /// The version will never apply, for this reason.
    PassedOver(Refusal),
}

impl RuleState {
    fn may_hold(&self) -> bool {
        !matches!(self, Self::PassedOver(_))
    }
}

/// Determines the state of each record, by the same criteria as the runner.
pub(super) fn judge(
    records: &[Record],
    history: &RuleHistory,
    check: impl Fn(&RuleSet, u32) -> Result<Params, Refusal>,
) -> Vec<ListedRules> {
    let mut newest = MAP_VERSION;
    let mut listed = Vec::new();
    for record in records {
        let is_news = record.offset >= history.next_offset;
        if is_news {
            // Retention may have removed the record of the last adopted version, but its number still counts.
            newest = newest.max(history.version());
        }
        let (rules, state) = match RuleSet::decode(record) {
            Ok(rules) => {
                let state = state(&rules, newest, is_news, history, &check);
                (Some(rules), state)
            }
            Err(error) => (None, RuleState::PassedOver(error.into())),
        };
        if let Some(rules) = rules.as_ref().filter(|_| state.may_hold()) {
            newest = rules.version;
        }
        listed.push(ListedRules {
            offset: record.offset,
            written: record.timestamp_ms.map(Timestamp::from_millis),
            rules,
            state,
        });
    }
    listed
}

fn state(
    rules: &RuleSet,
    newest: u32,
    is_news: bool,
    history: &RuleHistory,
    check: impl Fn(&RuleSet, u32) -> Result<Params, Refusal>,
) -> RuleState {
    let adopted = history.adopted(rules);
    if let Some(adopted) = adopted.filter(|_| !is_news && rules.version > newest) {
        return RuleState::Holds(adopted.from.clone());
    }
    match check(rules, newest) {
        Ok(_) if is_news => RuleState::Waits,
        Ok(_) => RuleState::PassedOver(Refusal::ByRunner),
        Err(refusal) => RuleState::PassedOver(refusal),
    }
}
