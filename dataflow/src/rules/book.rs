//! The rules of one derivation, for whoever reads, writes or tries them from outside the runner.

use std::collections::BTreeMap;

use client::{ClientError, Cluster, Mode, Record, Start};
use futures_util::StreamExt;
use serde::de::Error;

use super::{ListedRules, RuleHistory, RulesError, listing};
use crate::checkpoint::Checkpoint;
use crate::error::RunError;
use crate::map::{DataflowMap, DerivationSpec};
use crate::registration::{Registration, Registry};

/// The rules of one derivation on a cluster.
#[derive(Clone, Debug)]
pub struct RuleBook {
    pub(super) cluster: Cluster,
    pub(super) derivation: String,
    pub(super) topic: String,
    pub(super) spec: DerivationSpec,
    pub(super) registration: Registration,
}

impl RuleBook {
    /// The rules of `derivation`, which must have a topic of them in the map.
    pub fn open(
        cluster: Cluster,
        map: &DataflowMap,
        registry: &Registry,
        derivation: &str,
    ) -> Result<Self, RulesError> {
        let found = map.derivations.get(derivation);
        let found = found.zip(registry.get(derivation));
        let Some((spec, registration, topic)) =
            found.and_then(|(spec, code)| Some((spec, code, spec.rules.clone()?)))
        else {
            let with_rules = map
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

    /// The topic of the versions.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The derivation, as the map has it.
    pub fn spec(&self) -> &DerivationSpec {
        &self.spec
    }

    /// What the runner's last checkpoint says of the versions; nothing where there is none.
    pub async fn history(&self) -> Result<RuleHistory, RulesError> {
        match Checkpoint::load(&self.cluster, &self.derivation).await {
            Ok(checkpoint) => Ok(checkpoint.unwrap_or_default().rules),
            Err(RunError::Client(ClientError::Configuration { .. })) => Ok(RuleHistory::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Every record of the rules topic, in order, and what became of it.
    pub async fn list(&self) -> Result<Vec<ListedRules>, RulesError> {
        // Read first: what a runner takes up between the two is then listed as waiting, never as lost.
        let history = self.history().await?;
        let records = self.records().await?;
        Ok(listing::judge(&records, &history, |rules, newest| {
            rules.check(newest, &self.spec, &self.registration)
        }))
    }

    /// No records where nobody has made the topic yet.
    async fn records(&self) -> Result<Vec<Record>, RulesError> {
        let opened = self
            .cluster
            .records(&self.topic, 0, Start::Beginning, Mode::UntilEnd)
            .await;
        let mut stream = match opened {
            Err(ClientError::Configuration { .. }) => return Ok(Vec::new()),
            opened => opened?,
        };
        let mut records = Vec::new();
        while let Some(record) = stream.next().await {
            records.push(record?);
        }
        Ok(records)
    }
}

/// Reads parameters from YAML, of which JSON is a part: names and texts, numbers or truth values. No
/// parameters at all must be said (`{}`): an empty file is a mistake.
pub fn read_parameters(text: &str) -> Result<BTreeMap<String, String>, RulesError> {
    let value: serde_yaml::Value = serde_yaml::from_str(text)?;
    if value.is_null() {
        return Err(serde_yaml::Error::custom("nothing stands there").into());
    }
    Ok(crate::map::scalars(value)?)
}
