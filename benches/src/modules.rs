//! The SmartModules that were built, found by walking the folders that `scripts/build-wasm` fills.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};

use crate::{GAP, WINDOW};

/// Every batch module by its name: those with a fold. The conventional ones beside them leak, as the
/// baselines do.
pub fn built() -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut modules = walk("target/smartmodules", "make wasm")?;
    let rooms = Path::new(env!("CARGO_MANIFEST_DIR")).join("../smartmodules");
    modules.retain(|name, _| rooms.join(name).join("src/fold.rs").exists());
    Ok(modules)
}

/// The parameters without which a module does not start, by its `SmartModule.toml`.
pub fn parameters(name: &str) -> anyhow::Result<Vec<(&'static str, &'static str)>> {
    let room = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../smartmodules")
        .join(name);
    let package = room.join("SmartModule.toml");
    let text = fs::read_to_string(&package).with_context(|| format!("`{}`", package.display()))?;
    let listed = |(name, _): &(&str, &str)| text.contains(&format!("name = \"{name}\""));
    Ok([WINDOW, GAP].into_iter().filter(listed).collect())
}

/// Every conventional module that exists for comparison alone, by its name.
pub fn baselines() -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    walk("target/smartmodules-bench", "make bench")
}

fn walk(folder: &str, target: &str) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(folder);
    let advice = || format!("no SmartModule in `{}`: run `{target}`", folder.display());
    let mut modules = BTreeMap::new();
    for entry in fs::read_dir(&folder).with_context(advice)? {
        let file = entry?.path();
        if let Some(name) = name(&file) {
            modules.insert(name, fs::read(&file)?);
        }
    }
    ensure!(!modules.is_empty(), advice());
    Ok(modules)
}

fn name(file: &Path) -> Option<String> {
    let is_wasm = file
        .extension()
        .is_some_and(|extension| extension == "wasm");
    is_wasm.then(|| file.file_stem().unwrap_or_default().display().to_string())
}
