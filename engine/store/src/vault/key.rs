//! Keys of 32 bytes, their ids, and sealing with them: AES-256-GCM under associated data that says where a blob belongs.
//! Where keys come from is in `source`; which key seals what is in the parent module.

use std::fmt;

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use rand::{TryRng, rngs::SysRng};
use sha2::{Digest, Sha256};
use syncline_model::{IntegrationId, TenantId};
use zeroize::Zeroizing;

use super::VaultFault;

const VERSION: u8 = 1;
const ID_BYTES: usize = 8;
const NONCE_BYTES: usize = 12;
const HEAD_BYTES: usize = 1 + ID_BYTES + NONCE_BYTES;

/// The public name of a key: the first eight bytes of a SHA-256 over it, so the same key has the same id everywhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; ID_BYTES]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A key. It prints as its id, and is wiped from memory when dropped.
#[derive(Clone)]
pub struct Key {
    id: KeyId,
    bytes: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

/// Where a blob belongs. Opening it anywhere else is refused.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// The data key of a tenant.
    DataKey(&'a TenantId),
    /// A field of an integration's settings.
    Field(&'a TenantId, &'a IntegrationId, &'a str),
}

impl Place<'_> {
    // Each part has its length in front, so that no two places give the same bytes.
    fn associated(&self, head: &[u8]) -> Vec<u8> {
        let parts: [&[u8]; 5] = match self {
            Self::DataKey(tenant) => [head, b"data key", tenant.as_str().as_bytes(), b"", b""],
            Self::Field(tenant, integration, field) => {
                [head, b"field", tenant.as_str().as_bytes(), integration.as_str().as_bytes(), field.as_bytes()]
            }
        };
        let mut bytes = b"syncline vault".to_vec();
        for part in parts {
            bytes.extend((part.len() as u64).to_be_bytes());
            bytes.extend(part);
        }
        bytes
    }
}

impl Key {
    /// A new random key from the operating system.
    pub fn random() -> Result<Self, VaultFault> {
        let mut bytes = Zeroizing::new([0; 32]);
        SysRng.try_fill_bytes(bytes.as_mut_slice()).map_err(|error| VaultFault::NoRandomness(error.to_string()))?;
        Ok(Self::of(bytes))
    }

    pub(crate) fn of(bytes: Zeroizing<[u8; 32]>) -> Self {
        let digest = Sha256::new_with_prefix(b"syncline key id").chain_update(bytes.as_slice()).finalize();
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&digest[..ID_BYTES]);
        Self { id: KeyId(id), bytes }
    }

    /// The key's public name.
    pub fn id(&self) -> KeyId {
        self.id
    }

    pub(crate) fn expose(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// Version, key id and nonce, then the ciphertext with its tag.
    pub(crate) fn seal(&self, place: Place<'_>, plain: &[u8]) -> Result<Vec<u8>, VaultFault> {
        let mut nonce = [0; NONCE_BYTES];
        SysRng.try_fill_bytes(&mut nonce).map_err(|error| VaultFault::NoRandomness(error.to_string()))?;
        let mut blob = Vec::with_capacity(HEAD_BYTES + plain.len() + 16);
        blob.push(VERSION);
        blob.extend(self.id.0);
        blob.extend(nonce);
        let aad = place.associated(&blob);
        let sealed = self.cipher()?.encrypt(&nonce.into(), Payload { msg: plain, aad: &aad }).map_err(|_| VaultFault::Refused)?;
        blob.extend(sealed);
        Ok(blob)
    }

    /// What [`Key::seal`] sealed with this key for this place; anything else is refused.
    pub(crate) fn open(&self, place: Place<'_>, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultFault> {
        let (head, sealed) = blob.split_at_checked(HEAD_BYTES).ok_or(VaultFault::Refused)?;
        let is_ours = head[0] == VERSION && head[1..=ID_BYTES] == self.id.0;
        let nonce: [u8; NONCE_BYTES] = head[1 + ID_BYTES..].try_into().map_err(|_| VaultFault::Refused)?;
        if !is_ours {
            return Err(VaultFault::Refused);
        }
        let aad = place.associated(head);
        let plain = self.cipher()?.decrypt(&nonce.into(), Payload { msg: sealed, aad: &aad }).map_err(|_| VaultFault::Refused)?;
        Ok(Zeroizing::new(plain))
    }

    fn cipher(&self) -> Result<Aes256Gcm, VaultFault> {
        Aes256Gcm::new_from_slice(self.bytes.as_slice()).map_err(|_| VaultFault::Refused)
    }
}
