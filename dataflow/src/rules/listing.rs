//! What became of each record of a rules topic.

use client::Record;
use model::{Params, Timestamp};

use super::{MAP_VERSION, Refusal, RuleHistory, RuleSet};

/// A record of a rules topic.
#[derive(Debug)]
pub struct ListedRules {
    /// Where it stands.
    pub offset: i64,
    /// When it was written.
    pub written: Option<Timestamp>,
    /// The version, unless it is none.
    pub rules: Option<RuleSet>,
    /// What became of it.
    pub state: RuleState,
}

/// What became of a version.
#[derive(Debug)]
pub enum RuleState {
    /// Per source partition, it holds for records from this offset on, until the next one does.
    Holds(Vec<i64>),
    /// No runner has looked at it yet.
    Waits,
    /// It never counts.
    PassedOver(Refusal),
}

impl RuleState {
    fn may_hold(&self) -> bool {
        !matches!(self, Self::PassedOver(_))
    }
}

/// Goes through the records as the runner does.
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
            // Also where the records that it was taken up from are gone.
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
