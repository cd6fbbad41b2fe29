//! Finds the built SmartModules in the folders to which `scripts/build-wasm` writes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use dataflow::Registration;
use model::Shape;
use model::fold::{self, FoldRequest};

use crate::{GAP, WINDOW};

/// Returns a built module. The batch module of a source has the name of the source's topic; the one with queries is
/// [`dataflow::MODULE`].
pub fn named(name: &str) -> anyhow::Result<Vec<u8>> {
    let module = all()?.remove(name);
    module.with_context(|| format!("no SmartModule `{name}`: run `make wasm`"))
}

/// Returns every built module by its name, including the conventional ones.
pub fn all() -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    walk("target/smartmodules", "make wasm")
}

/// Returns the parameters that a derivation requires.
pub fn required(derivation: &Registration) -> Vec<(&'static str, &'static str)> {
    match derivation.shape() {
        Shape::Windows => vec![WINDOW],
        Shape::Sessions => vec![GAP],
        Shape::Events => Vec::new(),
    }
}

/// Returns the parameters that make the batch module fold for these derivations.
pub fn request<'n, 's, 'p: 's>(
    derivations: impl IntoIterator<Item = (&'n str, &'s [Pair<'p>])>,
) -> Params {
    let own = |params: &[Pair<'_>]| {
        let params = params.iter();
        params
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    let requests = derivations.into_iter().map(|(name, params)| FoldRequest {
        derivation: name.to_owned(),
        params: own(params),
    });
    fold::parameters(&requests.collect::<Vec<_>>())
}

/// A parameter's name and value.
pub type Pair<'a> = (&'a str, &'a str);

/// The parameters of a SmartModule.
pub type Params = BTreeMap<String, String>;

/// Returns every conventional module that serves as a baseline, by its name.
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
