//! Look-back: passes the last records of a partition to a chain before the chain processes its first batch.

use fluvio_protocol::link::ErrorCode;
use fluvio_protocol::record::Record;
use fluvio_smartengine::Lookback;
use futures_util::FutureExt;
use futures_util::future::ready;

use super::records::decode;
use super::run::records_of;
use super::{Chain, failure};
use crate::clock;
use crate::cluster::Partition;
use crate::limits::{CHAIN_READ_BYTES, LOOK_BACK_RECORDS_MAX};
use crate::log::{BatchHeader, CheckedBatches};

/// Passes the requested records to every module that has a look-back. Blocks the thread.
pub(crate) fn look_back(chain: &mut Chain, partition: &Partition) -> Result<(), ErrorCode> {
    let read = |lookback| ready(read(partition, lookback).map_err(Into::into));
    match chain.instance.look_back(read).now_or_never() {
        Some(looked) => looked.map_err(|error| failure::looking_back(error.as_ref())),
        // Cannot happen: `read` returns a ready future, so the engine has nothing to wait for.
        None => Err(ErrorCode::SmartModuleLookBackError(
            "the engine waits for nothing".to_owned(),
        )),
    }
}

/// Reads the last records of the partition, limited by number, by age, or by both.
fn read(partition: &Partition, lookback: Lookback) -> Result<Vec<Record>, ErrorCode> {
    let (last, youngest) = match lookback {
        Lookback::Last(last) => (last, None),
        Lookback::Age { age, last: 0 } => (LOOK_BACK_RECORDS_MAX, Some(age)),
        Lookback::Age { age, last } => (last, Some(age)),
    };
    let not_before = youngest.map(|age| {
        let not_before = clock::since_epoch().saturating_sub(age);
        i64::try_from(not_before.as_millis()).unwrap_or(i64::MAX)
    });
    let end = partition.end_offset();
    let last = i64::try_from(last.min(LOOK_BACK_RECORDS_MAX)).unwrap_or(i64::MAX);
    let first = partition.start_offset().max(end - last);
    let wanted = Wanted {
        first,
        end,
        not_before,
    };
    wanted.read(partition)
}

struct Wanted {
    first: i64,
    end: i64,
    /// The time before which records are skipped, in milliseconds since 1970.
    not_before: Option<i64>,
}

impl Wanted {
    fn read(&self, partition: &Partition) -> Result<Vec<Record>, ErrorCode> {
        let mut found = Vec::new();
        let mut position = self.first;
        while position < self.end {
            let slice = partition
                .read_blocking(position, CHAIN_READ_BYTES)
                .map_err(|_| ErrorCode::StorageError)?;
            for batch in CheckedBatches::new(slice.bytes) {
                let batch = batch.map_err(|_| ErrorCode::StorageError)?;
                let records = decode(&records_of(&batch)?).map_err(|_| ErrorCode::StorageError)?;
                found.extend(
                    records
                        .into_iter()
                        .filter(|record| self.wants(batch.header(), record)),
                );
            }
            if slice.next_offset <= position {
                break;
            }
            position = slice.next_offset;
        }
        Ok(found)
    }

    fn wants(&self, header: &BatchHeader, record: &Record) -> bool {
        let offset = header.base_offset + record.preamble.offset_delta();
        let timestamp = header
            .first_timestamp
            .saturating_add(record.preamble.get_timestamp_delta());
        (self.first..self.end).contains(&offset)
            && self.not_before.is_none_or(|limit| timestamp >= limit)
    }
}
