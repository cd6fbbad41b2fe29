//! API keys, which determine which clients may write which events. A file contains the hashes of the keys.
//! It is read again when it changes, so that keys can be added and revoked while the web API runs.

mod file;
mod owner;
mod rate;
mod ring;
mod token;

pub use file::{KeyEntry, KeyFile, KeysError, NewKey};
pub(crate) use owner::Owner;
pub(crate) use ring::{KeyRing, presented_key};
