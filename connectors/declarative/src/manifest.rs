//! Reads a manifest and makes it plain: YAML to values, `$ref` resolved, `$parameters` handed down.

use serde_json::{Map, Value};

use crate::{
    Problem,
    places::{Places, join},
    yaml,
};

/// The text of a YAML (or JSON) file as a value, and where everything in it stands.
pub fn parse(file: &str, text: &str) -> Result<(Value, Places), Problem> {
    let problem = |line: Option<usize>, message: String| Problem { file: file.to_owned(), line, path: String::new(), message };
    // JSON spells some characters in a way that YAML does not know.
    let json = if text.trim_start().starts_with('{') { crate::decode::json::parse(text.as_bytes()).ok() } else { None };
    let read = || {
        let document = yaml::load(text, true).map_err(|error| problem(Some(error.marker().line()), error.info().to_owned()))?;
        let document = document.ok_or_else(|| problem(None, "the file is empty".to_owned()))?;
        let mut places = Places::default();
        let value = yaml::value(&document, "", &mut places).map_err(|(line, message)| problem(Some(line), message))?;
        Ok((value, places))
    };
    match (json, read()) {
        (Some(value), read) => Ok((value, read.map(|(_, places)| places).unwrap_or_default())),
        (None, read) => read,
    }
}

/// The first field that stands twice in an object of a file.
pub fn twice(text: &str) -> Option<Problem> {
    let error = yaml::load(text, false).err()?;
    Some(Problem { line: Some(error.marker().line()), ..Problem::manifest("", format!("{}; the last one counts", error.info())) })
}

/// The manifest without references: whatever `$ref` names is put in its place, and what stands beside `$ref` wins. Components
/// get the types that their places imply, and the parameters that were handed down to them.
pub fn resolve(manifest: &Value) -> Result<Value, Vec<Problem>> {
    let mut resolver = Resolver { root: manifest, following: Vec::new(), values: 0, problems: Vec::new() };
    let mut resolved = resolver.inline(manifest, "");
    if !resolver.problems.is_empty() {
        return Err(resolver.problems);
    }
    if let Value::Object(fields) = &mut resolved {
        fields.entry("type").or_insert_with(|| Value::String("DeclarativeSource".to_owned()));
    }
    let mut made = hand_down_with(resolved, "", &Map::new(), false);
    bind(&mut made);
    Ok(made)
}

/// How many values a manifest may have when every reference is followed.
const VALUES_MAX: usize = 1_500_000;

struct Resolver<'a> {
    root: &'a Value,
    following: Vec<String>,
    values: usize,
    problems: Vec<Problem>,
}

impl Resolver<'_> {
    fn inline(&mut self, node: &Value, path: &str) -> Value {
        self.values += 1;
        if self.values > VALUES_MAX {
            if self.values == VALUES_MAX + 1 {
                self.problems
                    .push(Problem::manifest(path, format!("with all references followed there are more than {VALUES_MAX} values")));
            }
            return Value::Null;
        }
        match node {
            Value::String(text) if text.starts_with("#/") => self.follow(text, path),
            Value::Array(items) => items.iter().enumerate().map(|(index, item)| self.inline(item, &format!("{path}[{index}]"))).collect(),
            Value::Object(fields) => self.object(fields, path),
            other => other.clone(),
        }
    }

    fn object(&mut self, fields: &Map<String, Value>, path: &str) -> Value {
        let mut made = match fields.get("$ref").and_then(Value::as_str) {
            // A schema may name another file, which nobody follows: the text stands for what it names.
            Some(text) if !text.starts_with("#/") && path.contains("schema") => return Value::String(text.to_owned()),
            Some(reference) => match self.follow(reference, path) {
                Value::Object(target) => target,
                other => return other,
            },
            None => Map::new(),
        };
        for (name, inner) in fields.iter().filter(|(name, _)| *name != "$ref") {
            let here = join(path, name);
            // Definitions are only what others point at; resolving them where they stand would be work for nothing.
            let stays = here == "definitions" || name == "config_overrides";
            let value = if stays { inner.clone() } else { self.inline(inner, &here) };
            made.insert(name.clone(), value);
        }
        Value::Object(made)
    }

    fn follow(&mut self, reference: &str, path: &str) -> Value {
        if self.following.iter().any(|known| known == reference) {
            self.problems.push(Problem::manifest(path, format!("the reference `{reference}` leads in a circle")));
            return Value::Null;
        }
        match look_up(self.root, reference) {
            Ok(target) => {
                self.following.push(reference.to_owned());
                let made = self.inline(target, path);
                self.following.pop();
                made
            }
            Err(why) => {
                self.problems.push(Problem::manifest(path, why));
                Value::Null
            }
        }
    }
}

/// What a reference names. The whole remaining path may be one name.
fn look_up<'a>(root: &'a Value, reference: &str) -> Result<&'a Value, String> {
    let mut rest = reference.trim_start_matches("#/");
    let mut at = root;
    while !rest.is_empty() {
        if let Some(found) = at.get(rest) {
            return Ok(found);
        }
        let (name, behind) = rest.split_once('/').unwrap_or((rest, ""));
        let next = name.parse::<usize>().ok().and_then(|index| at.get(index)).or_else(|| at.get(name));
        let Some(found) = next else {
            let known = at.as_object().map(|fields| fields.keys().map(String::as_str).collect::<Vec<_>>()).unwrap_or_default();
            return Err(format!("`{reference}` leads nowhere: there is no `{name}`{}", syncline_model::nearest::hint(name, known)));
        };
        at = found;
        rest = behind;
    }
    Ok(at)
}

/// Gives every template the parameters of its component. They are fixed by now, so each template that looks at them begins with a
/// statement that sets them. Templates of streams that are still to be made from a template get theirs when they are made.
pub fn bind(node: &mut Value) {
    bind_in(node, None);
}

fn bind_in(node: &mut Value, parameters: Option<&Value>) {
    match node {
        Value::String(text) => {
            let looks = text.contains("parameters") && (text.contains("{{") || text.contains("{%"));
            if let Some(parameters) = parameters.filter(|_| looks) {
                *text = format!("{{% set parameters = {} %}}{text}", as_jinja(parameters));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| bind_in(item, parameters)),
        Value::Object(fields) => {
            let own = fields.get("$parameters").cloned();
            let parameters = own.as_ref().or(parameters);
            for (name, inner) in fields.iter_mut() {
                let stays =
                    ["$parameters", "stream_template", "schema", "connection_specification", "definitions"].contains(&name.as_str());
                if !stays {
                    bind_in(inner, parameters);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A value as a template spells it.
fn as_jinja(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(as_jinja).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{}: {}", Value::from(name.as_str()), as_jinja(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

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

/// The parents of other streams keep their answers for the whole job, unless their requester says no: every stream that hangs on
/// them then reads them once.
pub fn keep_parents(manifest: &mut Value) {
    let mut names = Vec::new();
    if let Some(streams) = manifest.get_mut("streams").and_then(Value::as_array_mut) {
        for stream in streams.iter_mut() {
            for router in routers(stream) {
                keep_in_router(router, &mut names);
            }
        }
        for stream in streams
            .iter_mut()
            .filter(|stream| stream.get("name").and_then(Value::as_str).is_some_and(|name| names.iter().any(|known| known == name)))
        {
            keep(stream);
        }
    }
}

fn routers(stream: &mut Value) -> Vec<&mut Value> {
    match stream.get_mut("retriever").and_then(|retriever| retriever.get_mut("partition_router")) {
        Some(Value::Array(items)) => items.iter_mut().collect(),
        Some(router) => vec![router],
        None => Vec::new(),
    }
}

fn keep_in_router(router: &mut Value, names: &mut Vec<String>) {
    for parent in router.get_mut("parent_stream_configs").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(stream) = parent.get_mut("stream") else { continue };
        names.extend(stream.get("name").and_then(Value::as_str).map(str::to_owned));
        keep(stream);
    }
    for inner in router.get_mut("partition_routers").and_then(Value::as_array_mut).into_iter().flatten() {
        keep_in_router(inner, names);
    }
    if let Some(inner) = router.get_mut("underlying_partition_router") {
        keep_in_router(inner, names);
    }
}

fn keep(stream: &mut Value) {
    for way in ["full_refresh_stream", "incremental_stream"] {
        if let Some(inner) = stream.get_mut(way) {
            keep(inner);
        }
    }
    let requester = stream.get_mut("retriever").and_then(|retriever| retriever.get_mut("requester")).and_then(Value::as_object_mut);
    if let Some(requester) = requester
        && requester.get("use_cache") != Some(&Value::Bool(false))
    {
        requester.insert("use_cache".to_owned(), Value::Bool(true));
    }
}
