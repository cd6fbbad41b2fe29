//! Types for positions in a topic: partitions, offsets, and their combinations.

use std::fmt::{self, Display, Formatter};
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// The number of a partition within its topic.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Partition(pub u32);

impl Partition {
    /// The partitions of a topic that has `count` partitions.
    pub fn of(count: u32) -> impl Iterator<Item = Self> {
        (0..count).map(Self)
    }

    /// An endless iterator over partitions from 0 on, to zip with a list that has one element for each partition.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..).map(Self)
    }

    /// The partition's index in a list that has one element for each partition.
    #[inline]
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Display for Partition {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The position of a record in its partition.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Offset(pub i64);

impl Offset {
    /// The offset of a partition's first record.
    pub const ZERO: Self = Self(0);

    /// The offset after this one.
    #[inline]
    #[must_use]
    pub fn next(self) -> Self {
        self + 1
    }
}

impl Add<i64> for Offset {
    type Output = Self;

    #[inline]
    fn add(self, records: i64) -> Self {
        Self(self.0 + records)
    }
}

impl Sub<i64> for Offset {
    type Output = Self;

    #[inline]
    fn sub(self, records: i64) -> Self {
        Self(self.0 - records)
    }
}

/// The number of offsets from `start` up to, but not including, `self`.
impl Sub for Offset {
    type Output = i64;

    #[inline]
    fn sub(self, start: Self) -> i64 {
        self.0 - start.0
    }
}

impl Display for Offset {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The position of a record in its topic, ordered by partition, then by offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartitionOffset {
    /// The partition.
    pub partition: Partition,
    /// The offset in the partition.
    pub offset: Offset,
}

/// A range of offsets in a partition: `start <= offset < end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OffsetRange {
    /// The first offset.
    pub start: Offset,
    /// The offset after the last one.
    pub end: Offset,
}

impl OffsetRange {
    /// Whether the offset is in the range.
    #[inline]
    #[must_use]
    pub fn contains(self, offset: Offset) -> bool {
        self.start <= offset && offset < self.end
    }

    /// Whether no offset is in the range.
    #[inline]
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// The number of offsets in the range.
    #[inline]
    #[must_use]
    pub fn records(self) -> u64 {
        u64::try_from(self.end - self.start).unwrap_or(0)
    }
}
