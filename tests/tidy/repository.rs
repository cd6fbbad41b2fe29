//! Reads the files that the rules check: all text files, with paths relative to the root, and the manifests of crates.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that contain no files of this project.
const NOT_OURS: &[&str] = &[".git", ".venv", "__pycache__", "node_modules", "target"];

/// The folder in which `make start` stores the local cluster's topics. Only the one in the root is left out.
const DATA: &str = "data";

pub(crate) struct File {
    /// Relative to the root, with `/` as separator.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    pub(crate) fn is(&self, extension: &str) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|found| found == extension)
    }

    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    pub(crate) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Whether this is source code of this project. Test data and vendored code are not.
    pub(crate) fn is_code(&self) -> bool {
        let is_script = !self.name().contains('.') && self.text.starts_with("#!");
        let extensions = ["rs", "js", "mjs", "py", "sh"];
        (is_script
            || self.path == ".ci/run"
            || extensions.iter().any(|extension| self.is(extension)))
            && !self.is_data()
    }

    /// Whether this is test data or vendored code.
    pub(crate) fn is_data(&self) -> bool {
        self.path
            .split('/')
            .any(|part| ["testdata", "vendor"].contains(&part))
    }

    /// Returns the lines with their numbers, counted from 1 as in editors.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
    }
}

/// Returns the root of the checkout in which the tests run. It is read at run time, because the tests may have been
/// built in another checkout that shares the target folder.
pub(crate) fn root() -> PathBuf {
    let path = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    let root = Path::new(&path).ancestors().nth(2);
    root.expect("the root is two folders above").to_owned()
}

/// Returns every text file of this project, sorted by path.
pub(crate) fn files() -> Vec<File> {
    let mut files = Vec::new();
    walk(&root(), &root(), &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// Returns the `Cargo.toml` of each crate except the root.
pub(crate) fn crate_manifests() -> Vec<File> {
    let mut manifests = files();
    manifests.retain(|file| file.name() == "Cargo.toml" && !file.folder().is_empty());
    assert!(
        !manifests.is_empty(),
        "no crate found below {}",
        root().display()
    );
    manifests
}

pub(crate) fn read(path: &str) -> File {
    let text = fs::read_to_string(root().join(path));
    let text = text.unwrap_or_else(|error| panic!("{path}: {error}: write it"));
    File {
        path: path.to_owned(),
        text,
    }
}

/// Fails if there are problems, and prints each on a line of its own.
pub(crate) fn assert_none(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry of the repository").path();
        let relative = path
            .strip_prefix(root)
            .expect("below the root")
            .to_string_lossy();
        let name = relative.rsplit('/').next().unwrap_or_default();
        if NOT_OURS.contains(&name) || relative == DATA || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            walk(root, &path, files);
        } else if let Ok(text) = fs::read_to_string(&path) {
            files.push(File {
                path: relative.into_owned(),
                text,
            });
        }
    }
}
