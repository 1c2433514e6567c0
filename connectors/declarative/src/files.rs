//! Files that records speak of: where one is fetched from, what it is called, and how it comes into the folder that whoever drives the
//! protocol looks into. Nothing leaves that folder, whatever a record calls its file.

use std::{
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use serde::Serialize;
use serde_json::{Map, Value};
use syncline_model::Fault;

use crate::{
    extract::Extractor,
    node::Node,
    problem::Problem,
    request::Requester,
    run::{Run, misconfigured},
    send::{Sent, Target, save},
    slice::Slice,
    template::Template,
};

/// The largest file that Airbyte carries.
const FILE_BYTES_MAX: u64 = 1_500_000_000;

/// Where files are put, as whoever drives an Airbyte source expects it.
pub fn folder() -> PathBuf {
    let staging = std::env::var_os("AIRBYTE_STAGING_DIRECTORY").map_or_else(|| PathBuf::from("/staging/files"), PathBuf::from);
    if staging.exists() { staging } else { PathBuf::from("/tmp/airbyte-file-transfer") }
}

/// A `FileUploader`.
#[derive(Debug, Clone)]
pub struct Files {
    requester: Requester,
    target: Extractor,
    name: Option<Template>,
}

/// A file that was fetched, as messages speak of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReference {
    /// Where it lies.
    pub staging_file_url: String,
    /// The same, within the folder of all files.
    pub source_file_relative_path: String,
    /// Its size.
    pub file_size_bytes: u64,
}

impl Files {
    /// Reads one.
    pub fn load(node: &Node<'_>) -> Result<Self, Problem> {
        if node.kind() != "FileUploader" {
            return Err(node.unknown("file uploader", &["FileUploader"]));
        }
        let (requester, target) = (node.needed("requester")?, node.needed("download_target_extractor")?);
        Ok(Self {
            requester: Requester::load(requester.value, &requester.path)?,
            target: Extractor::load(target.value, &target.path)?,
            name: node.text("filename_extractor")?,
        })
    }

    /// Fetches the file of a record; `None` if the manifest leaves out what the source answers.
    pub async fn fetch(&self, run: &Run, stream: &str, folder: &Path, record: Value) -> Result<Option<FileReference>, Fault> {
        let found = self.target.extract(&record, &run.base)?.into_iter().next();
        let address = match found {
            Some(Value::String(address)) => address,
            Some(other) => return Err(Fault::Unusable(format!("the place of a file must be a text, and a record says `{other}`"))),
            None => return Err(Fault::Unusable("a record does not say where its file is".to_owned())),
        };
        let relative = self.relative(run, stream, record)?;
        let path = folder.join(&relative);
        let made = path.parent().map(std::fs::create_dir_all).transpose();
        made.map_err(|error| Fault::Unusable(format!("the folder of the file `{}` cannot be made: {error}", relative.display())))?;
        let address = Value::String(address);
        let slice = Slice { extra: Map::from_iter([("download_target".to_owned(), address.clone())]), ..Slice::default() };
        let scope = slice.scope(&run.base).with("download_target", Arc::new(address));
        let target = Target { path: &path, bytes_max: FILE_BYTES_MAX };
        match save(run, stream, &self.requester, &scope, &target).await? {
            Sent::Answer(answer) if answer.status.is_success() => {}
            Sent::Answer(_) | Sent::Nothing => return Ok(None),
            Sent::SmallerPage(_) | Sent::ShorterWindow(_) | Sent::Restart => {
                return Err(misconfigured("a file has no pages and no window that could be made smaller"));
            }
        }
        let size = std::fs::metadata(&path).map_err(|error| Fault::Internal(format!("a file that was fetched is not there: {error}")))?;
        Ok(Some(FileReference {
            staging_file_url: path.display().to_string(),
            source_file_relative_path: relative.display().to_string(),
            file_size_bytes: size.len(),
        }))
    }

    /// Where a record's file belongs in the folder of all files.
    fn relative(&self, run: &Run, stream: &str, record: Value) -> Result<PathBuf, Fault> {
        let Some(template) = &self.name else {
            return within(stream, &uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string());
        };
        let record = seen_by_names(record, stream);
        let name = template.text(&run.base.clone().with("record", Arc::new(record)))?;
        within(stream, &name)
    }
}

/// A record as a file's name sees it: the reference also gives it as `record.data`, and its stream.
fn seen_by_names(record: Value, stream: &str) -> Value {
    let Value::Object(mut fields) = record else { return record };
    let whole = Value::Object(fields.clone());
    fields.entry("data").or_insert(whole);
    fields.entry("stream_name").or_insert_with(|| Value::from(stream));
    Value::Object(fields)
}

/// The place of a file within the folder, unless it would be elsewhere or nowhere.
fn within(stream: &str, name: &str) -> Result<PathBuf, Fault> {
    let bad = |why: &str| Err(Fault::Unusable(format!("a record calls its file `{name}`, which {why}")));
    let mut path = PathBuf::new();
    for (index, part) in [stream, name].into_iter().enumerate() {
        let before = path.as_os_str().len();
        for component in Path::new(part.trim_start_matches('/')).components() {
            match component {
                Component::Normal(own) => path.push(own),
                Component::CurDir => {}
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => return bad("leads out of the folder"),
            }
        }
        if index == 1 && path.as_os_str().len() == before {
            return bad("is no name");
        }
    }
    if name.contains('\0') { bad("is no name") } else { Ok(path) }
}

#[cfg(test)]
mod tests;
