//! How far named consumers have come: a durable map, asked for by both name and partition.

use std::time::{SystemTime, UNIX_EPOCH};

use super::admin::blocking;
use super::{Cluster, Refusal};
use crate::store::{ConsumerOffset, ConsumerOffsetKey};

impl Cluster {
    /// Stores a consumer's last offset; durable when it returns. `false` if the topic is gone.
    pub(crate) async fn put_consumer_offset(
        &self,
        key: ConsumerOffsetKey,
        offset: i64,
    ) -> Result<bool, Refusal> {
        let modified_time = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let store = self.store.clone();
        let offset = ConsumerOffset {
            offset,
            modified_time,
        };
        blocking(move || {
            store
                .put_consumer_offset(&key, offset)
                .map_err(Refusal::storage)
        })
        .await
    }

    /// Forgets a consumer's offset, known or not.
    pub(crate) async fn remove_consumer_offset(
        &self,
        key: ConsumerOffsetKey,
    ) -> Result<(), Refusal> {
        let store = self.store.clone();
        blocking(move || {
            store
                .remove_consumer_offset(&key)
                .map(drop)
                .map_err(Refusal::storage)
        })
        .await
    }

    /// Offsets of consumers that `wanted` picks.
    pub(crate) fn consumer_offsets(
        &self,
        wanted: impl Fn(&ConsumerOffsetKey) -> bool,
    ) -> Vec<(ConsumerOffsetKey, ConsumerOffset)> {
        self.store
            .consumer_offsets()
            .into_iter()
            .filter(|(key, _)| wanted(key))
            .collect()
    }
}
