//! What a model says is held against the data before anybody sees it.

use std::collections::BTreeMap;

use super::ask::{self, NONE};
use super::{Advice, Question, Subject, Suggestion};
use crate::organize::plan::Plan;

/// The longest name that a database takes.
const LONGEST: usize = 63;
/// The least part of a column's values that must be found where it is said to refer to.
const CONTAINED: f64 = 0.8;

/// Adds what is possible and new to the advice, and counts what is not.
pub fn all(plan: &Plan, questions: &[Question], answers: &BTreeMap<usize, String>, advice: &mut Advice) {
    for question in questions {
        let Some(choice) = answers.get(&question.id) else { continue };
        let offered = question.options.is_empty() || question.options.contains(choice);
        let checked = if offered { one(plan, question, choice) } else { Checked::Refused };
        match checked {
            Checked::Agrees => {}
            Checked::Refused => advice.refused += 1,
            Checked::New(suggestion) => advice.suggestions.push(suggestion),
        }
    }
}

enum Checked {
    Agrees,
    Refused,
    New(Suggestion),
}

fn one(plan: &Plan, question: &Question, choice: &str) -> Checked {
    match &question.subject {
        Subject::Column { entity, stream, path } => column(plan, entity, stream, path, choice),
        Subject::Reference { at } => reference(plan, *at, choice),
        Subject::Name { stream, path } => name(plan, stream, path, choice),
    }
}

fn column(plan: &Plan, entity: &str, stream: &str, path: &str, choice: &str) -> Checked {
    let fields = plan.entities.iter().filter(|one| one.name == entity).flat_map(|one| one.fields.iter().chain(&one.more));
    let feeds =
        |field: &&crate::organize::concepts::Field| field.sources.iter().any(|source| source.stream == stream && source.path == path);
    let now = fields.clone().find(feeds).map_or(NONE, |field| field.name.as_str());
    if now == choice {
        return Checked::Agrees;
    }
    let taken =
        fields.clone().find(|field| field.name == choice).is_some_and(|field| field.sources.iter().any(|source| source.stream == stream));
    if taken {
        // A stream feeds a field from one column; which of the two is better is not for a model to say.
        return Checked::Refused;
    }
    let because = if choice == NONE { "a column may mean nothing we know" } else { "its values have the form of that field" };
    Checked::New(Suggestion {
        subject: format!("{stream}.{path}"),
        now: format!("{entity}.{now}"),
        rather: if choice == NONE { NONE.to_owned() } else { format!("{entity}.{choice}") },
        because: because.to_owned(),
    })
}

fn reference(plan: &Plan, at: usize, choice: &str) -> Checked {
    let Some(relation) = plan.relations.get(at) else { return Checked::Refused };
    let subject = format!("{}.{} -> {}.{}", relation.from_stream, relation.from.join(","), relation.to_stream, relation.to.join(","));
    let contained = relation.evidence.contained;
    if choice == "yes" {
        return if contained >= CONTAINED { Checked::Agrees } else { Checked::Refused };
    }
    let because = format!("{:.0} % sure, {:.0} % of the values are found there", relation.confidence * 100.0, contained * 100.0);
    Checked::New(Suggestion { subject, now: "refers".to_owned(), rather: "does not refer".to_owned(), because })
}

fn name(plan: &Plan, stream: &str, path: &str, choice: &str) -> Checked {
    let good = !choice.is_empty()
        && choice.len() <= LONGEST
        && choice.starts_with(|c: char| c.is_ascii_lowercase())
        && choice.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let Some((found, column, _)) = ask::find(plan, stream, path) else { return Checked::Refused };
    let taken = found.tables.iter().flat_map(|table| &table.columns).any(|other| other.name == choice && other.path != path);
    if !good || taken {
        return Checked::Refused;
    }
    let because = "no other column has this name".to_owned();
    Checked::New(Suggestion { subject: format!("{stream}.{path}"), now: column.name.clone(), rather: choice.to_owned(), because })
}
