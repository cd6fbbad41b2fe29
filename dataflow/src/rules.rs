//! Parameters that change while a derivation runs. A new version is a record of the derivation's
//! rules topic. The runner takes it up at once: it notes in its checkpoint from which source offsets
//! on the version holds, and only then follows records from there. So a restart, or a replay of the
//! same checkpoint, goes by the same version for each record.

use std::collections::BTreeMap;

use client::{Cluster, Mode, Record, Start};
use futures_util::StreamExt;
use model::Params;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::error::RunError;
use crate::job::Job;
use crate::map::DerivationSpec;

/// The parameter that tells a derivation which version of its rules it goes by.
pub const RULE_VERSION: &str = "rule_version";

/// Versions that may wait to be taken up; a person writes them.
const AHEAD: usize = 16;

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
            .map_or(1, |adopted| adopted.rules.version)
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
}

/// What a rules topic says next: the offset behind it, and the version unless it is none.
pub(crate) type Announced = (i64, Option<RuleSet>);

/// Follows a rules topic until nobody takes what it says.
pub(crate) async fn follow(
    cluster: Cluster,
    topic: String,
    from: i64,
    news: mpsc::Sender<Result<Announced, RunError>>,
) {
    let ended = async {
        let from = from.max(cluster.start_offset(&topic, 0).await?);
        let mut records = cluster
            .records(&topic, 0, Start::Offset(from), Mode::Follow)
            .await?;
        while let Some(record) = records.next().await {
            let record = record?;
            let rules = RuleSet::decode(&record)
                .inspect_err(
                    |error| warn!(topic, record.offset, %error, "no version of rules: passed over"),
                )
                .ok();
            if news.send(Ok((record.offset + 1, rules))).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    };
    let ended: Result<(), RunError> = ended.await;
    if let Err(error) = ended {
        // Whoever is gone does not miss it.
        let _gone = news.send(Err(error)).await;
    }
}

/// Starts to follow the derivation's rules topic, if it has one. Without one nothing ever comes.
pub(crate) fn start(
    job: &Job,
    history: &RuleHistory,
    tasks: &mut tokio::task::JoinSet<()>,
) -> Option<mpsc::Receiver<Result<Announced, RunError>>> {
    let topic = job.spec.rules.clone()?;
    let (sender, news) = mpsc::channel(AHEAD);
    tasks.spawn(follow(
        job.cluster.clone(),
        topic,
        history.next_offset,
        sender,
    ));
    Some(news)
}

/// Whether a version may be taken up, by its number and its parameters; if not, it is said why.
pub(crate) fn is_usable(job: &Job, history: &RuleHistory, rules: &RuleSet) -> bool {
    let (derivation, version) = (&job.name, rules.version);
    if version <= history.version() {
        warn!(
            derivation,
            version,
            newest = history.version(),
            "rules of an old version: passed over"
        );
        return false;
    }
    if let Err(error) = job.check(&rules.params(&job.spec)) {
        warn!(derivation, version, %error, "rules that cannot be used: passed over");
        return false;
    }
    info!(derivation, version, "new rules");
    true
}
