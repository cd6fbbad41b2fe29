//! Registers SmartModules with the cluster by name: creates missing ones, and replaces those whose bytes differ.

use std::io::Read;
use std::time::Duration;

use flate2::Compression;
use flate2::bufread::{GzDecoder, GzEncoder};
use fluvio::metadata::smartmodule::{SmartModuleSpec, SmartModuleWasm};
use tokio::time::timeout;

use crate::{ClientError, Cluster, Ensured};

/// The deadline for creating a module, far longer than needed: a module of a few hundred kilobytes is stored within
/// milliseconds.
const CREATE_DEADLINE: Duration = Duration::from_secs(20);

impl Cluster {
    /// Ensures that the cluster has this module under this name. Servers receive a new module a moment after the
    /// controller, so the first stream through the module may fail with a retryable error.
    pub async fn ensure_smartmodule(
        &self,
        name: &str,
        wasm: &[u8],
    ) -> Result<Ensured, ClientError> {
        let known = self.smartmodule(name).await?;
        if known.as_deref() == Some(wasm) {
            return Ok(Ensured::Existed);
        }
        let created = self.create_smartmodule(name, wasm).await;
        if created.is_err() && self.smartmodule(name).await?.as_deref() != Some(wasm) {
            created?;
        }
        Ok(if known.is_some() {
            Ensured::Replaced
        } else {
            Ensured::Created
        })
    }

    /// The uncompressed bytes of the stored module. A module that cannot be decompressed is treated as missing, and is
    /// therefore created again.
    async fn smartmodule(&self, name: &str) -> Result<Option<Vec<u8>>, ClientError> {
        let found = self.list::<SmartModuleSpec>(Some(name)).await?;
        let stored = found.into_iter().find(|module| module.name == name);
        Ok(stored.and_then(|module| gunzip(&module.spec.wasm.payload).ok()))
    }

    async fn create_smartmodule(&self, name: &str, wasm: &[u8]) -> Result<(), ClientError> {
        let what = || format!("creating SmartModule `{name}`");
        let payload = gzip(wasm).map_err(|error| ClientError::fatal(what(), error))?;
        let spec = SmartModuleSpec {
            wasm: SmartModuleWasm::from_compressed_gzip(payload),
            ..Default::default()
        };
        let fluvio = self.session().await?;
        let error = match timeout(
            CREATE_DEADLINE,
            fluvio.admin().await.create(name.to_owned(), false, spec),
        )
        .await
        {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => ClientError::from_fluvio(what(), &error),
            Err(_) => ClientError::retry(
                what(),
                format!("no answer within {} s", CREATE_DEADLINE.as_secs()),
            ),
        };
        if error.is_retryable() {
            self.forget(&fluvio).await;
        }
        Err(error)
    }
}

/// Compresses a module fast rather than well: the size matters less than the time until a stream begins.
pub(crate) fn gzip(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    GzEncoder::new(plain, Compression::fast()).read_to_end(&mut packed)?;
    Ok(packed)
}

pub(crate) fn gunzip(packed: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut plain)?;
    Ok(plain)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_module_survives_its_journey() {
        let wasm: Vec<u8> = (0..100_000u32).flat_map(u32::to_be_bytes).collect();
        let packed = gzip(&wasm).unwrap();
        assert_eq!(packed[..2], [0x1f, 0x8b], "servers look for the gzip magic");
        assert!(packed.len() < wasm.len());
        assert_eq!(gunzip(&packed).unwrap(), wasm);
        assert!(gunzip(b"\0asm").is_err());
    }
}
