//! Numbers in PostgreSQL's binary form of `numeric`: groups of four digits, and how many digits stand behind the point.

/// What PostgreSQL takes before and behind the point.
const BEFORE_MAX: i64 = 131_072;
const BEHIND_MAX: i64 = 16_383;

/// Writes the number with its length in front. False, and nothing is written, if it does not fit or is none.
pub(super) fn put(out: &mut Vec<u8>, text: &str) -> bool {
    let Some(number) = Number::read(text.as_bytes()) else { return false };
    number.write(out);
    true
}

/// Writes a whole number with its length in front.
pub(super) fn put_whole(out: &mut Vec<u8>, number: i128) {
    let mut groups = [0_u16; 10];
    let (mut rest, mut at) = (number.unsigned_abs(), groups.len());
    while rest > 0 {
        at -= 1;
        groups[at] = u16::try_from(rest % 10_000).unwrap_or_default();
        rest /= 10_000;
    }
    let used = &groups[at..];
    let weight = i16::try_from(used.len()).unwrap_or_default() - 1;
    header(out, used.len(), weight.max(0), number < 0, 0);
    used.iter().for_each(|group| out.extend_from_slice(&group.to_be_bytes()));
}

fn header(out: &mut Vec<u8>, groups: usize, weight: i16, negative: bool, behind: u16) {
    let length = u32::try_from(8 + 2 * groups).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&u16::try_from(groups).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(&weight.to_be_bytes());
    out.extend_from_slice(&(if negative { 0x4000_u16 } else { 0 }).to_be_bytes());
    out.extend_from_slice(&behind.to_be_bytes());
}

/// A JSON number in parts.
struct Number<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    /// Where the point is, counted from the first digit.
    point: i64,
    behind: u16,
}

impl<'a> Number<'a> {
    fn read(text: &'a [u8]) -> Option<Self> {
        let (negative, text) = text.strip_prefix(b"-").map_or((false, text), |rest| (true, rest));
        let exponent_at = text.iter().position(|c| matches!(c, b'e' | b'E'));
        let (digits, exponent) = match exponent_at {
            Some(at) => (&text[..at], std::str::from_utf8(&text[at + 1..]).ok()?.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let point_at = digits.iter().position(|c| *c == b'.');
        let (whole, fraction) = point_at.map_or((digits, &digits[..0]), |at| (&digits[..at], &digits[at + 1..]));
        let all_digits = whole.iter().chain(fraction).all(u8::is_ascii_digit) && !whole.is_empty();
        let point = i64::try_from(whole.len()).ok()?.checked_add(exponent)?;
        let behind = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?.max(0);
        let fits = all_digits && point <= BEFORE_MAX && behind <= BEHIND_MAX;
        fits.then_some(Self { negative, whole, fraction, point, behind: u16::try_from(behind).ok()? })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let digits = || self.whole.iter().chain(self.fraction).map(|c| c - b'0');
        let zeros = digits().take_while(|digit| *digit == 0).count();
        let last = digits().enumerate().filter(|(_, digit)| *digit != 0).map(|(at, _)| at).last();
        let Some(last) = last else { return header(out, 0, 0, false, self.behind) };
        // Groups of four are counted from the point on, to both sides.
        let point = self.point - i64::try_from(zeros).unwrap_or(i64::MAX);
        let weight = (point - 1).div_euclid(4);
        let first = usize::try_from((point - 1).rem_euclid(4)).unwrap_or_default() + 1;
        let count = last + 1 - zeros;
        let groups = 1 + count.saturating_sub(first).div_ceil(4);
        header(out, groups, i16::try_from(weight).unwrap_or(i16::MAX), self.negative, self.behind);
        let mut kept = digits().skip(zeros).take(count);
        for group in 0..groups {
            let width = if group == 0 { first } else { 4 };
            let value = (0..width).fold(0_u16, |value, _| value * 10 + u16::from(kept.next().unwrap_or_default()));
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
}
