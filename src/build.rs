//! Embeds the SmartModules that `make wasm` has built in `target/smartmodules/`.
//!
//! If there are none, the build still succeeds, and the binary explains at run time how to build them.

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    let folder = root.join("target/smartmodules");
    fs::create_dir_all(&folder)?; // cargo can watch a folder only if it exists
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rerun-if-changed=src/build.rs");
    fs::write(out.join("smartmodules.rs"), table(wasm_files(folder)?))
}

fn wasm_files(folder: PathBuf) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files = entries.collect::<io::Result<Vec<_>>>()?;
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "wasm")
    });
    files.sort();
    Ok(files)
}

fn table(files: Vec<PathBuf>) -> String {
    let mut rows = String::new();
    for file in files {
        let name = file.file_stem().unwrap_or_default();
        rows += &format!("    ({name:?}, include_bytes!({file:?})),\n");
    }
    format!(
        "/// Each SmartModule's name and code, by name.\n\
         pub(crate) static SMARTMODULES: &[(&str, &[u8])] = &[\n{rows}];\n"
    )
}
