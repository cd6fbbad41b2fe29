//! Versions of a derivation's parameters, and the history of adopted versions in its checkpoint.

use std::collections::BTreeMap;

use client::{Offset, Record};
use model::{ParamError, Params};
use serde::{Deserialize, Serialize};

use crate::spec::registration::Registration;
use crate::spec::{DerivationSpec, RULE_VERSION};

/// The version number of the parameters in the dataflow file.
pub(crate) const MAP_VERSION: u32 = 1;

/// A version of a derivation's parameters: a record of its rules topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSet {
    /// The version number, higher than that of every earlier version. The parameters in the dataflow file are version
    /// 1.
    pub version: u32,
    /// Values of the derivation's own parameters. Parameters that are missing keep their values in the dataflow file.
    #[serde(deserialize_with = "crate::spec::scalars")]
    pub parameters: BTreeMap<String, String>,
    /// The reason for the version, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// A version that a runner has adopted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdoptedRules {
    /// The version.
    pub rules: RuleSet,
    /// For each source partition, the offset of the first record to which the version applies.
    pub from: Vec<Offset>,
}

/// The adopted versions of a derivation's parameters. They are stored in the derivation's checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleHistory {
    /// The offset of the next record to read from the rules topic.
    pub next_offset: Offset,
    /// The adopted versions, in the order in which they were adopted.
    pub adopted: Vec<AdoptedRules>,
}

impl RuleHistory {
    /// The number of the newest version.
    pub fn version(&self) -> u32 {
        self.adopted
            .last()
            .map_or(MAP_VERSION, |adopted| adopted.rules.version)
    }

    /// The same versions for another log of the source. Each applies from the first record on, so in effect the
    /// newest applies to all records.
    pub(crate) fn of_another_log(mut self) -> Self {
        self.adopted
            .iter_mut()
            .for_each(|adopted| adopted.from.fill(Offset::ZERO));
        self
    }

    /// The adopted version that equals these rules.
    pub fn adopted(&self, rules: &RuleSet) -> Option<&AdoptedRules> {
        self.adopted.iter().find(|adopted| adopted.rules == *rules)
    }
}

impl RuleSet {
    /// The derivation's parameters, with those in this version replacing the ones in the dataflow file.
    pub fn params(&self, spec: &DerivationSpec) -> Params {
        let mut texts = spec.param_texts();
        texts.extend(self.parameters.clone());
        texts.insert(RULE_VERSION.to_owned(), self.version.to_string());
        texts.into_iter().collect()
    }

    /// Decodes the version in a record of the rules topic.
    pub fn decode(record: &Record) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(&record.value)
    }

    /// Checks whether this version may be adopted after version `newest`. Returns the resulting parameters.
    pub(crate) fn check(
        &self,
        newest: u32,
        spec: &DerivationSpec,
        registration: &Registration,
    ) -> Result<Params, Refusal> {
        if self.version <= newest {
            return Err(Refusal::Old {
                version: self.version,
                newest,
            });
        }
        check_names(&self.parameters, registration)?;
        let params = self.params(spec);
        registration.check(&params)?;
        Ok(params)
    }
}

/// Checks that the rules contain only the derivation's own parameters. The others, such as `max_skew_ms`, cannot
/// change, because the SmartModule also uses them and takes them from the dataflow file. `rule_version` is not allowed
/// either: the version number has a field of its own.
fn check_names(
    parameters: &BTreeMap<String, String>,
    registration: &Registration,
) -> Result<(), ParamError> {
    let own = registration.parameters().iter().copied();
    let known: Vec<_> = own.filter(|name| *name != RULE_VERSION).collect();
    let given: Params = parameters.clone().into_iter().collect();
    given.refuse_unknown(&known)
}

/// The reason why a record of a rules topic is ignored.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The record does not have the form of a version.
    #[error("it is not a version of rules: {0}")]
    Malformed(#[from] serde_json::Error),
    /// An earlier record has the same version number or a higher one.
    #[error("version {version} is not higher than the previous version {newest}")]
    Old {
        /// The number of this version.
        version: u32,
        /// The number of the newest version before it.
        newest: u32,
    },
    /// The derivation does not accept the parameters.
    #[error(transparent)]
    Parameter(#[from] ParamError),
    /// The runner ignored the version, although it is valid according to this dataflow file.
    #[error(
        "the runner ignored it; its log has the reason; does it run with the same dataflow file?"
    )]
    ByRunner,
}
