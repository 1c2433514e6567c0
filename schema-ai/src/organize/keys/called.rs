//! What all tables are called, and which of them a name comes nearest to. Many columns have one name, and very many streams make
//! comparing each with all tables long: what was compared once is remembered.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use super::{Naming, names_table};

/// The names of all tables, apart from the providers', each once.
pub struct Called<'a> {
    tables: BTreeMap<&'a [String], Name>,
    nearest: RefCell<HashMap<Vec<String>, Nearest>>,
}

/// A name: its number, and how many tables have it.
#[derive(Debug, Clone, Copy)]
struct Name {
    number: usize,
    tables: usize,
}

/// How near the nearest table is to a name, and how near the next one.
#[derive(Debug, Clone, Copy, Default)]
struct Nearest {
    name: Option<usize>,
    likeness: f64,
    next: f64,
}

impl<'a> Called<'a> {
    /// Of all tables.
    pub fn of(names: &'a [Naming]) -> Self {
        let mut tables: BTreeMap<&[String], Name> = BTreeMap::new();
        for (number, naming) in names.iter().enumerate() {
            tables.entry(&naming.words).or_insert(Name { number, tables: 0 }).tables += 1;
        }
        Self { tables, nearest: RefCell::default() }
    }

    /// As seen by one of them.
    pub fn but(&self, own: &Naming) -> Others<'_> {
        // Several may have one name. Then it is that of another table, too.
        let own = self.tables.get(own.words.as_slice()).filter(|name| name.tables == 1);
        Others { called: Some(self), own: own.map(|name| name.number) }
    }

    fn nearest(&self, words: &[String]) -> Nearest {
        if let Some(known) = self.nearest.borrow().get(words) {
            return *known;
        }
        let mut found = Nearest::default();
        for (table, name) in &self.tables {
            let likeness = names_table(words, table);
            if likeness > found.likeness {
                found = Nearest { name: Some(name.number), likeness, next: found.likeness };
            } else {
                found.next = found.next.max(likeness);
            }
        }
        self.nearest.borrow_mut().insert(words.to_vec(), found);
        found
    }
}

/// The names of all other tables than one.
#[derive(Clone, Copy)]
pub struct Others<'c> {
    called: Option<&'c Called<'c>>,
    own: Option<usize>,
}

impl Others<'_> {
    /// There are no others.
    pub fn none() -> Self {
        Self { called: None, own: None }
    }

    /// How well a column's words name one of them, from 0 to 1.
    pub fn likeness(&self, words: &[String]) -> f64 {
        let Some(called) = self.called else { return 0.0 };
        let is_one = called.tables.get(words).is_some_and(|name| self.own != Some(name.number));
        // Nothing is nearer than the very name; a single letter is none.
        if is_one && words.iter().map(String::len).sum::<usize>() > 1 {
            return 1.0;
        }
        let nearest = called.nearest(words);
        if self.own.is_some() && self.own == nearest.name { nearest.next } else { nearest.likeness }
    }
}

#[cfg(test)]
mod tests {
    use super::{Called, Naming, Others, names_table};

    fn naming(name: &str) -> Naming {
        Naming { provider: None, words: name.split('_').map(str::to_owned).collect() }
    }

    #[test]
    fn what_is_remembered_of_a_name_is_what_comparing_it_with_all_others_gives() {
        let tables = ["order", "order_item", "item", "c", "customer", "cust", "customer_address", "item", "staff", "thing_1", "thing_12"];
        let names: Vec<Naming> = tables.iter().map(|name| naming(name)).collect();
        let called = Called::of(&names);
        let asked = ["order", "items", "c", "cust", "customers", "address", "item_order", "nothing", "thing_1", "thing_2", "ordr", "sale"];
        for own in &names {
            let is_one = names.iter().filter(|other| other.words == own.words).count() == 1;
            for asked in asked.iter().map(|name| naming(name).words) {
                let others = names.iter().filter(|other| !is_one || other.words != own.words);
                let nearest = others.map(|other| names_table(&asked, &other.words)).fold(0.0, f64::max);
                let found = called.but(own).likeness(&asked);
                assert!((found - nearest).abs() < 1e-9, "{asked:?} beside {:?}: {found} and not {nearest}", own.words);
                assert!(found <= nearest.max(1.0) && Others::none().likeness(&asked) == 0.0);
            }
        }
    }
}
