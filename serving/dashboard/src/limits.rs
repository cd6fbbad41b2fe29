//! The limits of the dashboard, and the reasons for them.

use std::time::Duration;

/// The length of the history: one day, so that the current hour can be compared with the same hour of the day before.
pub(crate) const HISTORY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Rows of levels and items that are older than this are summed into one-minute windows (*joined*). Of the spans that
/// the pages offer, one hour is the longest whose points are less than a minute apart.
pub(crate) const JOINED_AFTER_MS: i64 = 60 * 60 * 1_000;
/// The length of a joined window.
pub(crate) const JOINED_MS: i64 = 60 * 1_000;
/// When a window's vector of rows is full, its capacity grows by its length divided by this number.
pub(crate) const SLACK_PART: usize = 4;
/// The default limit for the rows of a topic in memory. It allows seventeen rows, such as one per game or derivation,
/// in each of the 8,640 ten-second windows of a day.
pub(crate) const ROWS_MAX: usize = 150_000;
/// The limit for topics with one row per level and map, or per item and currency. It allows about 230 rows in each
/// window, because rows older than an hour are joined.
pub(crate) const ROWS_JOINED: usize = 400_000;
/// For the same topics, how many of each partition's latest records are read at the start: about 230 in each of the
/// 8,640 windows of a day. Joined, these are at most [`ROWS_JOINED`] rows.
pub(crate) const RECORDS_JOINED: usize = 2_000_000;
/// The limit for rows of servers: thirty servers in each ten-second window of a day.
pub(crate) const ROWS_SERVERS: usize = 260_000;
/// The limit for sessions in memory: about seven for each second of a day.
pub(crate) const ROWS_SESSIONS: usize = 600_000;
/// The maximum number of platforms in a row. If there are more, the last one is the sum of the less used platforms.
pub(crate) const PLATFORMS_MAX: usize = 8;
/// The maximum number of alerts of each kind in memory.
pub(crate) const ALERTS_MAX: usize = 5_000;
/// The limit for the total size of the records of the alerts of one kind: a kilobyte for each of [`ALERTS_MAX`] alerts,
/// including the evidence. In memory, the alerts take two to three times as much.
pub(crate) const ALERTS_BYTES_MAX: usize = 5_000_000;
/// The size limit for a record that is not a dead letter. Most records have about a kilobyte or less.
pub(crate) const RECORD_BYTES_MAX: usize = 32 * 1024;
/// The maximum number of alerts in one response: more than a person reads, and few enough for a phone.
pub(crate) const ALERTS_SHOWN: usize = 200;
/// The number of a topic's latest dead letters that are stored as samples.
pub(crate) const SAMPLES_MAX: usize = 200;
/// The maximum number of characters of a sample's payload that are stored.
pub(crate) const SAMPLE_CHARACTERS: usize = 2_000;
/// The maximum number of distinct names in memory. When it is reached, a row whose key contains a new name is dropped
/// and counted. In other fields, all new names share one symbol.
pub(crate) const NAMES_MAX: usize = 100_000;
/// The limit for the total size of all names in bytes: eighty bytes for each of [`NAMES_MAX`] names.
pub(crate) const NAMES_BYTES_MAX: usize = 8_000_000;
/// The maximum number of characters of a name that are stored. No identifier in an event is longer, so truncation does
/// not make two identifiers equal.
pub(crate) const NAME_CHARACTERS: usize = 256;
/// The approximate maximum number of points of a line: one for about every two pixels of a narrow chart's width.
pub(crate) const POINTS_MAX: i64 = 180;
/// The maximum number of rows of a ranking or list.
pub(crate) const RANKS_MAX: usize = 100;
/// The maximum number of cells of a heat map.
pub(crate) const CELLS_MAX: usize = 600;
/// The maximum number of queries whose renderings are cached.
pub(crate) const ANSWERS_MAX: usize = 100;
/// The cache is cleared when the renderings since it was last cleared, including replaced ones, reach this total size
/// in bytes. It is enough for several hundred renderings of the usual size.
pub(crate) const ANSWERS_BYTES_MAX: usize = 16_000_000;
/// The maximum number of open streams.
pub(crate) const LIVE_MAX: usize = 1_000;
/// The minimum time between two versions of a view in one stream.
pub(crate) const LIVE_PERIOD: Duration = Duration::from_millis(500);
/// How often the dashboard checks the cluster and sends the status to the browsers.
pub(crate) const PULSE_PERIOD: Duration = Duration::from_millis(1_500);
/// The timeout of a check of the cluster. The sum of [`PULSE_PERIOD`] and this timeout is less than five seconds, the
/// time within which a page must report an unreachable cluster.
pub(crate) const PULSE_TIMEOUT: Duration = Duration::from_secs(2);
/// How often the end offsets of the source topics are polled.
pub(crate) const LAG_PERIOD: Duration = Duration::from_secs(5);
/// The pause before another attempt to read a topic that cannot be read.
pub(crate) const RETRY_PERIOD: Duration = Duration::from_secs(2);
/// The maximum number of records that are folded while the store is locked once.
pub(crate) const CHUNK_RECORDS: usize = 1_000;
/// How late the next rows of a topic may be before the topic counts as stale. Rows do not arrive at perfectly regular
/// intervals, because they wait for the watermark.
pub(crate) const STALE_GRACE_MS: i64 = 4_000;
/// The interval at which the runner publishes accounts.
pub(crate) const ACCOUNTS_PERIOD_MS: i64 = 10_000;
/// A row whose window ends further in the future than this is dropped, because the clock of a sender must be wrong.
pub(crate) const FUTURE_MS_MAX: i64 = 60 * 60 * 1_000;
/// Explore: the maximum number of rows of a topic in memory. It allows two rows in each ten-second window of a day.
pub(crate) const EXPLORED_ROWS_MAX: usize = 20_000;
/// Explore: the limit for the total size of a topic's rows in memory: about 180 bytes and [`EXPLORED_ROW_BYTES`] for
/// each of [`EXPLORED_ROWS_MAX`] rows.
pub(crate) const EXPLORED_BYTES_MAX: usize = 7_000_000;
/// Explore: the costs of storing a row besides its key and value: its place in the map, of which up to half is
/// unused, and two allocations.
pub(crate) const EXPLORED_ROW_BYTES: usize = 170;
/// Explore: the maximum number of topics in memory. Together they have at most 112 MB.
pub(crate) const EXPLORED_TOPICS_MAX: usize = 16;
/// Explore: the maximum number of columns of a topic. A query has at most a hundred.
pub(crate) const EXPLORED_COLUMNS_MAX: usize = 100;
/// Explore: the maximum numbers of measures and filters in a query. Each measure has a chart of its own.
pub(crate) const MEASURES_MAX: usize = 6;
pub(crate) const FILTERS_MAX: usize = 10;
/// Explore: the number of lines in a chart besides "other". With it, each line has a colour of its own.
pub(crate) const SERIES_MAX: usize = 6;
/// Explore: the number of rows in a view. A file contains all.
pub(crate) const EXPLORED_SHOWN: usize = 200;
/// Explore: the maximum number of views or files that are computed at once. Each of them reads all rows of a topic.
pub(crate) const EXPLORED_AT_ONCE: usize = 2;
/// Explore: how long a request waits until the end of a topic has been read for the first time.
pub(crate) const EXPLORED_WAIT: Duration = Duration::from_secs(5);
