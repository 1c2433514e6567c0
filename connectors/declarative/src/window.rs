//! `DatetimeBasedCursor`: from when on a stream is read, and how far it was read.

use jiff::Timestamp;
use serde_json::{Map, Value};
use syncline_model::Fault;

use crate::{
    dates,
    problem::Problem,
    request::{Extra, RequestOption, text},
    template::{Scope, Template},
};

/// A time given by a manifest.
#[derive(Debug, Clone)]
struct Moment {
    text: Template,
    format: Option<String>,
}

/// A `DatetimeBasedCursor`.
#[derive(Debug, Clone)]
pub struct Window {
    /// The field of the records.
    pub field: String,
    format: String,
    formats: Vec<String>,
    start: Moment,
    end: Option<Moment>,
    lookback: Option<Template>,
    start_option: Option<RequestOption>,
    end_option: Option<RequestOption>,
    client_side: bool,
}

/// One reading's window, as texts in the source's format.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Range {
    /// Its first moment.
    pub start_time: String,
    /// Its last moment.
    pub end_time: String,
}

impl Window {
    /// Reads one.
    pub fn load(node: Option<&Value>, path: &str) -> Result<Option<Self>, Problem> {
        let Some(node) = node.filter(|node| !node.is_null()) else { return Ok(None) };
        let kind = node.get("type").and_then(Value::as_str).unwrap_or_default();
        if kind != "DatetimeBasedCursor" {
            let hint = syncline_model::nearest::hint(kind, ["DatetimeBasedCursor"]);
            return Err(Problem::manifest(path, format!("`{kind}` is not supported{hint}")));
        }
        let word = |field: &str| node.get(field).and_then(Value::as_str).map(str::to_owned);
        let needed = |field: &str| word(field).ok_or_else(|| Problem::manifest(path, format!("`{field}` is missing")));
        let option = |field: &str| {
            node.get(field).filter(|node| !node.is_null()).map(|node| RequestOption::load(node, &format!("{path}.{field}"))).transpose()
        };
        let mut formats: Vec<String> = node
            .get("cursor_datetime_formats")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|format| format.as_str().map(str::to_owned))
            .collect();
        let format = needed("datetime_format")?;
        formats.push(format.clone());
        Ok(Some(Self {
            field: needed("cursor_field")?,
            format,
            formats,
            start: moment(node, "start_datetime", path)?.ok_or_else(|| Problem::manifest(path, "`start_datetime` is missing"))?,
            end: moment(node, "end_datetime", path)?,
            lookback: text(node, "lookback_window", path)?,
            start_option: option("start_time_option")?,
            end_option: option("end_time_option")?,
            client_side: node.get("is_client_side_incremental").and_then(Value::as_bool).unwrap_or(false),
        }))
    }

    /// The window to read after a state.
    pub fn range(&self, state: &Map<String, Value>, scope: &Scope, now: Timestamp) -> Result<Range, Fault> {
        let start = self.start.time(&self.formats, scope)?;
        let end = self.end.as_ref().map(|end| end.time(&self.formats, scope)).transpose()?.unwrap_or(now).min(now.max(start));
        let mut from = start;
        if let Some(saved) = state.get(&self.field).and_then(|value| self.read(&crate::template::python_str(value))) {
            let lookback = self.lookback.as_ref().map(|lookback| lookback.text(scope)).transpose()?;
            let back =
                lookback.and_then(|duration| dates::Duration::parse(&duration)?.before(saved.into())).map_or(saved, dates::Time::timestamp);
            from = from.max(back);
        }
        Ok(Range { start_time: dates::format(from.into(), &self.format), end_time: dates::format(end.max(from).into(), &self.format) })
    }

    /// What a window puts into a request.
    pub fn put(&self, extra: &mut Extra, range: &Range) {
        let options = [(&self.start_option, &range.start_time), (&self.end_option, &range.end_time)];
        extra.options.extend(options.into_iter().filter_map(|(option, value)| Some((option.clone()?, value.clone()))));
    }

    /// The time in a record's field.
    pub fn read(&self, text: &str) -> Option<Timestamp> {
        self.formats.iter().find_map(|format| dates::parse(text, format)).map(dates::Time::timestamp)
    }

    /// A time as the state keeps it.
    pub fn write(&self, time: Timestamp) -> String {
        dates::format(time.into(), &self.format)
    }

    /// A record of this time belongs to the window. Only streams that filter on our side leave any out.
    pub fn keeps(&self, time: Option<Timestamp>, range: &Range) -> bool {
        let (Some(time), true) = (time, self.client_side) else { return true };
        self.read(&range.start_time).is_none_or(|start| time >= start)
    }
}

impl Moment {
    fn time(&self, formats: &[String], scope: &Scope) -> Result<Timestamp, Fault> {
        let text = self.text.text(scope)?;
        let mut known = self.format.iter().chain(formats);
        known
            .find_map(|format| dates::parse(&text, format))
            .map(dates::Time::timestamp)
            .or_else(|| text.parse().ok())
            .ok_or_else(|| Fault::Misconfigured(format!("`{text}` is no time in the format that the connector wants")))
    }
}

fn moment(node: &Value, field: &str, path: &str) -> Result<Option<Moment>, Problem> {
    match node.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(inner @ Value::Object(_)) => {
            let here = format!("{path}.{field}");
            let text = text(inner, "datetime", &here)?.ok_or_else(|| Problem::manifest(&here, "`datetime` is missing"))?;
            Ok(Some(Moment { text, format: inner.get("datetime_format").and_then(Value::as_str).map(str::to_owned) }))
        }
        Some(_) => Ok(text(node, field, path)?.map(|text| Moment { text, format: None })),
    }
}
