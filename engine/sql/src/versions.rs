//! The content of a table at each time that is still needed.

use std::sync::{Arc, PoisonError, RwLock};

use foldhash::quality::RandomState;
use hashbrown::HashMap;
use model::{Rejection, Timestamp};

use crate::key;
use crate::table::{Table, TableReader, TableRow};
use crate::types::SqlType;
use crate::value::Value;

/// The rows of a table, each with the times at which it was valid. A row of the current table takes about 100 bytes and
/// its texts; earlier rows stay in memory only until [`TableVersions::forget_before`] allows to drop them.
pub struct TableVersions {
    reader: TableReader,
    key_type: SqlType,
    /// The versions of each key, in the order of their times.
    keys: HashMap<String, Vec<Version>, RandomState>,
    /// The time of the last record.
    last: Timestamp,
    /// No earlier time will be asked for.
    needed_from: Timestamp,
}

/// The row of a key from a time on; no row if the key was deleted then.
struct Version {
    from: Timestamp,
    row: Option<TableRow>,
}

impl TableVersions {
    /// Creates the versions of a table without records.
    pub fn new(table: Table) -> Self {
        Self {
            key_type: table.columns()[table.key()].ty,
            reader: TableReader::new(table),
            keys: HashMap::default(),
            last: Timestamp::MIN,
            needed_from: Timestamp::MIN,
        }
    }

    /// Adds the next record of the table's topic. It takes effect at its timestamp, or at that of an earlier record if
    /// that is later. The error is the reason why the record is not one of the table's; the table then stays as it is.
    pub fn add(
        &mut self,
        timestamp: Option<Timestamp>,
        record_key: Option<&[u8]>,
        value: &[u8],
    ) -> Result<(), Rejection> {
        self.last = self.last.max(timestamp.unwrap_or(Timestamp::MIN));
        let from = self.last;
        let (key, row) = self.reader.read(record_key, value)?;
        let versions = self.keys.entry(key).or_default();
        if versions.last().is_some_and(|last| last.from == from) {
            versions.pop();
        }
        versions.push(Version { from, row });
        let is_past = |version: &Version| version.from <= self.needed_from;
        let past = versions.partition_point(is_past);
        versions.drain(..past.saturating_sub(1));
        Ok(())
    }

    /// Notes that the table at times before `time` is no longer needed.
    pub fn forget_before(&mut self, time: Timestamp) {
        self.needed_from = self.needed_from.max(time);
    }

    /// Returns the row of a key at a time.
    pub(crate) fn row(&self, key: &Value<'_>, at: Timestamp) -> Option<&[Value<'static>]> {
        if key.is_null() {
            return None;
        }
        let versions = self
            .keys
            .get(key::text(key.borrowed(), self.key_type).as_ref())?;
        let after = versions.partition_point(|version| version.from <= at);
        versions[..after].last()?.row.as_deref()
    }
}

/// A table that is read and looked up by different parts of a runner.
#[derive(Clone)]
pub struct SharedTable(Arc<RwLock<TableVersions>>);

impl SharedTable {
    /// Shares a table.
    pub fn new(table: TableVersions) -> Self {
        Self(Arc::new(RwLock::new(table)))
    }

    /// Passes the table to `read`.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&TableVersions) -> T) -> T {
        read(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Passes the table to `change`.
    pub fn change<T>(&self, change: impl FnOnce(&mut TableVersions) -> T) -> T {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Column;
    use model::Reason;

    fn items() -> TableVersions {
        let column = |name: &str, ty| Column::new(name, name, ty).expect("a path");
        let columns = vec![
            column("id", SqlType::Text),
            column("price", SqlType::Bigint),
        ];
        TableVersions::new(Table::new("items", "id", columns).expect("a table"))
    }

    fn add(items: &mut TableVersions, at: i64, id: &str, price: i64) {
        let json = format!(r#"{{"id":{id:?},"price":{price}}}"#);
        let at = Some(Timestamp::from_millis(at));
        items.add(at, None, json.as_bytes()).expect("a record");
    }

    fn price(items: &TableVersions, id: &str, at: i64) -> Option<Value<'static>> {
        let row = items.row(&Value::Text(id.into()), Timestamp::from_millis(at));
        row.map(|row| row[1].clone())
    }

    #[test]
    fn a_record_counts_from_its_time_on_and_never_before_the_one_before_it() {
        let mut items = items();
        add(&mut items, 100, "a", 1);
        add(&mut items, 200, "a", 2);
        add(&mut items, 150, "b", 3);
        add(&mut items, 200, "a", 4);
        assert_eq!(price(&items, "a", 99), None);
        assert_eq!(price(&items, "a", 199), Some(Value::exact(Some(1))));
        assert_eq!(price(&items, "a", 200), Some(Value::exact(Some(4))));
        assert_eq!(price(&items, "b", 199), None);
        assert_eq!(price(&items, "b", 200), Some(Value::exact(Some(3))));
    }

    #[test]
    fn an_empty_value_or_null_deletes_the_record_key() {
        let mut items = items();
        add(&mut items, 100, "\\a", 1);
        add(&mut items, 100, "b", 2);
        for (at, key, value) in [(200, "\\a", ""), (300, "b", "null")] {
            let at = Some(Timestamp::from_millis(at));
            let added = items.add(at, Some(key.as_bytes()), value.as_bytes());
            added.expect("a deletion");
        }
        assert_eq!(price(&items, "\\a", 199), Some(Value::exact(Some(1))));
        assert_eq!(price(&items, "\\a", 200), None);
        assert_eq!(price(&items, "b", 299), Some(Value::exact(Some(2))));
        assert_eq!(price(&items, "b", 300), None);
        let keyless = items.add(None, None, b"").expect_err("has no key");
        assert_eq!(keyless.reason, Reason::MissingField);
    }

    #[test]
    fn what_is_no_longer_needed_is_dropped() {
        let mut items = items();
        for at in 0..10 {
            add(&mut items, at, "a", at);
        }
        items.forget_before(Timestamp::from_millis(7));
        add(&mut items, 10, "a", 10);
        let kept = items.keys.get("a").expect("a key");
        assert_eq!(kept.len(), 4, "7 to 10");
        assert_eq!(price(&items, "a", 7), Some(Value::exact(Some(7))));
    }
}
