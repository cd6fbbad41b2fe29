//! Limits and periods of the web API, with their reasons.

use std::time::Duration;

/// The largest body, both before and after decompression. It has room for the maximum number of records at
/// twice their usual size.
pub(crate) const BODY_BYTES_MAX: usize = 4 << 20;

/// The maximum number of records in a request. A client with more records sends several requests, which it may
/// send in parallel.
pub(crate) const RECORDS_PER_REQUEST_MAX: usize = 5_000;

/// The maximum number of compressed parts (gzip members, zstd frames) in a body. A sender that compresses
/// each record separately needs no more, and each part costs a decoder.
pub(crate) const COMPRESSED_PARTS_MAX: usize = RECORDS_PER_REQUEST_MAX;

/// The total memory of all bodies in KiB. A body counts from its first byte until the write of its records has ended,
/// so memory is bounded for any number of clients.
pub(crate) const BUFFERED_KIB_MAX: usize = 96 * 1024;

/// The memory that a rejected record takes in addition to its payload: its copy for `rejected-events` with key
/// and reason, and its entry in the response. It counts toward the memory of bodies, because the copy of a record
/// of two bytes takes hundreds of times that size.
pub(crate) const REJECTED_BYTES: usize = 512;

/// The maximum number of connections. To make room for another one, the connection that has been idle
/// longest is closed; if none is idle, new connections wait in the listen queue. The usual limit of a
/// process is 1,024 open files; where it is higher, this can be raised too.
pub(crate) const CONNECTIONS_MAX: usize = 800;

/// The maximum size of a request's head; hyper requires at least 8 KiB. A key and an idempotency key take a
/// few hundred bytes.
pub(crate) const HEAD_BYTES_MAX: usize = 16 * 1024;

/// The maximum number of header lines in a request.
pub(crate) const HEADERS_MAX: usize = 64;

/// How long a client may take to send the head of a request. The time counts from the head's first byte or, on a
/// new connection, from the start of the connection.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// The default time after which an idle connection is closed. Load balancers usually close idle connections after
/// a minute. This timeout is longer, so that they do not send a request on a connection that the server is
/// closing.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// How long a client may take to send a body: at 1 Mbit/s, 4 MiB take 34 s.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(40);

/// How long a client may accept none of the data that is sent to it. Without this limit, a client that never
/// reads would keep its connection permanently, and enough such clients would occupy all connections.
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a request waits for the cluster before its client gets the error `unconfirmed`. This is longer than
/// the 8 s after which the client library considers the response of the cluster lost.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a stopping server waits for requests in progress.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// The maximum number of requests that wait for the writer of a topic.
pub(crate) const QUEUE_JOBS_MAX: usize = 2_048;

/// How long a request may wait in the queue. Then it is refused, so that the requests after it do not wait even
/// longer.
pub(crate) const QUEUE_TIMEOUT: Duration = Duration::from_secs(2);

/// The maximum number of unacknowledged bytes of keys and values per topic. The client library's queue has space
/// for a hundred batches of 128 KiB per partition. When that queue is full, the library polls in a busy loop. 5
/// MiB do not fill the queue, even in half-filled batches.
pub(crate) const UNACKNOWLEDGED_BYTES_MAX: usize = 5 << 20;

/// If an acknowledgement takes longer than this, the cluster counts as slow or unreachable. New requests are then
/// refused until the cluster has processed everything that was sent to it.
pub(crate) const SLOW_ACKNOWLEDGEMENT: Duration = Duration::from_secs(4);

/// `Retry-After` when the server is busy.
pub(crate) const RETRY_AFTER_BUSY: Duration = Duration::from_secs(1);

/// `Retry-After` when the cluster is unreachable.
pub(crate) const RETRY_AFTER_AWAY: Duration = Duration::from_secs(2);

/// `Retry-After` when the table of idempotency keys is full.
pub(crate) const RETRY_AFTER_KEYS_FULL: Duration = Duration::from_secs(60);

/// `Retry-After` when a disk of the cluster is full: an operator has to make room.
pub(crate) const RETRY_AFTER_DISK_FULL: Duration = Duration::from_secs(30);

/// How long to wait for delayed writes: after a lost acknowledgement, the cluster may still execute the write
/// shortly after it is reachable again. Topics are read back only after this time.
pub(crate) const SETTLING: Duration = Duration::from_millis(1_500);

/// How often the health probe requests the end offsets of the topics from the cluster. `/health` reports the
/// latest result.
pub(crate) const PROBE_PERIOD: Duration = Duration::from_secs(2);

/// The timeout of each request of the health probe.
pub(crate) const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an idempotency key is remembered.
pub(crate) const IDEMPOTENCY_RETENTION: Duration = Duration::from_secs(3_600);

/// The maximum number of idempotency keys in memory. Each takes about 200 bytes. When it is reached, requests
/// with new keys are refused.
pub(crate) const IDEMPOTENCY_KEYS_MAX: usize = 1_000_000;

/// The maximum length of an `Idempotency-Key`.
pub(crate) const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// The smallest difference at which a sender's clock counts as wrong. A smaller difference may be network delay
/// instead. It also does no harm, because by default the runner waits this long for late events.
pub(crate) const CLOCK_OFFSET_MS_MIN: u64 = 2_000;

/// The maximum number of characters of an invalid `sent_at` that the error message quotes.
pub(crate) const SHOWN_CHARACTERS: usize = 64;

/// How often the key file is checked for changes.
pub(crate) const KEYS_FILE_PERIOD: Duration = Duration::from_millis(500);
