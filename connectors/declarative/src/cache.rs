//! Answers of this job that may be used again: a parent's pages are read once, however many streams hang on them.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use syncline_sdk::{HttpAnswer, HttpRequest};

/// How many bytes of answers a job keeps; the oldest go first.
const BYTES_MAX: usize = 64 << 20;

/// The kept answers of one job.
#[derive(Default)]
pub struct Answers(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    answers: HashMap<String, HttpAnswer>,
    order: VecDeque<String>,
    bytes: usize,
}

/// What makes two requests the same: everything that is sent.
pub fn key(request: &HttpRequest) -> String {
    let headers: Vec<String> =
        request.headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))).collect();
    format!("{} {}\n{}\n{}", request.method, request.url, headers.join("\n"), String::from_utf8_lossy(&request.body))
}

impl Answers {
    /// The answer that an equal request got.
    pub fn get(&self, key: &str) -> Option<HttpAnswer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).answers.get(key).cloned()
    }

    /// Keeps an answer.
    pub fn put(&self, key: String, answer: &HttpAnswer) {
        if answer.body.len() > BYTES_MAX / 4 {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += answer.body.len();
        if let Some(old) = kept.answers.insert(key.clone(), answer.clone()) {
            kept.bytes -= old.body.len();
        } else {
            kept.order.push_back(key);
        }
        while kept.bytes > BYTES_MAX {
            let Some(oldest) = kept.order.pop_front() else { return };
            if let Some(gone) = kept.answers.remove(&oldest) {
                kept.bytes -= gone.body.len();
            }
        }
    }
}
