//! The components that are run here and the fields that each of them has. A component or a field that is not in this list is refused
//! by name, so that nothing is left out without a word.

use serde_json::{Map, Value};
use syncline_model::nearest;

use crate::{places::join, problem::Problem};

const COMPONENTS: &[(&str, &[&str])] = &[
    ("DeclarativeSource", &["version", "check", "streams", "definitions", "spec", "metadata", "description", "schemas"]),
    ("CheckStream", &["stream_names"]),
    ("Spec", &["connection_specification", "documentation_url"]),
    ("DeclarativeStream", &["name", "primary_key", "retriever", "incremental_sync", "schema_loader", "transformations"]),
    ("AddFields", &["fields", "condition"]),
    ("AddedFieldDefinition", &["path", "value", "value_type"]),
    ("RemoveFields", &["field_pointers", "condition"]),
    ("SimpleRetriever", &["requester", "record_selector", "paginator", "partition_router", "decoder", "name", "primary_key"]),
    (
        "HttpRequester",
        &[
            "url_base",
            "url",
            "path",
            "http_method",
            "authenticator",
            "request_parameters",
            "request_headers",
            "request_body_json",
            "request_body_data",
            "error_handler",
            "use_cache",
            "name",
            "primary_key",
        ],
    ),
    ("RecordSelector", &["extractor"]),
    ("DpathExtractor", &["field_path"]),
    ("InlineSchemaLoader", &["schema"]),
    ("JsonDecoder", &[]),
    ("NoAuth", &[]),
    ("NoPagination", &[]),
    ("ApiKeyAuthenticator", &["api_token", "inject_into", "header"]),
    ("BearerAuthenticator", &["api_token"]),
    ("BasicHttpAuthenticator", &["username", "password"]),
    ("RequestOption", &["inject_into", "field_name"]),
    ("RequestPath", &[]),
    ("DefaultPaginator", &["pagination_strategy", "page_token_option", "page_size_option"]),
    ("PageIncrement", &["page_size", "start_from_page", "inject_on_first_request"]),
    ("OffsetIncrement", &["page_size", "inject_on_first_request"]),
    ("CursorPagination", &["page_size", "cursor_value", "stop_condition"]),
    (
        "DatetimeBasedCursor",
        &[
            "cursor_field",
            "datetime_format",
            "cursor_datetime_formats",
            "start_datetime",
            "end_datetime",
            "start_time_option",
            "end_time_option",
            "lookback_window",
            "is_client_side_incremental",
        ],
    ),
    ("MinMaxDatetime", &["datetime", "datetime_format"]),
    ("ListPartitionRouter", &["values", "cursor_field", "request_option"]),
    ("SubstreamPartitionRouter", &["parent_stream_configs"]),
    ("ParentStreamConfig", &["stream", "parent_key", "partition_field", "request_option"]),
    ("DefaultErrorHandler", &["response_filters", "backoff_strategies", "max_retries"]),
    ("CompositeErrorHandler", &["error_handlers"]),
    ("HttpResponseFilter", &["action", "failure_type", "http_codes", "error_message", "error_message_contains", "predicate"]),
    ("ConstantBackoffStrategy", &["backoff_time_in_seconds"]),
    ("ExponentialBackoffStrategy", &["factor"]),
    ("WaitTimeFromHeader", &["header"]),
    ("WaitUntilTimeFromHeader", &["header"]),
];

/// What JSON Schemas hold is not ours to check.
const FOREIGN: [&str; 5] = ["schema", "schemas", "connection_specification", "metadata", "$parameters"];

/// Every component and field of a manifest that is not known here, before references are resolved.
pub fn unknown(node: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    walk(node, "", &mut problems);
    problems
}

fn walk(node: &Value, path: &str, problems: &mut Vec<Problem>) {
    match node {
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| walk(item, &format!("{path}[{index}]"), problems)),
        Value::Object(fields) => {
            check(fields, path, problems);
            for (name, inner) in fields.iter().filter(|(name, _)| !FOREIGN.contains(&name.as_str())) {
                walk(inner, &join(path, name), problems);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn check(fields: &Map<String, Value>, path: &str, problems: &mut Vec<Problem>) {
    let Some(kind) = fields.get("type").and_then(Value::as_str).filter(|kind| kind.starts_with(|first: char| first.is_ascii_uppercase()))
    else {
        return;
    };
    let Some((_, known)) = COMPONENTS.iter().find(|(name, _)| *name == kind) else {
        let hint = nearest::hint(kind, COMPONENTS.iter().map(|(name, _)| *name));
        problems.push(Problem::manifest(&join(path, "type"), format!("`{kind}` is not supported{hint}")));
        return;
    };
    for name in fields.keys().filter(|name| !["type", "$ref", "$parameters"].contains(&name.as_str()) && !known.contains(&name.as_str())) {
        let hint = nearest::hint(name, known.iter().copied());
        problems.push(Problem::manifest(&join(path, name), format!("`{kind}` has no field `{name}` that is supported{hint}")));
    }
}
