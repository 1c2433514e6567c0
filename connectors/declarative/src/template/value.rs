//! Values as Python has them while a template runs. JSON is looked at where it stands and never copied.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use serde_json::Value;

use super::program::Macro;
use crate::dates::{Date, Duration, Time};

/// Why a template has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// It looked into something that is not there: the default takes its place.
    Undefined(String),
    /// Python's `TypeError`: the template's own text takes its place.
    Type,
    /// Everything else.
    Other(String),
}

/// What evaluating gives.
pub type Outcome<T> = Result<T, Stop>;

/// An error of Python that no default takes the place of.
pub fn other<T>(why: impl Into<String>) -> Outcome<T> {
    Err(Stop::Other(why.into()))
}

/// A text, of the template or of what it looks at, or one that was made.
#[derive(Debug, Clone)]
pub enum Text<'a> {
    /// It stands elsewhere.
    Seen(&'a str),
    /// It was made.
    Made(Rc<str>),
}

impl Text<'_> {
    /// Its letters.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Seen(text) => text,
            Self::Made(text) => text,
        }
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self::Made(text.into())
    }
}

/// The pairs of a dict, in the order in which they were put.
pub type Pairs<'a> = Vec<(Py<'a>, Py<'a>)>;

/// Which view of a dict, or the like, a sequence is: only printing tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// `dict.keys()`
    Keys,
    /// `dict.values()`
    Values,
    /// `dict.items()`
    Items,
}

/// What a filter gives one after the other; an error waits until its place is reached.
#[derive(Debug)]
pub struct Flow<'a> {
    /// What is still to come.
    pub items: RefCell<VecDeque<Py<'a>>>,
    /// What comes then.
    pub end: Option<Stop>,
}

/// A `{% for %}` that runs.
#[derive(Debug)]
pub struct LoopState<'a> {
    /// All items.
    pub items: Vec<Py<'a>>,
    /// Which one it is at, from 0.
    pub at: Cell<usize>,
    /// How many loops are around it.
    pub depth: usize,
    /// What `loop.changed()` was asked last.
    pub last: RefCell<Option<Vec<Py<'a>>>>,
}

/// A macro with the names around it.
#[derive(Debug)]
pub struct Defined<'a> {
    /// What it does.
    pub node: &'a Macro,
    /// How many frames it sees.
    pub frames: usize,
    /// What `caller()` is in it.
    pub caller: Option<Py<'a>>,
}

/// A value.
#[derive(Debug, Clone)]
pub enum Py<'a> {
    /// What is not there.
    Undefined,
    /// `None`
    None,
    /// `True`, `False`
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A whole number with more digits than we reckon with.
    Long(&'a str),
    /// A double.
    Float(f64),
    /// A text.
    Str(Text<'a>),
    /// A text that is safe in HTML: what is added to it is escaped.
    Markup(Text<'a>),
    /// Bytes.
    Bytes(Rc<[u8]>),
    /// A list or an object of JSON.
    Json(&'a Value),
    /// A list.
    List(Rc<RefCell<Vec<Py<'a>>>>),
    /// A tuple.
    Tuple(Rc<Vec<Py<'a>>>),
    /// A dict.
    Dict(Rc<RefCell<Pairs<'a>>>),
    /// A view of a dict.
    View(View, Rc<Vec<Py<'a>>>),
    /// What a filter gives one after the other.
    Flow(Rc<Flow<'a>>),
    /// A `datetime`.
    Time(Time),
    /// A `date`.
    Date(Date),
    /// A `timedelta`, in microseconds.
    Delta(i64),
    /// A duration that goes by the calendar.
    Period(Duration),
    /// A function of the language.
    Function(&'static str),
    /// A method of a value.
    Method(Rc<(Py<'a>, Box<str>)>),
    /// A macro.
    Macro(Rc<Defined<'a>>),
    /// A `namespace()`.
    Namespace(Rc<RefCell<Pairs<'a>>>),
    /// `loop`
    Loop(Rc<LoopState<'a>>),
    /// `self`, in which nothing is defined.
    Template,
}

impl<'a> Py<'a> {
    /// A text that was made.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Str(Text::from(text.into()))
    }

    /// A list.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(Rc::new(RefCell::new(items)))
    }

    /// A tuple.
    pub fn tuple(items: Vec<Self>) -> Self {
        Self::Tuple(Rc::new(items))
    }

    /// A dict.
    pub fn dict(pairs: Pairs<'a>) -> Self {
        Self::Dict(Rc::new(RefCell::new(pairs)))
    }

    /// A JSON value where it stands.
    pub fn seen(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::None,
            Value::Bool(yes) => Self::Bool(*yes),
            Value::Number(number) => Self::number(number.as_str()),
            Value::String(text) => Self::Str(Text::Seen(text)),
            Value::Array(_) | Value::Object(_) => Self::Json(value),
        }
    }

    fn number(digits: &'a str) -> Self {
        if digits.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
            return Self::Float(digits.parse().unwrap_or(f64::NAN));
        }
        digits.parse().map_or(Self::Long(digits), Self::Int)
    }

    /// Its letters, if it is a text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) | Self::Markup(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// A whole number; `True` counts as 1.
    pub fn as_int(&self) -> Option<i128> {
        match self {
            Self::Bool(yes) => Some(i128::from(*yes)),
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// A number as a double.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(number) => Some(*number),
            Self::Long(digits) => digits.parse().ok(),
            #[expect(clippy::cast_precision_loss, reason = "as Python does")]
            _ => self.as_int().map(|number| number as f64),
        }
    }

    /// It looks into something that is not there.
    pub fn undefined<T>(&self, name: &str) -> Outcome<T> {
        Err(Stop::Undefined(format!("`{name}` is asked of {}", self.kind())))
    }

    /// What Python calls its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Undefined => "something undefined",
            Self::None => "None",
            Self::Bool(_) => "a bool",
            Self::Int(_) | Self::Long(_) => "an int",
            Self::Float(_) => "a float",
            Self::Str(_) | Self::Markup(_) => "a str",
            Self::Bytes(_) => "bytes",
            Self::Json(Value::Object(_)) | Self::Dict(_) => "a dict",
            Self::Json(_) | Self::List(_) => "a list",
            Self::Tuple(_) => "a tuple",
            Self::View(..) => "a view of a dict",
            Self::Flow(_) => "a generator",
            Self::Time(_) => "a datetime",
            Self::Date(_) => "a date",
            Self::Delta(_) => "a timedelta",
            Self::Period(_) => "a duration",
            Self::Function(_) | Self::Method(_) | Self::Macro(_) => "a function",
            Self::Namespace(_) => "a namespace",
            Self::Loop(_) => "a loop",
            Self::Template => "the template",
        }
    }
}
