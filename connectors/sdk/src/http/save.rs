//! Bodies that go into a file: piece by piece, with a limit, and never half of one under its name.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use syncline_model::Fault;
use tokio::{fs, io::AsyncWriteExt as _};

use super::{HttpAnswer, client::chunk};

/// What a file may cost.
pub struct Limits {
    /// How large it may be.
    pub bytes_max: u64,
    /// How long nothing may come of it.
    pub silence: Duration,
}

/// A file on its way. What was not finished is gone with it.
struct Part {
    path: PathBuf,
    file: fs::File,
}

impl Part {
    async fn begin(target: &Path) -> Result<Self, Fault> {
        static PARTS: AtomicU64 = AtomicU64::new(0);
        let name = format!(".part-{}-{}", std::process::id(), PARTS.fetch_add(1, Ordering::Relaxed));
        let path = target.with_file_name(name);
        let file = fs::File::create_new(&path).await.map_err(|error| unwritable(target, &error))?;
        Ok(Self { path, file })
    }

    async fn finish(mut self, target: &Path) -> Result<(), Fault> {
        let finished = async {
            self.file.flush().await?;
            fs::rename(&self.path, target).await
        };
        finished.await.map_err(|error| unwritable(target, &error))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Behind its end it has another name, and nothing is there to be removed.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Writes a body as it comes, and says how long it was.
pub async fn stream(mut answer: reqwest::Response, host: &str, target: &Path, limits: &Limits) -> Result<u64, Fault> {
    let mut part = Part::begin(target).await?;
    let mut bytes = 0;
    while let Some(chunk) = chunk(&mut answer, host, Some(limits.silence)).await? {
        bytes += chunk.len() as u64;
        if bytes > limits.bytes_max {
            return Err(too_large(host, limits.bytes_max));
        }
        part.file.write_all(&chunk).await.map_err(|error| unwritable(target, &error))?;
    }
    part.finish(target).await?;
    Ok(bytes)
}

/// Writes the body of an answer that came as a whole.
pub async fn whole(answer: HttpAnswer, target: &Path, bytes_max: u64) -> Result<HttpAnswer, Fault> {
    if !answer.status.is_success() {
        return Ok(answer);
    }
    if answer.body.len() as u64 > bytes_max {
        return Err(too_large(answer.url.host_str().unwrap_or_default(), bytes_max));
    }
    let mut part = Part::begin(target).await?;
    part.file.write_all(&answer.body).await.map_err(|error| unwritable(target, &error))?;
    part.finish(target).await?;
    Ok(HttpAnswer { body: Bytes::new(), ..answer })
}

fn too_large(host: &str, bytes_max: u64) -> Fault {
    Fault::Unusable(format!("`{host}` sent a file of more than {bytes_max} bytes"))
}

fn unwritable(target: &Path, error: &std::io::Error) -> Fault {
    Fault::Unusable(format!("the file `{}` cannot be written: {error}", target.display()))
}
