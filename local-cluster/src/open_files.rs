//! The limits on the process's open files and connections.

use std::sync::LazyLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::limits::CONNECTIONS_MAX;

/// The limit to request if the hard limit is refused: some systems, such as macOS, report no hard limit but
/// accept no larger number than this.
const CAUTIOUS: u64 = 10_240;

static LIMIT: LazyLock<u64> = LazyLock::new(raise);

/// Returns the number of files that this process may have open. The first call raises the soft limit, usually
/// 1,024, to the hard limit.
pub fn open_files_max() -> u64 {
    *LIMIT
}

/// Returns the number of connections that a node's data port serves: a third of [`open_files_max`], at most
/// [`CONNECTIONS_MAX`]. This leaves a third for the logs and a third for clients in the same process.
pub(crate) fn connections_max() -> usize {
    let third = usize::try_from(open_files_max() / 3).unwrap_or(usize::MAX);
    third.clamp(1, CONNECTIONS_MAX)
}

fn raise() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    for wanted in [limit.maximum, Some(CAUTIOUS)] {
        let is_more = wanted.is_none() || wanted > limit.current;
        let raised = Rlimit {
            current: wanted,
            maximum: limit.maximum,
        };
        if limit.current.is_some() && is_more && setrlimit(Resource::Nofile, raised).is_ok() {
            break;
        }
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
