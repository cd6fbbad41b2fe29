//! Reads, writes and tests the rules of one derivation, from outside the runner.

use std::collections::BTreeMap;

use client::{ClientError, Cluster, Mode, Partition, Record, Start};
use futures_util::StreamExt;
use serde::de::Error;

use super::{ListedRules, RulesError, listing};
use crate::durable::checkpoint::Checkpoint;
use crate::error::RunError;
use crate::spec::registration::{Registration, Registry};
use crate::spec::rule_set::RuleHistory;
use crate::spec::{DataflowSpec, DerivationSpec};

/// The rules of one derivation on a cluster.
#[derive(Clone, Debug)]
pub struct RuleStore {
    pub(super) cluster: Cluster,
    pub(super) derivation: String,
    pub(super) topic: String,
    pub(super) spec: DerivationSpec,
    pub(super) registration: Registration,
}

impl RuleStore {
    /// Opens the rules of `derivation`, which must have a rules topic in the dataflow file.
    pub fn open(
        cluster: Cluster,
        dataflow: &DataflowSpec,
        registry: &Registry,
        derivation: &str,
    ) -> Result<Self, RulesError> {
        let found = dataflow.derivations.get(derivation);
        let found = found.zip(registry.get(derivation));
        let Some((spec, registration, topic)) =
            found.and_then(|(spec, code)| Some((spec, code, spec.rules.clone()?)))
        else {
            let with_rules = dataflow
                .derivations
                .iter()
                .filter(|(_, spec)| spec.rules.is_some());
            let known: Vec<_> = with_rules.map(|(name, _)| name.as_str()).collect();
            return Err(RulesError::NoTopic {
                derivation: derivation.to_owned(),
                known: known.join(", "),
            });
        };
        Ok(Self {
            cluster,
            derivation: derivation.to_owned(),
            topic,
            spec: spec.clone(),
            registration: *registration,
        })
    }

    /// The topic that contains the versions.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The derivation's specification in the dataflow file.
    pub fn spec(&self) -> &DerivationSpec {
        &self.spec
    }

    /// The versions in the runner's last checkpoint. Empty if there is no checkpoint.
    pub async fn history(&self) -> Result<RuleHistory, RulesError> {
        match Checkpoint::load(&self.cluster, &self.derivation).await {
            Ok(checkpoint) => Ok(checkpoint.unwrap_or_default().rules),
            Err(RunError::Client(ClientError::TopicMissing { .. })) => Ok(RuleHistory::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Every record of the rules topic, in order, with its state.
    pub async fn list(&self) -> Result<Vec<ListedRules>, RulesError> {
        // The checkpoint is read first. A version that is written and adopted between the two reads is then
        // listed as waiting. In the opposite order, it would be missing from the list.
        let history = self.history().await?;
        let records = self.records().await?;
        Ok(listing::judge(&records, &history, |rules, newest| {
            rules.check(newest, &self.spec, &self.registration)
        }))
    }

    /// The records of the rules topic. Empty if the topic does not exist yet.
    async fn records(&self) -> Result<Vec<Record>, RulesError> {
        let opened = self
            .cluster
            .records(&self.topic, Partition(0), Start::Beginning, Mode::UntilEnd)
            .await;
        let mut stream = match opened {
            Err(ClientError::TopicMissing { .. }) => return Ok(Vec::new()),
            opened => opened?,
        };
        let mut records = Vec::new();
        while let Some(record) = stream.next().await {
            records.push(record?);
        }
        Ok(records)
    }
}

/// Parses parameters from YAML or JSON: a mapping from names to strings, numbers or booleans. An empty mapping must
/// be written as `{}`; an empty file is an error.
pub fn read_parameters(text: &str) -> Result<BTreeMap<String, String>, RulesError> {
    let value: serde_yaml::Value = serde_yaml::from_str(text)?;
    if value.is_null() {
        return Err(serde_yaml::Error::custom("it is empty").into());
    }
    Ok(crate::spec::scalars(value)?)
}
