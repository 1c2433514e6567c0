//! Where a key-encryption key comes from: a file that only its owner may read, or a text handed over by the environment.

use std::{
    io::{ErrorKind, Read, Write},
    path::Path,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use syncline_model::Secret;
use zeroize::Zeroizing;

use super::{Key, VaultFault};

const LONGEST_FILE: u64 = 4096;

impl Key {
    /// The key in this text: 32 bytes in base64. `origin` names the text in a refusal.
    pub fn from_text(text: &Secret, origin: &str) -> Result<Self, VaultFault> {
        let malformed = |why: String| VaultFault::Malformed { origin: origin.to_owned(), why };
        let mut decoded = Zeroizing::new(Vec::with_capacity(64));
        // The decoder's own message would quote a byte of the key.
        BASE64_STANDARD.decode_vec(text.expose().trim(), &mut decoded).map_err(|_| malformed("it is not base64".to_owned()))?;
        let bytes = <[u8; 32]>::try_from(decoded.as_slice()).map_err(|_| malformed(format!("it has {} bytes", decoded.len())))?;
        Ok(Self::of(Zeroizing::new(bytes)))
    }

    /// The key in this file. A file that does not exist is made with a new random key, readable by its owner alone; one that
    /// others may read is refused.
    pub fn from_file(path: &Path) -> Result<Self, VaultFault> {
        match read_owned(path)? {
            Some(text) => Self::from_text(&text, &path.display().to_string()),
            None => make(path),
        }
    }
}

fn read_owned(path: &Path) -> Result<Option<Secret>, VaultFault> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, &error)),
    };
    let facts = file.metadata().map_err(|error| unreadable(path, &error))?;
    refuse_wider(path, &facts)?;
    let mut text = Zeroizing::new(String::new());
    file.take(LONGEST_FILE).read_to_string(&mut text).map_err(|error| unreadable(path, &error))?;
    Ok(Some(Secret::new(text.as_str())))
}

#[cfg(unix)]
fn refuse_wider(path: &Path, facts: &std::fs::Metadata) -> Result<(), VaultFault> {
    use std::os::unix::fs::MetadataExt;
    let mode = facts.mode() & 0o7777;
    let of_others = mode & 0o077;
    if of_others == 0 {
        return Ok(());
    }
    Err(VaultFault::TooOpen { path: path.to_owned(), mode })
}

#[cfg(not(unix))]
fn refuse_wider(_: &Path, _: &std::fs::Metadata) -> Result<(), VaultFault> {
    Ok(())
}

// The key is complete under another name before it gets its own, so that a crash leaves no half of one, and of two first starts
// at once only one makes it.
fn make(path: &Path) -> Result<Key, VaultFault> {
    let key = Key::random()?;
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    let text = Zeroizing::new(BASE64_STANDARD.encode(key.expose()));
    let written = write_owned(&draft, text.as_bytes()).and_then(|()| std::fs::hard_link(&draft, path));
    let _ = std::fs::remove_file(&draft);
    match written {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Key::from_file(path),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn write_owned(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut how = std::fs::OpenOptions::new();
    how.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
    let mut file = how.open(path)?;
    file.write_all(text)?;
    file.write_all(b"\n")?;
    file.sync_all()
}

fn unreadable(path: &Path, error: &std::io::Error) -> VaultFault {
    VaultFault::Unreadable { path: path.to_owned(), why: error.to_string() }
}
