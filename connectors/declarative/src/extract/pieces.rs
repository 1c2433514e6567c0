//! Records cut out of the bytes of a page at a path of plain names. As in the reference, a page that is a list is a list of documents:
//! the path is looked for in each of its elements.

use bytes::Bytes;

use crate::{
    cut::{Cut, NotJson, PIECES_MAX, Wanted, cut, cut_beside},
    fields::field,
    piece::Piece,
};

/// The records of a page.
pub fn pieces(page: &Bytes, path: &[String], wanted: Wanted<'_>) -> Result<Cut, NotJson> {
    if page.trim_ascii_start().first() != Some(&b'[') {
        let mut cut = cut_beside(page, path, wanted)?;
        if cut.records.is_empty() {
            cut.records.extend(lone(page, path));
        }
        return Ok(cut);
    }
    let documents = cut_beside(page, &[], Wanted { joints: wanted.joints.filter(|_| path.is_empty()), ..Wanted::default() })?;
    let all_are_records = path.is_empty() && documents.records.iter().all(holds_fields);
    if all_are_records {
        return Ok(documents);
    }
    Ok(Cut { records: of_list(documents.records, path)?, ..documents })
}

fn of_list(documents: Vec<Piece>, path: &[String]) -> Result<Vec<Piece>, NotJson> {
    let mut found = Vec::with_capacity(documents.len());
    for document in documents {
        match document.first() {
            Some(b'{') if path.is_empty() => found.extend(holds_fields(&document).then_some(document)),
            Some(b'{' | b'[') => {
                let before = found.len();
                found.extend(cut(&document.bytes, path)?);
                if found.len() == before {
                    found.extend(lone(&document.bytes, path));
                }
            }
            _ if path.is_empty() && is_truthy(&document) => found.push(document),
            _ => {}
        }
        if found.len() > PIECES_MAX {
            return Err(NotJson::TOO_MANY);
        }
    }
    Ok(found)
}

/// A text, a number or a truth value that stands where records should. It is no record, and whoever gets it says so; nothing at all would
/// look like an empty page.
fn lone(document: &Bytes, path: &[String]) -> Option<Piece> {
    let mut at = document.trim_ascii();
    for name in path {
        at = &at[field(at, name)?];
    }
    let piece = Piece::from(document.slice_ref(at));
    let is_lone = !matches!(at.first(), None | Some(b'{' | b'['));
    (is_lone && is_truthy(&piece)).then_some(piece)
}

/// An object that is not empty.
fn holds_fields(piece: &Piece) -> bool {
    piece.strip_prefix(b"{").is_some_and(|rest| rest.trim_ascii_start().first() != Some(&b'}'))
}

/// Whether Python takes a value that is neither a list nor an object for true.
fn is_truthy(piece: &Piece) -> bool {
    match piece.bytes.as_ref() {
        b"null" | b"false" | b"\"\"" => false,
        number if number[0] == b'-' || number[0].is_ascii_digit() => {
            let digits = number.split(|byte| matches!(byte, b'e' | b'E')).next().unwrap_or_default();
            digits.iter().any(|byte| matches!(byte, b'1'..=b'9'))
        }
        _ => true,
    }
}
