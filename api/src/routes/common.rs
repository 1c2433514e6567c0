//! What several routes read and answer.

use serde::{Deserialize, Serialize};
use syncline_model::schedule::{Schedule, StreamChoice};
use syncline_store::{Page, PageRequest};
use utoipa::{IntoParams, ToSchema};

/// A page of a listing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listing<T: ToSchema> {
    /// What is on it.
    pub(crate) items: Vec<T>,
    /// Send it as `after` to get the next page; `null` on the last.
    pub(crate) next: Option<String>,
}

impl<T: ToSchema> Listing<T> {
    pub(crate) fn of<S>(page: Page<S>, view: impl FnMut(S) -> T) -> Self {
        Self { items: page.items.into_iter().map(view).collect(), next: page.next }
    }
}

/// Which page is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// The `next` of the page before.
    after: Option<String>,
    /// How many items at most: 1 to 500, 100 if absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u64>,
}

impl Paging {
    pub(crate) fn request(self) -> PageRequest {
        page(self.after, self.limit)
    }
}

pub(crate) fn page(after: Option<String>, limit: Option<u64>) -> PageRequest {
    PageRequest { after: after.filter(|mark| !mark.is_empty()), limit: limit.unwrap_or(100) }
}

/// When an integration is read: `{"every_s": 300}`, `{"cron": "0 * * * *"}` (five fields, UTC) or `"manual"`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Schedule)]
#[expect(dead_code, reason = "describes the model's type in the document")]
pub(crate) enum ScheduleDoc {
    /// This many seconds after the end of the last reading.
    EveryS(u32),
    /// At the times of a cron expression, in UTC.
    Cron(String),
    /// Only when somebody asks.
    Manual,
}

/// A stream that is read, and how.
#[derive(Serialize, ToSchema)]
#[schema(as = StreamChoice)]
pub(crate) struct StreamChoiceDoc {
    /// Which stream.
    name: String,
    /// How; the best way that the stream has, if absent.
    mode: Option<ModeDoc>,
}

/// How a stream is read.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SyncMode)]
#[expect(dead_code, reason = "describes the model's type in the document")]
pub(crate) enum ModeDoc {
    /// From the saved cursor on.
    Incremental,
    /// Everything, each time.
    FullRefresh,
}

const NAME_LONGEST: usize = 200;

/// Refuses a name that nobody could read in a line.
pub(crate) fn checked_name(path: &str, name: &str) -> Result<(), crate::problem::Problem> {
    let is_fine = !name.trim().is_empty() && name.chars().count() <= NAME_LONGEST && !name.chars().any(char::is_control);
    let why = || format!("must have 1 to {NAME_LONGEST} characters, in one line");
    if is_fine { Ok(()) } else { Err(crate::problem::Problem::invalid_at(path, why())) }
}

/// Refuses a schedule that will never work, and streams that are named twice.
pub(crate) fn check(schedule: Option<&Schedule>, streams: Option<&[StreamChoice]>) -> Result<(), crate::problem::Problem> {
    if let Some(Err(why)) = schedule.map(syncline_runtime::check_schedule) {
        return Err(crate::problem::Problem::invalid_at("/schedule", why));
    }
    let mut seen = std::collections::BTreeSet::new();
    for (number, choice) in streams.unwrap_or_default().iter().enumerate() {
        if !seen.insert(&choice.name) {
            return Err(crate::problem::Problem::invalid_at(
                &format!("/streams/{number}/name"),
                format!("`{}` is there twice", choice.name),
            ));
        }
    }
    Ok(())
}
