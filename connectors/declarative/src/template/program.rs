//! A template as it is run: owned, without the text that it was read from.

/// What a template does, one after the other.
#[derive(Debug, Default)]
pub struct Program {
    /// Its statements.
    pub body: Vec<Statement>,
    /// The names that it looks up.
    pub names: Vec<Box<str>>,
}

/// A part of a template.
#[derive(Debug)]
pub enum Statement {
    /// Text that stands as it is.
    Text(Box<str>),
    /// `{{ … }}`
    Print(Expression),
    /// `{% for %}`
    For(Box<Loop>),
    /// `{% if %}`
    If(Expression, Vec<Statement>, Vec<Statement>),
    /// `{% set a = … %}`
    Set(Target, Expression),
    /// `{% set a %} … {% endset %}`, with its filters.
    Capture(Target, Vec<Applied>, Vec<Statement>),
    /// `{% filter … %}`
    Filtered(Vec<Applied>, Vec<Statement>),
    /// `{% with %}`
    With(Vec<(Target, Expression)>, Vec<Statement>),
    /// `{% macro %}`
    Macro(Macro),
    /// `{% call %}`
    Call(Expression, Macro),
    /// `{% block %}`
    Block(Vec<Statement>),
}

/// A `{% for %}`.
#[derive(Debug)]
pub struct Loop {
    /// What each item is called.
    pub target: Target,
    /// What is gone through.
    pub over: Expression,
    /// Which items count.
    pub condition: Option<Expression>,
    /// What is done for each.
    pub body: Vec<Statement>,
    /// What is done if there is none.
    pub otherwise: Vec<Statement>,
}

/// A `{% macro %}`.
#[derive(Debug)]
pub struct Macro {
    /// What it is called.
    pub name: Box<str>,
    /// The names of what it is given.
    pub parameters: Vec<Box<str>>,
    /// What the last parameters are when they are not given.
    pub defaults: Vec<Expression>,
    /// What it does.
    pub body: Vec<Statement>,
}

/// A filter without the value before it.
#[derive(Debug)]
pub struct Applied {
    /// Its name.
    pub name: Box<str>,
    /// What it is told.
    pub arguments: Vec<Argument>,
}

/// Where a value is put.
#[derive(Debug)]
pub enum Target {
    /// A name.
    Name(Box<str>),
    /// An attribute of a `namespace`.
    Attribute(Box<str>, Box<str>),
    /// One after the other.
    Many(Vec<Target>),
}

/// Something that has a value.
#[derive(Debug)]
pub enum Expression {
    /// `None`
    None,
    /// `True`
    Bool(bool),
    /// `1`
    Int(i128),
    /// `1.5`
    Float(f64),
    /// `'a'`
    Text(Box<str>),
    /// A name.
    Name(Box<str>),
    /// `a.b`
    Attribute(Box<Expression>, Box<str>),
    /// `a[b]`
    Item(Box<Expression>, Box<Expression>),
    /// `a[b:c:d]`
    Slice(Box<[Option<Expression>; 4]>),
    /// `not a`
    Not(Box<Expression>),
    /// `-a`
    Minus(Box<Expression>),
    /// `a and b`
    And(Box<Expression>, Box<Expression>),
    /// `a or b`
    Or(Box<Expression>, Box<Expression>),
    /// `a + b`
    Reckon(Operator, Box<Expression>, Box<Expression>),
    /// `a ~ b`
    Join(Box<Expression>, Box<Expression>),
    /// `a < b < c`
    Compare(Box<Expression>, Vec<(Comparison, Expression)>),
    /// `a if b else c`
    Choice(Box<[Expression; 2]>, Option<Box<Expression>>),
    /// `a | b`
    Filter(Box<Expression>, Applied),
    /// `a is b`
    Test(Box<Expression>, Box<str>, Vec<Argument>),
    /// `a(b)`
    Call(Box<Expression>, Vec<Argument>),
    /// `[a]`
    List(Vec<Expression>),
    /// `(a,)`
    Tuple(Vec<Expression>),
    /// `{a: b}`
    Dict(Vec<(Expression, Expression)>),
}

/// What something is told.
#[derive(Debug)]
pub enum Argument {
    /// By its place.
    Plain(Expression),
    /// By its name.
    Named(Box<str>, Expression),
    /// `*a`
    Spread(Expression),
    /// `**a`
    SpreadNamed(Expression),
}

/// Two values become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `//`
    DivideDown,
    /// `%`
    Remainder,
    /// `**`
    Power,
}

/// Two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `in`
    In,
    /// `not in`
    NotIn,
}
