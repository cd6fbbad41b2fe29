//! Keys: who may write what. A file holds their hashes; it is read again when it changes, so that keys
//! are added and revoked while the web API runs.

mod file;
mod owner;
mod ring;
mod token;

pub use file::{KeyEntry, KeyFile, KeysError, NewKey};
pub(crate) use owner::Owner;
pub(crate) use ring::KeyRing;
