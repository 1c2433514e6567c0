//! A session: one logs in with a request of its own, and the token of the answer goes into every other request.

use std::{future::Future, pin::Pin, sync::Arc};

use serde_json::Value;
use syncline_model::Fault;

use super::{
    Call, bearer,
    selective::path_of,
    tokens::{Token, Tokens, Until},
};
use crate::{
    dates::Duration,
    decode::Decoder,
    extract::dpath::Glob,
    node::Node,
    problem::Problem,
    request::{Extra, RequestOption, Requester},
    run::Run,
    send::{Sent, send},
    template::{Scope, Template, python_str},
};

/// A `SessionTokenAuthenticator`.
#[derive(Debug)]
pub struct Session {
    login: Requester,
    path: Glob,
    /// How long a token is used. Without it there is a login for every request, as the reference does.
    lasts: Option<Duration>,
    decoder: Decoder,
    put: Put,
    /// What tells its tokens from those of other sessions of the same job.
    identity: String,
}

#[derive(Debug)]
enum Put {
    Bearer,
    Key(RequestOption, Template),
}

impl Session {
    pub(super) fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let login = node.needed("login_requester")?;
        let lasts = match node.word("expiration_duration") {
            None => None,
            Some(text) => {
                let bad = || Problem::manifest(&node.below("expiration_duration"), format!("`{text}` is no ISO 8601 duration"));
                Some(Duration::parse(text).ok_or_else(bad)?)
            }
        };
        let put = node.needed("request_authentication")?;
        let put = match put.kind() {
            "Bearer" | "SessionTokenRequestBearerAuthenticator" => Put::Bearer,
            "ApiKey" | "SessionTokenRequestApiKeyAuthenticator" => {
                let option = put.needed("inject_into")?;
                let token = put.text("api_token")?.map_or_else(|| put.template("{{ session_token }}", "api_token"), Ok)?;
                Put::Key(RequestOption::load(option.value, &option.path)?, token)
            }
            _ => return Err(put.unknown("way to send a session's token", &["Bearer", "ApiKey"])),
        };
        let decoder = node.child("decoder").map(|decoder| Decoder::load(decoder.value, &decoder.path)).transpose()?;
        Ok(Self {
            login: Requester::load(login.value, &login.path)?,
            path: path_of(node, "session_token_path")?,
            lasts,
            decoder: decoder.unwrap_or(Decoder::Json),
            put,
            identity: format!("{}{:?}", login.value, node.get("session_token_path")),
        })
    }

    pub(super) async fn options(&self, call: &Call<'_>) -> Result<Vec<(RequestOption, String)>, Fault> {
        let token = self.token(call).await?;
        match &self.put {
            Put::Bearer => Ok(bearer(&token)),
            Put::Key(option, template) => {
                let scope = call.scope.clone().with("session_token", Arc::new(Value::String(token)));
                Ok(vec![(option.clone(), template.text(&scope)?)])
            }
        }
    }

    async fn token(&self, call: &Call<'_>) -> Result<String, Fault> {
        let Some(lasts) = self.lasts else { return self.log_in(call).await };
        let mut slot = Tokens::slot(call.context, &["session", &self.identity]).await;
        if let Some(token) = slot.as_ref().filter(|token| !token.until.is_over()) {
            return Ok(token.access.clone());
        }
        let access = self.log_in(call).await?;
        let now = call.context.clock();
        let until = lasts.after(now.into()).map_or(Until::Ever, |end| Until::moment(end, now));
        *slot = Some(Token { access: access.clone(), refresh: None, until });
        Ok(access)
    }

    /// Logging in is a request like any other, and may need a proof of its own.
    fn log_in<'a>(&'a self, call: &'a Call<'_>) -> Pin<Box<dyn Future<Output = Result<String, Fault>> + Send + 'a>> {
        Box::pin(async move {
            let config = call.scope.get("config").unwrap_or_default();
            let base = Scope::new().at(call.scope.now()).with("config", config);
            let run = Run { base: base.clone(), ..Run::new(call.context, Value::Null) };
            let answer = match send(&run, "login", &self.login, &base, &Extra::default()).await? {
                Sent::Answer(answer) => answer,
                Sent::Nothing | Sent::SmallerPage(_) | Sent::ShorterWindow(_) | Sent::Restart => {
                    return Err(Fault::Unusable("the answer to the login was left out, as the connector says".to_owned()));
                }
            };
            let document = self.decoder.decode(&answer.body, &answer.headers)?.next().transpose()?.unwrap_or_default();
            let missing = || Fault::Unusable(format!("the answer to the login has no `{}`", self.path.spelt()));
            let token = self.path.get(&document)?.filter(|token| !token.is_null()).ok_or_else(missing)?;
            Ok(python_str(token))
        })
    }
}
