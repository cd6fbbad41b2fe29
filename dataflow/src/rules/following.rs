//! The runner's half: it follows the rules topic and says what may be taken up.

use client::{Cluster, Mode, Start};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tracing::{info, warn};

use super::{RuleHistory, RuleSet};
use crate::error::RunError;
use crate::job::Job;

/// Versions that may wait to be taken up; a person writes them.
const AHEAD: usize = 16;

/// What a rules topic says next: the offset behind it, and the version unless it is none.
pub(crate) type Announced = (i64, Option<RuleSet>);

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
    match rules.check(history.version(), &job.spec, &job.registration) {
        Ok(_) => info!(derivation, version, "new rules"),
        Err(refusal) => {
            warn!(derivation, version, %refusal, "rules that are passed over");
            return false;
        }
    }
    true
}

/// Follows a rules topic until nobody takes what it says.
async fn follow(
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
