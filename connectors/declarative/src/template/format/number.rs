//! How numbers are spelt: fixed, with an exponent, or whichever is shorter.

/// The longest number or width that a format may ask for.
pub const WIDTH_MAX: usize = 10_000;

/// How a value is to stand in its place.
#[derive(Debug, Clone)]
pub struct Spec {
    /// What the place is filled with.
    pub fill: char,
    /// `<`, `>`, `^` or `=`; of the value's kind where there is none.
    pub align: Option<char>,
    /// `+` or a blank before a number that is not negative.
    pub sign: Option<char>,
    /// `0x` and its like, and a point where none is needed.
    pub alternate: bool,
    /// How wide it is at least.
    pub width: usize,
    /// What stands between groups of digits.
    pub group: Option<char>,
    /// How many digits, or letters at most.
    pub precision: Option<usize>,
    /// How it is spelt.
    pub kind: Option<char>,
}

impl Default for Spec {
    fn default() -> Self {
        Self { fill: ' ', align: None, sign: None, alternate: false, width: 0, group: None, precision: None, kind: None }
    }
}

impl Spec {
    /// Fills the place around a text.
    pub fn placed(&self, text: &str, otherwise: char) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        let fill = |count: usize| self.fill.to_string().repeat(count);
        match self.align.unwrap_or(otherwise) {
            '<' => format!("{text}{}", fill(missing)),
            '^' => format!("{}{text}{}", fill(missing / 2), fill(missing - missing / 2)),
            '=' => {
                let signed = usize::from(text.starts_with(['+', '-', ' ']));
                let prefixed = if self.alternate && text[signed..].starts_with('0') && text.len() > signed + 1 { 2 } else { 0 };
                let (head, digits) = text.split_at(signed + prefixed.min(text.len() - signed));
                format!("{head}{}{digits}", fill(missing))
            }
            _ => format!("{}{text}", fill(missing)),
        }
    }

    fn signed(&self, negative: bool) -> &'static str {
        match (negative, self.sign) {
            (true, _) => "-",
            (false, Some('+')) => "+",
            (false, Some(' ')) => " ",
            (false, _) => "",
        }
    }

    /// A whole number; `None` where there is no such spelling.
    pub fn whole(&self, number: i128) -> Option<String> {
        let size = number.unsigned_abs();
        let (prefix, digits) = match self.kind.unwrap_or('d') {
            'd' | 'i' | 'u' | 'n' => ("", size.to_string()),
            'x' => ("0x", format!("{size:x}")),
            'X' => ("0X", format!("{size:X}")),
            'o' => ("0o", format!("{size:o}")),
            'b' => ("0b", format!("{size:b}")),
            _ => return None,
        };
        let digits = format!("{digits:0>width$}", width = self.precision.unwrap_or(0));
        let prefix = if self.alternate { prefix } else { "" };
        Some(self.placed(&format!("{}{prefix}{}", self.signed(number < 0), self.grouped(&digits)), '>'))
    }

    /// A double; `None` where there is no such spelling.
    pub fn broken(&self, number: f64) -> Option<String> {
        let size = number.abs();
        let precision = self.precision.unwrap_or(6);
        let kind = self.kind.unwrap_or('r');
        let digits = if size.is_nan() {
            "nan".to_owned()
        } else if size.is_infinite() {
            "inf".to_owned()
        } else {
            match kind {
                'f' | 'F' => fixed(size, precision),
                'e' | 'E' => scientific(size, precision),
                'g' | 'G' | 'n' => general(size, precision, self.alternate),
                '%' => fixed(size * 100.0, precision) + "%",
                'r' => match self.precision {
                    Some(precision) => with_point(general(size, precision, false)),
                    None => super::super::python::float(size),
                },
                _ => return None,
            }
        };
        let digits = if kind.is_ascii_uppercase() { digits.to_uppercase() } else { digits };
        let negative = number.is_sign_negative() && !number.is_nan();
        Some(self.placed(&format!("{}{}", self.signed(negative), self.grouped(&digits)), '>'))
    }

    fn grouped(&self, digits: &str) -> String {
        let Some(between) = self.group else { return digits.to_owned() };
        let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
        let (whole, rest) = digits.split_at(end);
        let mut out = String::new();
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at).is_multiple_of(3) {
                out.push(between);
            }
            out.push(digit);
        }
        out + rest
    }
}

/// `%.2f`
pub fn fixed(number: f64, precision: usize) -> String {
    format!("{number:.precision$}")
}

fn scientific(number: f64, precision: usize) -> String {
    let text = format!("{number:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.unsigned_abs())
}

fn general(number: f64, precision: usize, alternate: bool) -> String {
    let precision = precision.max(1);
    let text = scientific(number, precision - 1);
    let exponent: i32 = text.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
    let limit = i32::try_from(precision).unwrap_or(i32::MAX);
    if (-4..limit).contains(&exponent) {
        let after = usize::try_from(limit - 1 - exponent).unwrap_or(0);
        let text = fixed(number, after);
        return if alternate { text } else { trimmed(&text).to_owned() };
    }
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "+00"));
    format!("{}e{exponent}", if alternate { digits } else { trimmed(digits) })
}

fn trimmed(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

fn with_point(digits: String) -> String {
    if digits.contains(['.', 'e']) { digits } else { digits + ".0" }
}
