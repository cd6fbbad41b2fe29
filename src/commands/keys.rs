//! `keys`: the file of keys that the web API goes by.

use std::time::SystemTime;

use model::Timestamp;
use web_api::{KeyEntry, KeyFile, NewKey};

use crate::cli;

pub(crate) fn keys(command: cli::Keys) -> anyhow::Result<()> {
    match command {
        cli::Keys::Add(args) => {
            let new = NewKey {
                game_id: args.game,
                topics: args.topics,
                events_per_second: args.events_per_second,
            };
            let key = KeyFile::add(&args.file.keys, new, now())?;
            println!("{key}");
            eprintln!("keep it: it cannot be shown again");
        }
        cli::Keys::List(args) => {
            for key in KeyFile::read(&args.keys)?.keys {
                println!("{}", line(&key));
            }
        }
        cli::Keys::Revoke(args) => {
            KeyFile::revoke(&args.file.keys, &args.id, now())?;
            println!("{}: revoked", args.id);
        }
    }
    Ok(())
}

/// `3f0a…: game chess, topics player-events, 10000 events/s, since 2026-11-21T10:00:00.000Z`
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
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp::from_millis(since_epoch.unwrap_or_default().as_millis() as i64)
}
