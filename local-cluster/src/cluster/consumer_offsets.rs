//! The offsets of named consumers: a durable map from consumer name and partition to offset.

use super::admin::blocking;
use super::{AdminError, Cluster};
use crate::clock;
use crate::store::{ConsumerOffset, ConsumerOffsetKey};

impl Cluster {
    /// Stores a consumer's last offset durably. Returns `false` if the topic no longer exists.
    pub(crate) async fn put_consumer_offset(
        &self,
        key: ConsumerOffsetKey,
        offset: i64,
    ) -> Result<bool, AdminError> {
        let modified_time = clock::since_epoch().as_secs();
        let store = self.store.clone();
        let offset = ConsumerOffset {
            offset,
            modified_time,
        };
        blocking(move || {
            store
                .put_consumer_offset(&key, offset)
                .map_err(AdminError::storage)
        })
        .await
    }

    /// Removes a consumer's offset if it exists.
    pub(crate) async fn remove_consumer_offset(
        &self,
        key: ConsumerOffsetKey,
    ) -> Result<(), AdminError> {
        let store = self.store.clone();
        blocking(move || {
            store
                .remove_consumer_offset(&key)
                .map(drop)
                .map_err(AdminError::storage)
        })
        .await
    }

    /// Returns the consumer offsets that `wanted` selects.
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
