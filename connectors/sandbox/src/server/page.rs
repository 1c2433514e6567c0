//! Writes the records of a page, and spoils one of them if that was asked for.

use crate::{
    faults::FaultKind,
    records,
    timeline::Row,
    words::{Provider, Stream},
    world::World,
};

/// A page as it leaves.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub body: Vec<u8>,
    pub records: u64,
    /// Where the next page is, for those who say it in a header.
    pub link: Option<String>,
}

/// Writes the rows as a JSON list.
pub(super) fn write_list(out: &mut Vec<u8>, world: &World, stream: Stream, rows: &[Row], faults: &[FaultKind]) {
    out.reserve(rows.len() * 600);
    out.push(b'[');
    for (at, row) in rows.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let start = out.len();
        records::write(out, world, stream, row);
        if at == rows.len() / 2 {
            for fault in faults {
                spoil(out, start, *fault);
            }
        }
    }
    if let Some(first) = rows.first().filter(|_| faults.contains(&FaultKind::DuplicateKeys)) {
        out.push(b',');
        records::write(out, world, stream, first);
    }
    out.push(b']');
}

/// True if the faults want a page that leads back.
pub(super) fn leads_back(faults: &[FaultKind]) -> bool {
    faults.contains(&FaultKind::CursorBackwards)
}

fn spoil(out: &mut Vec<u8>, start: usize, fault: FaultKind) {
    match fault {
        FaultKind::InvalidUtf8 => append_field(out, |out| out.extend(b"\"note\":\"broken \xff\xfe\"")),
        FaultKind::HugeRecord { bytes } => append_field(out, |out| {
            out.extend(b"\"padding\":\"");
            out.resize(out.len() + bytes, b'x');
            out.push(b'"');
        }),
        FaultKind::NotAnObject => {
            out.truncate(start);
            out.extend(b"\"this is no object\"");
        }
        FaultKind::MissingKey => {
            // The key is the first field of every record.
            let key_end = out.get(start..).unwrap_or_default().iter().position(|byte| *byte == b',').unwrap_or_default();
            out.drain(start + 1..=start + key_end);
        }
        FaultKind::Throttle { .. }
        | FaultKind::Status { .. }
        | FaultKind::Slow { .. }
        | FaultKind::Truncated
        | FaultKind::Html
        | FaultKind::RedirectLoop
        | FaultKind::ExpiredKey
        | FaultKind::Reset
        | FaultKind::CursorBackwards
        | FaultKind::DuplicateKeys => {}
    }
}

fn append_field(out: &mut Vec<u8>, field: impl FnOnce(&mut Vec<u8>)) {
    out.pop();
    out.push(b',');
    field(out);
    out.push(b'}');
}

/// The key as JSON.
pub(super) fn key_json(world: &World, stream: Stream, index: u64) -> String {
    let key = records::key(world, stream, index);
    if stream.provider() == Provider::Shop { key } else { format!("\"{key}\"") }
}
