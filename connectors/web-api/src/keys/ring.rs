//! The keys in memory, as new as their file.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use tokio::time::sleep;

use super::token;
use super::{KeyEntry, KeyFile, KeysError, Owner};
use crate::error::Refusal;
use crate::limits::KEYS_FILE_PERIOD;

/// The keys of a file. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct KeyRing {
    path: Arc<Path>,
    keys: Arc<RwLock<HashMap<String, Key>>>,
}

#[derive(Debug)]
struct Key {
    entry: KeyEntry,
    owner: Arc<Owner>,
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version(u64, u64, i64, i64);

impl KeyRing {
    pub(crate) fn open(path: PathBuf) -> Result<Self, KeysError> {
        let ring = Self {
            path: path.into(),
            keys: Arc::default(),
        };
        ring.read()?;
        Ok(ring)
    }

    /// The owner of the key that a request came with.
    pub(crate) fn owner(&self, headers: &HeaderMap) -> Result<Arc<Owner>, Refusal> {
        let token = bearer(headers).ok_or(Refusal::Unauthorized)?;
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = token::id_of(token).and_then(|id| keys.get(id));
        // A key that is unknown takes as long as one that is wrong.
        let stored = key.map_or("", |key| key.entry.sha256.as_str());
        match (token::matches(token, stored), key) {
            (true, Some(key)) if key.entry.revoked.is_none() => Ok(Arc::clone(&key.owner)),
            _ => Err(Refusal::Unauthorized),
        }
    }

    /// Reads the file again whenever it changes, for ever. While it cannot be read the keys stay as they are.
    pub(crate) async fn follow(self) {
        // Whatever it was when it was opened: it may have changed since.
        let mut seen = None;
        loop {
            sleep(KEYS_FILE_PERIOD).await;
            let version = self.version();
            if version == seen {
                continue;
            }
            seen = version;
            match self.read() {
                Ok(()) => tracing::info!(file = %self.path.display(), "the keys were read again"),
                Err(error) => tracing::error!(%error, "the keys stay as they were"),
            }
        }
    }

    fn read(&self) -> Result<(), KeysError> {
        let file = KeyFile::read(&self.path)?;
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *keys);
        for entry in file.keys {
            let key = match before.remove(&entry.id) {
                // What it has spent stays spent.
                Some(key) if key.entry == entry => key,
                _ => Key {
                    owner: Arc::new(Owner::new(&entry)),
                    entry,
                },
            };
            keys.insert(key.entry.id.clone(), key);
        }
        Ok(())
    }

    fn version(&self) -> Option<Version> {
        let of = fs::metadata(&self.path).ok()?;
        Some(Version(of.ino(), of.len(), of.mtime(), of.mtime_nsec()))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::NewKey;
    use axum::http::HeaderValue;
    use model::Timestamp;
    use std::time::Duration;

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(value).unwrap())])
    }

    fn add(path: &Path) -> String {
        let new = NewKey {
            game_id: "chess".to_owned(),
            topics: Vec::new(),
            events_per_second: 10,
        };
        KeyFile::add(path, new, Timestamp::from_millis(0)).unwrap()
    }

    #[test]
    fn only_a_whole_key_opens() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let token = add(&path);
        let ring = KeyRing::open(path).unwrap();
        let opens = |value: &str| ring.owner(&headers(value)).is_ok();
        assert!(opens(&format!("Bearer {token}")) && opens(&format!("bearer  {token}")));
        let (cut, _) = token.split_at(token.len() - 1);
        for wrong in [
            token.as_str(),
            &format!("Bearer {cut}"),
            "Bearer",
            "Bearer x",
            "Basic abc",
        ] {
            assert!(!opens(wrong), "{wrong}");
        }
        assert!(ring.owner(&HeaderMap::new()).is_err());
    }

    #[tokio::test]
    async fn keys_come_and_go_while_the_ring_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let first = add(&path);
        let ring = KeyRing::open(path.clone()).unwrap();
        let following = tokio::spawn(ring.clone().follow());
        let opens = |token: &str| ring.owner(&headers(&format!("Bearer {token}"))).is_ok();
        let second = add(&path);
        wait_until(|| opens(&second)).await;
        KeyFile::revoke(
            &path,
            token::id_of(&first).unwrap(),
            Timestamp::from_millis(1),
        )
        .unwrap();
        wait_until(|| !opens(&first)).await;
        fs::write(&path, "half a fi").unwrap();
        let third = path.with_file_name("third.json");
        let replacement = add(&third);
        assert!(opens(&second), "a broken file changes nothing");
        fs::rename(third, path).unwrap();
        wait_until(|| opens(&replacement) && !opens(&second)).await;
        following.abort();
    }

    async fn wait_until(condition: impl Fn() -> bool) {
        let waiting = async {
            while !condition() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        waited.expect("it came to be");
    }
}
