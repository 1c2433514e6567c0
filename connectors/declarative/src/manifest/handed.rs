//! Hands `$parameters` down, and gives components the types that their places imply.

use serde_json::{Map, Value};

/// The type that a component has by its place, when none is written.
const TYPES: &[(&str, &str)] = &[
    ("CompositeErrorHandler.error_handlers", "DefaultErrorHandler"),
    ("CursorPagination.decoder", "JsonDecoder"),
    ("DatetimeBasedCursor.end_datetime", "MinMaxDatetime"),
    ("DatetimeBasedCursor.end_time_option", "RequestOption"),
    ("DatetimeBasedCursor.start_datetime", "MinMaxDatetime"),
    ("DatetimeBasedCursor.start_time_option", "RequestOption"),
    ("DeclarativeSource.check", "CheckStream"),
    ("DeclarativeSource.spec", "Spec"),
    ("DeclarativeSource.streams", "DeclarativeStream"),
    ("DeclarativeStream.retriever", "SimpleRetriever"),
    ("DeclarativeStream.schema_loader", "JsonFileSchemaLoader"),
    ("DynamicDeclarativeStream.stream_template", "DeclarativeStream"),
    ("DynamicDeclarativeStream.components_resolver", "ConfigComponentsResolver"),
    ("HttpComponentsResolver.retriever", "SimpleRetriever"),
    ("HttpComponentsResolver.components_mapping", "ComponentMappingDefinition"),
    ("ConfigComponentsResolver.stream_config", "StreamConfig"),
    ("ConfigComponentsResolver.components_mapping", "ComponentMappingDefinition"),
    ("DefaultErrorHandler.response_filters", "HttpResponseFilter"),
    ("DefaultPaginator.decoder", "JsonDecoder"),
    ("DefaultPaginator.page_size_option", "RequestOption"),
    ("DpathExtractor.decoder", "JsonDecoder"),
    ("DpathExtractor.record_expander", "RecordExpander"),
    ("HttpRequester.error_handler", "DefaultErrorHandler"),
    ("ListPartitionRouter.request_option", "RequestOption"),
    ("ParentStreamConfig.request_option", "RequestOption"),
    ("ParentStreamConfig.stream", "DeclarativeStream"),
    ("RecordExpander.parent_fields", "ParentFieldPath"),
    ("RecordSelector.extractor", "DpathExtractor"),
    ("RecordSelector.record_filter", "RecordFilter"),
    ("SimpleRetriever.paginator", "NoPagination"),
    ("SimpleRetriever.record_selector", "RecordSelector"),
    ("SimpleRetriever.requester", "HttpRequester"),
    ("SubstreamPartitionRouter.parent_stream_configs", "ParentStreamConfig"),
    ("AddFields.fields", "AddedFieldDefinition"),
    ("CustomPartitionRouter.parent_stream_configs", "ParentStreamConfig"),
    ("DynamicSchemaLoader.retriever", "SimpleRetriever"),
    ("SchemaTypeIdentifier.types_map", "TypesMap"),
];

/// The type of a custom component by its place.
const CUSTOM_TYPES: &[(&str, &str)] = &[
    ("CompositeErrorHandler.backoff_strategies", "CustomBackoffStrategy"),
    ("DeclarativeStream.retriever", "CustomRetriever"),
    ("DeclarativeStream.transformations", "CustomTransformation"),
    ("DefaultErrorHandler.backoff_strategies", "CustomBackoffStrategy"),
    ("DefaultPaginator.pagination_strategy", "CustomPaginationStrategy"),
    ("HttpRequester.authenticator", "CustomAuthenticator"),
    ("HttpRequester.error_handler", "CustomErrorHandler"),
    ("RecordSelector.extractor", "CustomRecordExtractor"),
    ("SimpleRetriever.partition_router", "CustomPartitionRouter"),
];

/// Components get the types that their places imply, and `$parameters` of a component fill the empty fields of everything inside it
/// that is a component. `place` is the type and field that a value stands in; of two parameters of one name the inner one wins,
/// unless `outer_wins`.
pub fn hand_down_with(node: Value, place: &str, outer: &Map<String, Value>, outer_wins: bool) -> Value {
    let Value::Object(mut fields) = node else { return node };
    if !fields.contains_key("type") {
        let types = if fields.contains_key("class_name") { CUSTOM_TYPES } else { TYPES };
        if let Some((_, kind)) = types.iter().find(|(known, _)| *known == place) {
            fields.insert("type".to_owned(), Value::String((*kind).to_owned()));
        }
    }
    let own = match fields.shift_remove("$parameters") {
        Some(Value::Object(own)) => own,
        _ => Map::new(),
    };
    let (first, second) = if outer_wins { (&own, outer) } else { (outer, &own) };
    let mut parameters: Map<String, Value> = first.iter().chain(second).map(|(name, value)| (name.clone(), value.clone())).collect();
    let kind = match fields.get("type") {
        Some(Value::String(kind)) if kind != "object" => kind.clone(),
        // A JSON schema, or a field of the name `type`.
        Some(_) => return Value::Object(fields),
        None => return Value::Object(nested(fields, place, &parameters, outer_wins)),
    };
    for (name, value) in &parameters {
        if fields.get(name).is_none_or(is_empty) {
            fields.insert(name.clone(), value.clone());
        }
    }
    let mut made = Map::new();
    for (name, inner) in fields {
        let here = format!("{kind}.{name}");
        let value = match inner {
            Value::Object(_) => without(&mut parameters, &name, |parameters| hand_down_with(inner, &here, parameters, outer_wins)),
            Value::Array(items) => without(&mut parameters, &name, |parameters| {
                items.into_iter().map(|item| hand_down_with(item, &here, parameters, outer_wins)).collect()
            }),
            other => other,
        };
        made.insert(name, value);
    }
    if !parameters.is_empty() {
        made.insert("$parameters".to_owned(), Value::Object(parameters));
    }
    Value::Object(made)
}

/// A parameter of a field's own name is not handed into that field.
fn without(parameters: &mut Map<String, Value>, name: &str, work: impl FnOnce(&Map<String, Value>) -> Value) -> Value {
    let Some(taken) = parameters.shift_remove(name) else { return work(parameters) };
    let made = work(parameters);
    if !is_empty(&taken) {
        parameters.insert(name.to_owned(), taken);
    }
    made
}

/// An object that is no component may hold some.
fn nested(fields: Map<String, Value>, place: &str, parameters: &Map<String, Value>, outer_wins: bool) -> Map<String, Value> {
    let is_component = |value: &Value| value.get("type").is_some_and(|kind| !is_empty(kind));
    let one = |(name, value): (String, Value)| {
        let value = if is_component(&value) { hand_down_with(value, place, parameters, outer_wins) } else { value };
        (name, value)
    };
    fields.into_iter().map(one).collect()
}

/// What Python takes for no.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Number(number) => number.as_str().trim_start_matches('-').chars().all(|digit| digit == '0' || digit == '.'),
        Value::Bool(true) => false,
    }
}
