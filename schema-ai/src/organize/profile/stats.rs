//! What one path has held, in counts.

use serde::{Deserialize, Serialize};

use super::format::{self, FORMATS, Format};
use super::hash;
use super::kinds::{Kind, Kinds};
use super::sketch::Sketch;

/// The counts of one path.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stats {
    /// Values seen, nulls too.
    pub seen: u64,
    /// `null`
    pub nulls: u64,
    /// `true` and `false`
    pub bools: u64,
    /// Numbers without fraction and exponent
    pub integers: u64,
    /// Other numbers
    pub decimals: u64,
    /// Strings
    pub texts: u64,
    /// Objects
    pub objects: u64,
    /// Lists
    pub lists: u64,
    /// Every kind ever seen.
    pub kinds: Kinds,
    /// Strings by format.
    pub formats: [u32; FORMATS],
    /// The longest and the shortest text, and all bytes together.
    pub longest: u32,
    /// See `longest`.
    pub shortest: u32,
    /// See `longest`.
    pub bytes: u64,
    /// The most digits before the point of any number, and behind it.
    pub whole_digits: u8,
    /// See `whole_digits`.
    pub scale: u8,
    /// The smallest and the largest number, for statistics only.
    pub least: f64,
    /// See `least`.
    pub most: f64,
    /// The values.
    pub sketch: Sketch,
    /// The latest date or time, as it was written.
    #[serde(default)]
    newest: Option<Box<str>>,
}

impl Stats {
    pub(super) fn new(size: usize) -> Self {
        Self {
            seen: 0,
            nulls: 0,
            bools: 0,
            integers: 0,
            decimals: 0,
            texts: 0,
            objects: 0,
            lists: 0,
            kinds: Kinds::default(),
            formats: [0; FORMATS],
            longest: 0,
            shortest: u32::MAX,
            bytes: 0,
            whole_digits: 0,
            scale: 0,
            least: f64::MAX,
            most: f64::MIN,
            sketch: Sketch::new(size),
            newest: None,
        }
    }

    /// Values that are not null.
    pub fn filled(&self) -> u64 {
        self.seen - self.nulls
    }

    /// Values that are neither null, object nor list.
    pub fn scalars(&self) -> u64 {
        self.bools + self.integers + self.decimals + self.texts
    }

    /// Scalars that are not the empty text.
    pub fn present(&self) -> u64 {
        self.scalars() - u64::from(self.formats[Format::Empty as usize])
    }

    /// How many strings have this format.
    pub fn format(&self, format: Format) -> u64 {
        u64::from(self.formats[format as usize])
    }

    pub(super) fn null(&mut self) {
        self.seen += 1;
        self.nulls += 1;
        self.kinds = self.kinds.with(Kind::Null);
    }

    pub(super) fn boolean(&mut self, truth: bool) {
        self.seen += 1;
        self.bools += 1;
        self.kinds = self.kinds.with(Kind::Bool);
        let text = if truth { "true" } else { "false" };
        let hashed = hash::value(text.as_bytes());
        if self.sketch.again(hashed).is_none() {
            self.sketch.add(hashed, Format::Bool, text);
        }
    }

    pub(super) fn container(&mut self, kind: Kind) {
        self.seen += 1;
        self.kinds = self.kinds.with(kind);
        match kind {
            Kind::List => self.lists += 1,
            _ => self.objects += 1,
        }
    }

    pub(super) fn number(&mut self, text: &str) {
        self.seen += 1;
        let hashed = hash::value(text.as_bytes());
        let known = self.sketch.again(hashed);
        let format = known.unwrap_or_else(|| format::of_number(text));
        if format == Format::Integer {
            self.integers += 1;
            self.kinds = self.kinds.with(Kind::Integer);
        } else {
            self.decimals += 1;
            self.kinds = self.kinds.with(Kind::Decimal);
        }
        self.measure(text);
        if known.is_none() {
            self.range(text);
            self.sketch.add(hashed, format, text);
        }
    }

    #[inline]
    pub(super) fn text(&mut self, text: &str) {
        self.seen += 1;
        self.texts += 1;
        self.kinds = self.kinds.with(Kind::Text);
        let hashed = hash::value(text.as_bytes());
        if let Some(format) = self.sketch.again(hashed) {
            self.formats[format as usize] = self.formats[format as usize].saturating_add(1);
            self.measure(text);
            return;
        }
        let format = format::classify(text);
        self.formats[format as usize] = self.formats[format as usize].saturating_add(1);
        self.measure(text);
        if matches!(format, Format::Integer | Format::Decimal) {
            self.range(text);
        }
        if matches!(format, Format::Date | Format::Instant | Format::LocalTime) {
            self.date(text);
        }
        self.sketch.add(hashed, format, text);
    }

    /// The latest date or time among the texts. They are compared as they are written, so a zone may put it off by hours.
    pub fn newest(&self) -> Option<&str> {
        self.newest.as_deref()
    }

    fn date(&mut self, text: &str) {
        if self.newest.as_deref().is_none_or(|newest| text > newest) {
            self.newest = Some(text.into());
        }
    }

    #[inline]
    fn measure(&mut self, text: &str) {
        let length = text.len() as u32;
        self.bytes += u64::from(length);
        self.longest = self.longest.max(length);
        self.shortest = self.shortest.min(length);
    }

    fn range(&mut self, text: &str) {
        let (whole, scale) = format::digits(text);
        self.whole_digits = self.whole_digits.max(whole);
        self.scale = self.scale.max(scale);
        let near: f64 = text.parse().unwrap_or(0.0);
        self.least = self.least.min(near);
        self.most = self.most.max(near);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.seen += other.seen;
        self.nulls += other.nulls;
        self.bools += other.bools;
        self.integers += other.integers;
        self.decimals += other.decimals;
        self.texts += other.texts;
        self.objects += other.objects;
        self.lists += other.lists;
        self.kinds = self.kinds.join(other.kinds);
        for (mine, theirs) in self.formats.iter_mut().zip(other.formats) {
            *mine = mine.saturating_add(theirs);
        }
        self.longest = self.longest.max(other.longest);
        self.shortest = self.shortest.min(other.shortest);
        self.bytes += other.bytes;
        self.whole_digits = self.whole_digits.max(other.whole_digits);
        self.scale = self.scale.max(other.scale);
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
        self.sketch.merge(&other.sketch);
        if let Some(newest) = &other.newest {
            self.date(newest);
        }
    }
}
