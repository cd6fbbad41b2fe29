//! Which cluster to talk to: an address somebody named, the active Fluvio profile, or the local default.

use std::io::ErrorKind;

use fluvio::config::{ConfigError, ConfigFile};
use fluvio::{FluvioClusterConfig, FluvioError};

use crate::connector::Connector;
use crate::tls::TlsSettings;
use crate::{ClientError, ConnectOptions};

/// Where `make start` puts the cluster, and where Fluvio's own local cluster listens.
const DEFAULT_ADDRESS: &str = "127.0.0.1:9003";

/// The settings of the cluster to use, and how to open connections to it. A named address takes the profile's settings if
/// the profile names it too; what else is said goes before the profile.
pub(crate) fn settings(
    options: &ConnectOptions,
) -> Result<(FluvioClusterConfig, Connector), ClientError> {
    let mut config = cluster_config(options.address.as_deref())?;
    config.use_spu_local_address |= options.local_addresses;
    let tls = match &options.tls {
        Some(tls) => Some(TlsSettings::new(tls)?),
        None => TlsSettings::from_profile(&config.tls)?,
    };
    Ok((config, Connector::new(tls)))
}

fn cluster_config(address: Option<&str>) -> Result<FluvioClusterConfig, ClientError> {
    let profile = active_profile();
    match (address, profile) {
        (Some(address), Ok(Some(profile))) if profile.endpoint == address => Ok(profile),
        (Some(address), _) => Ok(FluvioClusterConfig::new(address)),
        (None, profile) => {
            Ok(profile?.unwrap_or_else(|| FluvioClusterConfig::new(DEFAULT_ADDRESS)))
        }
    }
}

/// The cluster of the active profile; `None` when there is no profile file or none is active.
fn active_profile() -> Result<Option<FluvioClusterConfig>, ClientError> {
    let file = match ConfigFile::load(None) {
        Ok(file) => file,
        Err(FluvioError::ClientConfig(ConfigError::ConfigFileError { source, .. }))
            if matches!(source.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(&error)),
    };
    match file.config().current_cluster() {
        Ok(cluster) => Ok(Some(cluster.clone())),
        Err(FluvioError::ClientConfig(ConfigError::NoActiveProfile)) => Ok(None),
        Err(error) => Err(unreadable(&error)),
    }
}

fn unreadable(error: &FluvioError) -> ClientError {
    ClientError::configuration(
        "reading the fluvio profile",
        format!("{error}; repair it or name the cluster's address"),
    )
}
