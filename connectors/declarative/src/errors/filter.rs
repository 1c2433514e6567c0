//! One `HttpResponseFilter`.

use syncline_model::{Fault, nearest};

use super::{Action, Verdict, seen::Seen};
use crate::{node::Node, problem::Problem, template::Template};

/// Which answers a rule is for, and what it makes of them.
#[derive(Debug, Clone)]
pub struct Filter {
    codes: Vec<u16>,
    contains: Option<String>,
    predicate: Option<Template>,
    /// A rule without an action never holds.
    action: Option<Action>,
    config: Option<bool>,
    message: Option<Template>,
}

impl Filter {
    pub(super) fn load(node: &Node<'_>) -> Result<Self, Problem> {
        if !matches!(node.kind(), "" | "HttpResponseFilter") {
            return Err(node.unknown("response filter", &["HttpResponseFilter"]));
        }
        let action = match node.word("action") {
            None => None,
            Some(name) => match Action::NAMES.iter().find(|(known, _)| *known == name) {
                Some((_, action)) => Some(*action),
                None => {
                    let hint = nearest::hint(name, Action::NAMES.iter().map(|(known, _)| *known));
                    return Err(Problem::manifest(&node.below("action"), format!("unknown action `{name}`{hint}")));
                }
            },
        };
        let text = |field: &str| Ok::<_, Problem>(node.text(field)?.filter(|template| !template.source().is_empty()));
        Ok(Self {
            codes: codes(node)?,
            contains: node.word("error_message_contains").filter(|part| !part.is_empty()).map(str::to_owned),
            predicate: text("predicate")?,
            action,
            config: node.word("failure_type").map(|kind| kind == "config_error"),
            message: text("error_message")?,
        })
    }

    /// What it makes of an answer, if the answer is one of its.
    pub(super) fn judge(&self, seen: &Seen<'_>) -> Result<Option<Verdict>, Fault> {
        let Some(action) = self.action else { return Ok(None) };
        if !self.holds(seen)? {
            return Ok(None);
        }
        let message = self.message.as_ref().map(|message| message.text(&seen.scope(message, true))).transpose()?;
        let usual = Verdict::of_status(seen.status()).config;
        let config = self.config.filter(|_| action == Action::Fail).unwrap_or(usual);
        Ok(Some(Verdict { action, config, message: message.filter(|message| !message.is_empty()) }))
    }

    fn holds(&self, seen: &Seen<'_>) -> Result<bool, Fault> {
        if self.codes.contains(&seen.status()) {
            return Ok(true);
        }
        // A predicate sees no settings.
        if let Some(predicate) = &self.predicate
            && predicate.holds(&seen.scope(predicate, false))?
        {
            return Ok(true);
        }
        Ok(self.contains.as_ref().is_some_and(|part| seen.complaint().is_some_and(|said| said.contains(part.as_str()))))
    }
}

fn codes(node: &Node<'_>) -> Result<Vec<u16>, Problem> {
    let code = |code: Node<'_>| {
        let text = code.value.as_str().map_or_else(|| code.value.to_string(), str::to_owned);
        text.parse().map_err(|_| code.problem(format!("`{text}` is no HTTP status")))
    };
    node.children("http_codes").into_iter().map(code).collect()
}
