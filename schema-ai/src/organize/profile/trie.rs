//! The paths of a stream as a trie. An object has keyed children, and a `rest` for keys that are data; a list has an element.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::sketch::Sketch;
use super::{MANY_PATHS, MAP_SUSPECT, MOST_PATHS, NARROW_SKETCH, Profile, Stats, WIDE_SKETCH, hash};

/// A node's number inside its profile.
pub type NodeId = u32;

/// How a node hangs on its parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// The record itself.
    Root,
    /// The value behind a key.
    Key(String),
    /// The elements of a list.
    Element,
    /// The values behind keys that are data.
    AnyKey,
}

/// One path.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Node {
    /// How it hangs on its parent.
    pub step: Step,
    /// What its values look like.
    pub stats: Stats,
    /// Children by key, in the order they first came.
    pub children: Vec<NodeId>,
    /// The elements, when it was a list.
    pub element: Option<NodeId>,
    /// The values of keys that are data.
    pub rest: Option<NodeId>,
    /// Those keys.
    pub keys: Sketch,
    /// Keys of all its objects together.
    pub fields: u64,
    index: HashMap<Box<str>, NodeId>,
}

impl Node {
    pub(super) fn root() -> Self {
        Self::new(Step::Root, WIDE_SKETCH)
    }

    fn new(step: Step, size: usize) -> Self {
        Self {
            step,
            stats: Stats::new(size),
            children: Vec::new(),
            element: None,
            rest: None,
            keys: Sketch::new(size),
            fields: 0,
            index: HashMap::new(),
        }
    }

    /// The key it hangs on, if it is one.
    pub fn key(&self) -> Option<&str> {
        match &self.step {
            Step::Key(key) => Some(key),
            Step::Root | Step::Element | Step::AnyKey => None,
        }
    }
}

impl Profile {
    /// The child behind a key. Records of a stream mostly have the same keys in the same order, so that place is tried first.
    #[inline]
    pub(super) fn child(&mut self, at: NodeId, key: &str, position: usize) -> NodeId {
        let node = &self.nodes[at as usize];
        if let Some(&likely) = node.children.get(position)
            && matches!(&self.nodes[likely as usize].step, Step::Key(name) if name == key)
        {
            return likely;
        }
        self.find_child(at, key)
    }

    fn find_child(&mut self, at: NodeId, key: &str) -> NodeId {
        let node = &self.nodes[at as usize];
        if let Some(&known) = node.index.get(key) {
            return known;
        }
        let full = self.nodes.len() >= MOST_PATHS;
        let node = &self.nodes[at as usize];
        if node.rest.is_some() || full {
            self.folded += u64::from(full);
            return self.rest(at, key);
        }
        if at != 0 && self.looks_like_a_map(at) {
            self.fold_children(at);
            return self.rest(at, key);
        }
        let child = self.grow(Step::Key(key.to_owned()));
        let node = &mut self.nodes[at as usize];
        node.children.push(child);
        node.index.insert(key.into(), child);
        child
    }

    /// Many keys, of which each object has few: the keys are data.
    fn looks_like_a_map(&self, at: NodeId) -> bool {
        let node = &self.nodes[at as usize];
        let many = node.children.len();
        many >= MAP_SUSPECT && node.fields * 10 < many as u64 * node.stats.objects
    }

    fn rest(&mut self, at: NodeId, key: &str) -> NodeId {
        let keys = &mut self.nodes[at as usize].keys;
        let hashed = hash::value(key.as_bytes());
        if keys.again(hashed).is_none() {
            keys.add(hashed, super::format::classify(key), key);
        }
        if let Some(rest) = self.nodes[at as usize].rest {
            return rest;
        }
        let rest = self.grow(Step::AnyKey);
        self.nodes[at as usize].rest = Some(rest);
        rest
    }

    /// Folds what was learnt for each key into the one node for all of them.
    fn fold_children(&mut self, at: NodeId) {
        let children = std::mem::take(&mut self.nodes[at as usize].children);
        self.nodes[at as usize].index.clear();
        for child in children {
            let Step::Key(key) = self.nodes[child as usize].step.clone() else { continue };
            let rest = self.rest(at, &key);
            let taken = self.clone_below(child);
            merge_from(self, rest, &taken, 0);
        }
    }

    fn clone_below(&mut self, at: NodeId) -> Profile {
        let mut taken = Profile { sketch_size: self.sketch_size, ..Profile::default() };
        merge_from(&mut taken, 0, self, at);
        self.nodes[at as usize].stats = Stats::new(1);
        taken
    }

    /// The node for the elements of a list.
    pub(super) fn element(&mut self, at: NodeId) -> NodeId {
        if let Some(element) = self.nodes[at as usize].element {
            return element;
        }
        let element = self.grow(Step::Element);
        self.nodes[at as usize].element = Some(element);
        element
    }

    fn grow(&mut self, step: Step) -> NodeId {
        if self.nodes.len() == MANY_PATHS {
            self.narrow(NARROW_SKETCH);
        }
        self.nodes.push(Node::new(step, self.sketch_size));
        (self.nodes.len() - 1) as NodeId
    }
}

/// Merges a node of one profile, and all below it, into a node of another.
pub(super) fn merge_from(into: &mut Profile, at: NodeId, from: &Profile, source: NodeId) {
    let theirs = &from.nodes[source as usize];
    let mine = &mut into.nodes[at as usize];
    mine.stats.merge(&theirs.stats);
    mine.fields += theirs.fields;
    mine.keys.merge(&theirs.keys);
    for &child in &theirs.children {
        let Step::Key(key) = &from.nodes[child as usize].step else { continue };
        let place = into.find_child(at, key);
        merge_from(into, place, from, child);
    }
    if let Some(element) = theirs.element {
        let place = into.element(at);
        merge_from(into, place, from, element);
    }
    if let Some(rest) = theirs.rest {
        if into.nodes[at as usize].rest.is_none() {
            into.fold_children(at);
        }
        let place = into.rest_node(at);
        merge_from(into, place, from, rest);
    }
}

impl Profile {
    fn rest_node(&mut self, at: NodeId) -> NodeId {
        if let Some(rest) = self.nodes[at as usize].rest {
            return rest;
        }
        let rest = self.grow(Step::AnyKey);
        self.nodes[at as usize].rest = Some(rest);
        rest
    }
}

impl Profile {
    /// How many nodes there are.
    pub fn paths(&self) -> usize {
        self.nodes.len()
    }

    /// From now on the keys of this object are data.
    pub fn fold_keys(&mut self, at: NodeId) {
        self.fold_children(at);
    }
}
