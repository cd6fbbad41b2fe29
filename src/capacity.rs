//! Checks, before the dataflow starts, that the cluster and this process can open enough connections for its streams.

use std::collections::BTreeMap;

use anyhow::bail;
use client::{ClientError, Cluster};
use dataflow::DataflowSpec;
use local_cluster::open_files_max;

/// The number of connections reserved for the dashboard, other clients, producers and short requests.
const OTHERS: usize = 100;
/// The number of partitions of a topic above which a warning is logged: each partition's stream compiles the
/// SmartModule when it starts, and compiling it this often may take minutes.
const SMARTMODULES_MANY: usize = 200;

/// Returns an error if the derivations need more streams than the cluster or this process can have open at once. If a
/// topic has more partitions than the dataflow file declares, the actual number counts.
pub(crate) async fn check(cluster: &Cluster, dataflow: &DataflowSpec) -> anyhow::Result<()> {
    let own = usize::try_from(open_files_max()).unwrap_or(usize::MAX);
    let of_cluster = cluster.connections_max().await?;
    let streams = Streams::of(cluster, dataflow).await?;
    // If the local cluster runs in this process, its ends of the connections need open files too. They are not
    // subtracted from `own`: a local cluster accepts at most `own / 3` connections, so both ends of each one fit.
    let max = own
        .min(of_cluster.unwrap_or(usize::MAX))
        .saturating_sub(OTHERS);
    if let Some(refusal) = streams.refusal(max) {
        bail!("{refusal}");
    }
    if let Some((topic, partitions)) = streams.largest()
        && *partitions > SMARTMODULES_MANY
    {
        tracing::warn!(
            topic,
            partitions,
            "every start compiles a SmartModule for each partition, which may take minutes"
        );
    }
    Ok(())
}

/// The number of streams that each source topic needs: one for each partition, shared by the topic's derivations. A
/// derivation whose offset is far from the offsets of the others temporarily has a stream of its own, for which
/// [`OTHERS`] leaves room.
struct Streams(BTreeMap<String, usize>);

impl Streams {
    async fn of(cluster: &Cluster, dataflow: &DataflowSpec) -> Result<Self, ClientError> {
        let mut streams = BTreeMap::new();
        for (topic, source) in &dataflow.sources {
            let found = match cluster.partition_count(topic).await {
                Err(ClientError::TopicMissing { .. }) => 0,
                found => found?,
            };
            let mut derivations = dataflow.derivations.values();
            if derivations.any(|spec| spec.from == *topic) {
                streams.insert(topic.clone(), found.max(source.partitions) as usize);
            }
        }
        Ok(Self(streams))
    }

    fn largest(&self) -> Option<(&String, &usize)> {
        self.0.iter().max_by_key(|(_, partitions)| **partitions)
    }

    /// Explains why `max` connections are not enough. Returns `None` if they are.
    fn refusal(&self, max: usize) -> Option<String> {
        let (total, (topic, partitions)) = (self.0.values().sum::<usize>(), self.largest()?);
        if total <= max {
            return None;
        }
        let advice = match max.saturating_sub(total - partitions) {
            0 => "give the sources fewer partitions".to_owned(),
            works => format!("it works with {works} partitions of `{topic}`"),
        };
        let files = open_files_max();
        Some(format!(
            "source `{topic}` has {partitions} partitions, and each needs a stream: all sources together need \
             {total} connections, and the limit is {max}; {advice}; or raise the limit of open files of the \
             cluster and of this process (here {files}; `ulimit -Hn`)"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_names_the_source_and_the_number_that_works() {
        let sources = [("clicks", 96), ("sales", 2)];
        let streams = Streams(
            sources
                .map(|(topic, count)| (topic.to_owned(), count))
                .into(),
        );
        assert_eq!(streams.refusal(98), None);
        let refusal = streams.refusal(60).expect("a refusal");
        for expected in [
            "source `clicks` has 96 partitions",
            "together need 98 connections, and the limit is 60",
            "it works with 58 partitions of `clicks`",
        ] {
            assert!(refusal.contains(expected), "{refusal}");
        }
        let refusal = streams.refusal(1).expect("a refusal");
        assert!(refusal.contains("fewer partitions"), "{refusal}");
    }
}
