//! What each field is, by its name and its values, and so how it is compared.

use serde::{Deserialize, Serialize};

use super::normal;
use super::people;
use super::records::Records;
use crate::organize::profile::Format;
use crate::organize::profile::format::classify;
use crate::organize::words;

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A mail address
    Email,
    /// A telephone number
    Phone,
    /// A first name
    GivenName,
    /// A last name
    Surname,
    /// One or two words
    Name,
    /// A company
    Company,
    /// A few words: a title, an address
    Text,
    /// Digits or a code: a date, a postal code, a number of a person
    Code,
    /// An amount
    Number,
    /// One of few values
    Category,
    /// What a person is called where no name is given: a login or a mailbox against somebody's names
    Alias,
    /// Where a person works: the name of a company against the host of a mail address
    Employer,
}

/// A field and how it is compared.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Field {
    /// Its place among the record's fields; `None` for what is made of several.
    pub place: Option<usize>,
    /// Its name.
    pub name: String,
    /// How it is compared.
    pub kind: Kind,
    /// For a part of a person's name: where the full name stands, for records that have it in one piece.
    #[serde(default)]
    pub whole: Option<usize>,
}

impl Field {
    fn made(name: &str, kind: Kind) -> Self {
        Self { place: None, name: name.to_owned(), kind, whole: None }
    }
}

/// Records looked at to learn what a field is.
const SAMPLE: usize = 4_000;

/// The fields worth comparing.
pub fn of(records: &Records) -> Vec<Field> {
    let mut fields: Vec<Field> = (0..records.fields.len()).filter_map(|place| field(records, place)).collect();
    join_names(records, &mut fields);
    let named = fields.iter().any(|field| field.kind == Kind::GivenName) && fields.iter().any(|field| field.kind == Kind::Surname);
    if named && fields.iter().any(|field| field.kind == Kind::Email || is_handle(&field.name)) {
        fields.push(Field::made("alias", Kind::Alias));
    }
    let has = |kind: Kind| fields.iter().any(|field| field.kind == kind);
    if has(Kind::Email) && has(Kind::Company) {
        fields.push(Field::made("employer", Kind::Employer));
    }
    if fields.iter().any(|field| field.kind == Kind::Text) {
        fields.push(Field::made("codes", Kind::Code));
    }
    fields
}

/// A full name beside its parts says the same again: it is left out, and asked where the parts are missing. Alone it is cut.
fn join_names(records: &Records, fields: &mut Vec<Field>) {
    let place = |kind: Kind| fields.iter().find(|field| field.kind == kind).and_then(|field| field.place);
    if let Some((given, surname)) = place(Kind::GivenName).zip(place(Kind::Surname)) {
        let repeats = |field: &Field| {
            let text = matches!(field.kind, Kind::Name | Kind::Text | Kind::Category);
            is_full_name(&field.name) || text && field.place.is_some_and(|place| people::repeats_names(records, place, given, surname))
        };
        let whole = fields.iter().find(|field| repeats(field)).and_then(|field| field.place);
        fields.retain(|field| !repeats(field));
        for field in fields.iter_mut().filter(|field| matches!(field.kind, Kind::GivenName | Kind::Surname)) {
            field.whole = whole;
        }
        return;
    }
    let (none, email) = (place(Kind::GivenName).or(place(Kind::Surname)).is_none(), place(Kind::Email));
    let full = |field: &Field| matches!(field.kind, Kind::Name | Kind::Text) && people::holds_full_names(records, field, email);
    if let Some(at) = none.then(|| fields.iter().position(full)).flatten() {
        let whole = fields.remove(at);
        let part =
            |kind: Kind, word: &str| Field { place: whole.place, name: format!("{} ({word})", whole.name), kind, whole: whole.place };
        fields.insert(at, part(Kind::Surname, "last"));
        fields.insert(at, part(Kind::GivenName, "first"));
    }
}

fn is_full_name(name: &str) -> bool {
    let words = words::snake(name);
    matches!(words.as_str(), "full_name" | "fullname" | "display_name" | "first_and_surname" | "name_full")
}

fn field(records: &Records, place: usize) -> Option<Field> {
    let name = records.fields[place].clone();
    let step = (records.rows.len() / SAMPLE).max(1);
    let values: Vec<&str> = records.rows.iter().step_by(step).filter_map(|row| row[place].as_deref()).collect();
    if values.is_empty() {
        return None;
    }
    let mut distinct: Vec<&str> = values.clone();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < 2 || is_bookkeeping(&name, &values) {
        return None;
    }
    Some(Field { place: Some(place), kind: kind(&name, &values, distinct.len()), name, whole: None })
}

/// Whether a field holds the name somebody chose for a service.
pub fn is_handle(name: &str) -> bool {
    words::tokens(name).iter().any(|word| {
        matches!(
            word.as_str(),
            "login" | "username" | "handle" | "nickname" | "nick" | "screenname" | "benutzername" | "identifiant" | "usuario"
        )
    })
}

/// When a record was made says nothing about what it is.
fn is_bookkeeping(name: &str, values: &[&str]) -> bool {
    let words = words::tokens(name);
    let times = values.iter().filter(|value| matches!(classify(value), Format::Instant | Format::LocalTime)).count();
    times * 2 > values.len()
        && words.iter().any(|word| matches!(word.as_str(), "created" | "updated" | "modified" | "synced" | "createdate"))
}

/// What fields are called here and there; accents and case are gone.
const PHONE_WORDS: &[&str] = &[
    "phone",
    "mobile",
    "tel",
    "telephone",
    "fax",
    "cell",
    "telefon",
    "telefonnummer",
    "handy",
    "mobil",
    "telefono",
    "telefone",
    "celular",
    "movil",
    "telefoon",
    "telefonas",
    "puhelin",
    "portable",
];
const GIVEN_WORDS: &[&str] = &[
    "first",
    "given",
    "forename",
    "fname",
    "firstname",
    "givenname",
    "vorname",
    "prenom",
    "nombre",
    "imie",
    "fornavn",
    "fornamn",
    "voornaam",
    "etunimi",
    "jmeno",
    "keresztnev",
];
const SURNAME_WORDS: &[&str] = &[
    "last",
    "surname",
    "family",
    "lname",
    "lastname",
    "familyname",
    "nachname",
    "familienname",
    "nom",
    "apellido",
    "apellidos",
    "cognome",
    "sobrenome",
    "nazwisko",
    "etternavn",
    "efternavn",
    "efternamn",
    "achternaam",
    "sukunimi",
    "prijmeni",
    "vezeteknev",
];
const COMPANY_WORDS: &[&str] = &[
    "company",
    "organization",
    "organisation",
    "employer",
    "manufacturer",
    "brand",
    "firma",
    "unternehmen",
    "entreprise",
    "societe",
    "empresa",
    "azienda",
    "ditta",
    "bedrijf",
    "foretag",
    "virksomhed",
    "yritys",
    "firm",
];

fn kind(name: &str, values: &[&str], distinct: usize) -> Kind {
    let words = words::tokens(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let share = |formats: &[Format]| values.iter().filter(|value| formats.contains(&classify(value))).count() as f64 / values.len() as f64;
    if share(&[Format::Email]) > 0.6 {
        return Kind::Email;
    }
    if has(PHONE_WORDS) || share(&[Format::Phone]) > 0.6 {
        return Kind::Phone;
    }
    let pieces: usize = values.iter().map(|value| normal::tokens(value).len()).sum();
    let mean = pieces as f64 / values.len() as f64;
    if mean <= 2.2 && has(GIVEN_WORDS) {
        return Kind::GivenName;
    }
    if mean <= 2.2 && has(SURNAME_WORDS) {
        return Kind::Surname;
    }
    if distinct <= 30 && distinct * 8 <= values.len() {
        return Kind::Category;
    }
    if amount_like(&words, values) {
        return Kind::Number;
    }
    if is_handle(name) {
        return Kind::Code;
    }
    let digits =
        share(&[Format::Integer, Format::Digits, Format::Date, Format::Uuid, Format::PrefixedId, Format::Instant, Format::LocalTime]);
    if digits > 0.6 {
        return Kind::Code;
    }
    if has(COMPANY_WORDS) {
        return Kind::Company;
    }
    let coded = values.iter().filter(|value| !value.contains(' ') && normal::is_code(&normal::fold(value))).count();
    if coded * 2 > values.len() {
        return Kind::Code;
    }
    if mean > 2.2 { Kind::Text } else { Kind::Name }
}

/// Whether a field is called after one part of a person's name, the first or the last.
pub fn part_of_name(name: &str) -> Option<Kind> {
    let words = words::tokens(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    match (has(GIVEN_WORDS), has(SURNAME_WORDS)) {
        (true, false) => Some(Kind::GivenName),
        (false, true) => Some(Kind::Surname),
        _ => None,
    }
}

fn amount_like(words: &[String], values: &[&str]) -> bool {
    let named =
        words.iter().any(|word| matches!(word.as_str(), "price" | "amount" | "cost" | "total" | "weight" | "abv" | "rating" | "value"));
    let numbers = values.iter().filter(|value| number(value).is_some()).count();
    let fractions = values.iter().filter(|value| classify(value) == Format::Decimal).count();
    numbers * 10 >= values.len() * 7 && (named || fractions * 2 > values.len())
}

/// An amount, for comparing alone.
pub fn number(text: &str) -> Option<f64> {
    let plain: String = text.trim().trim_start_matches(['$', '€', '£']).replace([',', '$'], "");
    let plain = plain.split_whitespace().next()?;
    plain.parse().ok()
}
