//! Embeds the pages, and the chart library if `make dashboard-assets` has downloaded it.
//!
//! Without the library, the pages show only tables, and the build prints how to add the charts.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> io::Result<()> {
    let crate_path = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    let fetched = crate_path.join("../../target/dashboard-assets");
    fs::create_dir_all(&fetched)?; // cargo can watch a folder only if it exists
    let (mut pages, fetched) = (files(&crate_path.join("pages"))?, files(&fetched)?);
    if !fetched.iter().any(|file| file.ends_with("echarts.min.js")) {
        println!(
            "cargo::warning=the dashboard has tables but no charts: install Node.js and npm, \
             run `make dashboard-assets`, build again"
        );
    }
    pages.extend(fetched);
    println!("cargo::rerun-if-changed=build.rs");
    fs::write(out.join("assets.rs"), table(&pages, &out)?)
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files = entries.collect::<io::Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

fn table(files: &[PathBuf], out: &Path) -> io::Result<String> {
    let mut rows = String::new();
    for file in files {
        let name = file.file_name().unwrap_or_default();
        let content = fs::read(file)?;
        let packed = out.join(name).with_added_extension("gz");
        fs::write(&packed, gzip(&content)?)?;
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let etag = format!("\"{:016x}\"", hasher.finish());
        rows += &format!(
            "    Asset {{ name: {name:?}, content: include_bytes!({file:?}), \
             gzip: include_bytes!({packed:?}), etag: {etag:?} }},\n"
        );
    }
    Ok(format!(
        "/// Every file, by name.\nstatic ASSETS: &[Asset] = &[\n{rows}];\n"
    ))
}

fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content)?;
    encoder.finish()
}
