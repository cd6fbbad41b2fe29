//! The key file: JSON, readable only by its owner, and always replaced as a whole.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use model::Timestamp;
use serde::{Deserialize, Serialize};

use super::token::{self, Token};
use crate::sources::Sources;

/// Why a key file cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be read or written.
    #[error("cannot read or write the key file `{path}`: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// What happened.
        cause: std::io::Error,
    },
    /// The file does not have the format that `keys add` writes.
    #[error("cannot parse the key file `{path}`: {cause}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: serde_json::Error,
    },
    /// Two keys have the same id.
    #[error("the key file `{path}` contains two keys with id `{id}`; remove one")]
    Twice {
        /// The file.
        path: PathBuf,
        /// The id.
        id: String,
    },
    /// No source has this name.
    #[error("`{topic}` is not a source of the dataflow file; choose one of {known}")]
    Topic {
        /// The name.
        topic: String,
        /// The sources.
        known: String,
    },
    /// No key has this id.
    #[error("there is no key `{0}`; `keys list` shows all keys")]
    Unknown(String),
    /// The system's random number generator failed.
    #[error("cannot generate a random key: {0}")]
    Random(String),
}

/// The content of the key file: everything about the keys except their secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    /// All keys, including revoked ones.
    pub keys: Vec<KeyEntry>,
}

/// The stored properties of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// The id: the part of the key between its prefix and its secret.
    pub id: String,
    /// The key's SHA-256 in hexadecimal.
    pub sha256: String,
    /// The game whose events it may write.
    pub game_id: String,
    /// The source topics that it may write to.
    pub topics: BTreeSet<String>,
    /// How many records a second it may send.
    pub events_per_second: u32,
    /// When it was created.
    pub created: Timestamp,
    /// When it was revoked, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
}

/// The permissions of a new key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// The game whose events it may write.
    pub game_id: String,
    /// The source topics that it may write to; if empty, all those that are declared now.
    pub topics: Vec<String>,
    /// How many records a second it may send.
    pub events_per_second: u32,
}

impl KeyFile {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, KeysError> {
        let text = fs::read(path).map_err(failed(path))?;
        let file: Self = serde_json::from_slice(&text).map_err(|cause| KeysError::Content {
            path: path.to_owned(),
            cause,
        })?;
        let mut ids = BTreeSet::new();
        for key in &file.keys {
            if !ids.insert(&key.id) {
                return Err(KeysError::Twice {
                    path: path.to_owned(),
                    id: key.id.clone(),
                });
            }
        }
        Ok(file)
    }

    /// Adds a key for topics of these sources, and creates the file if necessary. Returns the key, which cannot be
    /// read from the file later.
    pub fn add(
        path: &Path,
        new: NewKey,
        sources: &Sources,
        now: Timestamp,
    ) -> Result<String, KeysError> {
        let mut topics = BTreeSet::from_iter(new.topics);
        check_topics(&topics, sources)?;
        if topics.is_empty() {
            topics = sources.topics().map(str::to_owned).collect();
        }
        let token = Token::new().map_err(|error| KeysError::Random(error.to_string()))?;
        change(path, true, |file| {
            file.keys.push(KeyEntry {
                id: token.id,
                sha256: token::hash(&token.text),
                game_id: new.game_id,
                topics,
                events_per_second: new.events_per_second,
                created: now,
                revoked: None,
            });
            Ok(())
        })?;
        Ok(token.text)
    }

    /// Revokes a key. A key that is already revoked keeps its time of revocation.
    pub fn revoke(path: &Path, id: &str, now: Timestamp) -> Result<(), KeysError> {
        change(path, false, |file| {
            let key = file.keys.iter_mut().find(|key| key.id == id);
            let key = key.ok_or_else(|| KeysError::Unknown(id.to_owned()))?;
            key.revoked.get_or_insert(now);
            Ok(())
        })
    }
}

fn check_topics(topics: &BTreeSet<String>, sources: &Sources) -> Result<(), KeysError> {
    let unknown = topics
        .iter()
        .find(|topic| sources.of_topic(topic).is_none());
    match unknown {
        Some(topic) => Err(KeysError::Topic {
            topic: topic.clone(),
            known: sources.topics().collect::<Vec<_>>().join(", "),
        }),
        None => Ok(()),
    }
}

/// Changes the file under a lock, so that no concurrent change is lost.
fn change(
    path: &Path,
    create: bool,
    change: impl FnOnce(&mut KeyFile) -> Result<(), KeysError>,
) -> Result<(), KeysError> {
    let lock = OpenOptions::new()
        .create(true)
        .append(true)
        .open(lock_of(path))
        .map_err(failed(path))?;
    lock.lock().map_err(failed(path))?;
    let mut file = match KeyFile::read(path) {
        Err(KeysError::File { cause, .. })
            if create && cause.kind() == std::io::ErrorKind::NotFound =>
        {
            KeyFile::default()
        }
        other => other?,
    };
    change(&mut file)?;
    replace(path, &file)
}

/// The path of the lock file: the whole name of the key file with one more extension, so that the two never
/// coincide. The key file itself cannot be locked, because every change replaces it.
fn lock_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// Replaces the file atomically. Only its owner can read the new file.
fn replace(path: &Path, file: &KeyFile) -> Result<(), KeysError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut text = serde_json::to_vec_pretty(file).map_err(|cause| KeysError::Content {
        path: path.to_owned(),
        cause,
    })?;
    text.push(b'\n');
    let mut next = tempfile::NamedTempFile::new_in(folder).map_err(failed(path))?;
    next.write_all(&text).map_err(failed(path))?;
    next.as_file().sync_all().map_err(failed(path))?;
    next.persist(path)
        .map_err(|error| failed(path)(error.error))?;
    Ok(())
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> KeysError {
    move |cause| KeysError::File {
        path: path.to_owned(),
        cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn new_key(topics: &[&str]) -> NewKey {
        NewKey {
            game_id: "chess".to_owned(),
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            events_per_second: 100,
        }
    }

    #[test]
    fn keys_are_added_and_revoked_and_stored_only_as_hashes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let now = Timestamp::from_millis;
        let token = KeyFile::add(
            &path,
            new_key(&["player-events"]),
            &Sources::built_in(),
            now(1),
        )
        .unwrap();
        KeyFile::add(&path, new_key(&[]), &Sources::built_in(), now(2)).unwrap();
        let id = token::id_of(&token).unwrap();
        KeyFile::revoke(&path, id, now(3)).unwrap();
        KeyFile::revoke(&path, id, now(4)).unwrap();
        let keys = KeyFile::read(&path).unwrap().keys;
        assert_eq!((keys[0].id.as_str(), keys[0].revoked), (id, Some(now(3))));
        assert_eq!((keys[1].topics.len(), keys[1].revoked), (3, None));
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(&token) && text.contains(&token::hash(&token)));
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn errors_name_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let now = Timestamp::from_millis(0);
        let error = KeyFile::revoke(&path, "x", now).unwrap_err();
        assert!(matches!(error, KeysError::File { .. }), "{error}");
        let error =
            KeyFile::add(&path, new_key(&["late-events"]), &Sources::built_in(), now).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("`late-events` is not a source of the dataflow file"),
            "{error}"
        );
        KeyFile::add(&path, new_key(&[]), &Sources::built_in(), now).unwrap();
        let error = KeyFile::revoke(&path, "x", now).unwrap_err();
        assert!(matches!(error, KeysError::Unknown(_)), "{error}");
        fs::write(&path, "{\"keys\":[{}]}").unwrap();
        assert!(matches!(
            KeyFile::read(&path),
            Err(KeysError::Content { .. })
        ));
    }

    #[test]
    fn the_lock_changes_neither_the_key_file_nor_a_file_at_its_own_path() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["keys.lock", "keys", ".lock"] {
            let path = folder.path().join(name);
            let beside = folder.path().join(format!("{name}.lock"));
            fs::write(&beside, "another file").unwrap();
            for at in 0..2 {
                KeyFile::add(
                    &path,
                    new_key(&[]),
                    &Sources::built_in(),
                    Timestamp::from_millis(at),
                )
                .unwrap();
            }
            assert_eq!(KeyFile::read(&path).unwrap().keys.len(), 2, "{name}");
            assert_eq!(fs::read_to_string(&beside).unwrap(), "another file");
            fs::remove_file(&beside).unwrap();
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn concurrent_changes_are_all_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        std::thread::scope(|scope| {
            for at in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    KeyFile::add(
                        path,
                        new_key(&[]),
                        &Sources::built_in(),
                        Timestamp::from_millis(at),
                    )
                    .unwrap();
                });
            }
        });
        assert_eq!(KeyFile::read(&path).unwrap().keys.len(), 8);
    }
}
