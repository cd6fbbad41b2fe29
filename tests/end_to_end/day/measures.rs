//! Queries with the measures of built-in derivations.

use std::fmt::Write;

use crate::examples::{self, SEED_MEASURES};
use crate::followed::Followed;
use crate::oracle;

/// Returns the queries as lines of a dataflow file. Their names begin with `measures-`.
pub(super) fn derivations() -> String {
    let mut lines = String::new();
    for measures in &SEED_MEASURES {
        let (name, sql) = (measures.derivation, examples::query(measures.derivation));
        writeln!(lines, "  measures-{name}:\n    sql: {sql:?}").unwrap();
    }
    lines
}

/// Returns the derived topics of the queries with their recomputations.
pub(super) fn followed() -> impl Iterator<Item = Followed> {
    SEED_MEASURES.iter().map(|measures| Followed {
        topic: &*format!("measures-{}", measures.derivation).leak(),
        source: measures.built_in().source,
        found: oracle::last_revisions,
        recompute: Box::new(|records| measures.recompute(records)),
    })
}
