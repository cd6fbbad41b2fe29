//! The SmartModule `dataflow`. It parses each record of a source once and folds it for every requested derivation
//! of that source. For each batch it emits one partial of each derivation.

folds::export!(folds::folds);
