//! The organizer as a command: `plan`, `quality`, `profile`, `match`, `resolve`. The binary and the example both call [`run`].

use std::io::Write;
use std::path::Path;

use super::profile::files::Source;
use super::quality::{self, Quality};
use super::{Refused, matching, plan, resolve};

const USAGE: &str =
    "organize plan DIR | quality DIR | profile FILE... | match A B | resolve A [B] --id FIELD   [--format json|text|mermaid]";

/// What was asked.
struct Asked<'a> {
    files: Vec<&'a str>,
    format: &'a str,
    id: &'a str,
}

/// Does what the arguments say (without the program's name and the word `organize`) and writes the answer to `out`.
pub fn run(arguments: &[String], out: &mut dyn Write) -> Result<(), Refused> {
    let [verb, rest @ ..] = arguments else { return Err(Refused::Usage(USAGE.to_owned())) };
    let asked = parse(rest)?;
    match verb.as_str() {
        "plan" => show_plan(&asked, out),
        "quality" => show_quality(&asked, out),
        "profile" => show_profile(&asked, out),
        "match" => show_match(&asked, out),
        "resolve" => show_resolve(&asked, out),
        other => Err(Refused::Usage(format!("unknown command `{other}`: {USAGE}"))),
    }
}

fn parse(arguments: &[String]) -> Result<Asked<'_>, Refused> {
    let mut asked = Asked { files: Vec::new(), format: "text", id: "id" };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let (name, inline) = argument.split_once('=').map_or((argument.as_str(), None), |(name, value)| (name, Some(value)));
        let mut value =
            || inline.or_else(|| rest.next().map(String::as_str)).ok_or_else(|| Refused::Usage(format!("`{name}` needs a value")));
        match name {
            "--format" => asked.format = value()?,
            "--id" => asked.id = value()?,
            _ if name.starts_with("--") => return Err(Refused::Usage(format!("unknown option `{name}`: {USAGE}"))),
            _ => asked.files.push(argument),
        }
    }
    Ok(asked)
}

fn show_plan(asked: &Asked<'_>, out: &mut dyn Write) -> Result<(), Refused> {
    let [folder] = asked.files.as_slice() else { return Err(Refused::Usage("`plan` takes one folder".to_owned())) };
    let made = plan::Plan::of(&Source::folder(Path::new(folder))?)?;
    match asked.format {
        "json" => write_json(out, &plan::json::plan(&made)),
        "mermaid" => Ok(write!(out, "{}", plan::mermaid::plan(&made))?),
        "text" => Ok(write!(out, "{}", plan::text::plan(&made))?),
        other => Err(unknown_format(other)),
    }
}

fn show_quality(asked: &Asked<'_>, out: &mut dyn Write) -> Result<(), Refused> {
    let [folder] = asked.files.as_slice() else { return Err(Refused::Usage("`quality` takes one folder".to_owned())) };
    let made = plan::Plan::of(&Source::folder(Path::new(folder))?)?;
    let quality = Quality::of(&made);
    match asked.format {
        "json" => write_json(out, &quality::report::json(&quality, &made)),
        "text" => Ok(write!(out, "{}", quality::report::text(&quality))?),
        other => Err(unknown_format(other)),
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
        let alone = plan::Plan { streams: vec![stream], relations: Vec::new(), entities: Vec::new() };
        write!(out, "{}", plan::text::plan(&alone))?;
    }
    Ok(())
}

fn show_match(asked: &Asked<'_>, out: &mut dyn Write) -> Result<(), Refused> {
    let [a, b] = asked.files.as_slice() else { return Err(Refused::Usage("`match` takes two files".to_owned())) };
    let pairs = matching::files(&Source::file(Path::new(a)), &Source::file(Path::new(b)))?;
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
    let found = resolve::files(&Source::file(Path::new(a)), b.map(|b| Source::file(Path::new(b))).as_ref(), asked.id)?;
    match asked.format {
        "json" => write_json(out, &found.json()),
        _ => Ok(write!(out, "{}", found.text())?),
    }
}

fn write_json(out: &mut dyn Write, value: &serde_json::Value) -> Result<(), Refused> {
    serde_json::to_writer(&mut *out, value).map_err(|cause| Refused::Invalid { what: "answer".to_owned(), cause: cause.to_string() })?;
    Ok(writeln!(out)?)
}

fn unknown_format(format: &str) -> Refused {
    Refused::Usage(format!("unknown format `{format}`: json, text or mermaid"))
}
