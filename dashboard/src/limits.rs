//! Every limit of the dashboard, with its reason.

use std::time::Duration;

/// How far back the history goes: a day, so that today can be held against yesterday's same hour.
pub(crate) const HISTORY_MS: i64 = 24 * 60 * 60 * 1_000;
/// From this age on, rows of levels and items are joined to minutes: an hour is the longest span whose points are
/// closer together than that.
pub(crate) const JOINED_AFTER_MS: i64 = 60 * 60 * 1_000;
/// What they are joined to.
pub(crate) const JOINED_MS: i64 = 60 * 1_000;
/// A window's rows have room for one part in so many more than there are.
pub(crate) const SLACK_PART: usize = 4;
/// Rows of a topic in memory, where no other number is named: of seventeen games, or as many derivations, in each
/// of a day's 8,640 windows.
pub(crate) const ROWS_MAX: usize = 150_000;
/// The same of topics with a row for each level and map, or item and currency: some 230 in each window, once those
/// older than an hour are joined.
pub(crate) const ROWS_JOINED: usize = 400_000;
/// The records that this takes to read back.
pub(crate) const RECORDS_JOINED: usize = 2_000_000;
/// Rows of servers: thirty in each window.
pub(crate) const ROWS_SERVERS: usize = 260_000;
/// Sessions: seven that end in each second of a day.
pub(crate) const ROWS_SESSIONS: usize = 600_000;
/// Platforms of a row; the least used further ones count together.
pub(crate) const PLATFORMS_MAX: usize = 8;
/// Alerts of one kind in memory.
pub(crate) const ALERTS_MAX: usize = 5_000;
/// Their records' bytes: a kilobyte each, with their evidence. In memory they take two to three times as much.
pub(crate) const ALERTS_BYTES_MAX: usize = 5_000_000;
/// Alerts in one answer: more than anybody reads, little enough for a telephone.
pub(crate) const ALERTS_SHOWN: usize = 200;
/// Diverted records kept as samples.
pub(crate) const SAMPLES_MAX: usize = 200;
/// Characters of a sample's payload that are kept.
pub(crate) const SAMPLE_CHARACTERS: usize = 2_000;
/// Distinct names in memory. A row that is known by a further one is left out, and counted; elsewhere further ones
/// stand together under one name.
pub(crate) const NAMES_MAX: usize = 100_000;
/// Bytes of all of them: eighty each.
pub(crate) const NAMES_BYTES_MAX: usize = 8_000_000;
/// Characters of a name that are kept: no fewer than the bytes that an event's identifiers may have, so that no two
/// become one.
pub(crate) const NAME_CHARACTERS: usize = 256;
/// Points of a line: about one for each two pixels of a chart's width.
pub(crate) const POINTS_MAX: i64 = 180;
/// Rows of a ranking or list.
pub(crate) const RANKS_MAX: usize = 100;
/// Cells of a heat map.
pub(crate) const CELLS_MAX: usize = 600;
/// Answers kept for the next who asks the same.
pub(crate) const ANSWERS_MAX: usize = 100;
/// Bytes of answers that may have been made since they were last forgotten: hundreds of usual ones.
pub(crate) const ANSWERS_BYTES_MAX: usize = 16_000_000;
/// Browsers that stay connected.
pub(crate) const LIVE_MAX: usize = 1_000;
/// The least time between two versions of a view on one connection.
pub(crate) const LIVE_PERIOD: Duration = Duration::from_millis(500);
/// How often the cluster is asked whether it is there, and browsers hear that we are.
pub(crate) const PULSE_PERIOD: Duration = Duration::from_millis(1_500);
/// An answer slower than this is none. With the period it stays below the five seconds after which
/// people must know.
pub(crate) const PULSE_PATIENCE: Duration = Duration::from_secs(2);
/// How often the ends of the source topics are asked for.
pub(crate) const LAG_PERIOD: Duration = Duration::from_secs(5);
/// How long a reader waits before it tries again to read a topic that is not there.
pub(crate) const RETRY_PERIOD: Duration = Duration::from_secs(2);
/// Records that are folded in at once.
pub(crate) const CHUNK_RECORDS: usize = 1_000;
/// How late a window may be before it counts as stale: the runner waits a little for late events.
pub(crate) const STALE_GRACE_MS: i64 = 4_000;
/// How often accounts come: what writes nothing for longer is stale.
pub(crate) const ACCOUNTS_PERIOD_MS: i64 = 10_000;
/// An event time further ahead than this is nobody's clock: its row is left out.
pub(crate) const FUTURE_MS_MAX: i64 = 60 * 60 * 1_000;
