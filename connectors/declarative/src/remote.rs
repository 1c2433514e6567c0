//! `AsyncRetriever`: a job is made at the source, watched until it is done, and its results are fetched.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};
use syncline_model::Fault;
use syncline_sdk::{HttpAnswer, WaitReason};

use crate::{
    decode::Decoder,
    extract::Extractor,
    items::Items,
    node::Node,
    normalize::Normalizer,
    paginate::Paginator,
    partitions::Router,
    parts::Parts,
    problem::Problem,
    request::{Extra, Requester},
    retrieve::{Pages, Reading},
    run::{Run, misconfigured},
    select::Selector,
    send::{Sent, send},
    slice::Slice,
    stream::Simple,
    template::{Template, python_str},
    transform::Transform,
};

/// How long to wait before a job is looked at again, as the reference does.
const POLL: Duration = Duration::from_secs(5);
/// How often a job that failed is made anew.
const ATTEMPTS_MAX: u32 = 3;
/// How long a job may take, if the manifest does not say.
const TIMEOUT_MIN: u64 = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Running,
    Completed,
    Failed,
    TimedOut,
    Skipped,
}

/// `AsyncRetriever`.
#[derive(Debug, Clone)]
pub struct RemoteJobs {
    create: Requester,
    poll: Requester,
    target: Option<Requester>,
    delete: Option<Requester>,
    abort: Option<Requester>,
    status: Extractor,
    statuses: Vec<(String, Status)>,
    targets: Option<Extractor>,
    /// How the result of one target is fetched.
    download: Arc<Simple>,
    timeout_min: Option<Template>,
    retry_wait_s: Option<Template>,
    decoder: Decoder,
    /// What is done with the records.
    pub selector: Selector,
    /// The partitions; each is a job.
    pub router: Option<Router>,
}

impl RemoteJobs {
    /// Reads one.
    pub fn load(node: &Node<'_>, transforms: Vec<Transform>, is_client_side: bool) -> Result<Self, Problem> {
        let requester = |field: &str| node.child(field).map(|one| Requester::load(one.value, &one.path)).transpose();
        let needed = |field: &str| requester(field)?.ok_or_else(|| node.missing(field));
        let extractor = |field: &str| node.child(field).map(|one| Extractor::load(one.value, &one.path)).transpose();
        let decoder = |field: &str| match node.child(field) {
            Some(one) => Decoder::load(one.value, &one.path),
            None => Ok(Decoder::Json),
        };
        let targets = extractor("download_target_extractor")?;
        let target = requester("download_target_requester")?;
        if target.is_some() && targets.is_none() {
            return Err(node.problem("`download_target_requester` needs a `download_target_extractor`"));
        }
        let found = match extractor("download_extractor")? {
            Some(found) => found,
            None => Extractor::load(&serde_json::json!({"type": "DpathExtractor", "field_path": []}), &node.path)?,
        };
        let download = Simple {
            requester: needed("download_requester")?,
            selector: Selector::plain(decoder("download_decoder")?, found),
            paginator: Paginator::load(node.child("download_paginator"))?,
            router: None,
            only_first: false,
            properties: None,
            page_sizes: None,
            splits: None,
            resets: None,
            files: None,
        };
        Ok(Self {
            create: needed("creation_requester")?,
            poll: needed("polling_requester")?,
            target,
            delete: requester("delete_requester")?,
            abort: requester("abort_requester")?,
            status: extractor("status_extractor")?.ok_or_else(|| node.missing("status_extractor"))?,
            statuses: statuses(&node.needed("status_mapping")?)?,
            targets,
            download: Arc::new(download),
            timeout_min: node.text("polling_job_timeout")?,
            retry_wait_s: node.text("failed_retry_wait_time_in_seconds")?,
            decoder: decoder("decoder")?,
            selector: Selector::load(&node.needed("record_selector")?, node.child("decoder"), transforms, is_client_side)?,
            router: Router::load_all(node)?,
        })
    }

    /// The next page of a job's results; the job is made first.
    pub async fn next(
        &self,
        remote: &mut Remote,
        run: &Run,
        stream: &str,
        slice: &Slice,
        normalizer: Option<&Normalizer>,
    ) -> Result<Option<Items>, Fault> {
        if let Some(fault) = remote.lost.take() {
            return Err(fault);
        }
        if remote.ready.is_none() {
            remote.ready = Some(self.run_job(run, stream, slice).await?);
        }
        let Some(ready) = &mut remote.ready else { return Ok(None) };
        while let Some(target) = ready.targets.last() {
            let mut part = slice.clone();
            part.extra.insert("download_target".to_owned(), target.clone());
            part.extra.insert("creation_response".to_owned(), ready.created.clone());
            part.extra.insert("polling_response".to_owned(), ready.polled.clone());
            let pages = ready.pages.get_or_insert_with(|| Pages::new(part.clone(), &self.download));
            let mut with_extra = run.clone();
            for (name, value) in [("download_target", target), ("creation_response", &ready.created), ("polling_response", &ready.polled)] {
                with_extra.base.set(name, Arc::new(value.clone()));
            }
            let page = pages.next(&self.download, &with_extra, &Reading { stream, ..Reading::default() }).await?;
            if pages.is_done() {
                ready.pages = None;
                ready.targets.pop();
            }
            if let Some(page) = page {
                let scope = slice.scope(&run.base);
                let made = self.selector.finish(page.items.into_vec().into_iter(), &scope, normalizer, None)?;
                let mut items = Items::Each(made);
                if run.goes_on {
                    remote.lost = items.until_refused();
                }
                return Ok(Some(items));
            }
        }
        if let Some(delete) = &self.delete {
            let scope = scope_of(run, slice, &ready.created);
            send(run, stream, delete, &scope, &Extra::default()).await?;
        }
        remote.done = true;
        Ok(None)
    }

    async fn run_job(&self, run: &Run, stream: &str, slice: &Slice) -> Result<Ready, Fault> {
        let number = |template: &Option<Template>, default: u64| match template {
            None => Ok(default),
            Some(template) => {
                let text = template.text(&run.base)?;
                text.trim().parse::<u64>().map_err(|_| misconfigured(format!("`{text}` must be a whole number")))
            }
        };
        let timeout = Duration::from_secs(number(&self.timeout_min, TIMEOUT_MIN)? * 60);
        let retry_wait = Duration::from_secs(number(&self.retry_wait_s, 0)?);
        for attempt in 1..=ATTEMPTS_MAX {
            let answer = asked(
                send(run, stream, &self.create, &slice.scope(&run.base), &Extra { parts: Parts::default(), ..Extra::default() }).await?,
            )?;
            let created = context(&answer);
            let scope = scope_of(run, slice, &created);
            let (status, polled) = self.watch(run, stream, &scope, timeout).await?;
            match status {
                Status::Completed => {
                    let targets = self.targets(run, stream, &polled, &scope).await?;
                    return Ok(Ready { created, polled: context(&polled), targets, pages: None });
                }
                Status::Skipped => return Ok(Ready { created, polled: context(&polled), targets: Vec::new(), pages: None }),
                Status::Failed | Status::TimedOut | Status::Running => {
                    if status != Status::Failed
                        && let Some(abort) = &self.abort
                    {
                        send(run, stream, abort, &scope, &Extra::default()).await?;
                    }
                    run.context.patience.note(&format!("job {attempt} of `{stream}` at the source did not succeed"));
                    run.context.patience.wait(WaitReason::Retry, retry_wait).await?;
                }
            }
        }
        Err(Fault::Unavailable(format!("the source ran {ATTEMPTS_MAX} jobs for `{stream}`, and none succeeded")))
    }

    async fn watch(
        &self,
        run: &Run,
        stream: &str,
        scope: &crate::template::Scope,
        timeout: Duration,
    ) -> Result<(Status, HttpAnswer), Fault> {
        let mut waited = Duration::ZERO;
        loop {
            let answer = asked(send(run, stream, &self.poll, scope, &Extra::default()).await?)?;
            let said = self.first(&self.status, &answer, scope)?;
            let text = said.as_ref().map_or_else(|| "None".to_owned(), python_str);
            let status = self.statuses.iter().find(|(known, _)| *known == text).map(|(_, status)| *status);
            let status = status.ok_or_else(|| {
                let hint = syncline_model::nearest::hint(&text, self.statuses.iter().map(|(known, _)| known.as_str()));
                misconfigured(format!("the source says that its job is `{text}`, which the connector does not know{hint}"))
            })?;
            if status != Status::Running {
                return Ok((status, answer));
            }
            if waited >= timeout {
                return Ok((Status::TimedOut, answer));
            }
            run.context.patience.wait(WaitReason::RemoteJob, POLL).await?;
            waited += POLL;
        }
    }

    async fn targets(&self, run: &Run, stream: &str, polled: &HttpAnswer, scope: &crate::template::Scope) -> Result<Vec<Value>, Fault> {
        let Some(extractor) = &self.targets else { return Ok(vec![Value::String(String::new())]) };
        let answer = match &self.target {
            None => polled.clone(),
            Some(requester) => {
                let polled = context(polled);
                let slice = Slice { extra: Map::from_iter([("polling_response".to_owned(), polled.clone())]), ..Slice::default() };
                let scope = slice.scope(&run.base).with("polling_response", Arc::new(polled));
                asked(send(run, stream, requester, &scope, &Extra::default()).await?)?
            }
        };
        let mut found = self.all(extractor, &answer, scope)?;
        found.reverse();
        Ok(found)
    }

    fn first(&self, extractor: &Extractor, answer: &HttpAnswer, scope: &crate::template::Scope) -> Result<Option<Value>, Fault> {
        Ok(self.all(extractor, answer, scope)?.into_iter().next())
    }

    fn all(&self, extractor: &Extractor, answer: &HttpAnswer, scope: &crate::template::Scope) -> Result<Vec<Value>, Fault> {
        let mut found = Vec::new();
        for document in self.decoder.decode(&answer.body, &answer.headers)? {
            found.extend(extractor.extract(&document?, scope)?);
        }
        Ok(found)
    }
}

fn scope_of(run: &Run, slice: &Slice, created: &Value) -> crate::template::Scope {
    let mut slice = slice.clone();
    slice.extra.insert("creation_response".to_owned(), created.clone());
    slice.scope(&run.base).with("creation_response", Arc::new(created.clone()))
}

fn statuses(node: &Node<'_>) -> Result<Vec<(String, Status)>, Problem> {
    let known = [
        ("running", Status::Running),
        ("completed", Status::Completed),
        ("failed", Status::Failed),
        ("timeout", Status::TimedOut),
        ("skipped", Status::Skipped),
    ];
    let mut made: Vec<(String, Status)> = Vec::new();
    for (field, status) in known {
        if node.get(field).is_none() && status != Status::Skipped {
            return Err(node.missing(field));
        }
        for word in node.children(field) {
            let text = python_str(word.value);
            if made.iter().any(|(known, _)| *known == text) {
                return Err(word.problem(format!("the status `{text}` is given twice")));
            }
            made.push((text, status));
        }
    }
    Ok(made)
}

fn asked(sent: Sent) -> Result<HttpAnswer, Fault> {
    match sent {
        Sent::Answer(answer) => Ok(answer),
        _ => Err(Fault::Unusable("the source gave no answer about its job".to_owned())),
    }
}

/// An answer as templates see it: its fields, and its headers.
fn context(answer: &HttpAnswer) -> Value {
    let mut fields = match serde_json::from_slice(&answer.body) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    let headers = answer
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), Value::String(String::from_utf8_lossy(value.as_bytes()).into_owned())));
    fields.entry("headers").or_insert_with(|| Value::Object(headers.collect()));
    Value::Object(fields)
}

/// A job of a slice on its way.
#[derive(Default)]
pub struct Remote {
    ready: Option<Ready>,
    /// Why nothing follows what was read last; told when more is asked for.
    lost: Option<Fault>,
    done: bool,
}

impl Remote {
    /// All of its results were fetched.
    pub fn is_done(&self) -> bool {
        self.done
    }
}

struct Ready {
    created: Value,
    polled: Value,
    /// What is still to be fetched, the next one last.
    targets: Vec<Value>,
    pages: Option<Pages>,
}
