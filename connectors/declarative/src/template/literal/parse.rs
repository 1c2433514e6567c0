//! The part of Python's grammar that `ast.literal_eval` takes.

use super::{Literal, strings};

/// Python's own limit of nested brackets.
const DEPTH_MAX: usize = 200;

/// What a whole text spells.
pub fn parse(text: &str) -> Option<Literal> {
    if text.contains('\0') {
        return None;
    }
    let normal;
    let text = if text.contains('\r') {
        normal = text.replace("\r\n", "\n").replace('\r', "\n");
        &normal
    } else {
        text
    };
    // Something must come after a line that says it goes on.
    if text.ends_with("\\\n") {
        return None;
    }
    let mut parser = Parser { rest: text.trim_start_matches([' ', '\t']), depth: 0 };
    parser.empty_lines()?;
    let value = parser.top()?;
    parser.end().then_some(value)
}

/// A place in a text.
pub struct Parser<'t> {
    /// What is still to be read.
    pub rest: &'t str,
    depth: usize,
}

impl Parser<'_> {
    /// Takes a text if it is next.
    pub fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        if let Some(rest) = rest {
            self.rest = rest;
        }
        rest.is_some()
    }

    /// The next byte; 0 at the end.
    pub fn next(&self) -> u8 {
        self.rest.as_bytes().first().copied().unwrap_or(0)
    }

    /// Lines without anything, before the value; it must not be indented then.
    fn empty_lines(&mut self) -> Option<()> {
        loop {
            let line = self.rest.split('\n').next().unwrap_or("");
            let said = line.trim_start_matches([' ', '\t', '\x0c']);
            let is_empty = said.is_empty() || said.starts_with('#');
            if !is_empty {
                let indented = line.len() != said.len() && !line.starts_with('\x0c');
                self.rest = &self.rest[line.len() - said.len()..];
                return (!indented).then_some(());
            }
            self.rest = self.rest.get(line.len() + 1..)?;
        }
    }

    /// Blanks between words; within brackets also line ends and comments.
    pub fn blanks(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\x0c']);
            if self.depth > 0 && self.next() == b'#' {
                self.rest = self.rest.find('\n').map_or("", |end| &self.rest[end..]);
            }
            let joined = self.take("\\\n") || (self.depth > 0 && self.take("\n"));
            if !joined {
                return;
            }
        }
    }

    /// Nothing but blanks, comments and line ends.
    fn end(&mut self) -> bool {
        self.blanks();
        self.rest.split('\n').all(|line| {
            let said = line.trim_start_matches([' ', '\t', '\x0c']);
            said.is_empty() || said.starts_with('#')
        })
    }

    /// A value, or several with commas between them.
    fn top(&mut self) -> Option<Literal> {
        let first = self.value()?;
        self.blanks();
        if self.next() != b',' {
            return Some(first);
        }
        let mut items = vec![first];
        while self.take(",") {
            self.blanks();
            if matches!(self.next(), 0 | b'\n' | b'#') {
                break;
            }
            items.push(self.value()?);
            self.blanks();
        }
        Some(Literal::Tuple(items))
    }

    /// A value with what may stand before and behind it: a sign, an imaginary part.
    fn value(&mut self) -> Option<Literal> {
        self.blanks();
        let left = self.signed()?;
        self.blanks();
        let minus = match self.next() {
            b'+' => false,
            b'-' => true,
            _ => return Some(left),
        };
        self.rest = &self.rest[1..];
        self.blanks();
        let real = match &left {
            Literal::Int(digits) => digits.parse().ok()?,
            Literal::Float(value) => *value,
            _ => return None,
        };
        match self.atom()? {
            Literal::Complex(_, imaginary) if minus => Some(Literal::Complex(real, -imaginary)),
            Literal::Complex(_, imaginary) => Some(Literal::Complex(real, imaginary)),
            _ => None,
        }
    }

    fn signed(&mut self) -> Option<Literal> {
        let minus = match self.next() {
            b'+' => false,
            b'-' => true,
            _ => return self.atom(),
        };
        self.rest = &self.rest[1..];
        self.blanks();
        match (self.atom()?, minus) {
            (number @ (Literal::Int(_) | Literal::Float(_) | Literal::Complex(..)), false) => Some(number),
            (Literal::Int(digits), true) if digits == "0" => Some(Literal::Int(digits)),
            (Literal::Int(digits), true) if !digits.starts_with('-') => Some(Literal::Int(format!("-{digits}"))),
            (Literal::Float(value), true) => Some(Literal::Float(-value)),
            (Literal::Complex(real, imaginary), true) => Some(Literal::Complex(-real, -imaginary)),
            _ => None,
        }
    }

    fn atom(&mut self) -> Option<Literal> {
        match self.next() {
            b'(' => self.within(Self::parenthesis),
            b'[' => self.within(|parser| parser.items("]").map(|(items, _)| Literal::List(items))),
            b'{' => self.within(Self::braces),
            b'.' if self.take("...") => Some(Literal::Ellipsis),
            b'0'..=b'9' | b'.' => self.number(),
            _ => self.word().or_else(|| strings::strings(self)),
        }
    }

    fn word(&mut self) -> Option<Literal> {
        let end = self.rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_')).unwrap_or(self.rest.len());
        let known = match &self.rest[..end] {
            "None" => Literal::None,
            "True" => Literal::Bool(true),
            "False" => Literal::Bool(false),
            "set" => {
                self.rest = &self.rest[end..];
                self.blanks();
                self.take("(").then_some(())?;
                self.depth += 1;
                self.blanks();
                self.depth -= 1;
                return self.take(")").then(|| Literal::Set(Vec::new()));
            }
            _ => return None,
        };
        // A quote would make a text with a prefix of it, and there is no such prefix.
        let glued = self.rest[end..].starts_with(['\'', '"']);
        if !glued {
            self.rest = &self.rest[end..];
        }
        (!glued).then_some(known)
    }

    fn within(&mut self, inner: impl FnOnce(&mut Self) -> Option<Literal>) -> Option<Literal> {
        if self.depth >= DEPTH_MAX {
            return None;
        }
        self.depth += 1;
        self.rest = &self.rest[1..];
        self.blanks();
        let value = inner(self);
        self.depth -= 1;
        value
    }

    fn parenthesis(&mut self) -> Option<Literal> {
        let (mut items, comma) = self.items(")")?;
        // Parentheses around one value are only parentheses; a signed one in them is no number to a sign before them.
        if items.len() == 1 && !comma { items.pop() } else { Some(Literal::Tuple(items)) }
    }

    /// Values up to a closing bracket, and whether the last one had a comma behind it.
    fn items(&mut self, close: &str) -> Option<(Vec<Literal>, bool)> {
        let mut items = Vec::new();
        let mut comma = false;
        loop {
            self.blanks();
            if self.take(close) {
                return Some((items, comma));
            }
            if !items.is_empty() && !comma {
                return None;
            }
            items.push(self.value()?);
            self.blanks();
            comma = self.take(",");
        }
    }

    fn braces(&mut self) -> Option<Literal> {
        if self.take("}") {
            return Some(Literal::Dict(Vec::new()));
        }
        let first = self.value()?;
        self.blanks();
        if self.take(":") { self.dict(first) } else { self.set(first) }
    }

    fn dict(&mut self, first: Literal) -> Option<Literal> {
        let mut pairs: Vec<(Literal, Literal)> = Vec::new();
        let mut key = first;
        loop {
            let value = self.value()?;
            if !key.is_hashable() {
                return None;
            }
            match pairs.iter_mut().find(|(known, _)| known.equals(&key)) {
                Some((_, old)) => *old = value,
                None => pairs.push((key, value)),
            }
            self.blanks();
            let comma = self.take(",");
            self.blanks();
            if self.take("}") {
                return Some(Literal::Dict(pairs));
            }
            if !comma {
                return None;
            }
            key = self.value()?;
            self.blanks();
            self.take(":").then_some(())?;
        }
    }

    fn set(&mut self, first: Literal) -> Option<Literal> {
        let mut items = vec![first];
        if self.take(",") {
            items.extend(self.items("}")?.0);
        } else if !self.take("}") {
            return None;
        }
        let mut unique: Vec<Literal> = Vec::new();
        for item in items {
            if !item.is_hashable() {
                return None;
            }
            if !unique.iter().any(|known| known.equals(&item)) {
                unique.push(item);
            }
        }
        Some(Literal::Set(unique))
    }
}
