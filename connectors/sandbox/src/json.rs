//! Writes JSON straight into a buffer, because building a tree first would cost more than everything else here.

use std::{fmt::Display, io::Write};

use jiff::Timestamp;

/// Writes a text with its quotes.
pub(crate) fn text(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    for byte in value.bytes() {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            0..0x20 => write(out, format_args!("\\u{byte:04x}")),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// Writes anything that can be displayed. Writing to memory does not fail.
pub(crate) fn write(out: &mut Vec<u8>, value: impl Display) {
    let _: std::io::Result<()> = write!(out, "{value}");
}

/// Milliseconds as a time; the epoch if they are out of every range.
pub(crate) fn time(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// An object that is being written.
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Object<'a> {
    /// Writes an object.
    pub(crate) fn write(out: &'a mut Vec<u8>, fields: impl FnOnce(&mut Object<'_>)) {
        out.push(b'{');
        let mut object = Object { out, first: true };
        fields(&mut object);
        out.push(b'}');
    }

    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        text(self.out, key);
        self.out.push(b':');
        self.out
    }

    /// A text.
    pub(crate) fn text(&mut self, key: &str, value: &str) {
        text(self.key(key), value);
    }

    /// Anything that is displayed without a character that would need an escape, in quotes.
    pub(crate) fn quoted(&mut self, key: &str, value: impl Display) {
        write(self.key(key), format_args!("\"{value}\""));
    }

    /// A number, `true`, `false` or `null`, as it is displayed.
    pub(crate) fn raw(&mut self, key: &str, value: impl Display) {
        write(self.key(key), value);
    }

    /// A text or null.
    pub(crate) fn maybe(&mut self, key: &str, value: Option<&str>) {
        match value {
            Some(value) => self.text(key, value),
            None => self.raw(key, "null"),
        }
    }

    /// An object.
    pub(crate) fn object(&mut self, key: &str, fields: impl FnOnce(&mut Object<'_>)) {
        let out = self.key(key);
        Object::write(out, fields);
    }

    /// A list of objects.
    pub(crate) fn list<T>(&mut self, key: &str, items: impl IntoIterator<Item = T>, mut each: impl FnMut(&mut Object<'_>, T)) {
        let out = self.key(key);
        out.push(b'[');
        for (at, item) in items.into_iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            Object::write(out, |object| each(object, item));
        }
        out.push(b']');
    }
}

/// Cents as a price: `12.30`.
pub(crate) struct Price(pub u64);

impl Display for Price {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}
