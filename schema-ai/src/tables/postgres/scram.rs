//! What PostgreSQL keeps of a password (RFC 5802, SCRAM-SHA-256). It is computed here, so that no password is in a statement and none
//! in a server's log.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

const ROUNDS: u32 = 4096;

/// The verifier of a password of ASCII letters and digits.
pub(super) fn verifier(password: &str, salt: [u8; 16]) -> String {
    let salted = salted(password.as_bytes(), salt);
    let stored = Sha256::digest(mac(&salted, &[b"Client Key"]));
    let server = mac(&salted, &[b"Server Key"]);
    format!("SCRAM-SHA-256${ROUNDS}:{}${}:{}", STANDARD.encode(salt), STANDARD.encode(stored), STANDARD.encode(server))
}

fn salted(password: &[u8], salt: [u8; 16]) -> [u8; 32] {
    let mut last = mac(password, &[&salt, &1_u32.to_be_bytes()]);
    let mut sum = last;
    for _ in 1..ROUNDS {
        last = mac(password, &[&last]);
        sum.iter_mut().zip(last).for_each(|(sum, byte)| *sum ^= byte);
    }
    sum
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // A key of any length will do, so this never fails.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}
