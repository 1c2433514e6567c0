//! XML as Python's `xmltodict` reads it: attributes under `@name`, text beside them under `#text`, children of one name as a list.
//! Prefixes of namespaces stay part of the names. Entities that a document declares itself are not filled in.

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesRef, BytesStart, Event},
};
use serde_json::{Map, Value};

use super::json::DEPTH_MAX;

/// Why a text is no XML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotXml {
    /// It is something else, or only a part of one.
    #[error("{0}")]
    Broken(String),
    /// It may be one, but nobody should ask.
    #[error("it is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
}

fn broken(why: impl std::fmt::Display) -> NotXml {
    NotXml::Broken(why.to_string())
}

/// An element that is not closed: what it holds so far.
#[derive(Default)]
struct Element {
    name: String,
    fields: Option<Map<String, Value>>,
    text: String,
}

impl Element {
    fn value(self) -> Value {
        let text = self.text.trim();
        match self.fields {
            None if text.is_empty() => Value::Null,
            None => Value::from(text),
            Some(mut fields) => {
                if !text.is_empty() {
                    put(&mut fields, "#text".to_owned(), Value::from(text));
                }
                Value::Object(fields)
            }
        }
    }
}

/// A second value of one name makes a list of both.
fn put(fields: &mut Map<String, Value>, name: String, value: Value) {
    match fields.get_mut(&name) {
        Some(Value::Array(values)) => values.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
        None => {
            fields.insert(name, value);
        }
    }
}

#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<(String, Value)>,
    declares: bool,
}

/// The object that a document becomes.
pub fn parse(text: &str) -> Result<Value, NotXml> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.chars().any(is_no_character) {
        return Err(broken("it holds a control character"));
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_comments = true;
    let mut tree = Tree::default();
    loop {
        match reader.read_event().map_err(broken)? {
            Event::Start(start) => tree.start(&start)?,
            Event::Empty(start) => {
                tree.start(&start)?;
                tree.end();
            }
            Event::End(_) => tree.end(),
            Event::Text(text) => tree.text(&text.xml10_content())?,
            Event::CData(text) => tree.data(&text.xml10_content())?,
            Event::GeneralRef(reference) => tree.reference(&reference)?,
            Event::DocType(_) => tree.declares = true,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => return tree.done(),
        }
    }
}

/// What XML 1.0 does not allow anywhere.
fn is_no_character(character: char) -> bool {
    matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// Quotes, brackets and other signs of ASCII are no part of a name, and a digit does not begin one.
fn check_name(name: &str) -> Result<(), NotXml> {
    let fits = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | ':' | '-' | '.' | '\u{b7}'..);
    let begins = name.starts_with(|sign: char| fits(sign) && !sign.is_ascii_digit() && !matches!(sign, '-' | '.' | '\u{b7}'));
    if begins && name.chars().all(fits) { Ok(()) } else { Err(broken(format!("`{name}` is no name"))) }
}

impl Tree {
    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), NotXml> {
        if self.open.is_empty() && self.root.is_some() {
            return Err(broken("a second element stands behind its end"));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(NotXml::TooDeep);
        }
        check_name(start.name().as_ref())?;
        let mut fields = Map::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(broken)?;
            if attribute.value.contains('<') {
                return Err(broken("the value of an attribute holds `<`"));
            }
            check_name(attribute.key.as_ref())?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(broken)?;
            fields.insert(format!("@{}", attribute.key.as_ref()), Value::from(value.as_ref()));
        }
        let fields = (!fields.is_empty()).then_some(fields);
        self.open.push(Element { name: start.name().as_ref().to_owned(), fields, text: String::new() });
        Ok(())
    }

    fn end(&mut self) {
        let Some(mut element) = self.open.pop() else { return };
        let name = std::mem::take(&mut element.name);
        let value = element.value();
        match self.open.last_mut() {
            Some(around) => put(around.fields.get_or_insert_default(), name, value),
            None => self.root = Some((name, value)),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), NotXml> {
        if text.contains("]]>") {
            return Err(broken("a text holds `]]>`"));
        }
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(broken("a text stands outside of its element")),
        }
        Ok(())
    }

    fn data(&mut self, text: &str) -> Result<(), NotXml> {
        let element = self.open.last_mut().ok_or_else(|| broken("a text stands outside of its element"))?;
        element.text.push_str(text);
        Ok(())
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), NotXml> {
        let element = self.open.last_mut().ok_or_else(|| broken("a reference stands outside of its element"))?;
        if let Some(character) = reference.resolve_char_ref().map_err(broken)? {
            if is_no_character(character) {
                return Err(broken("it refers to a control character"));
            }
            element.text.push(character);
            return Ok(());
        }
        let name = reference.xml10_content();
        match quick_xml::escape::resolve_xml_entity(&name) {
            Some(text) => element.text.push_str(text),
            None if self.declares => {}
            None => return Err(broken(format!("the entity `{name}` is not known"))),
        }
        Ok(())
    }

    fn done(self) -> Result<Value, NotXml> {
        if let Some(element) = self.open.last() {
            return Err(broken(format!("`<{}>` is not closed", element.name)));
        }
        let (name, value) = self.root.ok_or_else(|| broken("it holds no element"))?;
        Ok(Value::Object(Map::from_iter([(name, value)])))
    }
}
