//! What the arguments say.

use crate::organize::Refused;
use crate::organize::advice::Endpoint;

/// Where the advisor's key comes from; arguments can be seen by everybody on a machine.
const KEY: &str = "SYNCLINE_ADVISOR_KEY";

pub const USAGE: &str = "organize plan DIR | quality DIR | profile FILE... | match A B | resolve A [B] [--id FIELD]
  --format FORMAT        text (the default) or json; plan also mermaid and svg
  --id FIELD             resolve: the field that names a record (the default is `id`)
  --advisor URL          plan: ask a language model about what is uncertain; any endpoint with `/chat/completions`, such as
                         http://127.0.0.1:8080/v1; it sees masked values only, and SYNCLINE_ADVISOR_KEY as a bearer token
  --advisor-model NAME   the model to ask for";

/// What was asked.
pub struct Asked<'a> {
    pub files: Vec<&'a str>,
    pub format: &'a str,
    pub id: &'a str,
    advisor: Option<&'a str>,
    advisor_model: &'a str,
}

impl<'a> Asked<'a> {
    pub fn parse(arguments: &'a [String]) -> Result<Self, Refused> {
        let mut asked = Self { files: Vec::new(), format: "text", id: "id", advisor: None, advisor_model: "default" };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let (name, inline) = argument
                .split_once('=')
                .filter(|_| argument.starts_with("--"))
                .map_or((argument.as_str(), None), |(name, value)| (name, Some(value)));
            let mut value =
                || inline.or_else(|| rest.next().map(String::as_str)).ok_or_else(|| Refused::Usage(format!("`{name}` needs a value")));
            match name {
                "--format" => asked.format = value()?,
                "--id" => asked.id = value()?,
                "--advisor" => asked.advisor = Some(value()?),
                "--advisor-model" => asked.advisor_model = value()?,
                _ if name.starts_with("--") => return Err(unknown_option(name)),
                _ => asked.files.push(argument),
            }
        }
        Ok(asked)
    }

    /// The model to ask, if somebody wants one to be asked.
    pub fn endpoint(&self) -> Option<Endpoint> {
        let url = self.advisor?.to_owned();
        Some(Endpoint { url, model: self.advisor_model.to_owned(), key: std::env::var(KEY).ok().filter(|key| !key.is_empty()) })
    }
}

fn unknown_option(name: &str) -> Refused {
    let known = ["--format", "--id", "--advisor", "--advisor-model"];
    let hint = syncline_model::nearest::nearest(name, known).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
    Refused::Usage(format!("unknown option `{name}`{hint}\n{USAGE}"))
}
