//! All that is wrong in a manifest, at once, and what in it nobody uses.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{Problem, components, manifest, places::join, template::Template};

/// What a look at a manifest finds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// What must be mended before it can run.
    pub errors: Vec<Problem>,
    /// What does no harm, but is hardly meant so.
    pub warnings: Vec<Problem>,
}

/// Looks through a manifest.
pub fn lint(connector: &str, text: &str) -> Findings {
    let mut found = Findings::default();
    let mut unreadable = match crate::DeclarativeConnector::from_texts(connector, text) {
        Ok(connector) => connector.checks_nothing(),
        Err(problems) => {
            found.errors = problems;
            Vec::new()
        }
    };
    let Ok((raw, places)) = manifest::parse("manifest.yaml", text) else { return found };
    templates(&raw, "", &mut unreadable);
    unreadable.retain(|problem| found.errors.iter().all(|error| error.path != problem.path));
    for mut problem in unreadable {
        problem.line = places.line(&problem.path);
        found.errors.push(problem);
    }
    let mut warnings = unused(&raw);
    unfetched(&raw, "", &mut warnings);
    for problem in components::unknown(&raw) {
        let known = found.errors.iter().any(|error| error.path == problem.path);
        if !known {
            warnings.push(problem);
        }
    }
    for problem in &mut warnings {
        problem.line = places.line(&problem.path);
    }
    warnings.extend(manifest::twice(text));
    warnings.sort_by_key(|problem| problem.line);
    found.warnings = warnings;
    found
}

/// Templates that name what no place knows: the stream that asks one of them fails.
fn templates(node: &Value, path: &str, problems: &mut Vec<Problem>) {
    match node {
        Value::String(text) => {
            let why = Template::new(text).ok().filter(Template::is_dynamic).and_then(|template| template.problem());
            problems.extend(why.map(|why| Problem::manifest(path, why)));
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| templates(item, &format!("{path}[{index}]"), problems)),
        Value::Object(fields) => {
            for (name, inner) in fields.iter().filter(|(name, _)| !components::FOREIGN.contains(&name.as_str())) {
                templates(inner, &join(path, name), problems);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Streams whose files stay where they are.
fn unfetched(node: &Value, path: &str, problems: &mut Vec<Problem>) {
    match node {
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| unfetched(item, &format!("{path}[{index}]"), problems)),
        Value::Object(fields) => {
            if fields.contains_key("retriever") && fields.get("file_uploader").is_some_and(Value::is_object) {
                let why = "files are fetched by `syncline read` alone: under the engine the stream's records are read without them";
                problems.push(Problem::manifest(&join(path, "file_uploader"), why));
            }
            fields.iter().for_each(|(name, inner)| unfetched(inner, &join(path, name), problems));
        }
        _ => {}
    }
}

/// Definitions that no reference leads to.
fn unused(raw: &Value) -> Vec<Problem> {
    let mut references = BTreeSet::new();
    collect(raw, &mut references);
    let mut problems = Vec::new();
    for (name, value) in raw.get("definitions").and_then(Value::as_object).into_iter().flatten() {
        let here = join("definitions", name);
        let pointer = format!("#/definitions/{name}");
        let is_named =
            |pointer: &str| references.iter().any(|reference| reference == pointer || reference.starts_with(&format!("{pointer}/")));
        if is_named(&pointer) {
            continue;
        }
        let is_group = value.is_object() && value.get("type").is_none();
        let inner: Vec<&String> = value.as_object().map(|fields| fields.keys().collect()).unwrap_or_default();
        if !is_group || inner.is_empty() {
            problems.push(Problem::manifest(&here, "nothing refers to this definition"));
            continue;
        }
        for field in inner.into_iter().filter(|field| !is_named(&format!("{pointer}/{field}"))) {
            problems.push(Problem::manifest(&join(&here, field), "nothing refers to this definition"));
        }
    }
    problems
}

fn collect(node: &Value, found: &mut BTreeSet<String>) {
    match node {
        Value::String(text) if text.starts_with("#/") => {
            found.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    #[test]
    fn a_template_that_names_an_unknown_variable_is_told_with_its_line_and_the_nearest_name() {
        let manifest = r#"
version: 6.0.0
type: DeclarativeSource
check: {type: CheckStream, stream_names: [items]}
streams:
  - type: DeclarativeStream
    name: items
    schema_loader: {type: InlineSchemaLoader, schema: {type: object, description: "{{ recrod }}"}}
    retriever:
      type: SimpleRetriever
      requester: {type: HttpRequester, url_base: "https://a.example", path: "{{ confg['path'] }}/{{ now_utc() }}"}
      record_selector:
        type: RecordSelector
        extractor: {type: DpathExtractor, field_path: []}
        record_filter: {type: RecordFilter, condition: "{{ recrod.id > 3 and [1] | map('string') | first == stream_slice.x }}"}
"#;
        let found = super::lint("{name: a, title: A, category: other, description: A.}", manifest);
        let said: Vec<(Option<usize>, bool)> =
            found.errors.iter().map(|problem| (problem.line, problem.to_string().contains("did you mean"))).collect();
        assert_eq!(said, [(Some(11), true), (Some(15), true)], "{:?}", found.errors);
    }

    const HEAD: &str = "
version: 6.0.0
type: DeclarativeSource
streams:
  - type: DeclarativeStream
    name: items
    retriever:
      type: SimpleRetriever
      requester: {type: HttpRequester, url_base: \"https://a.example\", path: x}
      record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: []}}
";

    fn told(rest: &str) -> super::Findings {
        super::lint("{name: a, title: A, category: other, description: A.}", &format!("{HEAD}{rest}"))
    }

    #[test]
    fn a_stream_that_the_check_would_try_in_vain_is_an_error_with_the_nearest_name() {
        let found = told("check: {type: CheckStream, stream_names: [itms]}");
        let said: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        assert!(said.len() == 1 && said[0].contains("`itms` (did you mean `items`?)"), "{said:?}");
        assert!(
            crate::DeclarativeConnector::from_texts(
                "{name: a, title: A, category: other, description: A.}",
                &format!("{HEAD}check: {{type: CheckStream, stream_names: [itms]}}")
            )
            .is_ok(),
            "what is there can be read"
        );
    }

    #[test]
    fn a_page_and_its_size_cannot_be_written_to_the_same_name() {
        let option = |name: &str| format!("{{type: RequestOption, inject_into: request_parameter, field_name: {name}}}");
        let found = |size: &str| {
            let token = option("offset");
            let size = option(size);
            let strategy = "{type: OffsetIncrement, page_size: 500}";
            let pages = format!(
                "{{type: DefaultPaginator, pagination_strategy: {strategy}, page_token_option: {token}, page_size_option: {size}}}"
            );
            let rest = "check: {type: CheckStream, stream_names: [items]}";
            super::lint("{name: a, title: A, category: other, description: A.}", &format!("{HEAD}      paginator: {pages}\n{rest}")).errors
        };
        let said: Vec<(Option<usize>, String)> = found("offset").iter().map(|problem| (problem.line, problem.to_string())).collect();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].1.contains("`page_token_option` and `page_size_option` both write `offset`"), "{said:?}");
        assert!(found("limit").is_empty());
    }

    #[test]
    fn files_that_nobody_fetches_are_told() {
        let found = told("    file_uploader: {type: FileUploader, requester: {type: HttpRequester, url_base: x}, download_target_extractor: {type: DpathExtractor, field_path: [url]}}
check: {type: CheckStream, stream_names: [items]}");
        assert!(found.warnings.iter().any(|warning| warning.line == Some(11) && warning.message.contains("without them")), "{found:?}");
    }
}
