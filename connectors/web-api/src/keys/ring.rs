//! The keys in memory, reloaded when their file changes.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use tokio::time::sleep;

use super::token;
use super::{KeyEntry, KeyFile, KeysError, Owner};
use crate::error::RequestError;
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

/// The inode, size and modification time (seconds and nanoseconds) of the file, which show whether it changed.
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

    /// Returns the owner of the key in a request.
    pub(crate) fn owner(&self, token: Option<&str>) -> Result<Arc<Owner>, RequestError> {
        let token = token.ok_or(RequestError::Unauthorized)?;
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = token::id_of(token).and_then(|id| keys.get(id));
        // Compare even if the id is unknown, so that the check takes as long as for a known id with a wrong
        // secret.
        let stored = key.map_or("", |key| key.entry.sha256.as_str());
        match (token::matches(token, stored), key) {
            (true, Some(key)) if key.entry.revoked.is_none() => Ok(Arc::clone(&key.owner)),
            _ => Err(RequestError::Unauthorized),
        }
    }

    /// Reads the file again whenever it changes. As long as the file cannot be read, the keys remain
    /// unchanged.
    pub(crate) async fn reload(self) {
        // `None` makes the first pass read the file, which may have changed since `open` read it.
        let mut seen = None;
        loop {
            sleep(KEYS_FILE_PERIOD).await;
            let version = self.version();
            if version == seen {
                continue;
            }
            seen = version;
            match self.read() {
                Ok(()) => tracing::info!(file = %self.path.display(), "reloaded the keys"),
                Err(error) => {
                    tracing::error!(%error, "cannot reload the keys; the previous ones stay valid")
                }
            }
        }
    }

    fn read(&self) -> Result<(), KeysError> {
        let file = KeyFile::read(&self.path)?;
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *keys);
        for entry in file.keys {
            let key = match before.remove(&entry.id) {
                // A key whose entry is unchanged keeps the state of its rate limit.
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

/// Returns the key in a request: from the `Authorization` header or, for pages of allowed origins, from the
/// query, because beacons cannot set headers. Other clients must not send keys in queries, because proxies
/// log them.
pub(crate) fn presented_key(head: &Parts, is_page: bool) -> Option<&str> {
    let query = || {
        let mut parameters = head.uri.query()?.split('&');
        parameters.find_map(|parameter| parameter.strip_prefix("key="))
    };
    bearer(&head.headers).or_else(|| is_page.then(query)?)
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
    use crate::sources::Sources;
    use axum::http::{HeaderValue, Request};
    use model::Timestamp;
    use std::time::Duration;

    fn opens(ring: &KeyRing, authorization: &str, path: &str, is_page: bool) -> bool {
        let mut request = Request::new(());
        *request.uri_mut() = path.parse().unwrap();
        let value = HeaderValue::from_str(authorization).unwrap();
        request.headers_mut().insert(AUTHORIZATION, value);
        let (head, ()) = request.into_parts();
        ring.owner(presented_key(&head, is_page)).is_ok()
    }

    fn add(path: &Path) -> String {
        let new = NewKey {
            game_id: "chess".to_owned(),
            topics: Vec::new(),
            events_per_second: 10,
        };
        KeyFile::add(path, new, &Sources::built_in(), Timestamp::from_millis(0)).unwrap()
    }

    #[test]
    fn only_a_complete_key_is_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let token = add(&path);
        let ring = KeyRing::open(path).unwrap();
        let opens = |value: &str| opens(&ring, value, "/", false);
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
        assert!(ring.owner(None).is_err());
    }

    #[test]
    fn only_pages_may_present_a_key_in_the_query() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let token = add(&path);
        let ring = KeyRing::open(path).unwrap();
        let query = format!("/v1/events?a=b&key={token}");
        assert!(opens(&ring, "", &query, true));
        assert!(!opens(&ring, "", &query, false));
        assert!(
            !opens(&ring, "Bearer x", &query, true),
            "the header takes precedence"
        );
        assert!(!opens(&ring, "", "/v1/events?key=", true));
        assert!(opens(
            &ring,
            &format!("Bearer {token}"),
            "/v1/events?key=x",
            true
        ));
    }

    #[tokio::test]
    async fn keys_are_added_and_revoked_while_the_ring_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let first = add(&path);
        let ring = KeyRing::open(path.clone()).unwrap();
        let reloading = tokio::spawn(ring.clone().reload());
        let opens = |token: &str| ring.owner(Some(token)).is_ok();
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
        reloading.abort();
    }

    async fn wait_until(condition: impl Fn() -> bool) {
        let waiting = async {
            while !condition() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        waited.expect("the condition holds in time");
    }
}
