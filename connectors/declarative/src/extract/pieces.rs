//! Records cut out of the bytes of a page at a path of plain names. As in the reference, a page that is a list is a list of documents:
//! the path is looked for in each of its elements.

use bytes::Bytes;

use crate::{
    cut::{Cut, NotJson, PIECES_MAX, Wanted, cut, cut_beside},
    fields::field,
    piece::Place,
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
    let all_are_records = path.is_empty() && documents.records.iter().all(|place| holds_fields(&place.within(page)));
    if all_are_records {
        return Ok(documents);
    }
    Ok(Cut { records: of_list(page, documents.records, path)?, ..documents })
}

fn of_list(page: &Bytes, documents: Vec<Place>, path: &[String]) -> Result<Vec<Place>, NotJson> {
    let mut found = Vec::with_capacity(documents.len());
    for place in documents {
        let document = place.within(page);
        match document.first() {
            Some(b'{') if path.is_empty() => found.extend(holds_fields(&document).then_some(place)),
            Some(b'{' | b'[') => {
                let (before, begin) = (found.len(), place.at.start);
                let document = page.slice(place.at);
                found.extend(cut(&document, path)?.into_iter().map(|place| further(place, begin)));
                if found.len() == before {
                    found.extend(lone(&document, path).map(|place| further(place, begin)));
                }
            }
            _ if path.is_empty() && is_truthy(&document) => found.push(place),
            _ => {}
        }
        if found.len() > PIECES_MAX {
            return Err(NotJson::TOO_MANY);
        }
    }
    Ok(found)
}

/// The place of something within a document, in the page in which that begins here.
fn further(place: Place, begin: usize) -> Place {
    Place { at: begin + place.at.start..begin + place.at.end, ..place }
}

/// A text, a number or a truth value that stands where records should. It is no record, and whoever gets it says so; nothing at all would
/// look like an empty page.
fn lone(document: &Bytes, path: &[String]) -> Option<Place> {
    let mut begin = document.len() - document.trim_ascii_start().len();
    let mut value = document.trim_ascii();
    for name in path {
        let found = field(value, name)?;
        begin += found.start;
        value = &value[found];
    }
    let is_lone = !matches!(value.first(), None | Some(b'{' | b'['));
    (is_lone && is_truthy(value)).then(|| Place::unknown(begin..begin + value.len()))
}

/// An object that is not empty.
fn holds_fields(value: &[u8]) -> bool {
    value.strip_prefix(b"{").is_some_and(|rest| rest.trim_ascii_start().first() != Some(&b'}'))
}

/// Whether Python takes a value that is neither a list nor an object for true.
fn is_truthy(value: &[u8]) -> bool {
    match value {
        b"null" | b"false" | b"\"\"" => false,
        number if number[0] == b'-' || number[0].is_ascii_digit() => {
            let digits = number.split(|byte| matches!(byte, b'e' | b'E')).next().unwrap_or_default();
            digits.iter().any(|byte| matches!(byte, b'1'..=b'9'))
        }
        _ => true,
    }
}
