//! Stores, finds and deletes SmartModules.

use std::sync::Arc;

use fluvio_controlplane_metadata::smartmodule::{SmartModulePackageKey, SmartModuleSpec};
use fluvio_protocol::link::ErrorCode;

use super::admin::blocking;
use super::state::StoredSmartModule;
use super::{AdminError, Cluster};

impl Cluster {
    /// Creates or replaces a SmartModule. Streams that start after this returns use the new one. With `dry_run`, only
    /// checks that the SmartModule has a name.
    pub(crate) async fn put_smartmodule(
        &self,
        name: &str,
        spec: SmartModuleSpec,
        dry_run: bool,
    ) -> Result<(), AdminError> {
        let key = spec
            .meta
            .as_ref()
            .map_or_else(|| name.to_owned(), |meta| meta.store_id());
        if key.is_empty() {
            return Err(AdminError::new(
                ErrorCode::SmartModuleError,
                "a SmartModule needs a name".to_owned(),
            ));
        }
        let _one_at_a_time = self.admin.lock().await;
        if dry_run {
            return Ok(());
        }
        let (store, stored_key, stored) = (self.store.clone(), key.clone(), spec.clone());
        blocking(move || {
            store
                .put_smartmodule(&stored_key, &stored)
                .map_err(AdminError::storage)
        })
        .await?;
        self.change(|state| state.put_smartmodule(&key, spec));
        self.flush_watches().await;
        Ok(())
    }

    /// Deletes a SmartModule by its name, plain or `group/name@version`.
    pub(crate) async fn delete_smartmodule(&self, name: &str) -> Result<(), AdminError> {
        let _one_at_a_time = self.admin.lock().await;
        let Some(key) = self.find_key(name) else {
            return Err(ErrorCode::SmartModuleNotFound {
                name: name.to_owned(),
            }
            .into());
        };
        let (store, stored_key) = (self.store.clone(), key.clone());
        blocking(move || {
            store
                .remove_smartmodule(&stored_key)
                .map_err(AdminError::storage)
        })
        .await?;
        self.change(|state| state.remove_smartmodule(&key));
        self.flush_watches().await;
        Ok(())
    }

    /// Finds the SmartModule with this name, plain or `group/name@version`.
    pub(crate) fn smartmodule(&self, name: &str) -> Option<Arc<SmartModuleSpec>> {
        let key = self.find_key(name)?;
        self.state()
            .smartmodules
            .get(&key)
            .map(|stored| stored.spec.clone())
    }

    fn find_key(&self, name: &str) -> Option<String> {
        let state = self.state();
        if state.smartmodules.contains_key(name) {
            return Some(name.to_owned());
        }
        let wanted = SmartModulePackageKey::from_qualified_name(name).ok()?;
        let mut found = state
            .smartmodules
            .iter()
            .filter(|(key, stored)| matches(&wanted, key, stored));
        found.next().map(|(key, _)| key.clone())
    }
}

/// Returns whether a stored SmartModule matches `wanted`. A SmartModule without metadata is compared by its key alone.
pub(crate) fn matches(
    wanted: &SmartModulePackageKey,
    key: &str,
    stored: &StoredSmartModule,
) -> bool {
    wanted.is_match(key, stored.spec.meta.as_ref().map(|meta| &meta.package))
}
