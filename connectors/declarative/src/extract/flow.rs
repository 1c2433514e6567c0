//! Records out of documents as these come, so that of a long answer only what is kept is held.

use std::vec::IntoIter;

use serde_json::Value;
use syncline_model::Fault;

use super::{Dpath, Extracted, Extractor, filled::Scope};
use crate::{cut::NotJson, decode::Documents};

/// The records of a page, one after the other. Whoever has taken the last one asks for the [`end`](Self::end).
pub struct Flow<'a> {
    documents: &'a mut Documents,
    /// Where records stand in a document; without it, documents are records.
    within: Option<(&'a Dpath, &'a Scope)>,
    ready: IntoIter<Value>,
    found: usize,
    most: usize,
    fault: Option<Fault>,
}

impl<'a> Flow<'a> {
    /// The records of these documents, and no more than so many.
    pub fn new(extractor: &'a Extractor, documents: &'a mut Documents, scope: &'a Scope, most: usize) -> Result<Self, Fault> {
        let mut flow = Self { documents, within: None, ready: Vec::new().into_iter(), found: 0, most, fault: None };
        match extractor {
            Extractor::Dpath(dpath) => flow.within = Some((&**dpath, scope)),
            Extractor::File(_) => {}
            // What one of several finds may depend on all documents.
            Extractor::Combined(combined) => {
                let (all, mut found) = (flow.documents.by_ref().collect::<Result<Vec<_>, _>>()?, Extracted::default());
                combined.extract(&all, scope, &mut found)?;
                flow.found = found.dropped;
                flow.ready = found.records.into_iter();
            }
        }
        Ok(flow)
    }

    /// How many records there were, if nothing went wrong on the way.
    pub fn end(self) -> Result<usize, Fault> {
        self.fault.map_or(Ok(self.found), Err)
    }

    fn document(&mut self) -> Option<Result<Vec<Value>, Fault>> {
        let document = match self.documents.next()? {
            Ok(document) => document,
            Err(fault) => return Some(Err(fault)),
        };
        let Some((dpath, scope)) = self.within else { return Some(Ok(vec![document])) };
        let mut found = Vec::new();
        Some(dpath.take(document, scope, &mut found).map(|()| found))
    }
}

impl Iterator for Flow<'_> {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        while self.fault.is_none() {
            if let Some(record) = self.ready.next() {
                self.found += 1;
                if self.found > self.most {
                    self.fault = Some(Fault::Unusable(NotJson::TOO_MANY.to_string()));
                    return None;
                }
                return Some(record);
            }
            match self.document()? {
                Ok(found) => self.ready = found.into_iter(),
                Err(fault) => self.fault = Some(fault),
            }
        }
        None
    }
}
