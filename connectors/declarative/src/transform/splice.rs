//! Changes made in the bytes of a record, for transformations that only put fields in at the top and take some out there. Only what their
//! templates look at is parsed; everything else stays as the source wrote it.

use std::sync::Arc;

use serde_json::Value;

use super::{Change, Transform, known::Names, splicer::Splicer};
use crate::{
    extract::filled::{Kind, Template},
    piece::Joints,
    tails::Tails,
};

/// Transformations that can be made so.
#[derive(Debug, Clone)]
pub struct Splice {
    pub(super) steps: Vec<Step>,
    /// Every field that a step changes or looks at.
    pub(super) names: Names,
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    Add(Box<Added>),
    Remove(usize),
}

#[derive(Debug, Clone)]
pub(super) struct Added {
    pub field: usize,
    pub value: Template,
    pub wanted: Vec<Kind>,
    pub parameters: Option<Arc<Value>>,
    pub looks: Vec<usize>,
    /// The field whose value is the whole template, and what lies on the way to it below that field.
    pub copies: Option<(usize, Vec<Box<str>>)>,
}

impl Splice {
    /// What can be done in the bytes; `None` if some of it cannot.
    pub fn of(transforms: &[Transform]) -> Option<Self> {
        let mut made = Self { steps: Vec::new(), names: Names::default() };
        for transform in transforms {
            match &transform.change {
                Change::Add(add) => {
                    for field in add.plain()? {
                        let step = made.added(field.name, field.value, field.wanted, transform.parameters.as_ref())?;
                        made.steps.push(step);
                    }
                }
                Change::Remove(remove) => {
                    for name in remove.plain()? {
                        let name = made.names.index(&name);
                        made.steps.push(Step::Remove(name));
                    }
                }
                Change::FlattenAt(_) | Change::Flatten { .. } | Change::Lower | Change::Snake | Change::Replace { .. } => return None,
            }
        }
        (!made.steps.is_empty()).then_some(made)
    }

    fn added(&mut self, name: &str, value: &Template, wanted: &[Kind], parameters: Option<&Arc<Value>>) -> Option<Step> {
        let looks = value.fields("record")?;
        let copies = value.path("record").and_then(|path| {
            let (first, rest) = path.split_first()?;
            Some((self.names.index(first), rest.to_vec()))
        });
        Some(Step::Add(Box::new(Added {
            field: self.names.index(name),
            value: value.clone(),
            wanted: wanted.to_vec(),
            parameters: parameters.cloned(),
            looks: looks.iter().map(|name| self.names.index(name)).collect(),
            copies,
        })))
    }

    /// Which fields of records are worth a note while they are cut out.
    pub fn tails(&self) -> Tails {
        self.names.tails
    }

    /// Changes records whose fields join there.
    pub fn splicer<'a>(&'a self, joints: &'a Joints) -> Splicer<'a> {
        Splicer::new(self, joints)
    }
}
