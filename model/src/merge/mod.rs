//! Merges: the building blocks of partials, each a commutative monoid whose identity is `Default`.
//!
//! `a.merge(b)` is associative and commutative in what it finally says, so that any split of the
//! records into batches and partitions gives the same result.

mod distinct;
mod earliest;
mod latest;
mod ledger;
mod names;
mod piece;
mod quantiles;
mod sorted_set;
mod spread;

pub use distinct::{Distinct, fingerprint};
pub use earliest::Earliest;
pub use latest::Latest;
pub use ledger::{Bookkeeping, Ledger, Totals};
pub use names::Names;
pub use quantiles::{QUANTILE_ERROR, Quantiles};
pub use sorted_set::SortedSet;
pub use spread::Spread;

/// A commutative monoid. Counts and sums are plain integers added in the implementor.
pub trait Merge: Default {
    /// Adds what `other` holds.
    fn merge(&mut self, other: Self);

    /// Brings the state to the form in which it is encoded, without a change to what it says. Called
    /// before a partial is encoded.
    fn settle(&mut self) {}
}
