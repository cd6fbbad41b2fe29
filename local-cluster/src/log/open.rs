//! Finds a log's segments in its folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::LogError;
use super::segment::{Segment, base_offset_of};

/// Opens all segments in `dir`. Each must begin where the one before it ends. Creates the first if there is
/// none.
pub(super) fn segments(dir: &Path) -> Result<BTreeMap<i64, Arc<Segment>>, LogError> {
    let mut paths = segment_paths(dir)?;
    let Some((active_offset, active_path)) = paths.pop_last() else {
        return Ok(BTreeMap::from([(0, Arc::new(Segment::create(dir, 0)?))]));
    };
    let mut segments = BTreeMap::new();
    let mut expected = None;
    for (base_offset, path) in paths {
        let segment = Segment::open_closed(&path, base_offset)?;
        check_follows(expected, base_offset, &path)?;
        expected = Some(segment.end_offset());
        segments.insert(base_offset, Arc::new(segment));
    }
    check_follows(expected, active_offset, &active_path)?;
    let active = Segment::open_active(&active_path, active_offset)?;
    segments.insert(active_offset, Arc::new(active));
    Ok(segments)
}

fn check_follows(expected: Option<i64>, found: i64, path: &Path) -> Result<(), LogError> {
    match expected {
        Some(expected) if expected != found => Err(LogError::Missing {
            path: path.to_owned(),
            expected,
        }),
        _ => Ok(()),
    }
}

fn segment_paths(dir: &Path) -> Result<BTreeMap<i64, PathBuf>, LogError> {
    let mut paths = BTreeMap::new();
    for entry in fs::read_dir(dir).map_err(LogError::io("list", dir))? {
        let entry = entry.map_err(LogError::io("list", dir))?;
        match entry.file_name().to_str().and_then(base_offset_of) {
            Some(base_offset) => {
                paths.insert(base_offset, entry.path());
            }
            None => {
                tracing::warn!(file = %entry.path().display(), "ignoring a file that is not a segment")
            }
        }
    }
    Ok(paths)
}
