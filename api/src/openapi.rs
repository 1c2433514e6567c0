//! The OpenAPI 3.1 document, from the code: what handlers say of themselves, and what holds for all of them.

use std::collections::BTreeMap;

use actix_web::http::Method;
use syncline_store::Role;
use utoipa::openapi::{
    Components, Content, Info, OpenApi, PathItem, Ref, RefOr, Required, Response, ResponseBuilder, Server,
    extensions::Extensions,
    path::{Operation, Parameter, ParameterBuilder, ParameterIn},
    schema::{ObjectBuilder, Schema, Type},
    security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
};

use crate::{problem::Code, routes};

const ABOUT: &str = "Keeps the apps and databases of many tenants in sync with one place. Every refusal is a problem of RFC 9457 with a \
stable `code`. A POST with an `Idempotency-Key` is done once. Listings are followed by sending `next` as `after`.";

const PARTS: &[(&str, &str)] = &[
    ("tenant", "The tenant's id."),
    ("integration", "The integration's id."),
    ("connector", "The connector's name."),
    ("job", "The job's id."),
    ("stream", "The stream's name."),
    ("record", "The record's id."),
    ("table", "The table's name."),
    ("key", "The key's id."),
    ("plan", "The plan's id."),
    ("endpoint", "The id of the webhook endpoint, which nobody can guess."),
    ("entity", "The name of the unified table."),
    ("row", "The `id` of a row."),
];

/// One operation: how it is asked for, and what it is called.
pub(crate) struct Named {
    pub(crate) operation: String,
    pub(crate) method: Method,
    pub(crate) path: String,
}

/// The document.
pub(crate) fn document() -> OpenApi {
    let roles: BTreeMap<&str, Role> = routes::entries().into_iter().filter_map(|entry| Some((entry.operation, entry.role?))).collect();
    let mut document = routes::described();
    document.info = Info::new("Syncline", env!("CARGO_PKG_VERSION"));
    document.info.description = Some(ABOUT.to_owned());
    document.servers = Some(vec![Server::new("/")]);
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme("api_key", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            let role = operation.operation_id.as_deref().and_then(|name| roles.get(name).copied());
            complete(operation, path, &method, role);
        }
    }
    document
}

/// Every operation of the document.
pub(crate) fn named(document: &mut OpenApi) -> Vec<Named> {
    let mut named = Vec::new();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            let operation = operation.operation_id.clone().unwrap_or_default();
            named.push(Named { operation, method, path: path.clone() });
        }
    }
    named
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    let all = [(Method::GET, get), (Method::PUT, put), (Method::POST, post), (Method::DELETE, delete), (Method::PATCH, patch)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn complete(operation: &mut Operation, path: &str, method: &Method, role: Option<Role>) {
    let parameters = operation.parameters.get_or_insert_default();
    parameters.splice(0..0, parts(path));
    if let Some(role) = role {
        operation.security = Some(vec![SecurityRequirement::new("api_key", Vec::<String>::new())]);
        let mut extensions = Extensions::default();
        extensions.insert("x-needed-role".to_owned(), role.as_str().into());
        operation.extensions = Some(extensions);
        if method == Method::POST {
            parameters.push(RefOr::T(header(
                "idempotency-key",
                "The same request with the same key is done once, and answered as the first time.",
            )));
        }
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            done(status).clone_into(&mut response.description);
        }
    }
    operation.responses.responses.entry("default".to_owned()).or_insert_with(|| RefOr::T(refusal()));
}

fn done(status: &str) -> &'static str {
    match status {
        "200" => "Done.",
        "201" => "Made; `Location` says where it is.",
        "202" => "Begun.",
        "204" => "Done; there is nothing to say.",
        _ => "Not at the moment.",
    }
}

fn parts(path: &str) -> Vec<RefOr<Parameter>> {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    names.map(|name| RefOr::T(parameter(name, ParameterIn::Path, Required::True, about(name)))).collect()
}

fn about(name: &str) -> &'static str {
    PARTS.iter().find(|(known, _)| *known == name).map_or("A part of the path.", |(_, about)| about)
}

fn header(name: &str, about: &str) -> Parameter {
    parameter(name, ParameterIn::Header, Required::False, about)
}

fn parameter(name: &str, place: ParameterIn, required: Required, about: &str) -> Parameter {
    let text = Schema::Object(ObjectBuilder::new().schema_type(Type::String).build());
    ParameterBuilder::new().name(name).parameter_in(place).required(required).description(Some(about)).schema(Some(text)).build()
}

fn refusal() -> Response {
    let codes = Code::ALL.iter().map(|code| format!("`{}` ({})", code.as_str(), code.status().as_u16())).collect::<Vec<_>>().join(", ");
    let problem = Content::new(Some(Ref::from_schema_name("Problem")));
    ResponseBuilder::new().description(format!("Refused. Codes: {codes}")).content("application/problem+json", problem).build()
}
