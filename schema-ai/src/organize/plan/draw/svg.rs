//! The picture: boxes in columns, the unified entities on the left, tables beside the entity that they feed, lines between them.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::{Joined, Shown, boxes, lines};
use crate::organize::plan::document::Document;

const WIDTH: usize = 230;
const GAP: usize = 90;
const ROW: usize = 18;
const HEAD: usize = 28;
const MARGIN: usize = 20;
/// Tables below one another before the next column begins.
const TALLEST: usize = 1_400;

const STYLE: &str = "text{font:12px ui-sans-serif,system-ui,sans-serif;fill:#1c2430}.t{font-weight:600}.k{font-weight:600}.h{fill:#66707f}\
.b{fill:#fff;stroke:#c3cad5}.e{fill:#e6f0ff;stroke:#3b74d8}.l{fill:none;stroke:#8a94a6}.f{stroke:#3b74d8;stroke-dasharray:4 3}\
@media (prefers-color-scheme:dark){text{fill:#e6e9ef}.h{fill:#9aa4b5}.b{fill:#1b212b;stroke:#465063}.e{fill:#1d2f4d;stroke:#6ea0f5}}";

struct Place {
    x: usize,
    y: usize,
    height: usize,
}

/// The plan as an SVG that stands alone: no script, no font and nothing else from elsewhere.
pub fn svg(plan: &Document) -> String {
    let (boxes, lines) = (boxes(plan), lines(plan));
    let places = places(&boxes);
    let width = places.values().map(|place| place.x + WIDTH).max().unwrap_or(WIDTH) + MARGIN;
    let height = places.values().map(|place| place.y + place.height).max().unwrap_or(HEAD) + MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
         aria-label=\"tables and how they belong together\"><style>{STYLE}</style>"
    );
    for line in &lines {
        join(&mut out, line, &places);
    }
    for shown in &boxes {
        if let Some(place) = places.get(shown.title.as_str()) {
            draw(&mut out, shown, place);
        }
    }
    out.push_str("</svg>");
    out
}

fn places(boxes: &[Shown]) -> HashMap<&str, Place> {
    let mut places = HashMap::new();
    let (mut x, mut y) = (MARGIN, MARGIN);
    let mut was_entity = true;
    for shown in boxes {
        let rows = shown.lines.len() + usize::from(shown.more > 0);
        let height = HEAD + rows * ROW + 8;
        let is_next = (was_entity && !shown.is_entity && !places.is_empty()) || (y > MARGIN && y + height > TALLEST);
        if is_next {
            (x, y) = (x + WIDTH + GAP, MARGIN);
        }
        was_entity = shown.is_entity;
        places.insert(shown.title.as_str(), Place { x, y, height });
        y += height + ROW;
    }
    places
}

fn draw(out: &mut String, shown: &Shown, place: &Place) {
    let (x, y) = (place.x, place.y);
    let class = if shown.is_entity { "e" } else { "b" };
    let _ = write!(out, "<g><title>{}</title>", escaped(&shown.title));
    let _ = write!(out, "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{}\" rx=\"6\"/>", place.height);
    let _ = write!(out, "<text class=\"t\" x=\"{}\" y=\"{}\">{}</text>", x + 10, y + 19, escaped(&cut(&shown.title, 30)));
    for (at, line) in shown.lines.iter().enumerate() {
        let baseline = y + HEAD + at * ROW + 13;
        let class = if line.is_key { " class=\"k\"" } else { "" };
        let _ = write!(out, "<text{class} x=\"{}\" y=\"{baseline}\">{}</text>", x + 10, escaped(&cut(&line.name, 20)));
        let kind = escaped(&line.kind.replace('_', " "));
        let _ = write!(out, "<text class=\"h\" x=\"{}\" y=\"{baseline}\" text-anchor=\"end\">{kind}</text>", x + WIDTH - 10);
    }
    if shown.more > 0 {
        let baseline = y + HEAD + shown.lines.len() * ROW + 13;
        let _ = write!(out, "<text class=\"h\" x=\"{}\" y=\"{baseline}\">and {} more</text>", x + 10, shown.more);
    }
    out.push_str("</g>");
}

fn join(out: &mut String, line: &Joined, places: &HashMap<&str, Place>) {
    let (Some(from), Some(to)) = (places.get(line.from.as_str()), places.get(line.to.as_str())) else { return };
    let (from_y, to_y) = (from.y + HEAD / 2, to.y + HEAD / 2);
    // A line leaves a box on the side on which the other one is.
    let (start, bend_start) = if from.x > to.x { (from.x, from.x - GAP / 2) } else { (from.x + WIDTH, from.x + WIDTH + GAP / 2) };
    let (end, bend_end) = if from.x < to.x { (to.x, to.x - GAP / 2) } else { (to.x + WIDTH, to.x + WIDTH + GAP / 2) };
    let class = if line.label == "feeds" { "l f" } else { "l" };
    let _ = write!(
        out,
        "<path class=\"{class}\" d=\"M{start} {from_y}C{bend_start} {from_y} {bend_end} {to_y} {end} {to_y}\"><title>{}</title></path>",
        escaped(&format!("{} to {}: {}", line.from, line.to, line.label))
    );
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most - 1).chain(['…']).collect() }
}

fn escaped(text: &str) -> String {
    let shown: String = text.chars().filter(|c| !c.is_control()).collect();
    shown.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
