//! The truth file: one incident per line, written as soon as the incident has ended.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use crate::error::GenerateError;
use crate::incidents::Incident;

/// An append-only file of JSON lines.
pub(crate) struct TruthFile {
    path: PathBuf,
    file: File,
}

impl TruthFile {
    /// Opens the file for appending; creates it if it does not exist.
    pub(crate) fn open(path: PathBuf) -> Result<Self, GenerateError> {
        match OpenOptions::new().create(true).append(true).open(&path) {
            Ok(file) => Ok(Self { path, file }),
            Err(source) => Err(GenerateError::Truth { path, source }),
        }
    }

    /// Writes each incident with one call, so that concurrent readers see whole lines.
    pub(crate) fn append(&mut self, incidents: Vec<Incident>) -> Result<(), GenerateError> {
        for incident in incidents {
            self.write(&incident)
                .map_err(|source| GenerateError::Truth {
                    path: self.path.clone(),
                    source,
                })?;
        }
        Ok(())
    }

    fn write(&mut self, incident: &Incident) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(incident)?;
        line.push(b'\n');
        self.file.write_all(&line)
    }
}

#[cfg(test)]
mod tests {
    use model::derived::ServerCondition;
    use model::time::Timestamp;

    use super::*;
    use crate::incidents::Subject;

    fn incident(server: u32) -> Incident {
        Incident {
            subject: Subject::Server {
                rule: ServerCondition::Cpu,
                server_id: format!("server_{server}"),
            },
            start: Timestamp::from_millis(1_000),
            end: Timestamp::from_millis(2_000),
            detectable: None,
            complete: true,
        }
    }

    #[test]
    fn lines_are_appended_to_an_existing_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("truth.jsonl");
        for servers in [vec![1, 2], vec![3]] {
            let mut file = TruthFile::open(path.clone()).expect("a file");
            let incidents = servers.into_iter().map(incident).collect();
            file.append(incidents).expect("written");
        }
        let text = std::fs::read_to_string(&path).expect("text");
        let read = text.lines().map(serde_json::from_str);
        let read: Vec<Incident> = read.collect::<Result<_, _>>().expect("JSON");
        assert_eq!(read, [incident(1), incident(2), incident(3)]);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("absent").join("truth.jsonl");
        let error = TruthFile::open(path).err().expect("an error").to_string();
        assert!(error.contains("absent/truth.jsonl`"), "{error}");
    }
}
