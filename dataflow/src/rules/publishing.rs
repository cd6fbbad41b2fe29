//! Writing a version, and waiting until the runner has taken it up.

use std::collections::BTreeMap;
use std::time::Duration;

use client::{Mode, RecordStream, Start};
use futures_util::StreamExt;
use tokio::time::timeout;

use super::{ListedRules, MAP_VERSION, Refusal, RuleBook, RuleSet, RuleState, RulesError};
use crate::checkpoint::Checkpoint;
use crate::provision::provision_rules;
use crate::topics::CHECKPOINTS;

/// A version that stands in its topic.
#[derive(Debug)]
pub struct Published {
    /// The version.
    pub rules: RuleSet,
    /// Its offset in the rules topic.
    pub offset: i64,
    /// What was newest before.
    pub before: Option<RuleSet>,
    derivation: String,
    /// All that were made since it was written.
    checkpoints: RecordStream,
}

impl RuleBook {
    /// Writes the next version and waits until the cluster has it. Nothing is written if the
    /// derivation does not take the parameters. Of two people who do so at the same time, one gets
    /// an error: no runner ever goes by what that one wrote.
    pub async fn publish(
        &self,
        parameters: BTreeMap<String, String>,
        comment: Option<String>,
    ) -> Result<Published, RulesError> {
        provision_rules(&self.cluster, &self.topic).await?;
        let listed = self.list().await?;
        let newest = newest(&listed).max(self.history().await?.version());
        let rules = RuleSet {
            version: newest.saturating_add(1),
            parameters,
            comment,
        };
        rules.check(newest, &self.spec, &self.registration)?;
        let checkpoints = self
            .cluster
            .records(CHECKPOINTS, 0, Start::End, Mode::Follow)
            .await?;
        let offset = self.write(&rules).await?;
        self.confirm(offset).await?;
        Ok(Published {
            rules,
            offset,
            before: in_force(listed),
            derivation: self.derivation.clone(),
            checkpoints,
        })
    }

    async fn write(&self, rules: &RuleSet) -> Result<i64, RulesError> {
        let producer = self.cluster.producer(&self.topic).await?;
        let value = serde_json::to_vec(rules)?;
        let delivery = producer.send(self.derivation.clone(), value).await?;
        producer.flush().await?;
        let (_, offset) = delivery.wait().await?;
        Ok(offset)
    }

    /// Reads back whether it counts: another one may have come in between.
    async fn confirm(&self, offset: i64) -> Result<(), RulesError> {
        let mut listed = self.list().await?;
        let ours = listed.iter().position(|listed| listed.offset == offset);
        let Some(ours) = ours else { return Ok(()) };
        match listed.remove(ours).state {
            RuleState::PassedOver(Refusal::Old { version, newest }) => {
                let mut others = listed
                    .into_iter()
                    .take(ours)
                    .filter_map(|other| other.rules);
                let first = others.find(|other| other.version == newest);
                let comment = first.and_then(|first| first.comment);
                Err(RulesError::Outrun {
                    version,
                    newest,
                    comment: comment.unwrap_or_else(|| "without a comment".to_owned()),
                })
            }
            RuleState::PassedOver(refusal) => Err(refusal.into()),
            RuleState::Holds(_) | RuleState::Waits => Ok(()),
        }
    }
}

impl Published {
    /// Per source partition, from which offset on it holds, as soon as the runner's checkpoint says
    /// so; `None` where none has within `limit`.
    pub async fn taken_up(&mut self, limit: Duration) -> Result<Option<Vec<i64>>, RulesError> {
        timeout(limit, self.next_word()).await.unwrap_or(Ok(None))
    }

    async fn next_word(&mut self) -> Result<Option<Vec<i64>>, RulesError> {
        while let Some(record) = self.checkpoints.next().await {
            let record = record?;
            if record.key.as_deref() != Some(self.derivation.as_bytes()) {
                continue;
            }
            let Checkpoint { rules: history, .. } = serde_json::from_slice(&record.value)?;
            if history.next_offset > self.offset {
                let adopted = history.adopted(&self.rules).ok_or(Refusal::ByRunner)?;
                return Ok(Some(adopted.from.clone()));
            }
        }
        Ok(None)
    }
}

/// The highest version in the topic, whether it counts or not: nobody shall be in doubt which of two
/// is meant.
fn newest(listed: &[ListedRules]) -> u32 {
    let versions = listed.iter().filter_map(|listed| listed.rules.as_ref());
    versions
        .map(|rules| rules.version)
        .max()
        .unwrap_or(MAP_VERSION)
}

/// The last version that holds, or will.
pub(super) fn in_force(listed: Vec<ListedRules>) -> Option<RuleSet> {
    let counting = |listed: &ListedRules| !matches!(listed.state, RuleState::PassedOver(_));
    listed.into_iter().rfind(counting)?.rules
}
