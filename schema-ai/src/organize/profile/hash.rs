//! One hash of a value's text, the same on every machine and in every version, because it is saved with profiles.

const SEEDS: [u64; 3] = [0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb];

/// Hashes a value's text. `5` and `"5"` are the same value; so are `5.0` and `5`.
pub fn value(text: &[u8]) -> u64 {
    let text = text.strip_suffix(b".0").unwrap_or(text);
    bytes(text)
}

/// Hashes bytes.
pub fn bytes(text: &[u8]) -> u64 {
    let mut state = SEEDS[0] ^ (text.len() as u64).wrapping_mul(SEEDS[1]);
    let mut rest = text;
    while rest.len() > 16 {
        state = mix(word(rest) ^ state, word(&rest[8..]) ^ SEEDS[1]);
        rest = &rest[16..];
    }
    let (low, high) = tail(rest);
    finish(mix(low ^ state, high ^ SEEDS[2]))
}

/// Puts two hashes in order into one.
pub fn pair(first: u64, second: u64) -> u64 {
    finish(mix(first ^ SEEDS[1], second ^ SEEDS[2]))
}

fn tail(rest: &[u8]) -> (u64, u64) {
    match rest.len() {
        0 => (0, 0),
        1..=3 => (u64::from(rest[0]) | u64::from(rest[rest.len() / 2]) << 8 | u64::from(rest[rest.len() - 1]) << 16, 0),
        4..=7 => (half(rest) | half(&rest[rest.len() - 4..]) << 32, 0),
        _ => (word(rest), word(&rest[rest.len() - 8..])),
    }
}

fn word(at: &[u8]) -> u64 {
    at.first_chunk::<8>().map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

fn half(at: &[u8]) -> u64 {
    at.first_chunk::<4>().map_or(0, |chunk| u64::from(u32::from_le_bytes(*chunk)))
}

fn mix(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    wide as u64 ^ (wide >> 64) as u64
}

fn finish(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 32)).wrapping_mul(SEEDS[2]);
    hash ^ (hash >> 29)
}

/// A hasher for keys that are hashes already.
#[derive(Default, Clone, Copy)]
pub struct Identity(u64);

impl std::hash::Hasher for Identity {
    fn finish(&self) -> u64 {
        // Sketches keep small hashes, whose first bits are all alike; a table looks at the first bits.
        self.0.rotate_left(32)
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = self::bytes(bytes);
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// Builds [`Identity`].
pub type BuildIdentity = std::hash::BuildHasherDefault<Identity>;
