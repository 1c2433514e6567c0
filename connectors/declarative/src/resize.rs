//! What is done when a source refuses a page as too large, a window as too long, or a pagination as too deep.

use std::time::Duration as Wait;

use serde::{Deserialize, Serialize};
use syncline_model::Fault;

use crate::{dates::Duration, node::Node, problem::Problem};

/// `PageSizeReduction`.
#[derive(Debug, Clone)]
pub struct PageSizes {
    /// Thousandths: 2000 halves the page.
    factor_thousandths: i64,
    smallest: i64,
    attempts_max: u32,
    resets: bool,
    backoff_ms: u64,
    retries_at_smallest: u32,
    message: Option<String>,
}

/// How small pages have become.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reduced {
    /// The size to ask for instead of the manifest's.
    pub size: Option<i64>,
    attempts: u32,
    retries: u32,
}

/// A number with up to three decimals, in thousandths.
fn thousandths(node: &Node<'_>, field: &str, default: i64) -> Result<i64, Problem> {
    let Some(value) = node.get(field) else { return Ok(default) };
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits = format!("{whole}{}", format!("{fraction:0<3}").get(..3).unwrap_or("000"));
    digits.parse().map_err(|_| node.problem(format!("`{field}` is `{text}`, and must be a number")))
}

impl PageSizes {
    /// Reads one.
    pub fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let count = |field: &str, default: u32| {
            Ok::<_, Problem>(node.whole(field)?.map_or(default, |number| u32::try_from(number).unwrap_or_default()))
        };
        let made = Self {
            factor_thousandths: thousandths(node, "reduction_factor", 2_000)?,
            smallest: node.whole("minimum_page_size")?.unwrap_or(1),
            attempts_max: count("max_attempts", 5)?,
            resets: node.word("reset_policy") == Some("AFTER_SUCCESSFUL_PAGE"),
            backoff_ms: u64::try_from(thousandths(node, "backoff_seconds", 500)?).unwrap_or_default(),
            retries_at_smallest: count("retries_at_minimum_page_size", 0)?,
            message: node.word("failure_message").map(str::to_owned),
        };
        if made.factor_thousandths <= 1_000 || made.smallest < 1 || made.attempts_max < 1 {
            return Err(node.problem("`reduction_factor` must be larger than 1, `minimum_page_size` and `max_attempts` at least 1"));
        }
        Ok(made)
    }

    /// Makes the page smaller, and says how long to wait before it is asked for again.
    pub fn reduce(&self, reduced: &mut Reduced, configured: Option<i64>, why: &str) -> Result<Wait, Fault> {
        let current = reduced.size.or(configured).ok_or_else(|| {
            Fault::Misconfigured("the source wants smaller pages, and the pagination has no `page_size` to make smaller".to_owned())
        })?;
        let smaller = (current * 1_000 / self.factor_thousandths).max(self.smallest);
        if smaller >= current {
            reduced.retries += 1;
            if reduced.retries > self.retries_at_smallest {
                return Err(self.given_up(format!("the source refuses even pages of {current} records"), why));
            }
            return Ok(Wait::from_millis(self.backoff_ms * u64::from(reduced.retries)));
        }
        reduced.attempts += 1;
        if reduced.attempts > self.attempts_max {
            return Err(self.given_up(format!("the source refuses pages of every size down to {current} records"), why));
        }
        reduced.size = Some(smaller);
        Ok(Wait::from_millis(self.backoff_ms * u64::from(reduced.attempts)))
    }

    fn given_up(&self, said: String, why: &str) -> Fault {
        let more = [why, self.message.as_deref().unwrap_or_default().trim()];
        let more: Vec<&str> = more.into_iter().filter(|text| !text.is_empty()).collect();
        Fault::Unavailable(if more.is_empty() { said } else { format!("{said}: {}", more.join("; ")) })
    }

    /// A page was read.
    pub fn succeeded(&self, reduced: &mut Reduced) {
        reduced.attempts = 0;
        reduced.retries = 0;
        if self.resets {
            reduced.size = None;
        }
    }
}

/// `RequestWindowSplitting`.
#[derive(Debug, Clone)]
pub struct WindowSplits {
    /// Windows are not made smaller than this.
    pub smallest: Option<Duration>,
    /// What the manifest says when it does not help.
    pub message: Option<String>,
}

impl WindowSplits {
    /// Reads one.
    pub fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let smallest = match node.word("min_split_window") {
            None => None,
            Some(text) => {
                Some(Duration::parse(text).ok_or_else(|| node.problem(format!("`min_split_window` is `{text}`, and must be a duration")))?)
            }
        };
        Ok(Self { smallest, message: node.word("failure_message").map(str::to_owned) })
    }
}

/// `PaginationReset`.
#[derive(Debug, Clone)]
pub struct Resets {
    /// Begin behind the newest record that was seen, where there is a cursor.
    pub by_cursor: bool,
    /// Begin anew after so many records.
    pub records_max: Option<u64>,
}

impl Resets {
    /// Reads one.
    pub fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let by_cursor = match node.word("action") {
            Some("RESET") => false,
            Some("SPLIT_USING_CURSOR") => true,
            other => {
                let hint = syncline_model::nearest::hint(other.unwrap_or_default(), ["RESET", "SPLIT_USING_CURSOR"]);
                return Err(node.problem(format!("`action` is `{}`{hint}", other.unwrap_or("absent"))));
            }
        };
        let limits = node.child("limits");
        let records_max = limits.map(|limits| limits.whole("number_of_records")).transpose()?.flatten();
        Ok(Self { by_cursor, records_max: records_max.and_then(|count| u64::try_from(count).ok()) })
    }
}
