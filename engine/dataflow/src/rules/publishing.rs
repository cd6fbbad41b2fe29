//! Publishes a version, and waits until the runner has adopted it.

use std::collections::BTreeMap;
use std::time::Duration;

use client::{Mode, Offset, Partition, RecordStream, Start};
use futures_util::StreamExt;
use tokio::time::timeout;

use super::{ListedRules, RuleState, RuleStore, RulesError};
use crate::durable::checkpoint::Checkpoint;
use crate::spec::provision::provision_rules;
use crate::spec::rule_set::{MAP_VERSION, Refusal, RuleSet};
use crate::topics::CHECKPOINTS;

/// A version that has been written to its topic.
#[derive(Debug)]
pub struct Published {
    /// The version.
    pub rules: RuleSet,
    /// The offset of the version in the rules topic.
    pub offset: Offset,
    /// The version that this one replaces; `None` if it replaces the parameters in the dataflow file.
    pub before: Option<RuleSet>,
    derivation: String,
    /// The checkpoints of all derivations. This stream was opened just before the version was written.
    checkpoints: RecordStream,
}

impl RuleStore {
    /// Writes the next version and waits until the cluster has acknowledged it. Writes no version if the derivation
    /// does not accept the parameters. If two people write at the same time, the later one gets an error, and no
    /// runner applies the later version.
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
            .records(CHECKPOINTS, Partition(0), Start::End, Mode::Follow)
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

    async fn write(&self, rules: &RuleSet) -> Result<Offset, RulesError> {
        let producer = self.cluster.producer(&self.topic).await?;
        let value = serde_json::to_vec(rules)?;
        let delivery = producer.send(self.derivation.clone(), value).await?;
        producer.flush().await?;
        Ok(delivery.wait().await?.offset)
    }

    /// Reads the topic back to check that the new version applies: someone else may have written a version with the
    /// same number just before.
    async fn confirm(&self, offset: Offset) -> Result<(), RulesError> {
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
    /// Waits until the runner has decided on the version. Returns the source offsets from which the version
    /// applies, or `None` after `limit`. Returns an error if the runner ignores the version.
    pub async fn taken_up(&mut self, limit: Duration) -> Result<Option<Vec<Offset>>, RulesError> {
        timeout(limit, self.next_word()).await.unwrap_or(Ok(None))
    }

    async fn next_word(&mut self) -> Result<Option<Vec<Offset>>, RulesError> {
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

/// The highest version number in the topic, including versions that are not valid. A new version gets a higher number,
/// so that every number is unambiguous.
fn newest(listed: &[ListedRules]) -> u32 {
    let versions = listed.iter().filter_map(|listed| listed.rules.as_ref());
    versions
        .map(|rules| rules.version)
        .max()
        .unwrap_or(MAP_VERSION)
}

/// The last version that applies or will apply.
pub(super) fn in_force(listed: Vec<ListedRules>) -> Option<RuleSet> {
    let counting = |listed: &ListedRules| !matches!(listed.state, RuleState::PassedOver(_));
    listed.into_iter().rfind(counting)?.rules
}
