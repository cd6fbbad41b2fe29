//! When the world of `generate` begins, and how fast it lives.

use anyhow::Context;
use client::now_ms;
use data_generator::{Pace, WorldOptions};
use model::Timestamp;

use crate::ago::ago;
use crate::cli::GenerateCommand;

/// The start of a world that is written to standard output at once, 2026-01-01T00:00:00Z: the same at every call, so
/// that the bytes are too.
const START_OF_LINES_MS: i64 = 1_767_225_600_000;

pub(super) fn world(args: &GenerateCommand, pace: Pace) -> anyhow::Result<WorldOptions> {
    args.rate.map_or(Ok(()), check_rate)?;
    let rate = args.rate.unwrap_or(args.people.default_rate());
    anyhow::ensure!(
        (0.0..=1.0).contains(&args.broken),
        "--broken is `{}`: give a share from 0 to 1",
        args.broken
    );
    let world = WorldOptions {
        seed: args.seed,
        start_ms: now_ms(),
        rate,
        broken: args.broken,
    };
    if let Some(start_ms) = start_ms(args)? {
        return Ok(WorldOptions { start_ms, ..world });
    }
    let Some(events) = args.events else {
        return Ok(world);
    };
    if args.stdout && pace == Pace::Unpaced {
        let start_ms = START_OF_LINES_MS;
        return Ok(WorldOptions { start_ms, ..world });
    }
    anyhow::ensure!(
        args.people.players.is_none() || pace != Pace::Unpaced,
        "--events is `{events}`: how long people take for this number is not known; give --start or --backfill too"
    );
    let world = world.ending_at(now_ms(), events);
    anyhow::ensure!(
        world.start_ms > 0,
        "--events is `{events}`: at {rate} per second the world would begin before 1970; give fewer events, or set \
         --start"
    );
    Ok(world)
}

/// Returns the start that the flags give.
fn start_ms(args: &GenerateCommand) -> anyhow::Result<Option<i64>> {
    if let Some(start) = &args.start {
        let time = Timestamp::parse(start).with_context(|| {
            format!("--start is `{start}`: give an RFC 3339 time such as 2026-01-31T12:00:00Z")
        })?;
        return Ok(Some(time.as_millis()));
    }
    Ok(args.backfill.map(|backfill| ago(backfill).as_millis()))
}

pub(super) fn pace(args: &GenerateCommand) -> anyhow::Result<Pace> {
    let speed = args.speed;
    let begins_earlier = args.start.is_some() || args.backfill.is_some();
    if let Some(speed) = speed {
        anyhow::ensure!(
            (1.0..=1e9).contains(&speed),
            "--speed is `{speed}`: give a number from 1 to 1000000000"
        );
        anyhow::ensure!(
            begins_earlier,
            "--speed has no effect on a world that begins now: give --backfill or --start too"
        );
    }
    let is_at_once = args.events.is_some() && args.rate.is_none();
    if is_at_once && speed.is_none() && args.backfill.is_none() {
        return Ok(Pace::Unpaced);
    }
    Ok(if begins_earlier {
        Pace::CatchUp { speed }
    } else {
        Pace::WallClock
    })
}

pub(super) fn check_rate(rate: f64) -> anyhow::Result<()> {
    anyhow::ensure!(
        rate > 0.0 && rate <= 1e6,
        "--rate is `{rate}`: give events per second, above 0 and at most 1000000"
    );
    Ok(())
}
