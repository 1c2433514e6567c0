//! Bodies that are compressed once more than the transport says. What does not begin like a compressed one is passed on as it is.

use std::io::{BufReader, Error};

use flate2::bufread::MultiGzDecoder;
use http::HeaderMap;
use syncline_model::Fault;

use super::{
    Parser,
    source::{Limited, Limits, Source, unreadable},
};

/// How what `gzip` made begins.
pub const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The bytes within, if these are compressed.
pub fn peel(mut source: Source, limits: Limits) -> Result<Source, Fault> {
    if !source.fill_buf().map_err(|error| unreadable(&error))?.starts_with(&MAGIC) {
        return Ok(source);
    }
    let within = Named(MultiGzDecoder::new(source));
    Ok(Box::new(BufReader::with_capacity(64 << 10, Limited::new(within, limits.expanded))))
}

/// A transport that says it compressed the body has done so around what the decoder itself takes off.
pub fn in_transport(source: Source, headers: &HeaderMap, parser: &Parser, limits: Limits) -> Result<Source, Fault> {
    let says_so = headers.get("content-encoding").is_some_and(|value| value == "gzip");
    if says_so && matches!(parser, Parser::Gzip(_)) { peel(source, limits) } else { Ok(source) }
}

/// Says whose error it is.
struct Named<R>(R);

impl<R: std::io::Read> std::io::Read for Named<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData => {
                Error::new(error.kind(), format!("a compressed answer is broken: {error}"))
            }
            _ => error,
        })
    }
}
