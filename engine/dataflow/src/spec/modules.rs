//! The choice of the SmartModule through which a partition is read.

use client::{AdHocModule, SmartModule};
use model::fold::FoldRequest;

/// The SmartModule that folds the records of every source, for derivations in Rust and for queries.
pub const MODULE: &str = "dataflow";

/// The SmartModules through which the partitions of one source can be read.
#[derive(Clone, Debug)]
pub(crate) struct SourceModules {
    /// Folds for every derivation and query.
    pub(crate) every: AdHocModule,
    /// Folds only for the source's derivations in Rust; `None` if there is no such module. It is a third of the size,
    /// so a server compiles it in a third of the time.
    pub(crate) built_in: Option<AdHocModule>,
}

impl SourceModules {
    /// Returns the smallest module that can compute `folds`.
    pub(crate) fn for_folds(&self, folds: &[FoldRequest]) -> SmartModule {
        let has_query = || {
            let mut folds = folds.iter();
            folds.any(|fold| fold.params.contains_key(sql::SOURCE_PARAMETER))
        };
        let module = match &self.built_in {
            Some(built_in) if !has_query() => built_in,
            _ => &self.every,
        };
        SmartModule::AdHoc(module.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::registration::Registry;

    fn request(derivation: &str, param: &str) -> FoldRequest {
        FoldRequest {
            derivation: derivation.to_owned(),
            params: [(param.to_owned(), String::new())].into(),
        }
    }

    fn chosen(modules: &SourceModules, folds: &[FoldRequest]) -> Vec<u8> {
        match modules.for_folds(folds) {
            SmartModule::AdHoc(module) => module.wasm().to_vec(),
            SmartModule::Named(name) => panic!("{name}"),
        }
    }

    #[test]
    fn only_streams_with_queries_need_the_module_with_queries() {
        let in_rust = request("ticks", "window_ms");
        let query = request("tick-query", sql::SOURCE_PARAMETER);
        let modules = SourceModules {
            every: b"every".as_slice().into(),
            built_in: Some(b"built-in".as_slice().into()),
        };
        let both = [in_rust, query];
        let (only_rust, only_query) = both.split_at(1);
        assert_eq!(chosen(&modules, only_rust), b"built-in");
        assert_eq!(chosen(&modules, only_query), b"every");
        assert_eq!(chosen(&modules, &both), b"every");
        let modules = SourceModules {
            built_in: None,
            ..modules
        };
        assert_eq!(chosen(&modules, only_rust), b"every");
    }

    #[test]
    fn the_module_of_a_source_has_the_name_of_its_topic() {
        let module = |name: &str| (name.to_owned(), name.as_bytes().into());
        let registry = Registry::new([], [module(MODULE), module("ticks")]);
        let folds = [request("count-ticks", "window_ms")];
        let of_source = |source: &str| {
            let modules = registry.source_modules(source);
            chosen(&modules.expect("modules"), &folds)
        };
        assert_eq!(of_source("ticks"), b"ticks");
        assert_eq!(of_source("tocks"), MODULE.as_bytes());
    }
}
