//! OAuth 2.0: an access token that is fetched when it is needed, by one stream for all of the job. A refresh token that the source
//! replaces is durable before the new one is used for the first time.

mod answer;
mod exchange;
mod load;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use syncline_model::Fault;
use syncline_sdk::Context;

pub use self::exchange::ask;
use self::{answer::Granted, load::Refused};
use super::{
    Authenticator, Call,
    fields::Fields,
    tokens::{self, Slot, Token, Tokens, Until},
};
use crate::{
    dates,
    template::{Scope, Template, python_str},
};

/// An `OAuthAuthenticator`.
#[derive(Debug, Clone)]
pub struct OAuth {
    endpoint: Option<Template>,
    client_id: (Template, Option<Template>),
    client_secret: (Template, Option<Template>),
    refresh_token: (Template, Option<Template>),
    grant: (Template, Template),
    scopes: Vec<String>,
    body: Fields,
    headers: Fields,
    in_query: bool,
    access_name: Template,
    expires_name: Template,
    /// The source says when a token ends, and not how long it lasts.
    expires_as_date: bool,
    given: Option<Template>,
    given_until: Option<Template>,
    refused: Refused,
    assertion: Option<Authenticator>,
    updater: Option<Updater>,
}

/// Where the settings keep what the source replaces.
#[derive(Debug, Clone)]
struct Updater {
    access: Vec<String>,
    refresh: Vec<String>,
    until: Vec<String>,
}

impl OAuth {
    /// An access token that is good, as far as anybody knows.
    pub async fn token(self: &Arc<Self>, call: &Call<'_>) -> Result<String, Fault> {
        let mut slot = self.slot(call).await?;
        if slot.is_none() {
            *slot = self.in_settings(call)?;
        }
        match slot.as_ref() {
            Some(token) if !token.until.is_over() || self.endpoint.is_none() => Ok(token.access.clone()),
            _ => self.fetch(call, slot).await,
        }
    }

    /// Replaces a token that was refused, if nobody else has done so since the refused request was sent.
    pub async fn renew(self: &Arc<Self>, call: &Call<'_>, sent: Option<&str>) -> Result<(), Fault> {
        let slot = self.slot(call).await?;
        let replaced = match (sent, slot.as_ref()) {
            (Some(sent), Some(token)) => sent != format!("Bearer {}", token.access),
            (None, _) | (_, None) => false,
        };
        if replaced || self.endpoint.is_none() {
            return Ok(());
        }
        self.fetch(call, slot).await.map(|_| ())
    }

    /// A fetching that began is finished, and what it brought is saved, even if whoever waits for it goes away: a refresh token that
    /// the source has replaced is worth nothing.
    async fn fetch(self: &Arc<Self>, call: &Call<'_>, slot: Slot) -> Result<String, Fault> {
        let (me, context, scope) = (Arc::clone(self), call.context.clone(), call.scope.clone());
        let task = tokio::spawn(async move { me.fetch_into(&context, &scope, slot).await });
        task.await.map_err(|_| Fault::Internal("fetching a token ended before it was done".to_owned()))?
    }

    async fn fetch_into(&self, context: &Context, scope: &Scope, mut slot: Slot) -> Result<String, Fault> {
        let call = Call { context, scope };
        let refresh = match slot.as_ref().and_then(|token| token.refresh.clone()) {
            Some(newest) => Some(newest),
            None => self.refresh_in_settings(scope)?,
        };
        let granted = self.exchange(&call, refresh.as_deref()).await?;
        let known = slot.as_ref().map(|token| token.until).unwrap_or_default();
        let token = Token {
            access: granted.access.clone(),
            refresh: self.updater.as_ref().and(granted.refresh.clone()).or(refresh.filter(|_| self.updater.is_some())),
            until: granted.until(known, context.clock()),
        };
        if let Some(updater) = &self.updater {
            updater.save(context, &granted, &token).await?;
        }
        *slot = Some(token);
        Ok(granted.access)
    }

    async fn slot(&self, call: &Call<'_>) -> Result<Slot, Fault> {
        let said = |template: Option<&Template>| template.map(|template| template.text(call.scope)).transpose();
        let endpoint = said(self.endpoint.as_ref())?.unwrap_or_default();
        let client = self.client_id(call.scope)?.unwrap_or_default();
        let grant = self.grant.1.text(call.scope)?;
        // What is replaced while the job runs is no part of what tells tokens apart.
        let own = match &self.updater {
            Some(updater) => updater.refresh.join("/"),
            None => format!("{:?}{:?}", said(self.refresh_token.1.as_ref())?, said(self.given.as_ref())?),
        };
        let more = Value::Object(self.body.fill(call.scope)?).to_string();
        let headers = Value::Object(self.headers.fill(call.scope)?).to_string();
        Ok(Tokens::slot(call.context, &["oauth", &endpoint, &client, &grant, &own, &more, &headers, &self.scopes.join(" ")]).await)
    }

    /// The token that the settings hold, with the time at which it ends.
    fn in_settings(&self, call: &Call<'_>) -> Result<Option<Token>, Fault> {
        let (scope, now) = (call.scope, call.context.clock());
        let Some(updater) = &self.updater else {
            let Some(given) = &self.given else { return Ok(None) };
            let until = self.given_until.as_ref().map(|until| until.text(scope)).transpose()?;
            return Ok(Some(Token { access: given.text(scope)?, refresh: None, until: read_until(until.as_deref(), now)? }));
        };
        let config = scope.get("config").unwrap_or_default();
        let until = at(&config, &updater.until).map(python_str).filter(|until| !until.is_empty());
        let access = at(&config, &updater.access).map(python_str).unwrap_or_default();
        Ok(Some(Token { access, refresh: self.refresh_in_settings(scope)?, until: read_until(until.as_deref(), now)? }))
    }

    fn refresh_in_settings(&self, scope: &Scope) -> Result<Option<String>, Fault> {
        match &self.updater {
            Some(updater) => {
                let config = scope.get("config").unwrap_or_default();
                Ok(Some(at(&config, &updater.refresh).map(python_str).unwrap_or_default()))
            }
            None => self.refresh_token.1.as_ref().map(|token| token.text(scope)).transpose(),
        }
    }

    /// With an updater, `credentials` of the settings come before what the manifest says.
    fn client_id(&self, scope: &Scope) -> Result<Option<String>, Fault> {
        self.credential(scope, "client_id", self.client_id.1.as_ref())
    }

    fn client_secret(&self, scope: &Scope) -> Result<Option<String>, Fault> {
        self.credential(scope, "client_secret", self.client_secret.1.as_ref())
    }

    fn credential(&self, scope: &Scope, name: &str, manifest: Option<&Template>) -> Result<Option<String>, Fault> {
        if self.updater.is_some() {
            let config = scope.get("config").unwrap_or_default();
            let path = ["credentials".to_owned(), name.to_owned()];
            if let Some(own) = at(&config, &path) {
                return Ok(Some(python_str(own)));
            }
        }
        manifest.map(|template| template.text(scope)).transpose()
    }
}

impl Updater {
    async fn save(&self, context: &Context, granted: &Granted, token: &Token) -> Result<(), Fault> {
        let mut replaced = vec![
            (self.access.as_slice(), Value::String(granted.access.clone())),
            (self.until.as_slice(), Value::String(granted.until_text(token.until, context.clock()))),
        ];
        if let Some(refresh) = &granted.refresh {
            replaced.push((self.refresh.as_slice(), Value::String(refresh.clone())));
        }
        tokens::save(context, &replaced).await
    }
}

fn at<'a>(root: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(root, |at, name| at.get(name))
}

fn read_until(text: Option<&str>, now: Timestamp) -> Result<Until, Fault> {
    let Some(text) = text else { return Ok(Until::Past) };
    let bad = || Fault::Misconfigured("the time at which the token in the settings ends cannot be read".to_owned());
    dates::parse_any(text).map(|end| Until::moment(end, now)).ok_or_else(bad)
}

#[cfg(test)]
mod tests;
