//! Lists the derivations and the SmartModules that are part of the binary.

use dataflow::Registry;

include!(concat!(env!("OUT_DIR"), "/smartmodules.rs"));

/// Returns every derivation, with every SmartModule that was embedded at build time.
pub(crate) fn registry() -> Registry {
    let modules = SMARTMODULES
        .iter()
        .map(|(name, wasm)| ((*name).to_owned(), (*wasm).into()));
    Registry::new(derivations::registrations(), modules)
}

/// Returns the name and code of each SmartModule that the runner does not use.
pub(crate) fn conventional_modules(
    registry: &Registry,
) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let modules = SMARTMODULES.iter().copied();
    modules.filter(|(name, _)| !registry.is_batch_module(name))
}
