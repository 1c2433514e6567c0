//! Keys that sign, in the spellings in which they are handed out.

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, RsaEncoding, RsaKeyPair},
};
use syncline_model::Fault;
use zeroize::Zeroizing;

/// How a token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Algorithm(&'static str);

impl Algorithm {
    /// Those that are supported.
    pub const NAMES: [&'static str; 12] =
        ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

    /// The algorithm of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|known| *known == name).map(Self)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.0
    }
}

/// A key, as it stands in the settings.
pub struct Key(Zeroizing<Vec<u8>>);

impl Key {
    /// A key that stands there as it is.
    pub fn of(text: String) -> Self {
        Self(Zeroizing::new(text.into_bytes()))
    }

    /// A private key that is locked with a passphrase (PKCS #8).
    pub fn locked(pem: &str, passphrase: &str) -> Result<Self, Fault> {
        let (label, der) = unarmour(pem)?;
        if label != "ENCRYPTED PRIVATE KEY" {
            return Err(bad("is not locked the way that is supported (PKCS #8)"));
        }
        let sealed = pkcs8::EncryptedPrivateKeyInfoRef::try_from(der.as_slice()).map_err(|_| bad("cannot be read"))?;
        let open = sealed.decrypt(passphrase).map_err(|_| bad("cannot be opened with its passphrase"))?;
        let text = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", BASE64_STANDARD.encode(open.as_bytes()));
        Ok(Self::of(text))
    }

    /// Signs bytes.
    pub fn sign(&self, algorithm: Algorithm, said: &[u8]) -> Result<Vec<u8>, Fault> {
        match algorithm.0 {
            "HS256" => Ok(self.keyed(hmac::HMAC_SHA256, said)),
            "HS384" => Ok(self.keyed(hmac::HMAC_SHA384, said)),
            "HS512" => Ok(self.keyed(hmac::HMAC_SHA512, said)),
            "RS256" => self.rsa(&signature::RSA_PKCS1_SHA256, said),
            "RS384" => self.rsa(&signature::RSA_PKCS1_SHA384, said),
            "RS512" => self.rsa(&signature::RSA_PKCS1_SHA512, said),
            "PS256" => self.rsa(&signature::RSA_PSS_SHA256, said),
            "PS384" => self.rsa(&signature::RSA_PSS_SHA384, said),
            "PS512" => self.rsa(&signature::RSA_PSS_SHA512, said),
            "ES256" => self.curve(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, &P256, said),
            "ES384" => self.curve(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, &P384, said),
            _ => self.edwards(said),
        }
    }

    fn keyed(&self, algorithm: hmac::Algorithm, said: &[u8]) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(algorithm, &self.0), said).as_ref().to_vec()
    }

    fn rsa(&self, padding: &'static dyn RsaEncoding, said: &[u8]) -> Result<Vec<u8>, Fault> {
        let (label, der) = self.der()?;
        let pair = match label.as_str() {
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der),
            _ => RsaKeyPair::from_pkcs8(&der),
        };
        let pair = pair.map_err(|_| bad("is no RSA key that can be used"))?;
        let mut made = vec![0; pair.public().modulus_len()];
        pair.sign(padding, &SystemRandom::new(), said, &mut made).map_err(|_| bad("cannot sign"))?;
        Ok(made)
    }

    fn curve(&self, algorithm: &'static EcdsaSigningAlgorithm, curve: &[u8], said: &[u8]) -> Result<Vec<u8>, Fault> {
        let (label, der) = self.der()?;
        let der = if label == "EC PRIVATE KEY" { Zeroizing::new(wrapped(&der, curve)) } else { der };
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, &der, &random).map_err(|_| bad("is no key for this algorithm"))?;
        Ok(pair.sign(&random, said).map_err(|_| bad("cannot sign"))?.as_ref().to_vec())
    }

    fn edwards(&self, said: &[u8]) -> Result<Vec<u8>, Fault> {
        let (_, der) = self.der()?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|_| bad("is no Ed25519 key"))?;
        Ok(pair.sign(said).as_ref().to_vec())
    }

    fn der(&self) -> Result<(String, Zeroizing<Vec<u8>>), Fault> {
        unarmour(std::str::from_utf8(&self.0).map_err(|_| bad("cannot be read"))?)
    }
}

/// What stands between the lines of a PEM text. Settings are often pasted with `\n` spelt out or with blanks in place of the lines.
fn unarmour(pem: &str) -> Result<(String, Zeroizing<Vec<u8>>), Fault> {
    let (_, rest) = pem.split_once("-----BEGIN ").ok_or_else(|| bad("has no `BEGIN` line"))?;
    let (label, rest) = rest.split_once("-----").ok_or_else(|| bad("has no `BEGIN` line"))?;
    let (body, _) = rest.split_once("-----END").ok_or_else(|| bad("has no `END` line"))?;
    let letters: Zeroizing<String> = Zeroizing::new(body.chars().filter(|letter| !letter.is_whitespace()).collect());
    let der = BASE64_STANDARD.decode(letters.as_bytes()).map_err(|_| bad("is not readable between its lines"))?;
    Ok((label.to_owned(), Zeroizing::new(der)))
}

/// Says nothing of the key itself.
fn bad(what: &str) -> Fault {
    Fault::Misconfigured(format!("the key that signs tokens {what}"))
}

/// `ecPublicKey` on the curve P-256, in DER.
const P256: [u8; 21] = [0x30, 19, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
/// `ecPublicKey` on the curve P-384, in DER.
const P384: [u8; 18] = [0x30, 16, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x22];

/// A key of SEC 1 in the envelope of PKCS #8.
fn wrapped(key: &[u8], curve: &[u8]) -> Vec<u8> {
    let mut inner = vec![2, 1, 0];
    inner.extend_from_slice(curve);
    inner.extend(tagged(4, key));
    tagged(0x30, &inner)
}

/// A value of DER with its tag and length.
fn tagged(tag: u8, body: &[u8]) -> Vec<u8> {
    let bytes = body.len().to_be_bytes();
    let length: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
    let mut made = vec![tag];
    match (length.as_slice(), u8::try_from(length.len())) {
        ([short], _) if *short < 0x80 => made.push(*short),
        ([], _) => made.push(0),
        (long, count) => {
            made.push(0x80 | count.unwrap_or(0));
            made.extend_from_slice(long);
        }
    }
    made.extend_from_slice(body);
    made
}
