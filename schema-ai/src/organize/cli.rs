//! The organizer as a command: `plan`, `quality`, `profile`, `match`, `resolve`. The binary and the example both call [`run`].

mod options;
mod progress;

use std::io::Write;
use std::path::Path;

use self::options::{Asked, USAGE};
use super::advice::plain::Plain;
use super::advice::{Advice, advise};
use super::plan::Plan;
use super::plan::document::Document;
use super::profile::files::Source;
use super::quality::{self, Quality};
use super::{Refused, matching, plan, resolve};

/// Does what the arguments say (without the program's name and the word `organize`) and writes the answer to `out`.
pub fn run(arguments: &[String], out: &mut dyn Write) -> Result<(), Refused> {
    let [verb, rest @ ..] = arguments else { return Err(Refused::Usage(USAGE.to_owned())) };
    let asked = Asked::parse(rest)?;
    match verb.as_str() {
        "plan" => show_plan(&asked, out),
        "quality" => show_quality(&asked, out),
        "profile" => show_profile(&asked, out),
        "match" => show_match(&asked, out),
        "resolve" => show_resolve(&asked, out),
        "help" | "--help" | "-h" => Ok(writeln!(out, "{USAGE}")?),
        other => Err(Refused::Usage(format!("unknown command `{other}`\n{USAGE}"))),
    }
}

fn planned(folder: &str) -> Result<Plan, Refused> {
    let sources = Source::folder(Path::new(folder))?;
    let streams = progress::profiled(&sources)?;
    progress::waiting("keys and relations", || Plan::of_streams(streams, &sources))
}

fn show_plan(asked: &Asked<'_>, out: &mut dyn Write) -> Result<(), Refused> {
    let [folder] = asked.files.as_slice() else { return Err(Refused::Usage("`plan` takes one folder".to_owned())) };
    let made = planned(folder)?;
    let advice = asked.endpoint().map(|endpoint| progress::waiting("asking the advisor", || advise(&made, &endpoint, &Plain::default())));
    match asked.format {
        "json" => write_json(out, &with_advice(plan::json::plan(&made), advice.as_ref())),
        "mermaid" => Ok(write!(out, "{}", plan::mermaid::plan(&made))?),
        "svg" => Ok(write!(out, "{}", plan::draw::svg(&Document::of(&made)))?),
        "text" => {
            write!(out, "{}", plan::text::plan(&made))?;
            advice.map_or(Ok(()), |advice| write_advice(out, &advice))
        }
        other => Err(unknown_format(other, "json, text, mermaid or svg")),
    }
}

/// Advice stands beside the plan, and changes nothing in it.
fn with_advice(mut shown: serde_json::Value, advice: Option<&Advice>) -> serde_json::Value {
    if let (Some(advice), Some(plan)) = (advice, shown.as_object_mut()) {
        plan.insert("advice".to_owned(), serde_json::json!(advice));
    }
    shown
}

fn write_advice(out: &mut dyn Write, advice: &Advice) -> Result<(), Refused> {
    if let Some(why) = &advice.failed {
        writeln!(out, "the advisor was of no help: {why}")?;
    }
    for one in &advice.suggestions {
        writeln!(out, "suggested: {} is rather {} than {} ({})", one.subject, one.rather, one.now, one.because)?;
    }
    Ok(())
}

fn show_quality(asked: &Asked<'_>, out: &mut dyn Write) -> Result<(), Refused> {
    let [folder] = asked.files.as_slice() else { return Err(Refused::Usage("`quality` takes one folder".to_owned())) };
    let made = planned(folder)?;
    let quality = Quality::of(&made);
    match asked.format {
        "json" => write_json(out, &quality::report::json(&quality, &made)),
        "text" => Ok(write!(out, "{}", quality::report::text(&quality))?),
        other => Err(unknown_format(other, "json or text")),
    }
}

fn show_profile(asked: &Asked<'_>, out: &mut dyn Write) -> Result<(), Refused> {
    for file in &asked.files {
        let source = Source::file(Path::new(file));
        let profile = source.profile()?;
        if asked.format == "json" {
            let saved =
                serde_json::to_value(&profile).map_err(|cause| Refused::Invalid { what: source.stream, cause: cause.to_string() })?;
            write_json(out, &saved)?;
            continue;
        }
        let stream = super::normalize::Stream::new(&source.stream, profile);
        let alone = Plan { streams: vec![stream], relations: Vec::new(), entities: Vec::new() };
        write!(out, "{}", plan::text::plan(&alone))?;
    }
    Ok(())
}

fn show_match(asked: &Asked<'_>, out: &mut dyn Write) -> Result<(), Refused> {
    let [a, b] = asked.files.as_slice() else { return Err(Refused::Usage("`match` takes two files".to_owned())) };
    let pairs = progress::waiting("matching", || matching::files(&Source::file(Path::new(a)), &Source::file(Path::new(b))))?;
    if asked.format == "json" {
        return write_json(out, &matching::json(&pairs));
    }
    for pair in &pairs {
        writeln!(out, "{} = {}  {:.0} %", pair.a, pair.b, pair.confidence * 100.0)?;
    }
    Ok(())
}

fn show_resolve(asked: &Asked<'_>, out: &mut dyn Write) -> Result<(), Refused> {
    let (a, b) = match asked.files.as_slice() {
        [a] => (*a, None),
        [a, b] => (*a, Some(*b)),
        _ => return Err(Refused::Usage("`resolve` takes one or two files".to_owned())),
    };
    let b = b.map(|b| Source::file(Path::new(b)));
    let found = progress::waiting("resolving", || resolve::files(&Source::file(Path::new(a)), b.as_ref(), asked.id))?;
    match asked.format {
        "json" => write_json(out, &found.json()),
        _ => Ok(write!(out, "{}", found.text())?),
    }
}

fn write_json(out: &mut dyn Write, value: &serde_json::Value) -> Result<(), Refused> {
    serde_json::to_writer(&mut *out, value).map_err(|cause| Refused::Invalid { what: "answer".to_owned(), cause: cause.to_string() })?;
    Ok(writeln!(out)?)
}

fn unknown_format(format: &str, known: &str) -> Refused {
    Refused::Usage(format!("unknown format `{format}`: {known}"))
}
