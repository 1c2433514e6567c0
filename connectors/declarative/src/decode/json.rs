//! JSON as Python's `json` takes it, which is more than the standard allows: `NaN`, and halves of surrogate pairs. Nothing recurses, so
//! what is nested too deep is an error and no crash.

use serde_json::{Map, Number, Value};

/// More levels than any honest answer has.
pub const DEPTH_MAX: usize = 500;

/// Why a text is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotJson {
    /// It is something else, or only a part of one.
    #[error("{1} at byte {0}")]
    Broken(usize, &'static str),
    /// It may be one, but nobody should ask.
    #[error("it is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
}

/// The value that these bytes spell.
pub fn parse(bytes: &[u8]) -> Result<Value, NotJson> {
    serde_json::from_slice(bytes).or_else(|_| {
        let text = std::str::from_utf8(bytes).map_err(|error| NotJson::Broken(error.valid_up_to(), "it is no UTF-8"))?;
        Loose { text, at: 0 }.document()
    })
}

/// What is read where a value may stand.
enum Piece {
    Whole(Value),
    Open(Frame),
}

/// A list or an object that is not closed.
enum Frame {
    List(Vec<Value>),
    Object(Map<String, Value>, Option<String>),
}

struct Loose<'a> {
    text: &'a str,
    at: usize,
}

impl Loose<'_> {
    fn document(mut self) -> Result<Value, NotJson> {
        let mut open: Vec<Frame> = Vec::new();
        loop {
            let mut done = match self.piece()? {
                Piece::Whole(value) => value,
                Piece::Open(frame) if open.len() < DEPTH_MAX => {
                    open.push(frame);
                    continue;
                }
                Piece::Open(_) => return Err(NotJson::TooDeep),
            };
            loop {
                let Some(frame) = open.pop() else { return self.end(done) };
                match self.put(frame, done)? {
                    Piece::Whole(value) => done = value,
                    Piece::Open(frame) => {
                        open.push(frame);
                        break;
                    }
                }
            }
        }
    }

    fn end(&mut self, value: Value) -> Result<Value, NotJson> {
        self.space();
        if self.at == self.text.len() { Ok(value) } else { Err(self.broken("something stands behind its end")) }
    }

    fn broken(&self, why: &'static str) -> NotJson {
        NotJson::Broken(self.at, why)
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn takes(&mut self, word: &str) -> bool {
        let is_there = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word));
        if is_there {
            self.at += word.len();
        }
        is_there
    }

    fn piece(&mut self) -> Result<Piece, NotJson> {
        self.space();
        match self.byte() {
            Some(b'[') => {
                self.at += 1;
                self.space();
                Ok(if self.takes("]") { Piece::Whole(Value::Array(Vec::new())) } else { Piece::Open(Frame::List(Vec::new())) })
            }
            Some(b'{') => {
                self.at += 1;
                self.space();
                if self.takes("}") {
                    return Ok(Piece::Whole(Value::Object(Map::new())));
                }
                let name = self.name()?;
                Ok(Piece::Open(Frame::Object(Map::new(), Some(name))))
            }
            Some(b'"') => Ok(Piece::Whole(Value::String(self.string()?))),
            Some(_) => Ok(Piece::Whole(self.scalar()?)),
            None => Err(self.broken("it ends too early")),
        }
    }

    fn put(&mut self, frame: Frame, value: Value) -> Result<Piece, NotJson> {
        self.space();
        match frame {
            Frame::List(mut items) => {
                items.push(value);
                if self.takes("]") {
                    return Ok(Piece::Whole(Value::Array(items)));
                }
                if self.takes(",") {
                    Ok(Piece::Open(Frame::List(items)))
                } else {
                    Err(self.broken("a list goes on neither with `,` nor with `]`"))
                }
            }
            Frame::Object(mut fields, name) => {
                fields.insert(name.unwrap_or_default(), value);
                if self.takes("}") {
                    return Ok(Piece::Whole(Value::Object(fields)));
                }
                if !self.takes(",") {
                    return Err(self.broken("an object goes on neither with `,` nor with `}`"));
                }
                self.space();
                let name = self.name()?;
                Ok(Piece::Open(Frame::Object(fields, Some(name))))
            }
        }
    }

    fn name(&mut self) -> Result<String, NotJson> {
        if self.byte() != Some(b'"') {
            return Err(self.broken("a name in quotes is missing"));
        }
        let name = self.string()?;
        self.space();
        if self.takes(":") { Ok(name) } else { Err(self.broken("a name is not followed by `:`")) }
    }

    /// Halves of surrogate pairs, which no Rust text can hold, become U+FFFD.
    fn string(&mut self) -> Result<String, NotJson> {
        let open = self.at;
        self.at += 1;
        loop {
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(0..=0x1f) => return Err(self.broken("a text holds a control character")),
                Some(_) => self.at += 1,
                None => return Err(self.broken("it ends within a text")),
            }
        }
        self.at += 1;
        let quoted = self.text.get(open..self.at).ok_or(NotJson::Broken(open, "a text is broken"))?;
        serde_json::from_str(quoted).or_else(|_| unescaped(quoted)).map_err(|()| NotJson::Broken(open, "a text holds an unknown escape"))
    }

    fn scalar(&mut self) -> Result<Value, NotJson> {
        for (word, value) in [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))] {
            if self.takes(word) {
                return Ok(value);
            }
        }
        // The reference writes these three as `null`.
        if ["NaN", "Infinity", "-Infinity"].iter().any(|word| self.takes(word)) {
            return Ok(Value::Null);
        }
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.find(|sign: char| !sign.is_ascii_alphanumeric() && !matches!(sign, '+' | '-' | '.')).unwrap_or(rest.len());
        let number = rest.get(..length).and_then(|number| serde_json::from_str::<Number>(number).ok());
        let number = number.ok_or_else(|| self.broken("something stands where a value should"))?;
        self.at += length;
        Ok(Value::Number(number))
    }
}

fn unescaped(quoted: &str) -> Result<String, ()> {
    let mut text = String::with_capacity(quoted.len());
    let mut rest = quoted.get(1..quoted.len() - 1).ok_or(())?;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escape = rest.get(at..).ok_or(())?;
        let length = match escape.as_bytes().get(1) {
            Some(b'u') if escape.get(6..8) == Some("\\u") && escape.get(..12).is_some_and(is_character) => 12,
            Some(b'u') => 6,
            Some(_) => 2,
            None => return Err(()),
        };
        let one = escape.get(..length).ok_or(())?;
        match serde_json::from_str::<String>(&format!("\"{one}\"")) {
            Ok(character) => text.push_str(&character),
            Err(_) if length == 6 && u16::from_str_radix(&one[2..], 16).is_ok() => text.push('\u{fffd}'),
            Err(_) => return Err(()),
        }
        rest = escape.get(length..).ok_or(())?;
    }
    text.push_str(rest);
    Ok(text)
}

fn is_character(pair: &str) -> bool {
    serde_json::from_str::<String>(&format!("\"{pair}\"")).is_ok()
}
