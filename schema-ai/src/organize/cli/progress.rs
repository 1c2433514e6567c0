//! How far reading is, for those who watch: only on a terminal, and never in the answer.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::organize::Refused;
use crate::organize::normalize::Stream;
use crate::organize::profile::files::Source;

/// Records between two looks at the bar.
const STEP: usize = 512;

/// The streams of files, profiled, with a bar over all their bytes.
pub fn profiled(sources: &[Source]) -> Result<Vec<Stream>, Refused> {
    let bytes = sources.iter().filter_map(|source| std::fs::metadata(&source.path).ok()).map(|file| file.len()).sum();
    let bar = ProgressBar::new(bytes);
    bar.set_style(style("{msg:24!} {bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}"));
    let mut streams = Vec::new();
    for source in sources {
        bar.set_message(source.stream.clone());
        let (mut records, mut read) = (0_usize, 0_usize);
        let profile = source.profile_watched(&mut |record| {
            records += 1;
            read += record + 1;
            if records.is_multiple_of(STEP) {
                bar.inc(std::mem::take(&mut read) as u64);
            }
        })?;
        bar.inc(read as u64);
        streams.push(Stream::new(&source.stream, profile));
    }
    bar.finish_and_clear();
    Ok(streams)
}

/// Does work whose end is not known, beside a sign that it goes on.
pub fn waiting<T>(message: &str, work: impl FnOnce() -> T) -> T {
    let bar = ProgressBar::new_spinner();
    bar.set_style(style("{spinner} {msg} {elapsed}"));
    bar.set_message(message.to_owned());
    bar.enable_steady_tick(Duration::from_millis(120));
    let done = work();
    bar.finish_and_clear();
    done
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
