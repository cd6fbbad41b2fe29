//! Selects the cluster to connect to: the given address, the active Fluvio profile, or the local default.

use std::io::ErrorKind;

use fluvio::config::{ConfigError, ConfigFile};
use fluvio::{FluvioClusterConfig, FluvioError};

use crate::connector::Connector;
use crate::tls::TlsSettings;
use crate::{ClientError, ConnectOptions, HostPort};

/// The default address of both the cluster of `make start` and Fluvio's own local cluster.
const DEFAULT_ADDRESS: &str = "127.0.0.1:9003";

/// Returns the settings of the cluster and a connector for it. If `options` contains an address, the active profile
/// is used only if it has the same address. The other options override the profile.
pub(crate) fn settings(
    options: &ConnectOptions,
) -> Result<(FluvioClusterConfig, Connector), ClientError> {
    let mut config = cluster_config(options.address.as_deref())?;
    check_address(&config.endpoint)?;
    config.use_spu_local_address |= options.local_addresses;
    let tls = match &options.tls {
        Some(tls) => Some(TlsSettings::new(tls)?),
        None => TlsSettings::from_profile(&config.tls)?,
    };
    Ok((config, Connector::new(tls)))
}

fn check_address(address: &str) -> Result<(), ClientError> {
    let checked = address.parse::<HostPort>();
    checked.map(drop).map_err(|error| {
        ClientError::configuration(format!("connecting to a cluster at `{address}`"), error)
    })
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

/// The cluster of the active profile; `None` if there is no profile file or if no profile is active.
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
        "reading the Fluvio profile",
        format!("{error}; repair the profile file, or give the cluster's address"),
    )
}
