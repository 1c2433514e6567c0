//! A language model may help with what is uncertain, where somebody has set one up. It is asked about columns and references
//! the organizer is not sure of, is shown masked values only, may only choose among answers that fit the data, and what it says
//! is a suggestion beside the plan. Without it, or when it fails, everything is as it was.

pub mod ask;
pub mod check;
pub mod plain;
#[cfg(test)]
mod tests;

use serde::Serialize;

use super::plan::Plan;

/// Where a model answers: any endpoint that speaks the chat completions of OpenAI's API.
#[derive(Clone)]
pub struct Endpoint {
    /// Its address, up to and without `/chat/completions`.
    pub url: String,
    /// The model's name.
    pub model: String,
    /// What to show it as a bearer token, where it wants one.
    pub key: Option<String>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = self.key.as_ref().map(|_| "***");
        out.debug_struct("Endpoint").field("url", &self.url).field("model", &self.model).field("key", &key).finish()
    }
}

/// The way to an endpoint. [`plain::Plain`] is one without encryption, for models on this machine or in one's own network.
pub trait Post {
    /// Sends a JSON body with a bearer token and returns the body of a good answer, or says in words what went wrong.
    fn post(&self, url: &str, key: Option<&str>, body: &str) -> Result<String, String>;
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// Its number.
    pub id: usize,
    /// What the question is about, in words.
    pub about: String,
    /// The answers there are.
    pub options: Vec<String>,
    /// A few masked values.
    pub values: Vec<String>,
    #[serde(skip)]
    subject: Subject,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Subject {
    Column { entity: String, stream: String, path: String },
    Reference { at: usize },
    Name { stream: String, path: String },
}

/// What a model thinks, after it was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// What it is about: a column, or a reference between two.
    pub subject: String,
    /// What the plan says.
    pub now: String,
    /// What the model would say.
    pub rather: String,
    /// Why that is possible.
    pub because: String,
}

/// What came of asking.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// What the model would change.
    pub suggestions: Vec<Suggestion>,
    /// Questions that were asked.
    pub asked: usize,
    /// Answers that do not fit the data or were not among the options.
    pub refused: usize,
    /// Why nobody was asked, or nobody answered.
    pub failed: Option<String>,
}

/// Asks about what is uncertain in a plan. This never fails: a model that cannot be asked is a model that has nothing to say.
pub fn advise(plan: &Plan, endpoint: &Endpoint, post: &dyn Post) -> Advice {
    let questions = ask::questions(plan);
    let mut advice = Advice { asked: questions.len(), ..Advice::default() };
    for portion in questions.chunks(ask::AT_ONCE) {
        let body = ask::body(&endpoint.model, portion);
        let url = format!("{}/chat/completions", endpoint.url.trim_end_matches('/'));
        let answered = post.post(&url, endpoint.key.as_deref(), &body).and_then(|answer| ask::answers(&answer));
        match answered {
            Ok(answers) => check::all(plan, portion, &answers, &mut advice),
            Err(why) => {
                advice.failed = Some(why);
                return advice;
            }
        }
    }
    advice
}
