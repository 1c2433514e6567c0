//! Texts that are not UTF-8, named as Python names its codecs.

use std::{
    borrow::Cow,
    io::{BufRead, BufReader, Error, ErrorKind, Read},
};

use bytes::Bytes;
use encoding_rs::{DecoderResult, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use http::HeaderMap;

use super::source::Source;

/// How bytes spell characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// What everything should be.
    Utf8,
    /// The same with a mark at its beginning, which is no part of the text.
    Utf8Marked,
    /// Each byte is the character of that number.
    Latin1,
    /// Only half of the bytes are characters.
    Ascii,
    /// A mark at its beginning says which half of a pair comes first.
    Utf16,
    /// One of the others.
    Other(&'static encoding_rs::Encoding),
}

impl Encoding {
    /// The encoding of a name.
    pub fn of(label: &str) -> Option<Self> {
        let label = label.trim().to_ascii_lowercase().replace('_', "-");
        match label.as_str() {
            "utf-8" | "utf8" | "u8" | "cp65001" => Some(Self::Utf8),
            "utf-8-sig" => Some(Self::Utf8Marked),
            "latin-1" | "latin1" | "latin" | "l1" | "iso-8859-1" | "iso8859-1" | "iso88591" | "8859" | "cp819" => Some(Self::Latin1),
            "ascii" | "us-ascii" | "646" => Some(Self::Ascii),
            "utf-16" | "utf16" | "u16" => Some(Self::Utf16),
            "utf-16-le" | "utf-16le" => Some(Self::Other(UTF_16LE)),
            "utf-16-be" | "utf-16be" => Some(Self::Other(UTF_16BE)),
            _ => encoding_rs::Encoding::for_label(label.replace("cp125", "windows-125").as_bytes()).map(Self::Other),
        }
    }

    /// The same text in UTF-8; what is UTF-8 is passed on as it is.
    pub fn recoded(self, source: Source) -> Source {
        if self == Self::Utf8 { source } else { Box::new(BufReader::new(self.checked(source))) }
    }

    /// The text in UTF-8, with an error where a byte is no character.
    pub fn checked(self, source: Source) -> Recoded {
        let decoder = match self {
            Self::Utf8 => Some(UTF_8.new_decoder_without_bom_handling()),
            Self::Utf8Marked => Some(UTF_8.new_decoder_with_bom_removal()),
            Self::Utf16 => Some(UTF_16LE.new_decoder()),
            Self::Other(encoding) => Some(encoding.new_decoder_without_bom_handling()),
            Self::Latin1 | Self::Ascii => None,
        };
        Recoded { source, decoder, encoding: self, out: String::new(), at: 0, ended: false }
    }
}

/// Reads a text in UTF-8.
pub struct Recoded {
    source: Source,
    decoder: Option<encoding_rs::Decoder>,
    encoding: Encoding,
    out: String,
    at: usize,
    ended: bool,
}

impl Recoded {
    /// The next piece of the text; empty behind the last.
    pub fn piece(&mut self) -> std::io::Result<&str> {
        self.out.clear();
        while self.out.is_empty() && !self.ended {
            let taken = self.fill()?;
            self.source.consume(taken);
        }
        Ok(&self.out)
    }

    fn fill(&mut self) -> std::io::Result<usize> {
        let bytes = self.source.fill_buf()?;
        let bytes = bytes.get(..bytes.len().min(64 << 10)).unwrap_or_default();
        self.ended = bytes.is_empty();
        let Some(decoder) = &mut self.decoder else {
            if self.encoding == Encoding::Ascii && !bytes.is_ascii() {
                return Err(no_character());
            }
            self.out.extend(bytes.iter().copied().map(char::from));
            return Ok(bytes.len());
        };
        self.out.reserve(decoder.max_utf8_buffer_length_without_replacement(bytes.len()).unwrap_or(bytes.len() * 3));
        let (result, taken) = decoder.decode_to_string_without_replacement(bytes, &mut self.out, self.ended);
        match result {
            DecoderResult::InputEmpty | DecoderResult::OutputFull => Ok(taken),
            DecoderResult::Malformed(..) => Err(no_character()),
        }
    }
}

impl Read for Recoded {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.out.len() {
            self.at = 0;
            self.piece()?;
        }
        let rest = self.out.as_bytes().get(self.at..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}

fn no_character() -> Error {
    Error::new(ErrorKind::InvalidData, "the answer holds bytes that are no characters of its encoding")
}

/// The text of a body as the headers say it is spelt: by `charset`; a text without one is Latin-1, as HTTP had it; anything else is
/// UTF-8 where it can be, or else what it says of itself in its first line.
pub fn text<'a>(body: &'a [u8], headers: &HeaderMap) -> Cow<'a, str> {
    let kind = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = kind.split(';').next().unwrap_or_default();
    let encoding = match charset(kind) {
        Some(label) => Encoding::of(label).unwrap_or(Encoding::Utf8),
        None if media.contains("text") => Encoding::Latin1,
        None if std::str::from_utf8(body).is_ok() => Encoding::Utf8,
        None => declared(body),
    };
    replaced(body, encoding)
}

/// JSON is UTF-8, and some sources do not know: a mark at its beginning is taken off, and what is no UTF-8 is read as the mark or the
/// headers say. `None` where it is good as it came.
pub fn json(body: &Bytes, headers: &HeaderMap) -> Option<Bytes> {
    if body.starts_with(b"\xef\xbb\xbf") {
        return Some(body.slice(3..));
    }
    let kind = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let encoding = match body.get(..2) {
        Some([0xff, 0xfe] | [0xfe, 0xff]) => Encoding::Utf16,
        _ => charset(kind).and_then(Encoding::of).filter(|encoding| !matches!(encoding, Encoding::Utf8 | Encoding::Utf8Marked))?,
    };
    let is_good = !kind.contains("json") || std::str::from_utf8(body).is_ok();
    (!is_good).then(|| Bytes::from(replaced(body, encoding).into_owned()))
}

/// What a type of media says about the spelling.
fn charset(kind: &str) -> Option<&str> {
    let (_, label) =
        kind.split(';').skip(1).filter_map(|part| part.split_once('=')).find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Some(label.trim().trim_matches(['"', '\'']))
}

fn declared(body: &[u8]) -> Encoding {
    let first = String::from_utf8_lossy(body.get(..body.len().min(200)).unwrap_or_default()).into_owned();
    let label = first.split_once("encoding=").and_then(|(_, rest)| rest.get(1..)).and_then(|rest| rest.split(['"', '\'']).next());
    match label.and_then(Encoding::of) {
        _ if body.starts_with(&[0xff, 0xfe]) || body.starts_with(&[0xfe, 0xff]) => Encoding::Utf16,
        Some(encoding) if encoding != Encoding::Utf8 => encoding,
        _ => Encoding::Other(WINDOWS_1252),
    }
}

fn replaced(body: &[u8], encoding: Encoding) -> Cow<'_, str> {
    match encoding {
        Encoding::Utf8 | Encoding::Ascii => String::from_utf8_lossy(body),
        Encoding::Utf8Marked => String::from_utf8_lossy(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)),
        Encoding::Latin1 => body.iter().copied().map(char::from).collect::<String>().into(),
        Encoding::Utf16 => UTF_16LE.decode(body).0,
        Encoding::Other(encoding) => encoding.decode_without_bom_handling(body).0,
    }
}
