//! Where bytes come from while they are read: a body, or what comes out of a compressed one. What comes out has an end, whatever a
//! source packed into it.

use std::io::{BufRead, Cursor, Error, ErrorKind, Read};

use bytes::Bytes;
use syncline_model::Fault;

/// Bytes to be read once.
pub type Source = Box<dyn BufRead + Send>;

/// How much is taken.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes that come out of one compressed body.
    pub expanded: u64,
    /// Bytes of a document that can only be read as a whole and comes out of a compressed body.
    pub whole: u64,
    /// Bytes of one line, row or element.
    pub record: usize,
}

impl Limits {
    /// What no honest answer needs more than.
    pub const USUAL: Self = Self { expanded: 16 << 30, whole: 256 << 20, record: 64 << 20 };

    /// The fault of a record that is too long.
    pub fn record_too_long(self) -> Fault {
        Fault::Unusable(format!("one record of the answer is longer than {} bytes", self.record))
    }
}

/// The bytes of a body.
pub fn of(body: &Bytes) -> Source {
    Box::new(Cursor::new(body.clone()))
}

/// Everything that is left.
pub fn all(source: Source, limits: Limits) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    source.take(limits.whole.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > limits.whole {
        return Err(unreadable(&too_much(limits.whole)));
    }
    Ok(bytes)
}

/// What a failure to read means: what ends too early may come whole the next time.
pub fn unreadable(error: &Error) -> Fault {
    match error.kind() {
        ErrorKind::UnexpectedEof => Fault::Unavailable("a compressed answer ends too early".to_owned()),
        _ => Fault::Unusable(error.to_string()),
    }
}

/// Ends with an error where more comes than was expected.
pub struct Limited<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R> Limited<R> {
    /// At most this many bytes.
    pub fn new(inner: R, limit: u64) -> Self {
        Self { inner, left: limit, limit }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| too_much(self.limit))?;
        Ok(count)
    }
}

fn too_much(limit: u64) -> Error {
    Error::other(format!("a compressed answer holds more than {limit} bytes"))
}
