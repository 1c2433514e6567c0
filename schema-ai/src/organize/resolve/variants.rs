//! What tells the variants of one product apart: a model number, a measure, a colour. A catalogue words them alike, so that likeness
//! says little; but two records that both have such a trait and do not agree in it are of two things.

use super::cells::Cells;
use super::fields::{Field, Kind};
use super::normal;
use super::records::Records;
use crate::organize::words;

/// What one record says of its variant.
#[derive(Debug, Clone, Default)]
pub struct Traits {
    /// Model numbers, without signs.
    models: Vec<String>,
    /// Measures, with their units: `16 gb`.
    measures: Vec<(String, &'static str)>,
    colours: Vec<&'static str>,
    /// Years and versions: `2007`, `5.0`.
    editions: Vec<String>,
}

/// Words of the fields in which a product is called by its name.
const TITLES: &[&str] = &["title", "name", "product", "item", "label", "article", "bezeichnung", "titel", "nombre", "nom", "model"];
/// Words of the fields that hold a number that the maker gives. A shop numbers things by itself, and a trade in its own notation, so that
/// such numbers differ for one thing.
const MODELS: &[&str] = &["model", "modelno", "modelnumber", "mpn", "part", "partno", "partnumber"];

/// Units as they are written, and what they are.
const UNITS: &[(&str, &str)] = &[
    ("gb", "gb"),
    ("tb", "tb"),
    ("mb", "mb"),
    ("ft", "ft"),
    ("feet", "ft"),
    ("foot", "ft"),
    ("inch", "in"),
    ("inches", "in"),
    ("in", "in"),
    ("cm", "cm"),
    ("mm", "mm"),
    ("oz", "oz"),
    ("lb", "lb"),
    ("lbs", "lb"),
    ("kg", "kg"),
    ("ml", "ml"),
    ("watt", "w"),
    ("watts", "w"),
    ("mah", "mah"),
    ("ghz", "ghz"),
    ("mp", "mp"),
    ("megapixel", "mp"),
    ("pack", "pack"),
    ("pk", "pack"),
    ("count", "pack"),
    ("ct", "pack"),
];

/// Each colour as it is written, without marks, beginning with its name.
const COLOURS: &[&[&str]] = &[
    &["black", "schwarz", "noir", "negro", "nero", "preto", "zwart"],
    &["white", "weiss", "blanc", "blanco", "bianco", "branco"],
    &["grey", "gray", "grau", "gris", "grigio", "cinza", "grijs"],
    &["silver", "silber", "argent", "plata", "argento", "prata", "zilver"],
    &["gold", "oro", "ouro", "goud"],
    &["red", "rot", "rouge", "rojo", "rosso", "vermelho", "rood"],
    &["blue", "blau", "bleu", "azul", "blu", "blauw"],
    &["green", "grun", "gruen", "vert", "verde", "groen"],
    &["yellow", "gelb", "jaune", "amarillo", "giallo", "amarelo", "geel"],
    &["orange", "naranja", "arancione", "laranja", "oranje"],
    &["pink", "rosa", "roze"],
    &["purple", "violet", "violett", "lila", "violeta", "viola", "roxo", "paars"],
    &["brown", "brun", "marron", "marrone", "bruin"],
    &["beige"],
];

/// The traits of all records, or none where they are no products.
pub fn of(records: &Records, fields: &[Field]) -> Vec<Traits> {
    let called = |field: &Field, list: &[&str]| words::tokens(&field.name).iter().any(|word| list.contains(&word.as_str()));
    let place = |wanted: &dyn Fn(&Field) -> bool| fields.iter().find(|field| wanted(field)).and_then(|field| field.place);
    let people = fields.iter().any(|field| matches!(field.kind, Kind::GivenName | Kind::Surname | Kind::Email));
    let title = place(&|field| field.kind == Kind::Text && called(field, TITLES));
    let Some(title) = title.filter(|_| !people) else { return Vec::new() };
    let model = place(&|field| field.kind == Kind::Code && called(field, MODELS));
    records.rows.iter().map(|row| traits(row[title].as_deref(), model.and_then(|model| row[model].as_deref()))).collect()
}

fn traits(title: Option<&str>, model: Option<&str>) -> Traits {
    let mut found = Traits::default();
    found.models.extend(model.map(plain).filter(|model| !model.is_empty()));
    let words: Vec<&str> = title.unwrap_or_default().split([' ', ',', '(', ')', ';']).filter(|word| !word.is_empty()).collect();
    for (at, word) in words.iter().enumerate() {
        if let Some(measure) = measure(word, words.get(at + 1).copied()) {
            found.measures.push(measure);
        } else if is_edition(word) {
            found.editions.push(word.trim_start_matches('v').to_owned());
        } else if normal::is_code(&plain(word)) {
            found.models.push(plain(word));
        }
        let folded = normal::fold(word);
        found.colours.extend(COLOURS.iter().find(|written| written.contains(&folded.as_str())).map(|written| written[0]));
    }
    found
}

/// A year, or a version with a point in it.
fn is_edition(word: &str) -> bool {
    let word = word.trim_start_matches('v');
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let year = word.len() == 4 && digits(word) && (word.starts_with("19") || word.starts_with("20"));
    year || word.split_once('.').is_some_and(|(whole, part)| digits(whole) && digits(part) && word.len() <= 5)
}

/// Letters and digits, small, and nothing else.
fn plain(text: &str) -> String {
    normal::fold(text).replace(' ', "")
}

/// `16gb`, `6 ft`, `10.2"`.
fn measure(word: &str, next: Option<&str>) -> Option<(String, &'static str)> {
    let digits = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
    let (number, rest) = word.split_at(digits);
    let number = number.trim_end_matches('.');
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim_start_matches('-').trim_end_matches('.').to_lowercase();
    let unit = match rest.as_str() {
        "\"" | "''" | "”" => Some("in"),
        "" => next.and_then(|next| unit(&next.trim_end_matches('.').to_lowercase())),
        rest => unit(rest),
    };
    Some((number.to_owned(), unit?))
}

fn unit(word: &str) -> Option<&'static str> {
    UNITS.iter().find(|(written, _)| *written == word).map(|(_, unit)| *unit)
}

/// Whether two records are of two variants: both say which, and not the same.
pub fn differ(cells: &Cells, a: u32, b: u32) -> bool {
    let (Some(x), Some(y)) = (cells.traits.get(a as usize), cells.traits.get(b as usize)) else { return false };
    let begins = |a: &String, b: &String| a.starts_with(b.as_str()) || b.starts_with(a.as_str());
    let equal = |a: &String, b: &String| a == b;
    let of = |traits: &Traits, unit: &str| -> Vec<String> {
        traits.measures.iter().filter(|one| one.1 == unit).map(|one| one.0.clone()).collect()
    };
    apart(&x.models, &y.models, begins)
        || apart(&x.editions, &y.editions, equal)
        || apart(&x.colours, &y.colours, |a, b| a == b)
        || x.measures.iter().any(|(_, unit)| apart(&of(x, unit), &of(y, unit), equal))
}

/// Both say something, and nothing of it agrees.
fn apart<T>(x: &[T], y: &[T], agree: impl Fn(&T, &T) -> bool) -> bool {
    !x.is_empty() && !y.is_empty() && !x.iter().any(|a| y.iter().any(|b| agree(a, b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(titles: [&str; 2], models: [Option<&str>; 2]) -> bool {
        apart_by("modelno", titles, models)
    }

    fn apart_by(number: &str, titles: [&str; 2], models: [Option<&str>; 2]) -> bool {
        let rows: Vec<[Option<&str>; 2]> = titles.iter().zip(models).map(|(title, model)| [Some(*title), model]).collect();
        let others = (0..30).map(|n| (format!("o{n}"), format!("some other thing number {n}"), format!("QX{n}00"))).collect::<Vec<_>>();
        let others: Vec<(&str, [Option<&str>; 2])> =
            others.iter().map(|(id, title, model)| (id.as_str(), [Some(title.as_str()), Some(model.as_str())])).collect();
        let mut all: Vec<(&str, &[Option<&str>])> = vec![("a", &rows[0]), ("b", &rows[1])];
        all.extend(others.iter().map(|(id, row)| (*id, row.as_slice())));
        differ(&Cells::of(&Records::of(&["title", number], &all, None)), 0, 1)
    }

    #[test]
    fn a_model_number_a_measure_a_colour_or_an_edition_that_differs_makes_two_variants() {
        assert!(apart(["Acme usb drive fast", "Acme usb drive fast"], [Some("UD-100B"), Some("UD-100W")]));
        assert!(apart(["Acme usb drive 8gb fast", "Acme usb drive 16 GB fast"], [None, None]));
        assert!(apart(["Acme usb drive fast, black", "Acme usb drive fast (red)"], [None, None]));
        assert!(apart(["Acme tax office 2007 full", "Acme tax office 2008 full"], [None, None]));
    }

    #[test]
    fn what_one_record_does_not_say_or_says_in_another_way_makes_no_variant() {
        assert!(!apart(["Acme usb drive 8gb black", "Acme usb drive fast"], [None, Some("UD-100W")]));
        assert!(!apart(["Acme usb drive 6 ft. cable", "Acme usb drive 6 feet cable"], [Some("UD-100W"), Some("ud100w")]));
        assert!(!apart(["Acme usb drive red and black", "Acme usb drive black too"], [Some("UD-100"), Some("UD-100W")]));
    }

    #[test]
    fn a_colour_in_another_spelling_or_language_is_the_same() {
        for (a, b) in [("gray", "grey"), ("Schwarz", "black"), ("grün", "vert"), ("weiß", "blanco"), ("violet", "lila")] {
            assert!(!apart([&format!("Acme usb drive fast {a}"), &format!("Acme usb drive fast {b}")], [None, None]), "{a} and {b}");
        }
        assert!(apart(["Acme usb drive fast grau", "Acme usb drive fast noir"], [None, None]));
    }

    #[test]
    fn a_number_that_each_shop_or_each_trade_gives_by_itself_tells_no_variants_apart() {
        let numbered = |by: &str| apart_by(by, ["Acme usb drive fast", "Acme usb drive fast"], [Some("QX990A"), Some("QX771B")]);
        for by in ["sku", "ean", "gtin", "upc", "isbn", "asin", "serial", "Artikelnummer"] {
            assert!(!numbered(by), "{by}");
        }
        for by in ["model", "modelNo", "mpn", "part_number"] {
            assert!(numbered(by), "{by}");
        }
    }
}
