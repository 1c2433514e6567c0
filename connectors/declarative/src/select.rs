//! From an answer to records: decoded, extracted, filtered, changed. A stream that wants none of that has its records cut out of the
//! page as bytes, and no tree is built.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use syncline_model::Fault;
use syncline_sdk::HttpAnswer;

use crate::{
    cut::{self, Cut, NotJson, PIECES_MAX},
    decode::Decoder,
    extract::{Extractor, Flow, RecordFilter},
    item::Item,
    items::Items,
    node::Node,
    normalize::Normalizer,
    piece::{Joints, Pieces},
    problem::Problem,
    template::Scope,
    transform::{Splice, Splicer, Transform},
};

/// What was found in an answer.
#[derive(Debug, Default)]
pub struct Selected {
    /// The records that are left.
    pub items: Items,
    /// How many there were before any filter.
    pub extracted: u64,
    /// What in the answer could not be read and was left out.
    pub complaint: Option<String>,
    /// What the paginator looks at in the answer, where that could be told without reading all of it.
    pub document: Option<Value>,
}

/// A `RecordSelector` with what stands around it.
#[derive(Debug, Clone)]
pub struct Selector {
    /// How answers are decoded.
    pub decoder: Decoder,
    extractor: Extractor,
    plain_path: Option<Vec<String>>,
    filter: Option<RecordFilter>,
    transforms: Arc<[Transform]>,
    /// The same, where they can be made in the bytes of a record.
    splice: Option<Arc<Splice>>,
    transforms_first: bool,
    normalizes: bool,
    /// The fields of an answer that the paginator looks at, where these are all.
    looked_at: Option<Arc<[Box<str>]>>,
}

/// Whether a record is wanted at all, judged by its place in the stream.
pub type Wanted<'a> = &'a (dyn Fn(&Item) -> bool + Send + Sync);

impl Selector {
    /// Reads one, with the decoder of its retriever and the transformations of its stream.
    pub fn load(node: &Node<'_>, decoder: Option<Node<'_>>, transforms: Vec<Transform>, is_client_side: bool) -> Result<Self, Problem> {
        if node.kind() != "RecordSelector" {
            return Err(node.unknown("record selector", &["RecordSelector"]));
        }
        let extractor = node.needed("extractor")?;
        let extractor = Extractor::load(extractor.value, &extractor.path)?;
        let decoder = match decoder {
            Some(decoder) => Decoder::load(decoder.value, &decoder.path)?,
            None => Decoder::Json,
        };
        extractor.check_decoder(&decoder, &node.below("extractor"))?;
        let filter = node.child("record_filter").map(|filter| RecordFilter::load(filter.value, &filter.path)).transpose()?;
        let normalizes = match node.get("schema_normalization") {
            None => false,
            Some(Value::String(word)) if word == "None" => false,
            Some(Value::String(word)) if word == "Default" => true,
            Some(Value::Object(_)) => {
                return Err(node.needed("schema_normalization")?.unknown("schema normalization", &["Default", "None"]));
            }
            Some(other) => return Err(node.problem(format!("`schema_normalization` is `{other}`, and must be `Default` or `None`"))),
        };
        let plain_path = if decoder.is_plain_json() { extractor.plain_path() } else { None };
        Ok(Self {
            plain_path,
            transforms_first: node.get("transform_before_filtering").and_then(Value::as_bool).unwrap_or(is_client_side),
            decoder,
            extractor,
            filter,
            splice: Splice::of(&transforms).map(Arc::new),
            transforms: transforms.into(),
            normalizes,
            looked_at: None,
        })
    }

    /// Of an answer only these fields matter to whoever decides about the next page.
    pub fn looked_at(mut self, fields: Option<Vec<Box<str>>>) -> Self {
        self.looked_at = fields.map(Arc::from);
        self
    }

    /// One that takes everything as it comes.
    pub fn plain(decoder: Decoder, extractor: Extractor) -> Self {
        let plain_path = if decoder.is_plain_json() { extractor.plain_path() } else { None };
        Self {
            decoder,
            extractor,
            plain_path,
            filter: None,
            transforms: Arc::default(),
            splice: None,
            transforms_first: false,
            normalizes: false,
            looked_at: None,
        }
    }

    /// Records must become what the schema says.
    pub fn normalizes(&self) -> bool {
        self.normalizes
    }

    /// The records of an answer.
    pub fn select(
        &self,
        answer: &HttpAnswer,
        scope: &Scope,
        normalizer: Option<&Normalizer>,
        wanted: Option<Wanted<'_>>,
    ) -> Result<Selected, Fault> {
        if let Some(path) = &self.plain_path {
            let fields = self.looked_at.as_deref().unwrap_or_default();
            let cut = match Extractor::pieces(&answer.body, path, cut::Wanted { fields, joints: self.splice.as_deref().map(Splice::tails) })
            {
                Ok(cut) => cut,
                Err(why @ NotJson::TOO_MANY) => return Err(Fault::Unusable(why.to_string())),
                // What is no JSON has no records; the reference goes on as if it were an empty object.
                Err(_) => return broken(answer).map_or_else(|| Ok(Selected::default()), Err),
            };
            let Cut { records: places, beside, joints } = cut;
            let extracted = places.len() as u64;
            let document = self.looked_at.as_ref().zip(beside).and_then(|(names, found)| document(names, found));
            let pieces = Pieces { text: answer.body.clone(), places };
            let items = self.of_page(pieces, &joints, scope, normalizer, wanted)?;
            return Ok(Selected { items, extracted, complaint: None, document });
        }
        let mut documents = match self.extractor.rows(&answer.body, &answer.headers) {
            Some(rows) => rows?,
            None => self.decoder.decode(&answer.body, &answer.headers)?,
        };
        let mut records = Flow::new(&self.extractor, &mut documents, scope, PIECES_MAX)?;
        let items = Items::Each(self.finish(records.by_ref().map(Item::Tree), scope, normalizer, wanted)?);
        let extracted = records.end()? as u64;
        Ok(Selected { items, extracted, complaint: documents.complaint(), document: None })
    }

    /// The records of a page. Where nothing is done with them but what can be done in their bytes, they stay together.
    fn of_page(
        &self,
        pieces: Pieces,
        joints: &Joints,
        scope: &Scope,
        normalizer: Option<&Normalizer>,
        wanted: Option<Wanted<'_>>,
    ) -> Result<Items, Fault> {
        let only_changes = self.filter.is_none() && !self.normalizes && wanted.is_none();
        if only_changes && self.transforms.is_empty() {
            return Ok(pieces.into());
        }
        let mut splicer = self.splice.as_ref().map(|splice| splice.splicer(joints));
        let changed = match &mut splicer {
            Some(splicer) if only_changes => spliced(&pieces, splicer, &mut scope.clone()),
            _ => Pieces::default(),
        };
        if changed.places.len() == pieces.places.len() {
            return Ok(changed.into());
        }
        let Pieces { text, mut places } = pieces;
        let left = places.drain(changed.places.len()..).map(|place| Item::of(place.piece(&text)));
        let mut made = Items::from(changed).into_vec();
        self.make(left, splicer, scope, normalizer, wanted, &mut made)?;
        Ok(Items::Each(made))
    }

    /// Filters and changes records that came from elsewhere than an answer.
    pub fn finish(
        &self,
        items: impl Iterator<Item = Item>,
        scope: &Scope,
        normalizer: Option<&Normalizer>,
        wanted: Option<Wanted<'_>>,
    ) -> Result<Vec<Item>, Fault> {
        if self.filter.is_none() && self.transforms.is_empty() && !self.normalizes && wanted.is_none() {
            return Ok(items.enumerate().map(|(before, item)| kept(item, before)).collect());
        }
        let mut made = Vec::with_capacity(items.size_hint().0);
        self.make(items, None, scope, normalizer, wanted, &mut made)?;
        Ok(made)
    }

    fn make(
        &self,
        items: impl Iterator<Item = Item>,
        mut splicer: Option<Splicer<'_>>,
        scope: &Scope,
        normalizer: Option<&Normalizer>,
        wanted: Option<Wanted<'_>>,
        made: &mut Vec<Item>,
    ) -> Result<(), Fault> {
        let mut scope = scope.clone();
        for item in items {
            let before = item.clone();
            let item = self.one(item, &mut scope, &mut splicer, normalizer, wanted);
            add(item, || before.bytes(), made)?;
        }
        Ok(())
    }

    fn one(
        &self,
        item: Item,
        scope: &mut Scope,
        splicer: &mut Option<Splicer<'_>>,
        normalizer: Option<&Normalizer>,
        wanted: Option<Wanted<'_>>,
    ) -> Result<Option<Item>, Fault> {
        let mut item = if self.transforms_first { self.changed(item, scope, splicer)? } else { item };
        if wanted.is_some_and(|wanted| !wanted(&item)) {
            return Ok(None);
        }
        // Where the cursor filters too, a condition that is empty is passed over.
        if let Some(filter) = self.filter.as_ref().filter(|filter| wanted.is_none() || !filter.is_empty()) {
            let mut tree = item.into_tree();
            if !filter.keeps(&mut tree, scope)? {
                return Ok(None);
            }
            item = Item::Tree(tree);
        }
        if !self.transforms_first {
            item = self.changed(item, scope, splicer)?;
        }
        if let Some(normalizer) = normalizer.filter(|_| self.normalizes) {
            let mut tree = item.into_tree();
            normalizer.normalize(&mut tree);
            item = Item::Tree(tree);
        }
        Ok(Some(item))
    }

    fn changed(&self, item: Item, scope: &mut Scope, splicer: &mut Option<Splicer<'_>>) -> Result<Item, Fault> {
        if self.transforms.is_empty() {
            return Ok(item);
        }
        if let (Item::Raw(piece), Some(splicer)) = (&item, splicer)
            && let Some(changed) = splicer.change(piece.raw(), piece.joints.as_ref(), scope)
        {
            return changed.map(|place| Item::Raw(place.piece(&splicer.written())));
        }
        let tree = match item {
            Item::Tree(tree) => tree,
            Item::Raw(bytes) => match crate::decode::json::parse(&bytes) {
                Ok(tree) => tree,
                // What is no JSON is refused where records are made, with its bytes.
                Err(_) => return Ok(Item::Raw(bytes)),
            },
            refused @ Item::Refused(..) => return Ok(refused),
        };
        if !tree.is_object() {
            return Ok(Item::Tree(tree));
        }
        crate::transform::apply_all(&self.transforms, tree, scope).map(Item::Tree)
    }

    /// The first document of an answer, for whoever decides about the next page.
    pub fn first_document(&self, answer: &HttpAnswer) -> Result<Value, Fault> {
        if self.decoder.is_streamed() {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        let first = self.decoder.decode(&answer.body, &answer.headers)?.next();
        Ok(first.transpose()?.unwrap_or_else(|| Value::Object(serde_json::Map::new())))
    }
}

/// The records of a page changed in their bytes, up to the first of which these do not tell enough.
fn spliced(pieces: &Pieces, splicer: &mut Splicer<'_>, scope: &mut Scope) -> Pieces {
    let mut places = Vec::with_capacity(pieces.places.len());
    splicer.make_room(pieces.text.len());
    for place in &pieces.places {
        let whole = (!place.seen.word).then(|| place.within(&pieces.text));
        let Some(Ok(changed)) = whole.and_then(|record| splicer.change(record, place.joints.as_ref(), scope)) else { break };
        places.push(changed);
    }
    Pieces { text: splicer.written(), places }
}

/// So many records of a page are kept as trees; behind them, as bytes, which take a tenth of the room.
const TREES_MAX: usize = 50_000;

/// A record as it is kept behind so many others.
fn kept(item: Item, before: usize) -> Item {
    match item {
        Item::Tree(tree) if before >= TREES_MAX && tree.is_object() => {
            Item::Raw(Bytes::from(tree.to_string().into_bytes().into_boxed_slice()).into())
        }
        other => other,
    }
}

/// One record that cannot be changed, or of which a template cannot be filled in, spoils no other.
fn add(item: Result<Option<Item>, Fault>, before: impl FnOnce() -> Bytes, made: &mut Vec<Item>) -> Result<(), Fault> {
    match item {
        Ok(item) => {
            let before = made.len();
            made.extend(item.map(|item| kept(item, before)));
        }
        Err(Fault::BadRecord(cause) | Fault::Misconfigured(cause)) => made.push(Item::Refused(before(), cause)),
        Err(fault) => return Err(fault),
    }
    Ok(())
}

/// An answer with only these of its fields; `None` if one of them is no JSON.
fn document(names: &[Box<str>], found: Vec<(usize, Bytes)>) -> Option<Value> {
    let one = |(index, bytes): (usize, Bytes)| Some((names.get(index)?.to_string(), crate::decode::json::parse(&bytes).ok()?));
    found.into_iter().map(one).collect::<Option<_>>().map(Value::Object)
}

/// An answer that should be JSON and is not: a page of an intermediary says so in its type, anything else was cut off on the way.
fn broken(answer: &HttpAnswer) -> Option<Fault> {
    let kind = answer.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let host = answer.url.host_str().unwrap_or_default();
    if kind.starts_with("text/html") {
        return Some(Fault::Unusable(format!("`{host}` answered a web page where data was expected")));
    }
    if answer.body.iter().all(u8::is_ascii_whitespace) {
        return None;
    }
    Some(Fault::Unavailable(format!("`{host}` answered something that is no JSON, or only a part of it")))
}

#[cfg(test)]
mod tests;
