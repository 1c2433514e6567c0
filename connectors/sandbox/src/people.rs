//! People and firms, and the many ways in which the same one is written.

use crate::{dice::Dice, words::Stream, world::World};

const FIRST: [(&str, &str); 40] = [
    ("Robert", "Bob"),
    ("Elizabeth", "Liz"),
    ("William", "Bill"),
    ("Katharina", "Kathi"),
    ("Alexander", "Alex"),
    ("Margaret", "Maggie"),
    ("José", "Pepe"),
    ("François", "Franck"),
    ("Søren", "Soren"),
    ("Zoë", "Zoe"),
    ("Jürgen", "Jurgen"),
    ("Michael", "Mike"),
    ("Jennifer", "Jen"),
    ("Thomas", "Tom"),
    ("Christopher", "Chris"),
    ("Patricia", "Pat"),
    ("Benjamin", "Ben"),
    ("Samantha", "Sam"),
    ("Nicholas", "Nick"),
    ("Victoria", "Vicky"),
    ("Andrzej", "Andy"),
    ("Giulia", "Giu"),
    ("Mariana", "Mari"),
    ("Daniel", "Dan"),
    ("Deborah", "Debbie"),
    ("Edward", "Ted"),
    ("Frederik", "Fred"),
    ("Gabriela", "Gabi"),
    ("Hannah", "Hanna"),
    ("Ignacio", "Nacho"),
    ("Jonathan", "Jon"),
    ("Kimberly", "Kim"),
    ("Leonard", "Leo"),
    ("Matthias", "Matze"),
    ("Natalia", "Nat"),
    ("Oliver", "Olli"),
    ("Philippa", "Pippa"),
    ("Rebecca", "Becky"),
    ("Stephanie", "Steffi"),
    ("Yūki", "Yuki"),
];
const LAST: [&str; 48] = [
    "Müller",
    "Schmidt",
    "O'Brien",
    "García",
    "Nguyễn",
    "Smith",
    "Johnson",
    "Kowalski",
    "Rossi",
    "Dubois",
    "Jensen",
    "Andersson",
    "Novák",
    "Silva",
    "Fernández",
    "Weiß",
    "van Dijk",
    "de la Cruz",
    "McDonald",
    "Yılmaz",
    "Popescu",
    "Ivanova",
    "Tanaka",
    "Kim",
    "Singh",
    "Khan",
    "Cohen",
    "Haddad",
    "Okafor",
    "Mensah",
    "Brown",
    "Taylor",
    "Wilson",
    "Meyer",
    "Fischer",
    "Wagner",
    "Becker",
    "Hoffmann",
    "Schäfer",
    "Koch",
    "Richter",
    "Klein",
    "Wolf",
    "Neumann",
    "Schwarz",
    "Zimmermann",
    "Braun",
    "Krüger",
];
const CITIES: [(&str, &str, &str); 12] = [
    ("Berlin", "10115", "DE"),
    ("München", "80331", "DE"),
    ("Hamburg", "20095", "DE"),
    ("Wien", "1010", "AT"),
    ("Zürich", "8001", "CH"),
    ("Paris", "75001", "FR"),
    ("London", "EC1A 1BB", "GB"),
    ("New York", "10001", "US"),
    ("Austin", "73301", "US"),
    ("Madrid", "28001", "ES"),
    ("København", "1050", "DK"),
    ("Kraków", "30-001", "PL"),
];
const ADJECTIVES: [&str; 40] = [
    "North", "Blue", "Bright", "Silver", "Golden", "Green", "Red", "Clear", "Swift", "Quiet", "Iron", "Stone", "River", "Lake", "Ocean",
    "Sky", "Sun", "Moon", "Star", "Cloud", "Rapid", "Prime", "Nova", "Alpha", "Delta", "Urban", "Rural", "Grand", "Little", "Open", "True",
    "Pure", "Smart", "Bold", "Calm", "Warm", "Cold", "High", "Deep", "Wide",
];
const NOUNS: [&str; 40] = [
    "wind", "field", "bridge", "gate", "forge", "mill", "harbor", "works", "point", "path", "leaf", "tree", "rock", "hill", "valley",
    "peak", "wave", "stream", "light", "spark", "line", "craft", "ware", "house", "yard", "port", "ridge", "brook", "shore", "wood",
    "stack", "grid", "link", "node", "loop", "beam", "core", "base", "mark", "crest",
];
const SECTORS: [&str; 26] = [
    "Labs",
    "Systems",
    "Foods",
    "Logistics",
    "Media",
    "Energy",
    "Health",
    "Tools",
    "Textiles",
    "Robotics",
    "Travel",
    "Finance",
    "Design",
    "Software",
    "Consulting",
    "Motors",
    "Optics",
    "Paper",
    "Chemicals",
    "Studios",
    "Networks",
    "Partners",
    "Trading",
    "Bikes",
    "Coffee",
    "Solar",
];
const SUFFIXES: [(&str, &str); 6] =
    [("GmbH", "GMBH"), ("Ltd.", "Limited"), ("Inc.", "Incorporated"), ("AG", "Aktiengesellschaft"), ("LLC", "L.L.C."), ("S.A.", "SA")];

/// A firm.
#[derive(Debug, Clone)]
pub(crate) struct Company {
    /// Without its legal form.
    pub plain: String,
    /// `northwind-labs.example`
    pub domain: String,
    suffix: (&'static str, &'static str),
}

impl Company {
    pub(crate) fn of(world: &World, number: u64) -> Self {
        // 7919 shares no factor with the number of names, so the first 41,600 firms have different ones.
        let mut code = (number.wrapping_mul(7919).wrapping_add(world.seed() % 9973)) % 41_600;
        let adjective = at(&ADJECTIVES, code);
        code /= 40;
        let noun = at(&NOUNS, code);
        code /= 40;
        let sector = at(&SECTORS, code);
        let again = number / 41_600;
        let again = if again == 0 { String::new() } else { format!(" {}", again + 1) };
        let plain = format!("{adjective}{noun} {sector}{again}");
        let domain = format!("{}.example", plain.to_lowercase().replace(' ', "-"));
        let suffix = at(&SUFFIXES, Dice::of(&[world.seed(), 31, number]).roll());
        Self { plain, domain, suffix }
    }

    /// As the CRM writes it: `Northwind Labs GmbH`.
    pub(crate) fn legal(&self) -> String {
        format!("{} {}", self.plain, self.suffix.0)
    }

    /// As somebody else writes it.
    pub(crate) fn casual(&self, dice: &mut Dice) -> String {
        match dice.below(5) {
            0 => self.plain.clone(),
            1 => self.plain.to_lowercase(),
            2 => format!("{}, {}", self.plain, self.suffix.0),
            3 => format!("{} {}", self.plain.to_uppercase(), self.suffix.1),
            _ => self.legal(),
        }
    }
}

/// A person.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub first: &'static str,
    pub nick: &'static str,
    pub last: &'static str,
    pub city: (&'static str, &'static str, &'static str),
    pub street: String,
    /// Number of the firm.
    pub employer: u64,
    pub company: Company,
    /// At work.
    pub email: String,
    /// At home.
    pub private_email: String,
    digits: u64,
}

impl Person {
    pub(crate) fn of(world: &World, number: u64) -> Self {
        let mut dice = Dice::of(&[world.seed(), 17, number]);
        let (first, nick) = at(&FIRST, dice.roll());
        let last = at(&LAST, dice.roll());
        let city = at(&CITIES, dice.roll());
        let employer = dice.below(world.count(Stream::CrmCompanies));
        let company = Company::of(world, employer);
        let local = format!("{}.{}{}", ascii(first), ascii(last), number % 1_000_000_000);
        let own_digit = number / 1_000_000_000;
        let local = if own_digit == 0 { local } else { format!("{local}-{own_digit}") };
        Self {
            first,
            nick,
            last,
            city,
            street: format!(
                "{} {}",
                at(&["Hauptstraße", "Main St", "Rue de la Paix", "Gran Vía", "Lindenweg"], dice.roll()),
                1 + dice.below(180)
            ),
            employer,
            email: format!("{local}@{}", company.domain),
            private_email: format!("{local}@mailbox.example"),
            company,
            digits: 1_000_000 + dice.below(9_000_000),
        }
    }

    /// `+49 30 1234567`
    pub(crate) fn phone_spaced(&self) -> String {
        format!("+49 30 {}", self.digits)
    }

    /// `(030) 123-4567`
    pub(crate) fn phone_local(&self) -> String {
        format!("(030) {}-{:04}", self.digits / 10_000, self.digits % 10_000)
    }

    /// `+49301234567`
    pub(crate) fn phone_e164(&self) -> String {
        format!("+4930{}", self.digits)
    }
}

/// The same text as an American keyboard writes it in an address.
pub(crate) fn ascii(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            'ä' => plain.push_str("ae"),
            'ö' | 'ø' => plain.push_str("oe"),
            'ü' => plain.push_str("ue"),
            'ß' => plain.push_str("ss"),
            'á' => plain.push('a'),
            'é' | 'ë' | 'ễ' => plain.push('e'),
            'í' | 'ı' => plain.push('i'),
            'ç' => plain.push('c'),
            'ū' => plain.push('u'),
            letter if letter.is_ascii_alphanumeric() => plain.push(letter),
            _ => {}
        }
    }
    plain
}

fn at<T: Copy + Default>(list: &[T], number: u64) -> T {
    usize::try_from(number % list.len() as u64).ok().and_then(|at| list.get(at)).copied().unwrap_or_default()
}
