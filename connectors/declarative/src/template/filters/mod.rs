//! Filters: Jinja's own and those that the reference adds.

mod encode;
mod json;
mod lists;
mod numbers;
mod regexes;
mod text;

pub use self::{encode::quote_plus, lists::sorted};
use super::{
    arguments::Arguments,
    run::Run,
    value::{Outcome, Py, other},
};

/// Every filter.
pub const NAMES: [&str; 59] = [
    "abs",
    "attr",
    "base64binascii_decode",
    "base64decode",
    "base64encode",
    "batch",
    "capitalize",
    "center",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "filesizeformat",
    "first",
    "float",
    "forceescape",
    "format",
    "groupby",
    "hash",
    "hmac",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "pprint",
    "random",
    "regex_replace",
    "regex_search",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "striptags",
    "sum",
    "title",
    "tojson",
    "trim",
    "truncate",
    "unique",
    "upper",
    "urlencode",
    "wordcount",
    "xmlattr",
];

/// `value | name(…)`
pub fn apply<'a>(run: &mut Run<'a>, name: &str, value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    run.spend(1)?;
    let value = &run.current(value);
    match name {
        "hash" | "hmac" | "base64encode" | "base64decode" | "base64binascii_decode" | "urlencode" => {
            encode::apply(run, name, value, arguments)
        }
        "string" | "tojson" | "pprint" => json::apply(run, name, value, arguments),
        "regex_search" | "regex_replace" => regexes::apply(run, name, value, arguments),
        "abs" | "int" | "float" | "round" | "sum" | "filesizeformat" => numbers::apply(run, name, value, arguments),
        "batch" | "slice" | "first" | "last" | "random" | "items" | "join" | "length" | "count" | "list" | "map" | "select" | "reject"
        | "selectattr" | "rejectattr" | "sort" | "unique" | "max" | "min" | "dictsort" | "groupby" | "reverse" | "attr" | "default"
        | "d" => lists::apply(run, name, value, arguments),
        _ if NAMES.contains(&name) => text::apply(run, name, value, arguments),
        _ => other(format!("there is no filter named `{name}`{}", syncline_model::nearest::hint(name, NAMES))),
    }
}
