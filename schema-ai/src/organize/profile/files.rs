//! Reads streams from files: JSON lines and CSV. A folder holds one file for each stream.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::Profile;
use crate::organize::Refused;

/// A stream and the file it is in.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file's name without its ending.
    pub stream: String,
    /// The file.
    pub path: PathBuf,
}

impl Source {
    /// The stream in one file.
    pub fn file(path: &Path) -> Self {
        let stream = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self { stream, path: path.to_owned() }
    }

    /// The streams of a folder, by name.
    pub fn folder(folder: &Path) -> Result<Vec<Self>, Refused> {
        let listed = std::fs::read_dir(folder).map_err(|cause| unreadable(folder, &cause))?;
        let mut found: Vec<Self> = listed.filter_map(Result::ok).map(|entry| Self::file(&entry.path())).filter(Self::is_data).collect();
        found.sort_by(|a, b| a.stream.cmp(&b.stream));
        Ok(found)
    }

    fn is_data(&self) -> bool {
        let ending = self.path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        matches!(ending.as_deref(), Some("jsonl" | "ndjson" | "csv")) && self.path.is_file()
    }

    fn is_csv(&self) -> bool {
        self.path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"))
    }

    /// Calls `each` with every record as JSON text.
    pub fn records(&self, each: &mut dyn FnMut(&[u8])) -> Result<(), Refused> {
        let file = File::open(&self.path).map_err(|cause| unreadable(&self.path, &cause))?;
        if self.is_csv() { self.csv_records(file, each) } else { self.json_records(file, each) }
    }

    fn json_records(&self, file: File, each: &mut dyn FnMut(&[u8])) -> Result<(), Refused> {
        let mut reader = BufReader::with_capacity(1 << 20, file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line).map_err(|cause| unreadable(&self.path, &cause))?;
            if read == 0 {
                return Ok(());
            }
            let record = line.trim_ascii();
            if !record.is_empty() {
                each(record.strip_prefix(b"\xef\xbb\xbf").unwrap_or(record));
            }
        }
    }

    fn csv_records(&self, file: File, each: &mut dyn FnMut(&[u8])) -> Result<(), Refused> {
        let refuse = |cause: csv::Error| Refused::Unreadable { path: self.path.display().to_string(), cause: cause.to_string() };
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(BufReader::with_capacity(1 << 20, file));
        let headers = reader.byte_headers().map_err(refuse)?.clone();
        let names: Vec<String> = headers.iter().map(|name| serde_json::Value::from(String::from_utf8_lossy(name)).to_string()).collect();
        let mut row = csv::ByteRecord::new();
        let mut record = String::new();
        while reader.read_byte_record(&mut row).map_err(refuse)? {
            record.clear();
            csv_record(&mut record, &names, &row);
            each(record.as_bytes());
        }
        Ok(())
    }

    /// The profile of the whole stream.
    pub fn profile(&self) -> Result<Profile, Refused> {
        self.profile_watched(&mut |_| {})
    }

    /// The same, telling somebody the length of each record.
    pub fn profile_watched(&self, watch: &mut dyn FnMut(usize)) -> Result<Profile, Refused> {
        let mut profile = if self.is_csv() { Profile::untyped() } else { Profile::default() };
        self.records(&mut |record| {
            drop(profile.record(record));
            watch(record.len());
        })?;
        Ok(profile)
    }
}

fn csv_record(record: &mut String, names: &[String], row: &csv::ByteRecord) {
    for (at, name) in names.iter().enumerate() {
        record.push(if at == 0 { '{' } else { ',' });
        record.push_str(name);
        record.push(':');
        match row.get(at) {
            None | Some(b"") => record.push_str("null"),
            Some(cell) => record.push_str(&serde_json::Value::from(String::from_utf8_lossy(cell)).to_string()),
        }
    }
    record.push('}');
}

fn unreadable(path: &Path, cause: &dyn std::fmt::Display) -> Refused {
    Refused::Unreadable { path: path.display().to_string(), cause: cause.to_string() }
}
