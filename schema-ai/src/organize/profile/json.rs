//! Reads one JSON record as a row of tokens, without building a tree and without touching a number or an escape.

/// Where and why a record is not JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON record: {what} at byte {at}")]
pub struct Malformed {
    /// What was met or missed.
    pub what: &'static str,
    /// How far we came.
    pub at: usize,
}

/// A string as it is written between its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a> {
    /// The bytes as written.
    pub text: &'a str,
    /// Whether there are escapes in it.
    pub escaped: bool,
}

impl<'a> Raw<'a> {
    /// The text that is meant.
    pub fn decoded(self) -> std::borrow::Cow<'a, str> {
        if !self.escaped {
            return self.text.into();
        }
        serde_json::from_str::<String>(&format!("\"{}\"", self.text)).map_or(self.text.into(), Into::into)
    }
}

/// A place in a record.
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// At the start of a record.
    pub fn new(line: &'a [u8]) -> Result<Self, Malformed> {
        // Whether is told several times faster than where.
        let text = simdutf8::basic::from_utf8(line).map_err(|_| Malformed {
            what: "bytes that are not UTF-8",
            at: std::str::from_utf8(line).map_or_else(|bad| bad.valid_up_to(), str::len),
        })?;
        Ok(Self { text, at: 0 })
    }

    /// The first byte of the next token.
    #[inline]
    pub fn peek(&mut self) -> Result<u8, Malformed> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Ok(*byte);
            }
            self.at += 1;
        }
        Err(self.refuse("the end"))
    }

    /// Whether nothing but space is left.
    pub fn is_done(&mut self) -> bool {
        self.peek().is_err()
    }

    /// Takes the next token's first byte, which must be this one.
    #[inline]
    pub fn take(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.peek()? != byte {
            return Err(self.refuse("an unexpected byte"));
        }
        self.at += 1;
        Ok(())
    }

    /// Takes the next token's first byte if it is this one.
    #[inline]
    pub fn take_if(&mut self, byte: u8) -> Result<bool, Malformed> {
        let is_it = self.peek()? == byte;
        self.at += usize::from(is_it);
        Ok(is_it)
    }

    /// Takes a string.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "what comes back goes through memory otherwise, and is waited for")]
    pub fn string(&mut self) -> Result<Raw<'a>, Malformed> {
        self.take(b'"')?;
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut escaped = false;
        loop {
            self.at += plain_length(&bytes[self.at..]);
            match bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                    if self.at > bytes.len() {
                        return Err(self.refuse("a string without an end"));
                    }
                }
                Some(_) => return Err(self.refuse("a control character in a string")),
                None => return Err(self.refuse("a string without an end")),
            }
        }
        let text = self.text.get(start..self.at).ok_or_else(|| self.refuse("a broken escape"))?;
        self.at += 1;
        Ok(Raw { text, escaped })
    }

    /// Takes a number, as written.
    pub fn number(&mut self) -> Result<&'a str, Malformed> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        self.at += usize::from(bytes.get(self.at) == Some(&b'-'));
        let first = self.at;
        self.digits("a number")?;
        if bytes[first] == b'0' && self.at - first > 1 {
            return Err(self.refuse("a number that starts with zero"));
        }
        if bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits("a fraction")?;
        }
        if matches!(bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(bytes.get(self.at), Some(b'+' | b'-')));
            self.digits("an exponent")?;
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self, what: &'static str) -> Result<(), Malformed> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at == start { Err(self.refuse(what)) } else { Ok(()) }
    }

    /// Takes `true`, `false` or `null`.
    pub fn word(&mut self, word: &'static str) -> Result<(), Malformed> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.refuse("an unknown word"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Takes a whole value and gives its text; no depth is too deep.
    pub fn skip(&mut self) -> Result<&'a str, Malformed> {
        self.peek()?;
        let start = self.at;
        let mut open = 0_usize;
        loop {
            match self.peek()? {
                b'{' | b'[' => {
                    open += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    open = open.checked_sub(1).ok_or_else(|| self.refuse("a bracket that closes nothing"))?;
                    self.at += 1;
                }
                b',' | b':' => self.at += 1,
                b'"' => drop(self.string()?),
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                _ => drop(self.number()?),
            }
            if open == 0 {
                return Ok(&self.text[start..self.at]);
            }
        }
    }

    /// The fault of meeting something wrong here.
    pub fn refuse(&self, what: &'static str) -> Malformed {
        Malformed { what, at: self.at }
    }
}

/// How many bytes from here are neither quote, backslash nor control: 32 at a time while there are none of these, then eight.
#[inline]
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let special = |byte: u8| u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\');
    let mut length = 0;
    while let Some(chunk) = bytes[length..].first_chunk::<32>() {
        // Without a way out in the middle, all of them are compared at once.
        if chunk.iter().fold(0, |found, byte| found | special(*byte)) != 0 {
            break;
        }
        length += 32;
    }
    while let Some(chunk) = bytes[length..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * 0x22);
        let slash = word ^ (ONES * 0x5c);
        let special = (quote.wrapping_sub(ONES) & !quote) | (slash.wrapping_sub(ONES) & !slash) | (word.wrapping_sub(ONES * 0x20) & !word);
        let special = special & HIGHS;
        if special != 0 {
            return length + special.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    length + bytes[length..].iter().take_while(|byte| special(**byte) == 0).count()
}

#[cfg(test)]
mod tests {
    use super::plain_length;

    #[test]
    fn a_text_ends_at_its_first_quote_backslash_or_control_wherever_that_is() {
        for special in [b'"', b'\\', 0, b'\n', 0x1f] {
            for at in 0..70 {
                for after in [0, 1, 15, 16, 40] {
                    let mut text: Vec<u8> = (0..at + after).map(|n| [b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xff][n % 8]).collect();
                    assert_eq!(plain_length(&text), text.len());
                    text.insert(at, special);
                    assert_eq!(plain_length(&text), at);
                }
            }
        }
    }
}
