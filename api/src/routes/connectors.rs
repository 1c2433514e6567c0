//! The connectors that can be chosen.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_model::ConnectorName;
use syncline_sdk::{Connector, catalog::ConnectorFile};
use utoipa::{IntoParams, ToSchema};

use crate::{
    gate::{Allowed, Viewer, Wherever},
    http::{answer::Answer, input::Query},
    parts::Tools,
    problem::Problem,
};

/// A connector in a listing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectorView {
    /// Its name.
    #[schema(value_type = String)]
    name: ConnectorName,
    /// What people call it.
    title: String,
    /// What kind of system it is.
    category: String,
    /// One sentence.
    description: String,
    /// Kinds of business that it is recommended for.
    business_types: Vec<String>,
}

/// A connector with all that is needed to set it up.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectorDetail {
    #[serde(flatten)]
    about: ConnectorView,
    /// What its owner does to connect it, step by step.
    setup: Vec<String>,
    /// The provider's own documentation.
    docs_url: Option<String>,
    /// Where its description came from and under which licence, when others wrote it.
    origin: Option<String>,
    /// It can be told of changes by webhooks.
    webhooks: bool,
    /// JSON Schema of its settings. Secret places have `airbyte_secret`, `writeOnly` or `format: password`.
    #[schema(value_type = Object)]
    settings_schema: Value,
}

/// The connectors that were found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Found {
    /// The connectors, the best match first.
    items: Vec<ConnectorView>,
    /// Every category that there is.
    categories: Vec<String>,
}

/// Which connectors are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Search {
    /// Words that name, title, category, description or kinds of business must contain.
    q: Option<String>,
    /// Only this category.
    category: Option<String>,
}

impl From<&ConnectorFile> for ConnectorView {
    fn from(file: &ConnectorFile) -> Self {
        Self {
            name: file.name.clone(),
            title: file.title.clone(),
            category: file.category.clone(),
            description: file.description.clone(),
            business_types: file.business_types.clone(),
        }
    }
}

/// Search the connectors.
#[utoipa::path(get, path = "/api/v1/connectors", params(Search), responses((status = 200, body = Found)))]
pub(crate) async fn list_connectors(asked: Allowed<Viewer, Wherever, Query<Search>>) -> Result<Answer, Problem> {
    let Search { q, category } = asked.input.0;
    let words: Vec<String> = q.unwrap_or_default().split_whitespace().map(str::to_lowercase).collect();
    let files: Vec<&ConnectorFile> = asked.tools.connectors.iter().map(|one| one.file()).filter(|file| asked.tools.shows(file)).collect();
    let mut categories: Vec<String> = files.iter().map(|file| file.category.clone()).collect();
    categories.sort();
    categories.dedup();
    let in_category = |file: &&&ConnectorFile| category.as_ref().is_none_or(|wanted| *wanted == file.category);
    let mut found: Vec<(u8, &ConnectorFile)> =
        files.iter().filter(in_category).filter_map(|file| Some((rank(file, &words)?, *file))).collect();
    found.sort_by(|(one, a), (other, b)| one.cmp(other).then_with(|| a.title.cmp(&b.title)));
    Answer::ok(&Found { items: found.into_iter().map(|(_, file)| file.into()).collect(), categories })
}

/// 0 is best: every word begins a word of the name or title; `None`: some word is nowhere.
fn rank(file: &ConnectorFile, words: &[String]) -> Option<u8> {
    let name = format!("{} {}", file.name, file.title).to_lowercase();
    let all = format!("{name} {} {} {}", file.category, file.description, file.business_types.join(" ")).to_lowercase();
    if !words.iter().all(|word| all.contains(word.as_str())) {
        return None;
    }
    let begins = |word: &String| name.split(|c: char| !c.is_alphanumeric()).any(|part| part.starts_with(word.as_str()));
    if words.iter().all(begins) {
        return Some(0);
    }
    Some(if words.iter().all(|word| name.contains(word.as_str())) { 1 } else { 2 })
}

/// Show a connector with the schema of its settings and the steps to set it up.
#[utoipa::path(get, path = "/api/v1/connectors/{connector}", responses((status = 200, body = ConnectorDetail)))]
pub(crate) async fn get_connector(asked: Allowed<Viewer, Wherever>) -> Result<Answer, Problem> {
    let name: ConnectorName = asked.path("connector")?;
    let connector = asked.tools.connector(&name)?;
    let file = connector.file();
    Answer::ok(&ConnectorDetail {
        about: file.into(),
        setup: file.setup.clone(),
        docs_url: file.docs_url.clone(),
        origin: file.origin.clone(),
        webhooks: connector.webhooks().is_some(),
        settings_schema: connector.settings_schema().clone(),
    })
}

impl Tools {
    fn shows(&self, file: &ConnectorFile) -> bool {
        self.test_mode || !file.test_mode
    }

    /// The connector of this name, if it is shown here.
    pub(crate) fn connector(&self, name: &ConnectorName) -> Result<Arc<dyn Connector>, Problem> {
        let known = self.connectors.iter().find(|one| one.file().name == *name && self.shows(one.file()));
        known.cloned().ok_or_else(|| {
            let names = self.connectors.iter().map(|one| one.file()).filter(|file| self.shows(file)).map(|file| file.name.as_str());
            let hint = syncline_model::nearest::hint(name.as_str(), names);
            Problem::because(crate::problem::Code::NotFound, format!("there is no connector `{name}`{hint}"))
        })
    }
}
