//! The cursors as a manifest describes them.

use serde_json::Value;
use syncline_model::Fault;

use crate::{
    node::Node,
    parts::RequestOption,
    problem::Problem,
    run::misconfigured,
    template::{Scope, Template},
};

/// A time given by a manifest.
#[derive(Debug, Clone)]
pub struct Moment {
    pub text: Template,
    pub format: Option<String>,
    pub min: Option<Template>,
    pub max: Option<Template>,
}

/// `DatetimeBasedCursor`.
#[derive(Debug, Clone)]
pub struct TimeSpec {
    pub format: String,
    pub formats: Vec<String>,
    pub start: Moment,
    pub end: Option<Moment>,
    pub step: Option<Template>,
    pub granularity: Option<String>,
    pub lookback: Option<Template>,
    pub start_field: Option<Template>,
    pub end_field: Option<Template>,
    pub clamping: Option<Clamping>,
    pub strictly: bool,
    pub global: bool,
}

/// Windows begin and end where a day, a week or a month does.
#[derive(Debug, Clone)]
pub struct Clamping {
    pub target: Template,
    pub weekday: Option<String>,
}

#[derive(Debug, Clone)]
pub enum Kind {
    Time(Box<TimeSpec>),
    /// `IncrementingCountCursor`, with its first value.
    Count(Option<Template>),
}

/// A cursor as a manifest describes it.
#[derive(Debug, Clone)]
pub struct CursorSpec {
    pub field: Template,
    /// A catalog may name another field.
    pub is_free: bool,
    /// The field that the catalog names.
    named: Option<String>,
    pub kind: Kind,
    /// Where the window's first moment goes.
    pub start_option: Option<RequestOption>,
    /// Where the window's last moment goes.
    pub end_option: Option<RequestOption>,
    /// The source gives the newest first, and reading ends at what is known.
    pub is_data_feed: bool,
    /// What lies outside the window is left out on our side.
    pub is_client_side: bool,
}

impl CursorSpec {
    /// Reads one.
    pub fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let option = |field: &str| node.child(field).map(|option| RequestOption::load(option.value, &option.path)).transpose();
        let made = |kind, start: &str, end: &str| {
            Ok(Self {
                field: node.needed_text("cursor_field")?,
                is_free: node.says("allow_catalog_defined_cursor_field"),
                named: None,
                kind,
                start_option: option(start)?,
                end_option: option(end)?,
                is_data_feed: node.says("is_data_feed"),
                is_client_side: node.says("is_client_side_incremental"),
            })
        };
        match node.kind() {
            "DatetimeBasedCursor" => made(Kind::Time(Box::new(time(node)?)), "start_time_option", "end_time_option"),
            "IncrementingCountCursor" => made(Kind::Count(node.text("start_value")?), "start_value_option", "end_value_option"),
            _ => Err(node.unknown("cursor", &["DatetimeBasedCursor", "IncrementingCountCursor"])),
        }
    }

    /// The records' field.
    pub fn field(&self, scope: &Scope) -> Result<String, Fault> {
        self.named.clone().map_or_else(|| self.field.text(scope), Ok)
    }

    /// Goes by the field that a catalog names, where the manifest leaves that to it.
    pub fn go_by(&mut self, path: &[String], stream: &str) -> Result<(), Fault> {
        self.named = match path {
            [name, ..] if !self.is_free || name.is_empty() => None,
            [] => None,
            [name] => Some(name.clone()),
            _ => return Err(misconfigured(format!("the catalog's cursor `{}` of `{stream}` must be one field", path.join(".")))),
        };
        Ok(())
    }
}

fn time(node: &Node<'_>) -> Result<TimeSpec, Problem> {
    let word = |field: &str| node.word(field).map(str::to_owned).ok_or_else(|| node.missing(field));
    let (step, granularity) = (node.text("step")?, node.word("cursor_granularity").filter(|text| !text.is_empty()).map(str::to_owned));
    if step.is_some() != granularity.is_some() {
        let lacking = if step.is_some() { "cursor_granularity" } else { "step" };
        return Err(node.problem(format!("`step` and `cursor_granularity` belong together, and `{lacking}` is missing")));
    }
    if let Some(text) = &granularity
        && crate::dates::Duration::parse(text).is_none()
    {
        return Err(node.problem(format!("`cursor_granularity` is `{text}`, and must be a duration like `PT1S` or `P1D`")));
    }
    let format = word("datetime_format")?;
    let mut formats: Vec<String> =
        node.children("cursor_datetime_formats").iter().filter_map(|one| one.value.as_str().map(str::to_owned)).collect();
    formats.push(format.clone());
    let clamping = match node.child("clamping") {
        None => None,
        Some(clamping) => Some(Clamping {
            target: clamping.needed_text("target")?,
            weekday: clamping.value.pointer("/target_details/weekday").and_then(Value::as_str).map(str::to_owned),
        }),
    };
    Ok(TimeSpec {
        format,
        formats,
        start: moment(node, "start_datetime")?.ok_or_else(|| node.missing("start_datetime"))?,
        end: moment(node, "end_datetime")?,
        step,
        granularity,
        lookback: node.text("lookback_window")?,
        start_field: node.text("partition_field_start")?,
        end_field: node.text("partition_field_end")?,
        clamping,
        strictly: node.says("is_compare_strictly"),
        global: node.says("global_substream_cursor"),
    })
}

fn moment(node: &Node<'_>, field: &str) -> Result<Option<Moment>, Problem> {
    let Some(inner) = node.child(field) else { return Ok(None) };
    if !inner.value.is_object() {
        let text = node.text(field)?;
        return Ok(text.filter(|text| !text.source().is_empty()).map(|text| Moment { text, format: None, min: None, max: None }));
    }
    Ok(Some(Moment {
        text: inner.needed_text("datetime")?,
        format: inner.word("datetime_format").filter(|format| !format.is_empty()).map(str::to_owned),
        min: inner.text("min_datetime")?,
        max: inner.text("max_datetime")?,
    }))
}
