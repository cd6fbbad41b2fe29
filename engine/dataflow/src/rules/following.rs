//! The runner's part in changing rules: it follows the rules topic and decides which versions to adopt.

use client::{Cluster, Mode, Offset, Partition, Start};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::error::RunError;
use crate::spec::DerivationSpec;
use crate::spec::registration::Registration;
use crate::spec::rule_set::{RuleHistory, RuleSet};

/// The number of versions that may wait to be adopted. People write them, so there are few.
const AHEAD: usize = 16;

/// A record of a rules topic.
pub(crate) struct Announced {
    /// The offset after the record.
    pub(crate) next_offset: Offset,
    /// The version that the record contains, if it contains one.
    pub(crate) rules: Option<RuleSet>,
}

/// Starts following the derivation's rules topic. Returns `None` if the derivation has none.
pub(crate) fn start(
    cluster: &Cluster,
    spec: &DerivationSpec,
    history: &RuleHistory,
    tasks: &mut tokio::task::JoinSet<()>,
) -> Option<mpsc::Receiver<Result<Announced, RunError>>> {
    let topic = spec.rules.clone()?;
    let (sender, news) = mpsc::channel(AHEAD);
    tasks.spawn(follow(cluster.clone(), topic, history.next_offset, sender));
    Some(news)
}

/// Whether the runner may adopt the version: checks its number and its parameters. Logs the reason if not.
pub(crate) fn is_usable(
    (spec, registration): (&DerivationSpec, &Registration),
    history: &RuleHistory,
    rules: &RuleSet,
) -> bool {
    let (derivation, version) = (registration.name(), rules.version);
    match rules.check(history.version(), spec, registration) {
        Ok(_) => info!(derivation, version, "new rules"),
        Err(refusal) => {
            warn!(derivation, version, %refusal, "ignoring rules that are not valid");
            return false;
        }
    }
    true
}

/// Follows a rules topic until the receiver is dropped.
async fn follow(
    cluster: Cluster,
    topic: String,
    from: Offset,
    news: mpsc::Sender<Result<Announced, RunError>>,
) {
    let ended = async {
        let from = from.max(cluster.start_offset(&topic, Partition(0)).await?);
        let mut records = cluster
            .records(&topic, Partition(0), Start::Offset(from), Mode::Follow)
            .await?;
        while let Some(record) = records.next().await {
            let record = record?;
            let rules = RuleSet::decode(&record)
                .inspect_err(
                    |error| warn!(topic, %record.offset, %error, "ignoring a record that is not a version of rules"),
                )
                .ok();
            let next_offset = record.offset.next();
            if news
                .send(Ok(Announced { next_offset, rules }))
                .await
                .is_err()
            {
                return Ok(());
            }
        }
        Ok(())
    };
    let ended: Result<(), RunError> = ended.await;
    if let Err(error) = ended {
        let _receiver_gone = news.send(Err(error)).await;
    }
}
