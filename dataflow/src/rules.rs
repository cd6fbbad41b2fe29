//! Parameters that change while a derivation runs. A new version is a record of the derivation's
//! rules topic. The runner takes it up at once: it notes in its checkpoint from which source offsets
//! on the version holds, and only then follows records from there. So a restart, or a replay of the
//! same checkpoint, goes by the same version for each record.

mod book;
mod error;
mod following;
mod listing;
mod publishing;
mod trial;

use std::collections::BTreeMap;

use client::Record;
use model::{ParamError, Params};
use serde::{Deserialize, Serialize};

use crate::map::DerivationSpec;
use crate::registration::Registration;
pub use book::{RuleBook, read_parameters};
pub use error::{Refusal, RulesError};
pub(crate) use following::{Announced, is_usable, start};
pub use listing::{ListedRules, RuleState};
pub use publishing::Published;
pub use trial::TrialRead;

/// The parameter that tells a derivation which version of its rules it goes by.
pub const RULE_VERSION: &str = "rule_version";

/// The version of the map's own parameters.
const MAP_VERSION: u32 = 1;

/// A version of a derivation's parameters, as it stands in its rules topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSet {
    /// Above that of every version before; the parameters of the map are version 1.
    pub version: u32,
    /// The derivation's own parameters; those that are not named are as in the map.
    #[serde(deserialize_with = "crate::map::scalars")]
    pub parameters: BTreeMap<String, String>,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// A version that a runner has taken up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdoptedRules {
    /// The version.
    pub rules: RuleSet,
    /// Per source partition, it holds for records from this offset on.
    pub from: Vec<i64>,
}

/// The versions of a derivation, as its checkpoint has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleHistory {
    /// The offset in the rules topic behind what has been looked at.
    pub next_offset: i64,
    /// In the order in which they were taken up.
    pub adopted: Vec<AdoptedRules>,
}

impl RuleHistory {
    /// The newest version.
    pub fn version(&self) -> u32 {
        self.adopted
            .last()
            .map_or(MAP_VERSION, |adopted| adopted.rules.version)
    }

    /// The entry of exactly these rules.
    pub fn adopted(&self, rules: &RuleSet) -> Option<&AdoptedRules> {
        self.adopted.iter().find(|adopted| adopted.rules == *rules)
    }
}

impl RuleSet {
    /// The derivation's parameters with these in place of the map's.
    pub fn params(&self, spec: &DerivationSpec) -> Params {
        let mut texts = spec.param_texts();
        texts.extend(self.parameters.clone());
        texts.insert(RULE_VERSION.to_owned(), self.version.to_string());
        texts.into_iter().collect()
    }

    /// The version that a record of the rules topic holds.
    pub fn decode(record: &Record) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(&record.value)
    }

    /// Whether it may be taken up after version `newest`; the parameters to go by then.
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

/// Rules are the derivation's own parameters. The others (the greatest skew) are the SmartModule's
/// as well, which goes by the map; and a version is numbered by who writes it.
fn check_names(
    parameters: &BTreeMap<String, String>,
    registration: &Registration,
) -> Result<(), ParamError> {
    let own = registration.parameters().iter().copied();
    let known: Vec<_> = own.filter(|name| *name != RULE_VERSION).collect();
    let given: Params = parameters.clone().into_iter().collect();
    given.refuse_unknown(&known)
}

#[cfg(test)]
mod tests;
