//! The objects of one kind: each has its own JSON file, which is read once and kept in memory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::file_name;
use crate::log::folder;

/// The key of an object, from which the name of its file is derived.
pub(super) trait Key: Ord + Clone + Serialize + DeserializeOwned {
    /// Returns the file's path within the folder for this kind of object, without an extension.
    fn file_stem(&self) -> Result<PathBuf, StoreError>;
    /// Returns the key as it appears in error messages.
    fn display(&self) -> String;
}

impl Key for String {
    fn file_stem(&self) -> Result<PathBuf, StoreError> {
        file_name::encode(self).map(PathBuf::from)
    }

    fn display(&self) -> String {
        self.clone()
    }
}

/// The content of a file. It includes the object's name, because the file's name is only an encoding of it.
#[derive(Debug, Deserialize)]
struct Entry<K, V> {
    name: K,
    spec: V,
}

#[derive(Debug, Serialize)]
struct EntryRef<'a, K, V> {
    name: &'a K,
    spec: &'a V,
}

/// All objects of one kind.
#[derive(Debug)]
pub(super) struct Objects<K, V> {
    dir: PathBuf,
    loaded: BTreeMap<K, V>,
}

impl<K: Key, V: Clone + Serialize + DeserializeOwned> Objects<K, V> {
    /// Reads all objects in `dir`, and creates the folder if it does not exist.
    pub(super) fn open(dir: PathBuf) -> Result<Self, StoreError> {
        folder::create_durably(&dir).map_err(StoreError::io("create", &dir))?;
        let mut objects = Self {
            dir,
            loaded: BTreeMap::new(),
        };
        for path in files_below(&objects.dir)? {
            objects.load(&path)?;
        }
        Ok(objects)
    }

    /// Returns a copy of all objects.
    pub(super) fn all(&self) -> BTreeMap<K, V> {
        self.loaded.clone()
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.loaded.contains_key(key)
    }

    /// Writes an object to the disk. Replaces an existing object with the same key.
    ///
    /// Some of Fluvio's types accept less when they are decoded than they produce when they are encoded. So the
    /// encoded object is decoded first, and is refused if that fails. The decoded copy is kept in memory, so that
    /// it equals what the file contains.
    pub(super) fn put(&mut self, key: &K, value: &V) -> Result<(), StoreError> {
        let path = self.path(key)?;
        let unwritable = |source| StoreError::Encode {
            name: key.display(),
            source,
        };
        let json = serde_json::to_vec_pretty(&EntryRef {
            name: key,
            spec: value,
        });
        let json = json.map_err(unwritable)?;
        let entry: Entry<K, V> = serde_json::from_slice(&json).map_err(unwritable)?;
        replace_durably(&path, &json).map_err(StoreError::io("write", &path))?;
        self.loaded.insert(entry.name, entry.spec);
        Ok(())
    }

    /// Removes an object, from the disk first, and returns whether it existed.
    pub(super) fn remove(&mut self, key: &K) -> Result<bool, StoreError> {
        if !self.loaded.contains_key(key) {
            return Ok(false);
        }
        let path = self.path(key)?;
        remove_durably(&path).map_err(StoreError::io("remove", &path))?;
        Ok(self.loaded.remove(key).is_some())
    }

    /// Removes all objects for which `gone` returns true.
    pub(super) fn remove_if(&mut self, gone: impl Fn(&K) -> bool) -> Result<(), StoreError> {
        let keys: Vec<K> = self
            .loaded
            .keys()
            .filter(|key| gone(key))
            .cloned()
            .collect();
        keys.iter().try_for_each(|key| self.remove(key).map(drop))
    }

    fn load(&mut self, path: &Path) -> Result<(), StoreError> {
        let json = fs::read(path).map_err(StoreError::io("read", path))?;
        let Entry { name, spec } =
            serde_json::from_slice::<Entry<K, V>>(&json).map_err(|source| StoreError::Broken {
                path: path.to_owned(),
                source,
            })?;
        if self.path(&name)? != path {
            let name = name.display();
            return Err(StoreError::Misnamed {
                path: path.to_owned(),
                name,
            });
        }
        self.loaded.insert(name, spec);
        Ok(())
    }

    fn path(&self, key: &K) -> Result<PathBuf, StoreError> {
        let mut path = self.dir.join(key.file_stem()?).into_os_string();
        path.push(".json");
        Ok(path.into())
    }
}

/// Lists the files of all objects, and removes those left over from interrupted writes.
fn files_below(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(StoreError::io("list", dir))? {
        let path = entry.map_err(StoreError::io("list", dir))?.path();
        match path.extension().and_then(|ending| ending.to_str()) {
            _ if path.is_dir() => files.append(&mut files_below(&path)?),
            Some("json") => files.push(path),
            Some("tmp") => fs::remove_file(&path).map_err(StoreError::io("remove", &path))?,
            _ => {
                tracing::warn!(file = %path.display(), "ignoring a file that is not a metadata file")
            }
        }
    }
    Ok(files)
}

/// Replaces the content of `path`. After a crash at any point the file has either its former content or
/// `bytes`.
fn replace_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    folder::create_durably(dir)?;
    let temporary = path.with_added_extension("tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    folder::sync(dir)
}

fn remove_durably(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => folder::sync(path.parent().unwrap_or(Path::new("."))),
    }
}
