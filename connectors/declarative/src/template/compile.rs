//! From the syntax tree that minijinja reads to what is run.

use minijinja::{
    machinery::{ast, parse},
    syntax::SyntaxConfig,
    value::{Value as Constant, ValueKind},
};

use super::program::{Applied, Argument, Comparison, Expression, Loop, Macro, Operator, Program, Statement, Target};

const TAGS_MAX: usize = 500;
const OPERATORS_MAX: usize = 500;

/// Reads a template.
pub fn compile(text: &str) -> Result<Program, String> {
    if is_excessive(text) {
        return Err("it is too long".to_owned());
    }
    let text = without_colons(&text.replace("\r\n", "\n").replace('\r', "\n"));
    let tree = parse(&text, "template", SyntaxConfig::default())
        .map_err(|error| error.detail().map_or_else(|| error.kind().to_string(), str::to_owned))?;
    let ast::Stmt::Template(template) = &tree else { return Err("it is no template".to_owned()) };
    let body = statements(&template.children)?;
    let names = super::names::looked_up(&body);
    Ok(Program { body, names })
}

/// More operators in one tag, or tags in one template, than can be followed down. No honest template comes near.
fn is_excessive(text: &str) -> bool {
    let operators = |tag: &str| {
        let signs = tag.bytes().filter(|byte| b"+-*/~|.[(%<>=!".contains(byte)).count();
        signs + tag.split_whitespace().filter(|word| matches!(*word, "and" | "or" | "not" | "in" | "is" | "if" | "else")).count()
    };
    let tags = || text.split("{%").flat_map(|part| part.split("{{")).skip(1);
    tags().count() > TAGS_MAX || tags().any(|tag| operators(tag) > OPERATORS_MAX)
}

/// Jinja lets a colon stand at the end of a block's head.
fn without_colons(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(end) = rest.find("%}") {
        let head = rest[..end].trim_end_matches(['-', '+']);
        let dash = &rest[head.len()..end];
        let cut = head.trim_end();
        match cut.strip_suffix(':') {
            Some(cut) if cut.contains("{%") => out.extend([cut, " ", dash, "%}"]),
            _ => out.push_str(&rest[..end + 2]),
        }
        rest = &rest[end + 2..];
    }
    out.push_str(rest);
    out
}

fn statements(nodes: &[ast::Stmt<'_>]) -> Result<Vec<Statement>, String> {
    nodes.iter().map(statement).collect()
}

fn statement(node: &ast::Stmt<'_>) -> Result<Statement, String> {
    Ok(match node {
        ast::Stmt::EmitRaw(raw) => Statement::Text(raw.raw.into()),
        ast::Stmt::EmitExpr(emit) => Statement::Print(expression(&emit.expr)?),
        ast::Stmt::ForLoop(looped) if looped.recursive => return Err("recursive loops are not supported".to_owned()),
        ast::Stmt::ForLoop(looped) => Statement::For(Box::new(Loop {
            target: target(&looped.target)?,
            over: expression(&looped.iter)?,
            condition: looped.filter_expr.as_ref().map(expression).transpose()?,
            body: statements(&looped.body)?,
            otherwise: statements(&looped.else_body)?,
        })),
        ast::Stmt::IfCond(cond) => Statement::If(expression(&cond.expr)?, statements(&cond.true_body)?, statements(&cond.false_body)?),
        ast::Stmt::WithBlock(with) => {
            let one = |(name, value): &(ast::Expr<'_>, ast::Expr<'_>)| Ok((target(name)?, expression(value)?));
            Statement::With(with.assignments.iter().map(one).collect::<Result<_, String>>()?, statements(&with.body)?)
        }
        ast::Stmt::Set(set) => Statement::Set(target(&set.target)?, expression(&set.expr)?),
        ast::Stmt::SetBlock(set) => {
            let filters = set.filter.as_ref().map(filters).transpose()?.unwrap_or_default();
            Statement::Capture(target(&set.target)?, filters, statements(&set.body)?)
        }
        ast::Stmt::FilterBlock(block) => Statement::Filtered(filters(&block.filter)?, statements(&block.body)?),
        ast::Stmt::Block(block) => Statement::Block(statements(&block.body)?),
        ast::Stmt::Macro(node) => Statement::Macro(macro_of(node)?),
        ast::Stmt::CallBlock(block) => {
            let call = Expression::Call(Box::new(expression(&block.call.expr)?), arguments(&block.call.args)?);
            Statement::Call(call, macro_of(&block.macro_decl)?)
        }
        _ => return Err("it has a statement that the language does not have".to_owned()),
    })
}

fn macro_of(node: &ast::Macro<'_>) -> Result<Macro, String> {
    let name = |node: &ast::Expr<'_>| match node {
        ast::Expr::Var(var) => Ok(var.id.into()),
        _ => Err("a macro's parameter must be a name".to_owned()),
    };
    Ok(Macro {
        name: node.name.into(),
        parameters: node.args.iter().map(name).collect::<Result<_, _>>()?,
        defaults: node.defaults.iter().map(expression).collect::<Result<_, _>>()?,
        body: statements(&node.body)?,
    })
}

/// The filters of a chain, the first to be applied first.
fn filters(node: &ast::Expr<'_>) -> Result<Vec<Applied>, String> {
    let ast::Expr::Filter(filter) = node else { return Err("a filter is missing".to_owned()) };
    let mut chain = filter.expr.as_ref().map(filters).transpose()?.unwrap_or_default();
    chain.push(Applied { name: filter.name.into(), arguments: arguments(&filter.args)? });
    Ok(chain)
}

fn target(node: &ast::Expr<'_>) -> Result<Target, String> {
    match node {
        ast::Expr::Var(var) => Ok(Target::Name(var.id.into())),
        ast::Expr::GetAttr(attribute) => match &attribute.expr {
            ast::Expr::Var(var) => Ok(Target::Attribute(var.id.into(), attribute.name.into())),
            _ => Err("only an attribute of a name can be set".to_owned()),
        },
        ast::Expr::List(list) => list.items.iter().map(target).collect::<Result<_, _>>().map(Target::Many),
        ast::Expr::Tuple(list) => list.items.iter().map(target).collect::<Result<_, _>>().map(Target::Many),
        _ => Err("only names can be set".to_owned()),
    }
}

fn boxed(node: &ast::Expr<'_>) -> Result<Box<Expression>, String> {
    expression(node).map(Box::new)
}

fn expression(node: &ast::Expr<'_>) -> Result<Expression, String> {
    Ok(match node {
        ast::Expr::Const(constant) => constant_of(&constant.value)?,
        ast::Expr::Var(var) => Expression::Name(var.id.into()),
        ast::Expr::GetAttr(node) => Expression::Attribute(boxed(&node.expr)?, node.name.into()),
        ast::Expr::GetItem(node) => Expression::Item(boxed(&node.expr)?, boxed(&node.subscript_expr)?),
        ast::Expr::Slice(node) => {
            let part = |part: &Option<ast::Expr<'_>>| part.as_ref().map(expression).transpose();
            Expression::Slice(Box::new([Some(expression(&node.expr)?), part(&node.start)?, part(&node.stop)?, part(&node.step)?]))
        }
        ast::Expr::UnaryOp(node) => match node.op {
            ast::UnaryOpKind::Not => negated(expression(&node.expr)?),
            ast::UnaryOpKind::Neg => Expression::Minus(boxed(&node.expr)?),
        },
        ast::Expr::BinOp(node) => binary(node)?,
        ast::Expr::Compare(node) => {
            let one = |op: &ast::CompareOp<'_>| Ok((comparison(op.op), expression(&op.expr)?));
            Expression::Compare(boxed(&node.expr)?, node.ops.iter().map(one).collect::<Result<_, String>>()?)
        }
        ast::Expr::IfExpr(node) => Expression::Choice(
            Box::new([expression(&node.test_expr)?, expression(&node.true_expr)?]),
            node.false_expr.as_ref().map(boxed).transpose()?,
        ),
        ast::Expr::Filter(node) => {
            let value = node.expr.as_ref().ok_or("a filter has no value")?;
            Expression::Filter(boxed(value)?, Applied { name: node.name.into(), arguments: arguments(&node.args)? })
        }
        ast::Expr::Test(node) => Expression::Test(boxed(&node.expr)?, node.name.into(), arguments(&node.args)?),
        ast::Expr::Call(node) => Expression::Call(boxed(&node.expr)?, arguments(&node.args)?),
        ast::Expr::List(node) => Expression::List(node.items.iter().map(expression).collect::<Result<_, _>>()?),
        ast::Expr::Tuple(node) => Expression::Tuple(node.items.iter().map(expression).collect::<Result<_, _>>()?),
        ast::Expr::Map(node) => {
            let one = |(key, value)| Ok((expression(key)?, expression(value)?));
            Expression::Dict(node.keys.iter().zip(&node.values).map(one).collect::<Result<_, String>>()?)
        }
    })
}

/// `not a in b` and `a not in b` are the same.
fn negated(inner: Expression) -> Expression {
    match inner {
        Expression::Compare(left, mut ops) if ops.len() == 1 && ops.iter().all(|(op, _)| *op == Comparison::In) => {
            ops.iter_mut().for_each(|(op, _)| *op = Comparison::NotIn);
            Expression::Compare(left, ops)
        }
        inner => Expression::Not(Box::new(inner)),
    }
}

fn binary(node: &ast::BinOp<'_>) -> Result<Expression, String> {
    let (left, right) = (boxed(&node.left)?, expression(&node.right)?);
    let compare = |left, op, right| Expression::Compare(left, vec![(op, right)]);
    let reckon = |op, left, right| Expression::Reckon(op, left, Box::new(right));
    Ok(match node.op {
        ast::BinOpKind::Eq => compare(left, Comparison::Equal, right),
        ast::BinOpKind::Ne => compare(left, Comparison::Unequal, right),
        ast::BinOpKind::Lt => compare(left, Comparison::Less, right),
        ast::BinOpKind::Lte => compare(left, Comparison::LessOrEqual, right),
        ast::BinOpKind::Gt => compare(left, Comparison::Greater, right),
        ast::BinOpKind::Gte => compare(left, Comparison::GreaterOrEqual, right),
        ast::BinOpKind::In => compare(left, Comparison::In, right),
        ast::BinOpKind::ScAnd => Expression::And(left, Box::new(right)),
        ast::BinOpKind::ScOr => Expression::Or(left, Box::new(right)),
        ast::BinOpKind::Add => reckon(Operator::Add, left, right),
        ast::BinOpKind::Sub => reckon(Operator::Subtract, left, right),
        ast::BinOpKind::Mul => reckon(Operator::Multiply, left, right),
        ast::BinOpKind::Div => reckon(Operator::Divide, left, right),
        ast::BinOpKind::FloorDiv => reckon(Operator::DivideDown, left, right),
        ast::BinOpKind::Rem => reckon(Operator::Remainder, left, right),
        ast::BinOpKind::Pow => reckon(Operator::Power, left, right),
        ast::BinOpKind::Concat => Expression::Join(left, Box::new(right)),
    })
}

fn comparison(op: ast::CompareOpKind) -> Comparison {
    match op {
        ast::CompareOpKind::Eq => Comparison::Equal,
        ast::CompareOpKind::Ne => Comparison::Unequal,
        ast::CompareOpKind::Lt => Comparison::Less,
        ast::CompareOpKind::Lte => Comparison::LessOrEqual,
        ast::CompareOpKind::Gt => Comparison::Greater,
        ast::CompareOpKind::Gte => Comparison::GreaterOrEqual,
        ast::CompareOpKind::In => Comparison::In,
        ast::CompareOpKind::NotIn => Comparison::NotIn,
    }
}

fn arguments(nodes: &[ast::CallArg<'_>]) -> Result<Vec<Argument>, String> {
    let one = |node: &ast::CallArg<'_>| {
        Ok(match node {
            ast::CallArg::Pos(value) => Argument::Plain(expression(value)?),
            ast::CallArg::Kwarg(name, value) => Argument::Named((*name).into(), expression(value)?),
            ast::CallArg::PosSplat(value) => Argument::Spread(expression(value)?),
            ast::CallArg::KwargSplat(value) => Argument::SpreadNamed(expression(value)?),
        })
    };
    nodes.iter().map(one).collect()
}

fn constant_of(value: &Constant) -> Result<Expression, String> {
    let unknown = || "it has a constant that cannot be read".to_owned();
    Ok(match value.kind() {
        ValueKind::None | ValueKind::Undefined => Expression::None,
        ValueKind::Bool => Expression::Bool(value.is_true()),
        ValueKind::Number if value.is_integer() => Expression::Int(i128::try_from(value.clone()).map_err(|_| unknown())?),
        ValueKind::Number => Expression::Float(f64::try_from(value.clone()).map_err(|_| unknown())?),
        ValueKind::String => Expression::Text(value.as_str().ok_or_else(unknown)?.into()),
        _ => return Err(unknown()),
    })
}
