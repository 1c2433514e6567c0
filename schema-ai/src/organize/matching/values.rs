//! How alike the values of two columns are: the same values, the same pieces of text, the same numbers, the same shape.

use std::collections::HashMap;

use crate::organize::profile::Stats;

/// A column's values as vectors.
pub struct Values {
    grams: HashMap<u32, f64>,
    letters: [f64; 32],
    numbers: Vec<f64>,
    is_number: bool,
    length: f64,
}

impl Values {
    /// From the sample that the profile keeps.
    pub fn of(stats: &Stats) -> Self {
        let mut grams = HashMap::new();
        let mut letters = [0.0; 32];
        let mut numbers = Vec::new();
        let (mut texts, mut bytes) = (0_usize, 0_usize);
        for (text, _) in stats.sketch.texts() {
            texts += 1;
            bytes += text.len();
            count_grams(text, &mut grams);
            count_letters(text, &mut letters);
            if let Ok(number) = text.parse::<f64>() {
                numbers.push(number);
            }
        }
        numbers.sort_by(f64::total_cmp);
        let is_number = numbers.len() * 10 >= texts * 9 && texts > 0;
        unit(grams.values_mut());
        unit(letters.iter_mut());
        Self { grams, letters, numbers, is_number, length: bytes as f64 / texts.max(1) as f64 }
    }
}

fn count_grams(text: &str, grams: &mut HashMap<u32, f64>) {
    let lower = text.to_lowercase();
    for gram in lower.as_bytes().windows(3) {
        let key = u32::from(gram[0]) << 16 | u32::from(gram[1]) << 8 | u32::from(gram[2]);
        *grams.entry(key).or_insert(0.0) += 1.0;
    }
}

fn count_letters(text: &str, letters: &mut [f64; 32]) {
    for c in text.chars() {
        let at = match c {
            'a'..='z' => c as usize - 'a' as usize,
            'A'..='Z' => c as usize - 'A' as usize,
            '0'..='9' => 26,
            ' ' => 27,
            '-' | '_' => 28,
            '.' | ',' => 29,
            ':' | '/' | '@' => 30,
            _ => 31,
        };
        letters[at] += 1.0;
    }
}

fn unit<'a>(values: impl Iterator<Item = &'a mut f64>) {
    let mut values: Vec<&mut f64> = values.collect();
    let length = values.iter().map(|value| **value * **value).sum::<f64>().sqrt().max(1e-9);
    for value in &mut values {
        **value /= length;
    }
}

/// How alike, from 0 to 1; `None` when one side has no values to compare.
pub fn likeness(a: &Values, seen_a: &Stats, b: &Values, seen_b: &Stats) -> Option<f64> {
    if seen_a.present() == 0 || seen_b.present() == 0 {
        return None;
    }
    let (there, _) = seen_a.sketch.contained_in(&seen_b.sketch);
    let (back, _) = seen_b.sketch.contained_in(&seen_a.sketch);
    let exact = 0.6 * there.max(back) + 0.4 * there.min(back);
    let shape = 0.5 * formats(seen_a, seen_b) + 0.25 * ratio(a.length, b.length) + 0.25 * ratio(variety(seen_a), variety(seen_b));
    if a.is_number != b.is_number {
        return Some(0.25 * shape + 0.25 * exact);
    }
    if a.is_number {
        let quantiles = quantiles(&a.numbers, &b.numbers);
        return Some(0.3 * exact + 0.5 * quantiles + 0.2 * shape);
    }
    let grams: f64 = a.grams.iter().map(|(gram, weight)| weight * b.grams.get(gram).copied().unwrap_or(0.0)).sum();
    let letters: f64 = a.letters.iter().zip(b.letters).map(|(a, b)| a * b).sum();
    let text = 0.35 * exact.max(grams) + 0.35 * grams + 0.15 * letters.powi(3) + 0.15 * shape;
    Some(text.max(0.8 * exact + 0.2 * shape))
}

fn formats(a: &Stats, b: &Stats) -> f64 {
    let total = |stats: &Stats| stats.formats.iter().map(|count| f64::from(*count)).sum::<f64>().max(1.0);
    let (whole_a, whole_b) = (total(a), total(b));
    a.formats.iter().zip(b.formats).map(|(a, b)| (f64::from(*a) / whole_a).min(f64::from(b) / whole_b)).sum()
}

fn variety(stats: &Stats) -> f64 {
    stats.sketch.distinct() as f64 / stats.present().max(1) as f64
}

fn ratio(a: f64, b: f64) -> f64 {
    if a.max(b) <= 0.0 { 1.0 } else { a.min(b) / a.max(b) }
}

/// How close the numbers lie at nine places of their order, measured by their spread.
fn quantiles(a: &[f64], b: &[f64]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let at = |list: &[f64], tenth: usize| list[(list.len() - 1) * tenth / 10];
    let spread = (at(a, 9) - at(a, 1)).abs().max((at(b, 9) - at(b, 1)).abs()).max(at(a, 5).abs() * 0.05).max(1e-9);
    let apart: f64 = (1..10).map(|tenth| ((at(a, tenth) - at(b, tenth)).abs() / spread).min(1.0)).sum();
    1.0 - apart / 9.0
}
