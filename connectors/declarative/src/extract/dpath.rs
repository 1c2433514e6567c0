//! Paths into documents, with the wildcards of Python's `dpath`: `*`, `?` and `[…]` within a name, `*` for any one step, `**` for any
//! number of them. A name that is a number is the place in a list. Results come in the order in which `dpath` walks.

use serde_json::Value;
use syncline_model::Fault;

use super::{change::remove_at, wildcard::fits};

/// A step that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A name without wildcards.
    Name(String),
    /// A name with some.
    Glob(String),
    /// A number that a template became: a place in a list, and never a name.
    Place(i64),
    /// Something else that a template became, which nothing is called.
    Nothing,
}

impl Part {
    /// The step that a text of a manifest means.
    pub fn of(text: &str) -> Self {
        if text.contains(['*', '?', '[']) { Self::Glob(text.to_owned()) } else { Self::Name(text.to_owned()) }
    }

    /// The place in a list of this length that is meant.
    fn place(&self, length: usize) -> Option<usize> {
        let number = match self {
            Self::Place(number) => *number,
            Self::Name(text) | Self::Glob(text) => number_of(text)?,
            Self::Nothing => return None,
        };
        let from_start = usize::try_from(number).ok();
        let from_end = || usize::try_from(number + i64::try_from(length).ok()?).ok();
        from_start.or_else(from_end).filter(|place| *place < length)
    }

    /// How it is spelt.
    pub fn spelt(&self) -> String {
        match self {
            Self::Name(text) | Self::Glob(text) => text.clone(),
            Self::Place(place) => place.to_string(),
            Self::Nothing => "None".to_owned(),
        }
    }

    fn is_any_number_of_steps(&self) -> bool {
        matches!(self, Self::Glob(text) if text == "**")
    }

    fn fits_name(&self, name: &str) -> bool {
        match self {
            Self::Name(text) => text == name,
            Self::Glob(glob) => fits(glob, name),
            Self::Place(_) | Self::Nothing => false,
        }
    }

    fn fits_place(&self, place: usize, length: usize) -> bool {
        match self {
            Self::Glob(glob) if number_of(glob).is_none() => fits(glob, &place.to_string()),
            _ => self.place(length) == Some(place),
        }
    }

    fn fits(&self, step: &Step) -> bool {
        match step {
            Step::Name(name) => self.fits_name(name),
            Step::Place(place, length) => self.fits_place(*place, *length),
        }
    }
}

/// A text that Python's `int` takes.
pub fn number_of(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

/// A step that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Name(String),
    /// A place in a list of a length.
    Place(usize, usize),
}

/// A path that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    parts: Vec<Part>,
    /// Where `**` stands.
    any: Option<usize>,
}

impl Glob {
    /// A path of steps; at most one of them is `**`.
    pub fn new(parts: Vec<Part>) -> Result<Self, String> {
        let any = parts.iter().position(Part::is_any_number_of_steps);
        if parts.iter().filter(|part| part.is_any_number_of_steps()).count() > 1 {
            return Err("only one `**` may stand in a path".to_owned());
        }
        Ok(Self { parts, any })
    }

    /// Whether a step stands for any one name.
    pub fn has_star(&self) -> bool {
        self.parts.iter().any(|part| *part == Part::Glob("*".to_owned()))
    }

    /// Everything that stands at such a path.
    pub fn values<'a>(&self, root: &'a Value) -> Vec<&'a Value> {
        if self.any.is_some() {
            let mut found = Vec::new();
            walk(root, &mut Vec::new(), &mut |steps, value| {
                if self.fits(steps) {
                    found.push(value);
                }
            });
            return found;
        }
        let mut found = vec![root];
        for part in &self.parts {
            found = found.into_iter().flat_map(|value| children(value, part)).collect();
        }
        found
    }

    /// The one that stands there; more than one are a fault.
    pub fn get<'a>(&self, root: &'a Value) -> Result<Option<&'a Value>, Fault> {
        if self.parts.is_empty() {
            return Ok(Some(root));
        }
        let found = self.values(root);
        if found.len() > 1 {
            return Err(Fault::Unusable(format!("the path `{}` leads to more than one value", self.spelt())));
        }
        Ok(found.first().copied())
    }

    /// How it is spelt.
    pub fn spelt(&self) -> String {
        self.parts.iter().map(Part::spelt).collect::<Vec<_>>().join("/")
    }

    fn fits(&self, steps: &[Step]) -> bool {
        let each = |parts: &[Part], steps: &[Step]| parts.iter().zip(steps).all(|(part, step)| part.fits(step));
        let Some(any) = self.any else { return steps.len() == self.parts.len() && each(&self.parts, steps) };
        let behind = self.parts.len() - any - 1;
        steps.len() + 1 >= self.parts.len()
            && each(&self.parts[..any], steps)
            && each(&self.parts[any + 1..], &steps[steps.len() - behind..])
    }

    /// The steps.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The names, if all steps are such and none could be a place in a list.
    pub fn plain(&self) -> Option<Vec<String>> {
        let name = |part: &Part| match part {
            Part::Name(name) if number_of(name).is_none() => Some(name.clone()),
            _ => None,
        };
        self.parts.iter().map(name).collect()
    }

    /// Whether it may lead to several values.
    pub fn has_wildcards(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Glob(_)))
    }

    /// Takes out what stands at such a path; says whether anything did.
    pub fn remove(&self, root: &mut Value) -> bool {
        let mut paths = Vec::new();
        self.each_path(root, &mut |steps, _| paths.push(steps.to_vec()));
        paths.iter().filter(|path| remove_at(root, path)).count() > 0
    }

    /// Shows every value at such a path with the steps to it.
    pub fn each_path<'a>(&self, root: &'a Value, found: &mut dyn FnMut(&[Step], &'a Value)) {
        if self.any.is_some() {
            walk(root, &mut Vec::new(), &mut |steps, value| {
                if self.fits(steps) {
                    found(steps, value);
                }
            });
        } else {
            descend(root, &self.parts, &mut Vec::new(), found);
        }
    }
}

fn children<'a>(value: &'a Value, part: &Part) -> Vec<&'a Value> {
    match (value, part) {
        (Value::Object(fields), Part::Name(name)) => fields.get(name).into_iter().collect(),
        (Value::Object(fields), part) => fields.iter().filter(|(name, _)| part.fits_name(name)).map(|(_, inner)| inner).collect(),
        (Value::Array(items), Part::Glob(glob)) if glob == "*" => items.iter().collect(),
        (Value::Array(items), Part::Glob(_)) => {
            items.iter().enumerate().filter(|(place, _)| part.fits_place(*place, items.len())).map(|(_, inner)| inner).collect()
        }
        (Value::Array(items), part) => part.place(items.len()).and_then(|place| items.get(place)).into_iter().collect(),
        (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => Vec::new(),
    }
}

/// All the paths that fit, when each part is exactly one step.
fn descend<'a>(value: &'a Value, parts: &[Part], steps: &mut Vec<Step>, found: &mut dyn FnMut(&[Step], &'a Value)) {
    let Some((part, rest)) = parts.split_first() else { return found(steps, value) };
    let mut into = |step: Step, inner: &'a Value| {
        steps.push(step);
        descend(inner, rest, steps, found);
        steps.pop();
    };
    match (value, part) {
        (Value::Object(fields), Part::Name(name)) => {
            if let Some(inner) = fields.get(name) {
                into(Step::Name(name.clone()), inner);
            }
        }
        (Value::Object(fields), part) => {
            fields.iter().filter(|(name, _)| part.fits_name(name)).for_each(|(name, inner)| into(Step::Name(name.clone()), inner));
        }
        (Value::Array(items), part) => {
            let length = items.len();
            let fitting = items.iter().enumerate().filter(|(place, _)| part.fits_place(*place, length));
            fitting.for_each(|(place, inner)| into(Step::Place(place, length), inner));
        }
        (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => {}
    }
}

/// Shows everything within a value with the steps to it: first all that an object or a list holds, then what each of those holds.
pub fn walk<'a>(value: &'a Value, steps: &mut Vec<Step>, show: &mut dyn FnMut(&[Step], &'a Value)) {
    let mut each = |deeper: bool, step: Step, inner: &'a Value| {
        steps.push(step);
        if deeper {
            walk(inner, steps, show);
        } else {
            show(steps, inner);
        }
        steps.pop();
    };
    for deeper in [false, true] {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, inner)| each(deeper, Step::Name(name.clone()), inner)),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(place, inner)| each(deeper, Step::Place(place, items.len()), inner));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return,
        }
    }
}
