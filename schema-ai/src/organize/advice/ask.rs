//! The questions, how they are put, and how answers are read.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Question, Subject};
use crate::organize::concepts::library::Library;
use crate::organize::concepts::values;
use crate::organize::keys;
use crate::organize::normalize::{Column, Stream};
use crate::organize::plan::Plan;
use crate::organize::profile::Stats;
use crate::organize::quality::{mask, personal};

/// Questions in one request.
pub const AT_ONCE: usize = 20;
/// Questions about one plan.
const MOST: usize = 60;
/// Above this nobody is asked.
const SURE: f64 = 0.75;
/// Values shown with a question.
const SHOWN: usize = 4;
/// The answer of those who think that nothing fits.
pub const NONE: &str = "none";

const SYSTEM: &str = "You help to organize data. Each question has an id, options and masked values, in which letters are x and digits 9. \
Answer with JSON alone: {\"answers\":[{\"id\":0,\"choice\":\"one of the options, exactly\"}]}. Where the options are empty, choice is a name in \
snake_case that says what the column holds. Leave out what you do not know.";

/// What the plan is not sure of, the least sure first.
pub fn questions(plan: &Plan) -> Vec<Question> {
    let mut open: Vec<(f64, Question)> = columns(plan);
    open.extend(references(plan));
    open.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.about.cmp(&b.1.about)));
    open.truncate(MOST);
    open.extend(names(plan).into_iter().take(MOST - open.len()).map(|question| (1.0, question)));
    open.into_iter().enumerate().map(|(id, (_, question))| Question { id, ..question }).collect()
}

fn columns(plan: &Plan) -> Vec<(f64, Question)> {
    let library = Library::shipped().unwrap_or_default();
    let mut open = Vec::new();
    for entity in &plan.entities {
        let Some(concept) = library.entities.iter().find(|concept| concept.name == entity.name) else { continue };
        for source in entity.fields.iter().chain(&entity.more).flat_map(|field| &field.sources).filter(|source| source.confidence < SURE) {
            let Some((_, column, stats)) = find(plan, &source.stream, &source.path) else { continue };
            let fitting = concept.fields.iter().filter(|field| values::fit(column, stats, &field.holds) > 0.5);
            let mut options: Vec<String> = fitting.map(|field| field.name.clone()).collect();
            options.dedup();
            options.push(NONE.to_owned());
            let about = format!("which field of a {} is column `{}` of `{}`", entity.name, source.path, source.stream);
            let subject = Subject::Column { entity: entity.name.clone(), stream: source.stream.clone(), path: source.path.clone() };
            open.push((source.confidence, Question { id: 0, about, options, values: shown(column, stats), subject }));
        }
    }
    open
}

fn references(plan: &Plan) -> Vec<(f64, Question)> {
    let mut open = Vec::new();
    for (at, relation) in plan.relations.iter().enumerate().filter(|(_, relation)| relation.confidence < SURE) {
        let [from] = relation.from.as_slice() else { continue };
        let Some((_, column, stats)) = find(plan, &relation.from_stream, from) else { continue };
        let about =
            format!("does column `{from}` of `{}` refer to `{}` of `{}`", relation.from_stream, relation.to.join(","), relation.to_stream);
        let options = vec!["yes".to_owned(), "no".to_owned()];
        open.push((
            relation.confidence,
            Question { id: 0, about, options, values: shown(column, stats), subject: Subject::Reference { at } },
        ));
    }
    open
}

/// Columns whose names say nothing: `c1`, `f_07`, `col3`.
fn names(plan: &Plan) -> Vec<Question> {
    let mut open = Vec::new();
    for stream in &plan.streams {
        for column in stream.root().into_iter().flat_map(|table| &table.columns).filter(|column| is_nameless(&column.path)) {
            let stats = keys::stats(&stream.profile, column);
            let about = format!("what is a better name for column `{}` of `{}`", column.path, stream.name);
            let subject = Subject::Name { stream: stream.name.clone(), path: column.path.clone() };
            open.push(Question { id: 0, about, options: Vec::new(), values: shown(column, stats), subject });
        }
    }
    open
}

fn is_nameless(path: &str) -> bool {
    let letters: String = path.chars().filter(char::is_ascii_alphabetic).collect();
    let numbered = path.chars().any(|c| c.is_ascii_digit())
        && matches!(letters.to_ascii_lowercase().as_str(), "" | "c" | "f" | "col" | "column" | "field" | "attr" | "x" | "v" | "custom");
    numbered && !path.contains('.')
}

/// A column by its stream and path.
pub fn find<'a>(plan: &'a Plan, stream: &str, path: &str) -> Option<(&'a Stream, &'a Column, &'a Stats)> {
    let stream = plan.streams.iter().find(|one| one.name == stream)?;
    let column = stream.tables.iter().flat_map(|table| &table.columns).find(|column| column.path == path && !column.is_overflow)?;
    Some((stream, column, keys::stats(&stream.profile, column)))
}

/// Values as shapes alone: nothing that was said leaves the house.
fn shown(column: &Column, stats: &Stats) -> Vec<String> {
    let tag = personal::of(column, stats).or(Some(personal::Personal::Person));
    stats
        .sketch
        .texts()
        .take(SHOWN)
        .map(|(text, _)| mask::value(text, tag.filter(|tag| *tag != personal::Personal::Mentions).or(Some(personal::Personal::Person))))
        .collect()
}

/// The request.
pub fn body(model: &str, questions: &[Question]) -> String {
    let asked = json!({"questions": questions}).to_string();
    let messages = json!([{"role": "system", "content": SYSTEM}, {"role": "user", "content": asked}]);
    json!({"model": model, "temperature": 0, "response_format": {"type": "json_object"}, "messages": messages}).to_string()
}

/// The choice for each question, from an answer of the API.
pub fn answers(answer: &str) -> Result<BTreeMap<usize, String>, String> {
    let answer: Value = serde_json::from_str(answer).map_err(|cause| format!("the answer is not JSON: {cause}"))?;
    let content = answer.pointer("/choices/0/message/content").and_then(Value::as_str).ok_or("the answer has no message")?;
    // Some models put their JSON between fences, however they are asked.
    let from = content.find('{').ok_or("the message has no JSON in it")?;
    let to = content.rfind('}').map_or(content.len(), |at| at + 1);
    let said: Value =
        serde_json::from_str(content.get(from..to).unwrap_or_default()).map_err(|cause| format!("the message is not JSON: {cause}"))?;
    let list = said.get("answers").and_then(Value::as_array).ok_or("the message has no `answers`")?;
    let one =
        |answer: &Value| Some((usize::try_from(answer.get("id")?.as_u64()?).ok()?, answer.get("choice")?.as_str()?.trim().to_owned()));
    Ok(list.iter().filter_map(one).collect())
}
