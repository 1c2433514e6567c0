//! Jinja's tests: `x is defined`.

use super::{
    arguments::Arguments,
    compare::equal,
    program::{Comparison, Operator},
    run::Run,
    value::{Outcome, Py, Stop, other},
};

/// Every test.
pub const NAMES: [&str; 39] = [
    "odd",
    "even",
    "divisibleby",
    "defined",
    "undefined",
    "filter",
    "test",
    "none",
    "boolean",
    "false",
    "true",
    "integer",
    "float",
    "lower",
    "upper",
    "string",
    "mapping",
    "number",
    "sequence",
    "iterable",
    "callable",
    "sameas",
    "escaped",
    "in",
    "==",
    "eq",
    "equalto",
    "!=",
    "ne",
    ">",
    "gt",
    "greaterthan",
    "ge",
    ">=",
    "<",
    "lt",
    "lessthan",
    "<=",
    "le",
];

/// Whether a test holds.
pub fn holds<'a>(run: &mut Run<'a>, name: &str, value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<bool> {
    run.spend(1)?;
    let value = run.current(value);
    let comparison = match name {
        "==" | "eq" | "equalto" => Some(Comparison::Equal),
        "!=" | "ne" => Some(Comparison::Unequal),
        ">" | "gt" | "greaterthan" => Some(Comparison::Greater),
        ">=" | "ge" => Some(Comparison::GreaterOrEqual),
        "<" | "lt" | "lessthan" => Some(Comparison::Less),
        "<=" | "le" => Some(Comparison::LessOrEqual),
        "in" => Some(Comparison::In),
        _ => None,
    };
    if let Some(comparison) = comparison {
        let right = arguments.one()?;
        return run.compare(comparison, &value, &right);
    }
    match name {
        "divisibleby" => {
            let by = arguments.one()?;
            return rest_is(run, &value, &by, 0);
        }
        "sameas" => {
            let right = arguments.one()?;
            return Ok(std::mem::discriminant(&value) == std::mem::discriminant(&right) && equal(&value, &right));
        }
        _ => {}
    }
    if !NAMES.contains(&name) {
        return other(format!("there is no test named `{name}`"));
    }
    arguments.none()?;
    let text = value.as_str();
    Ok(match name {
        "odd" | "even" => rest_is(run, &value, &Py::Int(2), i128::from(name == "odd"))?,
        "defined" => !matches!(value, Py::Undefined),
        "undefined" => matches!(value, Py::Undefined),
        "filter" => text.is_some_and(|name| super::filters::NAMES.contains(&name)),
        "test" => text.is_some_and(|name| NAMES.contains(&name)),
        "none" => matches!(value, Py::None),
        "boolean" => matches!(value, Py::Bool(_)),
        "false" => matches!(value, Py::Bool(false)),
        "true" => matches!(value, Py::Bool(true)),
        "integer" => matches!(value, Py::Int(_) | Py::Long(_)),
        "float" => matches!(value, Py::Float(_)),
        "lower" | "upper" => {
            let text = run.str_of(&value);
            let cased = text.chars().any(|letter| letter.is_uppercase() || letter.is_lowercase());
            let wrong = |letter: char| if name == "lower" { letter.is_uppercase() } else { letter.is_lowercase() };
            cased && !text.chars().any(wrong)
        }
        "string" => text.is_some(),
        "mapping" => super::compare::pairs(&value).is_some(),
        "number" => matches!(value, Py::Int(_) | Py::Long(_) | Py::Float(_) | Py::Bool(_)),
        "sequence" => {
            matches!(
                value,
                Py::Str(_) | Py::Markup(_) | Py::Bytes(_) | Py::Json(_) | Py::List(_) | Py::Tuple(_) | Py::Dict(_) | Py::Undefined
            )
        }
        "iterable" => !matches!(
            value,
            Py::None | Py::Bool(_) | Py::Int(_) | Py::Long(_) | Py::Float(_) | Py::Time(_) | Py::Date(_) | Py::Delta(_) | Py::Period(_)
        ),
        "callable" => matches!(value, Py::Function(_) | Py::Method(_) | Py::Macro(_) | Py::Undefined),
        _ => matches!(value, Py::Markup(_)),
    })
}

fn rest_is<'a>(run: &mut Run<'a>, value: &Py<'a>, by: &Py<'a>, wanted: i128) -> Outcome<bool> {
    if value.as_str().is_some() {
        return Err(Stop::Type);
    }
    let rest = run.reckon(Operator::Remainder, value, by)?;
    Ok(equal(&rest, &Py::Int(wanted)))
}
