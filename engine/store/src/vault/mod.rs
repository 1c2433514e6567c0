//! The vault: a key-encryption key (of the installation) wraps a data key for each tenant, and the data key seals each secret
//! field for its tenant, integration and name. Pure: which blobs exist, and when they are sealed anew, is the store's to say.

use std::path::PathBuf;

use syncline_model::{IntegrationId, Secret, TenantId};
use zeroize::Zeroizing;

mod key;
mod path;
mod schema;
mod source;
mod split;
#[cfg(test)]
mod tests;

pub use key::{Key, KeyId};
pub use path::{BadPath, Field, SecretPath};
pub use schema::secret_paths;
pub use split::{BadSettings, Split, join, split};
pub(crate) use split::{given_anew, keeps};

use crate::metrics;
use key::Place;

/// Why the vault did not do it. No text of these holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultFault {
    /// A blob is damaged, or belongs to another tenant, integration, field or key.
    #[error("a sealed secret was refused: it is damaged, or sealed for another place or with another key")]
    Refused,
    /// The key-encryption key with this id was not handed over.
    #[error("the key-encryption key `{0}` is not among the given ones")]
    UnknownKey(String),
    /// A key is not 32 bytes in base64.
    #[error("`{origin}` is no key-encryption key: 32 bytes in base64 are wanted, and {why}")]
    Malformed {
        /// The file or variable.
        origin: String,
        /// What is wrong with it.
        why: String,
    },
    /// Others than its owner may read the key file.
    #[error("`{}` has mode {mode:04o}, so others may read it: only its owner may (`chmod 600` it, and think about a new key)", .path.display())]
    TooOpen {
        /// The key file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The key file cannot be read or made.
    #[error("the key file `{}` cannot be used: {why}", .path.display())]
    Unreadable {
        /// The key file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The operating system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    NoRandomness(String),
}

/// The key-encryption keys of the installation: the current one, and former ones that may still be needed.
#[derive(Debug, Clone)]
pub struct Vault {
    current: Key,
    former: Vec<Key>,
}

/// A data key as it is stored: useless without the key-encryption key.
pub(crate) struct Wrapped {
    /// The data key's id.
    pub(crate) id: String,
    /// The id of the key-encryption key.
    pub(crate) kek_id: String,
    /// The data key, sealed.
    pub(crate) blob: Vec<u8>,
}

impl Vault {
    /// A vault with one key-encryption key.
    pub fn new(current: Key) -> Self {
        Self { current, former: Vec::new() }
    }

    /// The same vault, which also opens what this former key wrapped. Rewrapping makes it superfluous.
    #[must_use]
    pub fn with_former(mut self, key: Key) -> Self {
        self.former.push(key);
        self
    }

    /// The id of the current key-encryption key.
    pub fn current(&self) -> KeyId {
        self.current.id()
    }

    pub(crate) fn wrap(&self, tenant: &TenantId, key: &Key) -> Result<Wrapped, VaultFault> {
        let blob = self.current.seal(Place::DataKey(tenant), key.expose())?;
        Ok(Wrapped { id: key.id().to_string(), kek_id: self.current.id().to_string(), blob })
    }

    pub(crate) fn unwrap(&self, tenant: &TenantId, wrapped: &Wrapped) -> Result<Key, VaultFault> {
        let kek = std::iter::once(&self.current).chain(&self.former).find(|key| key.id().to_string() == wrapped.kek_id);
        let kek = kek.ok_or_else(|| VaultFault::UnknownKey(wrapped.kek_id.clone()))?;
        let plain = counted(kek.open(Place::DataKey(tenant), &wrapped.blob))?;
        let bytes = Zeroizing::new(<[u8; 32]>::try_from(plain.as_slice()).map_err(|_| VaultFault::Refused)?);
        Ok(Key::of(bytes))
    }
}

/// Seals a field of an integration's settings with its tenant's data key.
pub(crate) fn seal_field(
    tenant: &TenantId,
    integration: &IntegrationId,
    field: &Field,
    key: &Key,
    plain: &Secret,
) -> Result<Vec<u8>, VaultFault> {
    key.seal(Place::Field(tenant, integration, field.as_str()), plain.expose().as_bytes())
}

/// Unseals what [`seal_field`] sealed for the same place.
pub(crate) fn open_field(
    tenant: &TenantId,
    integration: &IntegrationId,
    field: &Field,
    key: &Key,
    blob: &[u8],
) -> Result<Secret, VaultFault> {
    let plain = counted(key.open(Place::Field(tenant, integration, field.as_str()), blob))?;
    let text = std::str::from_utf8(&plain).map_err(|_| VaultFault::Refused)?;
    Ok(Secret::new(text))
}

fn counted<T>(opened: Result<T, VaultFault>) -> Result<T, VaultFault> {
    if opened.is_err() {
        metrics::VAULT_REFUSALS_TOTAL.inc();
    }
    opened
}
