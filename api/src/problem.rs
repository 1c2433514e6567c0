//! Every refusal is one JSON object of RFC 9457 with a stable `code`. Messages name the culprit and never a value of a request,
//! because a value may be a secret.

use actix_web::{HttpResponse, http::StatusCode, http::header};
use serde::Serialize;
use utoipa::ToSchema;

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident $word:literal $status:ident $title:literal;)*) => {
        /// The stable word for what went wrong. New words may come; none of these changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
        pub enum Code { $($(#[$doc])* #[serde(rename = $word)] $code,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$code,)*];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$code => $word,)* }
            }

            /// Its HTTP status.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$code => StatusCode::$status,)* }
            }

            /// What it means, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Self::$code => $title,)* }
            }
        }
    };
}

codes! {
    /// No key, or none that is valid.
    Unauthenticated "unauthenticated" UNAUTHORIZED "no valid API key";
    /// The key's role is too low; `needed_role` names the one that is needed.
    RoleTooLow "role_too_low" FORBIDDEN "the key's role is too low";
    /// The key is good for one tenant only, and this is of the whole installation.
    ScopeTooNarrow "scope_too_narrow" FORBIDDEN "the key is good for one tenant only";
    /// There is nothing here, or nothing that this key may know of.
    NotFound "not_found" NOT_FOUND "not found";
    /// The path exists, the method does not.
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED "method not allowed";
    /// The body, the query or a header cannot be read.
    Malformed "malformed" BAD_REQUEST "the request cannot be read";
    /// The cursor of a listing or a position is none of ours.
    BadCursor "bad_cursor" BAD_REQUEST "not a cursor of this listing";
    /// The body or the query has a name that does not exist.
    UnknownField "unknown_field" BAD_REQUEST "unknown field";
    /// The body can be read, and what it says cannot be done; `problems` has every path.
    Invalid "invalid" UNPROCESSABLE_ENTITY "what was sent is not valid";
    /// The id is in use, or was once.
    Taken "taken" CONFLICT "the id is taken";
    /// The integration's state does not allow it.
    WrongState "wrong_state" CONFLICT "not possible in this state";
    /// Somebody changed it since it was read.
    Changed "changed" PRECONDITION_FAILED "it was changed meanwhile";
    /// The source did not do what it was asked; the detail is its own answer.
    SourceRefused "source_refused" BAD_GATEWAY "the source did not do it";
    /// The same Idempotency-Key came with another request.
    KeyReused "idempotency_key_reused" UNPROCESSABLE_ENTITY "the Idempotency-Key was used for another request";
    /// The request was done before; its answer held a secret and was not kept.
    AlreadyDone "already_done" CONFLICT "it was done before";
    /// The first request with this Idempotency-Key is not done yet.
    InProgress "in_progress" CONFLICT "the first request is still in progress";
    /// The body is larger than the server takes.
    TooLarge "too_large" PAYLOAD_TOO_LARGE "the body is too large";
    /// The body is no JSON.
    UnsupportedMediaType "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE "the body must be application/json";
    /// Too many refused keys from this address.
    TooManyAttempts "too_many_attempts" TOO_MANY_REQUESTS "too many refused attempts";
    /// Something that is needed does not work at the moment.
    Unavailable "unavailable" SERVICE_UNAVAILABLE "not available at the moment";
    /// A mistake of ours; the log has it under the request id.
    Internal "internal" INTERNAL_SERVER_ERROR "something went wrong on our side";
}

/// One place that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// JSON Pointer into the body; empty for the whole.
    pub path: String,
    /// What is wrong.
    pub why: String,
}

/// A refusal.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The stable word for it.
    pub code: Code,
    /// What happened this time.
    pub detail: Option<String>,
    /// The role that would be enough.
    pub needed_role: Option<&'static str>,
    /// Every place that is wrong.
    pub problems: Vec<FieldProblem>,
    pub(crate) retry_after_s: Option<u64>,
}

/// A refusal: RFC 9457 with a stable code.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// Where the code is explained.
    #[serde(rename = "type")]
    kind: String,
    /// What the code means.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The stable word for it.
    code: Code,
    /// What happened this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    /// The role that would be enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    needed_role: Option<&'static str>,
    /// Every place that is wrong.
    #[serde(skip_serializing_if = "<[FieldProblem]>::is_empty")]
    problems: &'a [FieldProblem],
    /// The id of the request, as in the header `x-request-id` and in the log.
    request_id: &'a str,
}

/// When to come again after a refusal that says nothing better: most of what we depend on is back by then.
const UNAVAILABLE_FOR_S: u64 = 5;

impl Problem {
    /// A refusal without a detail.
    pub fn new(code: Code) -> Self {
        Self { code, detail: None, needed_role: None, problems: Vec::new(), retry_after_s: None }
    }

    pub(crate) fn body<'a>(&'a self, request_id: &'a str) -> ProblemBody<'a> {
        let Self { code, detail, needed_role, problems, .. } = self;
        ProblemBody {
            kind: format!("/docs#code-{}", code.as_str()),
            title: code.title(),
            status: code.status().as_u16(),
            code: *code,
            detail: detail.as_deref(),
            needed_role: *needed_role,
            problems,
            request_id,
        }
    }

    /// A refusal that says what happened.
    pub fn because(code: Code, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..Self::new(code) }
    }

    /// There is no such thing, or nobody of this key's reach has one.
    pub fn not_found(kind: &str, id: impl std::fmt::Display) -> Self {
        Self::because(Code::NotFound, format!("there is no {kind} `{id}`"))
    }

    /// The key's role is too low.
    pub fn role_too_low(needed: &'static str) -> Self {
        let detail = format!("this needs the role `{needed}`");
        Self { needed_role: Some(needed), ..Self::because(Code::RoleTooLow, detail) }
    }

    /// What was sent is wrong in these places.
    pub fn invalid(problems: Vec<FieldProblem>) -> Self {
        let detail = problems.iter().map(|problem| format!("`{}`: {}", problem.path, problem.why)).collect::<Vec<_>>().join("; ");
        Self { problems, ..Self::because(Code::Invalid, detail) }
    }

    /// One place is wrong.
    pub fn invalid_at(path: &str, why: impl Into<String>) -> Self {
        Self::invalid(vec![FieldProblem { path: path.to_owned(), why: why.into() }])
    }

    /// Come back after this many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// As an answer, marked with the id of the request.
    pub fn answer(self, request_id: &str) -> HttpResponse {
        let mut answer = HttpResponse::build(self.code.status());
        if self.code == Code::Unauthenticated {
            answer.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        let later = (self.code == Code::Unavailable).then_some(UNAVAILABLE_FOR_S);
        if let Some(seconds) = self.retry_after_s.or(later) {
            answer.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        match serde_json::to_vec(&self.body(request_id)) {
            Ok(body) => answer.content_type("application/problem+json").body(body),
            Err(_) => answer.finish(),
        }
    }
}
