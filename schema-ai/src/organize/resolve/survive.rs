//! Which source's value a thing shows, decided for each field by a stated rule. Pure: the same values give the same answer in
//! whatever order they come, and the answer says where it is from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How the value of a field is chosen among those of a thing's records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Rule {
    /// Of the first of these sources that has one; those not named come last, by time.
    Sources(Vec<String>),
    /// The one that was said last.
    #[default]
    Newest,
    /// The one that was said first.
    Oldest,
    /// The one that most records have.
    Commonest,
    /// The longest, which is mostly the most complete.
    Longest,
}

/// What one record says of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said<'a> {
    /// The record.
    pub record: &'a str,
    /// The source it is from.
    pub source: &'a str,
    /// When it was said, in the source's own time, as anything that sorts; nothing where that is not known.
    pub at: Option<i64>,
    /// The value.
    pub value: Option<&'a str>,
}

/// The value that survives, with the record it is from. Nothing and blanks never win over a value.
pub fn choose<'a>(rule: &Rule, said: &[Said<'a>]) -> Option<Said<'a>> {
    let mut open: Vec<Said<'a>> = said.iter().filter(|said| said.value.is_some_and(|value| !value.trim().is_empty())).copied().collect();
    // Where the rule leaves several, the newest wins, and among those the first by name.
    open.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| (a.source, a.record, a.value).cmp(&(b.source, b.record, b.value))));
    let rank = |said: &Said<'a>| -> i64 {
        match rule {
            Rule::Sources(sources) => sources.iter().position(|source| source == said.source).map_or(i64::MAX, |at| at as i64),
            Rule::Newest => 0,
            Rule::Oldest => said.at.unwrap_or(i64::MAX),
            Rule::Commonest => -votes(&open, said),
            Rule::Longest => -(said.value.map_or(0, |value| value.chars().count()) as i64),
        }
    };
    open.iter().min_by_key(|said| rank(said)).copied()
}

fn votes(all: &[Said<'_>], one: &Said<'_>) -> i64 {
    all.iter().filter(|other| other.value == one.value).count() as i64
}

/// A rule for each field; those without one get the default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// For fields that are not named.
    #[serde(default)]
    pub default: Rule,
    /// For fields by name.
    #[serde(default)]
    pub fields: BTreeMap<String, Rule>,
}

impl Rules {
    /// The rule for a field.
    pub fn of(&self, field: &str) -> &Rule {
        self.fields.get(field).unwrap_or(&self.default)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use proptest::prelude::*;

    use super::*;

    const SAID: [Said<'static>; 4] = [
        Said { record: "1", source: "crm", at: Some(10), value: Some("Ann Lee") },
        Said { record: "2", source: "shop", at: Some(30), value: Some("A. Lee") },
        Said { record: "3", source: "pay", at: Some(20), value: Some("Ann Lee") },
        Said { record: "4", source: "help", at: Some(40), value: Some("  ") },
    ];

    fn chosen(rule: &Rule) -> &'static str {
        choose(rule, &SAID).unwrap().record
    }

    #[test]
    fn each_rule_chooses_its_own_and_a_blank_never_wins() {
        assert_eq!(chosen(&Rule::Newest), "2");
        assert_eq!(chosen(&Rule::Oldest), "1");
        assert_eq!(chosen(&Rule::Commonest), "3");
        assert_eq!(chosen(&Rule::Longest), "3");
        assert_eq!(chosen(&Rule::Sources(vec!["help".to_owned(), "crm".to_owned()])), "1");
        assert_eq!(choose(&Rule::Newest, &SAID[3..]), None);
    }

    #[test]
    fn rules_are_read_for_each_field() {
        let rules: Rules = serde_json::from_str(r#"{"fields":{"email":{"sources":["crm"]},"name":"longest"}}"#).unwrap();
        assert_eq!((rules.of("name"), rules.of("city")), (&Rule::Longest, &Rule::Newest));
    }

    proptest! {
        #[test]
        fn the_order_in_which_values_come_does_not_matter(order in Just(SAID.to_vec()).prop_shuffle()) {
            for rule in [Rule::Newest, Rule::Oldest, Rule::Commonest, Rule::Longest, Rule::Sources(vec!["shop".to_owned()])] {
                prop_assert_eq!(choose(&rule, &order), choose(&rule, &SAID));
            }
        }
    }
}
