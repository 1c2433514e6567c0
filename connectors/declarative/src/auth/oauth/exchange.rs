//! Asks a token endpoint, patiently.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value};
use syncline_model::Fault;
use syncline_sdk::{Context, HttpAnswer, HttpRequest, WaitReason};
use url::Url;

use super::{OAuth, answer::Granted};
use crate::{
    auth::{Call, fields::pairs},
    template::python_str,
    wire::{add_query, form_body, header_value},
};

/// A token endpoint that does not work is asked again for so long, as the reference does.
const PATIENCE: Duration = Duration::from_secs(300);

impl OAuth {
    /// Asks for a token.
    pub(super) async fn exchange(&self, call: &Call<'_>, refresh: Option<&str>) -> Result<Granted, Fault> {
        let request = self.request(call, refresh).await?;
        let answer = ask(call.context, request).await?;
        if answer.status.as_u16() >= 400 {
            let secrets = [refresh.map(str::to_owned), self.client_secret(call.scope)?];
            return Err(self.refusal(&answer, &secrets));
        }
        self.granted(call.scope, &answer)
    }

    async fn request(&self, call: &Call<'_>, refresh: Option<&str>) -> Result<HttpRequest, Fault> {
        let endpoint = self.endpoint.as_ref().map(|endpoint| endpoint.text(call.scope)).transpose()?.unwrap_or_default();
        // The address is not shown: settings may have put a secret into it.
        let mut url: Url =
            endpoint.parse().map_err(|_| Fault::Misconfigured("the address of the token endpoint cannot be read".to_owned()))?;
        let own = self.headers.fill(call.scope)?;
        let mut headers = HeaderMap::new();
        for (name, value) in own.iter().filter(|(_, value)| !value.is_null()) {
            let bad = || Fault::Misconfigured(format!("the header `{name}` cannot be sent to the token endpoint"));
            let key = HeaderName::try_from(name.as_str()).map_err(|_| bad())?;
            headers.insert(key, header_value(&python_str(value)).ok_or_else(bad)?);
        }
        let fields = pairs(&self.fields(call, refresh, own.contains_key("Authorization")).await?);
        let mut body = Bytes::new();
        if self.in_query && self.assertion.is_none() {
            add_query(&mut url, fields);
        } else if !fields.is_empty() {
            headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/x-www-form-urlencoded"));
            body = form_body(fields);
        }
        Ok(HttpRequest { method: Method::POST, headers, body, ..HttpRequest::get(url) })
    }

    async fn fields(&self, call: &Call<'_>, refresh: Option<&str>, in_header: bool) -> Result<Map<String, Value>, Fault> {
        let scope = call.scope;
        let mut made = Map::new();
        made.insert(self.grant.0.text(scope)?, self.grant.1.eval(scope)?.into_json());
        if let Some(assertion) = &self.assertion {
            let proof = assertion.boxed_options(call).await?.into_iter().next().map(|(_, token)| token).unwrap_or_default();
            made.insert("assertion".to_owned(), Value::String(proof));
            return Ok(made);
        }
        // Some sources refuse credentials that stand in two places.
        if !in_header {
            let client = self.client_id(scope)?.filter(|client| !client.is_empty());
            let client = client.ok_or_else(|| Fault::Misconfigured("the settings have no client id".to_owned()))?;
            made.insert(self.client_id.0.text(scope)?, Value::String(client));
            made.insert(self.client_secret.0.text(scope)?, self.client_secret(scope)?.map_or(Value::Null, Value::String));
        }
        made.insert(self.refresh_token.0.text(scope)?, refresh.map_or(Value::Null, Value::from));
        if !self.scopes.is_empty() {
            made.insert("scopes".to_owned(), self.scopes.iter().map(String::as_str).collect());
        }
        for (name, value) in self.body.fill(scope)? {
            made.entry(name).or_insert(value);
        }
        Ok(made)
    }
}

/// Asks, and asks again while the source says that it cannot answer now.
pub async fn ask(context: &Context, request: HttpRequest) -> Result<HttpAnswer, Fault> {
    let mut waited = Duration::ZERO;
    let mut wait = Duration::from_secs(1);
    loop {
        let fault = match context.http.send(request.clone()).await {
            Ok(answer) if answer.status == StatusCode::TOO_MANY_REQUESTS => Fault::Throttled(wait),
            Ok(answer) if answer.status.is_server_error() => {
                Fault::Unavailable(format!("the token endpoint answered {}", answer.status.as_u16()))
            }
            Ok(answer) => return Ok(answer),
            Err(fault @ Fault::Unavailable(_)) => fault,
            Err(fault) => return Err(fault),
        };
        if waited >= PATIENCE {
            return Err(fault);
        }
        let time = wait.min(PATIENCE.saturating_sub(waited));
        let reason = if matches!(fault, Fault::Throttled(_)) { WaitReason::Limit } else { WaitReason::Retry };
        context.patience.wait(reason, time).await?;
        waited += time;
        wait *= 2;
    }
}
