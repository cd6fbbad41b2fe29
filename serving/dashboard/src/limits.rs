//! The limits of the dashboard, each with its reason.

use std::time::Duration;

/// The length of the history: one day, so that the current hour can be compared with the same hour of
/// yesterday.
pub(crate) const HISTORY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Rows of levels and items that are older than this are joined into one-minute windows. Of the spans that the
/// pages offer, an hour is the longest one whose points are less than a minute apart.
pub(crate) const JOINED_AFTER_MS: i64 = 60 * 60 * 1_000;
/// The length of a joined window.
pub(crate) const JOINED_MS: i64 = 60 * 1_000;
/// When the row vector of a window is full, its capacity grows by its length divided by this.
pub(crate) const SLACK_PART: usize = 4;
/// The default limit for the rows of a topic in memory: a row for each of seventeen games or derivations in each
/// of the 8,640 windows of a day.
pub(crate) const ROWS_MAX: usize = 150_000;
/// The limit for topics with one row per level and map, or per item and currency: about 230 rows in each
/// window, where rows older than an hour are joined.
pub(crate) const ROWS_JOINED: usize = 400_000;
/// The number of each partition's latest records that are read at the start to fill `ROWS_JOINED` rows.
pub(crate) const RECORDS_JOINED: usize = 2_000_000;
/// The limit for rows of servers: thirty in each window.
pub(crate) const ROWS_SERVERS: usize = 260_000;
/// The limit for sessions in memory: about seven for each second of a day.
pub(crate) const ROWS_SESSIONS: usize = 600_000;
/// The number of platforms in a row, of which the last one is the sum of all less used platforms.
pub(crate) const PLATFORMS_MAX: usize = 8;
/// The number of alerts of each kind in memory.
pub(crate) const ALERTS_MAX: usize = 5_000;
/// The limit for the total size of the records of these alerts: a kilobyte for each alert, including its
/// evidence. In memory they take two to three times as much.
pub(crate) const ALERTS_BYTES_MAX: usize = 5_000_000;
/// The size limit for any record except a dead letter. Usual records have at most about a kilobyte.
pub(crate) const RECORD_BYTES_MAX: usize = 32 * 1024;
/// The number of alerts in one response: more than a person reads, and few enough for a phone.
pub(crate) const ALERTS_SHOWN: usize = 200;
/// The number of dead letters of a topic that are stored as samples.
pub(crate) const SAMPLES_MAX: usize = 200;
/// The number of characters of a sample's payload that are stored.
pub(crate) const SAMPLE_CHARACTERS: usize = 2_000;
/// The number of distinct names in memory. Beyond it, a row whose key contains a new name is dropped and
/// counted; in other fields all new names share one symbol.
pub(crate) const NAMES_MAX: usize = 100_000;
/// The limit for the total size of all names: eighty bytes each.
pub(crate) const NAMES_BYTES_MAX: usize = 8_000_000;
/// The number of characters of a name that are stored. It is at least the maximum length of an event's
/// identifiers, so two different names never become equal.
pub(crate) const NAME_CHARACTERS: usize = 256;
/// The number of points of a line: about one for every two pixels of a chart's width.
pub(crate) const POINTS_MAX: i64 = 180;
/// The number of rows of a ranking or list.
pub(crate) const RANKS_MAX: usize = 100;
/// The number of cells of a heat map.
pub(crate) const CELLS_MAX: usize = 600;
/// The number of queries whose rendering is cached.
pub(crate) const ANSWERS_MAX: usize = 100;
/// The size of the cached renderings at which the cache is cleared: several hundred renderings of the usual
/// size.
pub(crate) const ANSWERS_BYTES_MAX: usize = 16_000_000;
/// The number of open streams.
pub(crate) const LIVE_MAX: usize = 1_000;
/// The minimum time between two versions of a view on one stream.
pub(crate) const LIVE_PERIOD: Duration = Duration::from_millis(500);
/// How often the dashboard checks the cluster and sends the status to the browsers.
pub(crate) const PULSE_PERIOD: Duration = Duration::from_millis(1_500);
/// The timeout of such a check. Together with `PULSE_PERIOD` it is less than five seconds, the time within
/// which a page reports an unreachable cluster.
pub(crate) const PULSE_TIMEOUT: Duration = Duration::from_secs(2);
/// How often the ends of the source topics are polled.
pub(crate) const LAG_PERIOD: Duration = Duration::from_secs(5);
/// The pause before another attempt to read a topic that cannot be read.
pub(crate) const RETRY_PERIOD: Duration = Duration::from_secs(2);
/// The number of records that are folded under one lock.
pub(crate) const CHUNK_RECORDS: usize = 1_000;
/// How late the next rows of a topic may be before the topic counts as stale. The runner waits for late events
/// before it writes rows.
pub(crate) const STALE_GRACE_MS: i64 = 4_000;
/// The period in which the runner publishes accounts.
pub(crate) const ACCOUNTS_PERIOD_MS: i64 = 10_000;
/// A row whose window ends further in the future than this is dropped, because its sender's clock is wrong.
pub(crate) const FUTURE_MS_MAX: i64 = 60 * 60 * 1_000;
