//! `+`, `-` and their like, as in Python.

use super::{
    format::percent,
    print::str_of,
    program::Operator,
    run::Run,
    value::{Outcome, Py, Stop, other},
};
use crate::dates::{DAY, Date, Duration};

const TOO_LARGE: &str = "a number is too large";

impl<'a> Run<'a> {
    /// `left + right`
    pub fn reckon(&mut self, operator: Operator, left: &Py<'a>, right: &Py<'a>) -> Outcome<Py<'a>> {
        if operator == Operator::Remainder
            && let Some(text) = left.as_str()
        {
            let made = percent(self, text, right)?;
            return self.made(made);
        }
        if matches!(left, Py::Undefined) || matches!(right, Py::Undefined) {
            return Err(Stop::Undefined("something undefined is reckoned with".to_owned()));
        }
        if matches!(left, Py::Long(_)) || matches!(right, Py::Long(_)) {
            return other(TOO_LARGE);
        }
        if let (Some(left), Some(right)) = (left.as_int(), right.as_int()) {
            return whole(operator, left, right);
        }
        if let (Some(left), Some(right)) = (left.as_float(), right.as_float()) {
            return broken(operator, left, right);
        }
        match operator {
            Operator::Add => self.add(left, right),
            Operator::Subtract => subtract(left, right),
            Operator::Multiply => self.multiply(left, right),
            Operator::Divide | Operator::DivideDown => divide(operator, left, right),
            Operator::Remainder | Operator::Power => Err(Stop::Type),
        }
    }

    fn add(&mut self, left: &Py<'a>, right: &Py<'a>) -> Outcome<Py<'a>> {
        match (left, right) {
            (Py::Str(one), Py::Str(two)) => self.made(format!("{}{}", one.as_str(), two.as_str())),
            (Py::Markup(_), Py::Markup(_) | Py::Str(_)) | (Py::Str(_), Py::Markup(_)) => self.joined(&[left.clone(), right.clone()]),
            (Py::Tuple(one), Py::Tuple(two)) => {
                self.spend(one.len() + two.len())?;
                Ok(Py::tuple(one.iter().chain(two.iter()).cloned().collect()))
            }
            (Py::Time(time), Py::Delta(micros)) | (Py::Delta(micros), Py::Time(time)) => in_calendar(time.plus(*micros).map(Py::Time)),
            (Py::Time(time), Py::Period(period)) | (Py::Period(period), Py::Time(time)) => in_calendar(period.after(*time).map(Py::Time)),
            (Py::Date(date), Py::Delta(micros)) | (Py::Delta(micros), Py::Date(date)) => moved(*date, *micros),
            (Py::Date(date), Py::Period(period)) | (Py::Period(period), Py::Date(date)) => {
                in_calendar(period.after_date(*date).map(Py::Date))
            }
            (Py::Delta(_) | Py::Period(_), Py::Delta(_) | Py::Period(_)) => in_calendar(length(left).plus(length(right)).map(of_length)),
            _ => match (super::compare::items(&self.current(left)), super::compare::items(&self.current(right))) {
                (Some(mut one), Some(two)) => {
                    self.spend(one.len() + two.len())?;
                    one.extend(two);
                    Ok(Py::list(one))
                }
                _ => Err(Stop::Type),
            },
        }
    }

    fn multiply(&mut self, left: &Py<'a>, right: &Py<'a>) -> Outcome<Py<'a>> {
        let (value, times) = match (left.as_int(), right.as_int()) {
            (Some(times), None) => (right, times),
            (None, Some(times)) => (left, times),
            _ => return Err(Stop::Type),
        };
        let count = usize::try_from(times.max(0)).map_err(|_| Stop::Other(TOO_LARGE.to_owned()))?;
        if let Some(text) = value.as_str() {
            self.spend(text.len().saturating_mul(count) / 16)?;
            return self.made(text.repeat(count));
        }
        match value {
            Py::Tuple(items) => {
                self.repeat(items, count)?;
                Ok(Py::tuple(std::iter::repeat_n(items.iter().cloned(), count).flatten().collect()))
            }
            Py::Delta(_) | Py::Period(_) => {
                in_calendar(i64::try_from(times).ok().and_then(|times| length(value).times(times)).map(of_length))
            }
            _ => {
                let items = super::compare::items(&self.current(value)).ok_or(Stop::Type)?;
                self.repeat(&items, count)?;
                Ok(Py::list(std::iter::repeat_n(items, count).flatten().collect()))
            }
        }
    }

    /// `-value`
    pub fn minus(value: &Py<'a>) -> Outcome<Py<'a>> {
        match value {
            Py::Undefined => Err(Stop::Undefined("something undefined is negated".to_owned())),
            Py::Float(number) => Ok(Py::Float(-number)),
            Py::Delta(micros) => Ok(Py::Delta(-micros)),
            Py::Period(period) => in_calendar(period.negated().map(Py::Period)),
            other => other.as_int().and_then(i128::checked_neg).map(Py::Int).ok_or(Stop::Type),
        }
    }

    /// `left ~ right`: everything as a text, escaped where one of them is safe in HTML.
    pub fn joined(&mut self, parts: &[Py<'a>]) -> Outcome<Py<'a>> {
        if !parts.iter().any(|part| matches!(part, Py::Markup(_))) {
            return self.made(parts.iter().map(str_of).collect::<String>());
        }
        let safe = |part: &Py<'a>| if matches!(part, Py::Markup(_)) { str_of(part) } else { escaped(&str_of(part)) };
        let text: String = parts.iter().map(safe).collect();
        self.spend(text.len() / 16)?;
        Ok(Py::Markup(text.into()))
    }
}

/// A text that is safe in HTML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('>', "&gt;").replace('<', "&lt;").replace('\'', "&#39;").replace('"', "&#34;")
}

fn in_calendar(value: Option<Py<'_>>) -> Outcome<Py<'_>> {
    value.ok_or_else(|| Stop::Other("a time lies outside of the calendar".to_owned()))
}

fn moved<'a>(date: Date, micros: i64) -> Outcome<Py<'a>> {
    in_calendar(date.plus(micros.div_euclid(DAY)).map(Py::Date))
}

fn length(value: &Py<'_>) -> Duration {
    match value {
        Py::Period(period) => *period,
        Py::Delta(micros) => Duration::from_micros(*micros),
        _ => Duration::default(),
    }
}

fn of_length<'a>(duration: Duration) -> Py<'a> {
    duration.micros().map_or(Py::Period(duration), Py::Delta)
}

fn subtract<'a>(left: &Py<'a>, right: &Py<'a>) -> Outcome<Py<'a>> {
    match (left, right) {
        (Py::Time(one), Py::Time(two)) if one.offset().is_some() == two.offset().is_some() => Ok(Py::Delta(one.micros() - two.micros())),
        (Py::Date(one), Py::Date(two)) => Ok(Py::Delta((one.days() - two.days()) * DAY)),
        (Py::Time(time), Py::Delta(micros)) => in_calendar(time.plus(-micros).map(Py::Time)),
        (Py::Time(time), Py::Period(period)) => in_calendar(period.before(*time).map(Py::Time)),
        // Only the whole days of a length count, and they are rounded before they are taken away.
        (Py::Date(date), Py::Delta(micros)) => in_calendar(date.plus(-micros.div_euclid(DAY)).map(Py::Date)),
        (Py::Date(date), Py::Period(period)) => in_calendar(period.negated().and_then(|period| period.after_date(*date)).map(Py::Date)),
        (Py::Delta(_) | Py::Period(_), Py::Delta(_) | Py::Period(_)) => {
            in_calendar(length(right).negated().and_then(|right| length(left).plus(right)).map(of_length))
        }
        _ => Err(Stop::Type),
    }
}

fn divide<'a>(operator: Operator, left: &Py<'a>, right: &Py<'a>) -> Outcome<Py<'a>> {
    match (left, right) {
        (Py::Delta(_), Py::Delta(0) | Py::Int(0)) => other("division by zero"),
        #[expect(clippy::cast_precision_loss, reason = "as Python does")]
        (Py::Delta(one), Py::Delta(two)) if operator == Operator::Divide => Ok(Py::Float(*one as f64 / *two as f64)),
        (Py::Delta(one), Py::Delta(two)) => Ok(Py::Int(i128::from(one.div_euclid(*two)))),
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "as Python does")]
        (Py::Delta(one), Py::Int(two)) if operator == Operator::Divide => {
            Ok(Py::Delta((*one as f64 / *two as f64).round_ties_even() as i64))
        }
        (Py::Delta(one), Py::Int(two)) => i64::try_from(*two).map(|two| Py::Delta(one.div_euclid(two))).map_err(|_| Stop::Type),
        _ => Err(Stop::Type),
    }
}

fn whole<'a>(operator: Operator, left: i128, right: i128) -> Outcome<Py<'a>> {
    let sized = |number: Option<i128>| number.map(Py::Int).ok_or_else(|| Stop::Other(TOO_LARGE.to_owned()));
    match operator {
        Operator::Add => sized(left.checked_add(right)),
        Operator::Subtract => sized(left.checked_sub(right)),
        Operator::Multiply => sized(left.checked_mul(right)),
        Operator::Divide | Operator::DivideDown | Operator::Remainder if right == 0 => other("division by zero"),
        #[expect(clippy::cast_precision_loss, reason = "as Python does")]
        Operator::Divide => Ok(Py::Float(left as f64 / right as f64)),
        Operator::DivideDown => {
            sized(left.checked_div_euclid(right).map(|down| down - i128::from(right < 0 && left.rem_euclid(right) != 0)))
        }
        Operator::Remainder => {
            let rest = left.checked_rem_euclid(right).unwrap_or(0);
            Ok(Py::Int(if right < 0 && rest != 0 { rest + right } else { rest }))
        }
        #[expect(clippy::cast_precision_loss, reason = "as Python does")]
        Operator::Power if right < 0 => broken(operator, left as f64, right as f64),
        Operator::Power => sized(u32::try_from(right).ok().and_then(|power| left.checked_pow(power))),
    }
}

fn broken<'a>(operator: Operator, left: f64, right: f64) -> Outcome<Py<'a>> {
    let by_zero = right == 0.0 && matches!(operator, Operator::Divide | Operator::DivideDown | Operator::Remainder);
    if by_zero || (left == 0.0 && right < 0.0 && operator == Operator::Power) {
        return other("division by zero");
    }
    let rest = || {
        let rest = left % right;
        if rest != 0.0 && (rest < 0.0) != (right < 0.0) { rest + right } else { rest }
    };
    Ok(Py::Float(match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::DivideDown => ((left - rest()) / right).round(),
        Operator::Remainder => rest(),
        Operator::Power => left.powf(right),
    }))
}
