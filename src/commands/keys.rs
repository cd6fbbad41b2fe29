//! `keys`: manage the file that contains the API keys of the web API.

use model::Timestamp;
use web_api::{KeyEntry, KeyFile, NewKey};

use crate::cli::KeysCommand;
use crate::event_sources::event_sources;
use crate::terminal::{note, say};
use crate::{dataflow_file, registry};

pub(crate) fn keys(command: KeysCommand) -> anyhow::Result<()> {
    match command {
        KeysCommand::Add(args) => {
            let (_, dataflow) = dataflow_file::load(&args.dataflow, &registry::registry())?;
            let sources = event_sources(&dataflow)?;
            let new = NewKey {
                game_id: args.game,
                topics: args.topics,
                events_per_second: args.events_per_second,
            };
            let key = KeyFile::add(&args.file.keys, new, &sources, now())?;
            say!("{key}");
            note("store this key now: it cannot be shown again");
        }
        KeysCommand::List(args) => {
            for key in KeyFile::read(&args.keys)?.keys {
                say!("{}", line(&key));
            }
        }
        KeysCommand::Revoke(args) => {
            KeyFile::revoke(&args.file.keys, &args.id, now())?;
            say!("{}: revoked", args.id);
        }
    }
    Ok(())
}

/// Formats a key, for example
/// `3f0a…: game chess, topics player-events, 10000 events/s, since 2026-11-21T10:00:00.000Z`.
fn line(key: &KeyEntry) -> String {
    let topics = Vec::from_iter(key.topics.iter().map(String::as_str)).join(" ");
    let revoked = key
        .revoked
        .map(|at| format!(", revoked {at}"))
        .unwrap_or_default();
    format!(
        "{}: game {}, topics {topics}, {} events/s, since {}{revoked}",
        key.id, key.game_id, key.events_per_second, key.created
    )
}

fn now() -> Timestamp {
    Timestamp::from_millis(client::now_ms())
}
