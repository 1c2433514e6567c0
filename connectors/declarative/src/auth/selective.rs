//! The authenticator that the settings choose.

use serde_json::Value;
use syncline_model::Fault;

use super::Authenticator;
use crate::{
    extract::dpath::{Glob, Part},
    node::Node,
    problem::Problem,
    template::{Scope, Template, python_str},
};

/// Several authenticators, one of which the settings name.
#[derive(Debug)]
pub struct Selective {
    path: Glob,
    /// One that needs a Python class is no obstacle until it is chosen.
    choices: Vec<(String, Result<Authenticator, String>)>,
}

impl Selective {
    pub(super) fn load(node: &Node<'_>, base: Option<&Template>) -> Result<Self, Problem> {
        let choices = node.needed("authenticators")?;
        let Value::Object(fields) = choices.value else { return Err(choices.problem("`authenticators` must be an object")) };
        let mut made = Vec::new();
        for (name, value) in fields {
            let inner = Node { value, path: choices.below(name) };
            match Authenticator::read(&inner, base.cloned()) {
                Ok(choice) => made.push((name.clone(), Ok(choice))),
                Err(problem) if problem.needs_class() => made.push((name.clone(), Err(problem.message))),
                Err(problem) => return Err(problem),
            }
        }
        if let [(_, Err(why))] = made.as_slice() {
            return Err(choices.problem(why.clone()));
        }
        Ok(Self { path: path_of(node, "authenticator_selection_path")?, choices: made })
    }

    /// The one that the settings name.
    pub fn choose(&self, scope: &Scope) -> Result<&Authenticator, Fault> {
        let config = scope.get("config").unwrap_or_default();
        let Some(name) = self.path.get(&config)?.map(python_str) else {
            return Err(Fault::Misconfigured(format!("the settings have no `{}`, which says how to authenticate", self.path.spelt())));
        };
        match self.choices.iter().find(|(known, _)| *known == name) {
            Some((_, Ok(choice))) => Ok(choice),
            Some((_, Err(why))) => Err(Fault::Misconfigured(format!("authenticating by `{name}` is not possible: {why}"))),
            None => {
                let hint = syncline_model::nearest::hint(&name, self.choices.iter().map(|(known, _)| known.as_str()));
                Err(Fault::Misconfigured(format!("there is no way to authenticate that is called `{name}`{hint}")))
            }
        }
    }
}

/// A path of names, with the wildcards of `dpath`.
pub fn path_of(node: &Node<'_>, field: &str) -> Result<Glob, Problem> {
    let steps = match node.needed(field)?.value {
        Value::Array(steps) => steps.clone(),
        one => vec![one.clone()],
    };
    let parts = steps.iter().map(|step| step.as_str().map_or_else(|| Part::of(&step.to_string()), Part::of)).collect();
    Glob::new(parts).map_err(|why| Problem::manifest(&node.below(field), why))
}
