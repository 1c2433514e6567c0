//! What speaks for a relation, and how much it weighs together. The weights are fixed; they were set on half of the data.

use super::{PROPOSED, Target, chance, naming, parts};
use crate::organize::keys::{self, Naming};
use crate::organize::normalize::{Column, Stream, Type, path};
use crate::organize::profile::Stats;
use crate::organize::words;

/// The evidence, each from 0 to 1.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evidence {
    /// Part of the values that the target has.
    pub contained: f64,
    /// Part of the target's values that are used.
    pub coverage: f64,
    /// How little such containment could be chance.
    pub specific: f64,
    /// How well the name says it.
    pub name: f64,
    /// How much the name says that it is an id.
    pub id: f64,
    /// Part of the neighbours in its object that the target knows by the same name and value.
    pub shape: f64,
    /// Whether both streams are of one provider.
    pub same_provider: bool,
    /// Whether the column rather is the key of its own table.
    pub own_key: bool,
    /// Different values that could be compared.
    pub compared: usize,
    /// Whether only the values say it, and no name.
    pub unsaid: bool,
}

impl Evidence {
    /// All of it as one probability.
    pub fn confidence(&self) -> f64 {
        let mut z = -5.2;
        z += 5.6 * self.name;
        z += 3.6 * self.specific * (self.contained - 0.5).max(0.0) * 2.0 * (self.compared as f64 / 8.0).min(1.0);
        z += 0.9 * self.coverage;
        z += 1.2 * self.id;
        z += 2.0 * self.shape;
        z -= 9.0 * (1.0 - self.contained);
        z += if self.same_provider { 0.4 } else { -1.0 };
        z -= if self.own_key { 8.0 } else { 0.0 };
        1.0 / (1.0 + (-z).exp())
    }
}

/// The part of a column's values that the target must have.
pub(super) const CONTAINED: f64 = 0.8;

/// Weighs one column against one key; `None` when the values speak against it.
pub(super) fn weigh(
    streams: &[Stream],
    names: &[Naming],
    (from_stream, column, said): (usize, &Column, &naming::Said<'_>),
    to: &Target<'_>,
) -> Option<Evidence> {
    let role = said.role;
    let (to_stream, key, target) = (to.stream, to.column, to.stats);
    let stats = keys::stats(&streams[from_stream].profile, column);
    let (contained, compared) = containment(stats, target)?;
    if contained < CONTAINED {
        return None;
    }
    let is_self = from_stream == to_stream;
    let by_table = said.names(&names[to_stream].words);
    if from_stream == to_stream && is_alias(stats, target) && by_table < 0.7 {
        return None;
    }
    let is_main = || is_main(&streams[to_stream], &names[to_stream], &streams[from_stream], &names[from_stream]);
    let extends = !to.generic && extends(stats, target, column, key, is_main);
    let own = streams[from_stream].root().is_some_and(|table| table.primary_key.as_slice() == [column.path.clone()]);
    if is_alternate(role) && stats.sketch.is_unique() {
        return None;
    }
    // Both count from one: the `result_id` of `sprint_results` is more likely its own than that of `results`.
    let counted = is_counted(stats) && is_counted(target);
    let own_words = &names[from_stream].words;
    let own_likeness = match own {
        true if counted && own_words.ends_with(&role.words) => 1.0,
        true if role.words.len() > names[to_stream].words.len() && role.words.iter().all(|word| own_words.contains(word)) => 1.0,
        true => said.names(own_words),
        false => 0.0,
    };
    let mut name = name_evidence(said, column, to, (by_table, &names[to_stream].words), is_self);
    let copied = !is_self && !said.parent && by_table < WHOLE && refers_itself(&streams[to_stream], key, column);
    if copied {
        name = name.min(COPIED);
    }
    if is_of_own(role, &names[from_stream].words, &names[to_stream].words) {
        name = name.max(0.95);
    }
    let all = streams[from_stream].root().map_or(0, |table| table.rows);
    // An id that is called as its own table, is not its key and often missing, is that of another row.
    let missing = !stats.sketch.is_unique() && stats.present() < all;
    let another = is_self && role.id >= 0.8 && (by_table >= WHOLE || role.linked && by_table >= LINKED) && missing;
    if is_self && !another && !said.parent && !names_another_row(said, to, &names[to_stream].words) {
        name = if said.people && parts::of_people(&names[to_stream].words) { name.min(0.78) } else { 0.3 * name };
    }
    if said.parent {
        let rooted = stats.present() < all || contained < 1.0;
        let rooted = rooted || role.words.contains(&"root".to_owned());
        name = as_parent(name, rooted, is_self, &names[from_stream].words, &names[to_stream].words);
    }
    if is_self && parts::looks_after(role, &names[to_stream].words) {
        name = name.min(0.3);
    }
    if role.counts && stats.integers > 0 {
        name *= 0.4;
    }
    let same_provider = names[from_stream].provider == names[to_stream].provider;
    let mut unsaid = false;
    let unique_in_self = is_self && stats.sketch.is_unique();
    let bits = chance::bits(stats, target, compared, role.id);
    if !unique_in_self && contained >= UNMISTAKABLE && bits >= if same_provider { chance::NONE } else { 3.0 * chance::NONE } {
        unsaid = name < UNSAID;
        name = name.max(UNSAID);
    }
    // A key that is part of a larger one, and not by chance, is that of rows which say more about the same things.
    let part = bits >= 3.0 * chance::NONE
        && chance::is_sparse(key, target)
        && contained > 0.99
        && same_provider
        && stats.sketch.distinct() < target.sketch.distinct();
    let coverage = (stats.sketch.distinct() as f64 / target.sketch.distinct().max(1) as f64).min(1.0);
    let mut found = Evidence {
        contained,
        coverage,
        specific: specific(stats, target),
        name,
        id: role.id,
        shape: 1.0,
        same_provider,
        own_key: own && (own_likeness >= by_table || role.words.is_empty() || copied) && !((extends || part) && own_likeness < 0.7),
        compared,
        unsaid,
    };
    // Looking at the neighbours takes longest, and is left out where it could change nothing.
    found.shape = if found.confidence() < PROPOSED { 0.0 } else { shape(&streams[from_stream], column, &streams[to_stream]) };
    Some(found)
}

/// The part of the values that must be contained before they speak for themselves.
pub(super) const UNMISTAKABLE: f64 = 0.98;
/// What a name counts that says nothing, where the values cannot be contained by chance.
const UNSAID: f64 = 0.55;

/// What a name counts at most that the other table has for a column of its own.
const COPIED: f64 = 0.5;

/// From here on a name that says where something comes from, as `evolves_from_species_id`, says of which table.
const LINKED: f64 = 0.78;

/// From here on a name says the whole of it.
const WHOLE: f64 = 0.915;

/// Whether these are the numbers from one on, with hardly a gap.
pub(super) fn is_counted(stats: &Stats) -> bool {
    stats.least <= 1.0 && stats.most - stats.least < 1.1 * stats.sketch.distinct() as f64
}

/// Whether a name says that it is another key of its own table.
fn is_alternate(role: &naming::Role) -> bool {
    role.words.iter().any(|word| matches!(word.as_str(), "alternate" | "alternative" | "alt"))
}

/// Another row of the same table is called by all of its name, and by the part that it plays: a `prequel_film` in films. What is called
/// as the table itself is the row's own, and what only sounds like it is more often something else.
fn names_another_row(said: &naming::Said<'_>, to: &Target<'_>, table: &[String]) -> bool {
    let plays = |words: &[String]| said.role.words.len() > words.len() && said.names(words) >= WHOLE;
    plays(table) || (!to.generic && !to.role.words.is_empty() && plays(&to.role.words))
}

/// A tree has roots, which have no parent. Where every row has one, the parent is rather of the table that this one's name begins with:
/// that of a `sales_order_address` is a `sales_order`.
fn as_parent(name: f64, rooted: bool, is_self: bool, own: &[String], table: &[String]) -> f64 {
    match (rooted, is_self) {
        (false, true) if !parts::of_people(table) => name.min(0.5),
        (false, false) if own.len() > table.len() && own.starts_with(table) => name.max(0.85),
        _ => name,
    }
}

/// A table with the key of a larger one, by the same name, says more about some of its rows.
fn extends(stats: &Stats, target: &Stats, column: &Column, key: &Column, is_main: impl Fn() -> bool) -> bool {
    let name = path::last(&column.path);
    let same = name.eq_ignore_ascii_case(path::last(&key.path)) && !keys::is_bare_id(&words::tokens(name));
    let (mine, known) = (stats.sketch.distinct(), target.sketch.distinct());
    same && (known > mine || known == mine && is_main()) && stats.sketch.contained_in(&target.sketch).0 > 0.99
}

/// Of two tables with the same rows, the one whose name the other's begins with is the main one, or else the one that says more.
fn is_main(table: &Stream, naming: &Naming, other: &Stream, others: &Naming) -> bool {
    let (own, rest) = (&naming.words, &others.words);
    let columns = |stream: &Stream| stream.root().map_or(0, |table| table.columns.len());
    match (rest.starts_with(own) && rest.len() > own.len(), own.starts_with(rest) && own.len() > rest.len()) {
        (true, _) => true,
        (_, true) => false,
        _ => columns(table) > columns(other),
    }
}

/// The `type` of an `artist` is an `artist_type`, and the `event_type` of an `order_paymentevent` an `order_paymenteventtype`.
fn is_of_own(role: &naming::Role, own: &[String], table: &[String]) -> bool {
    let Some((last, before)) = role.words.split_last() else { return false };
    let together =
        || table.concat().strip_suffix(last.as_str()).is_some_and(|thing| thing == own.concat() && thing.ends_with(&before.concat()));
    table.strip_prefix(own) == Some(role.words.as_slice()) || parts::is_sort(last) && together()
}

/// Whether a table has a column of the same name beside its key. Then it refers to the same thing, and is none: with a `templateid` of its
/// own a `hosts_templates` is no template.
fn refers_itself(to: &Stream, key: &Column, column: &Column) -> bool {
    let name = path::last(&column.path);
    let twin = |other: &Column| other.depth == 0 && other.path != key.path && other.path.eq_ignore_ascii_case(name);
    to.root().is_some_and(|table| table.columns.iter().any(twin))
}

/// Few values against very many may leave nothing to compare in the sketches. Then the range must do, and the name decide.
pub(super) fn containment(stats: &Stats, target: &Stats) -> Option<(f64, usize)> {
    let (contained, compared) = stats.sketch.mostly_in(&target.sketch, CONTAINED)?;
    if compared > 0 {
        return Some((contained, compared));
    }
    let both_numbers = stats.least <= stats.most && target.least <= target.most;
    let within = both_numbers && stats.least >= target.least && stats.most <= target.most;
    let alike = !both_numbers && stats.shortest >= target.shortest && stats.longest <= target.longest;
    (!target.sketch.is_exact() && (within || alike)).then_some((0.97, 0))
}

/// A second unique column of the same table with the same values is the same id again, not a reference.
fn is_alias(stats: &Stats, target: &Stats) -> bool {
    stats.sketch.is_unique() && stats.sketch.distinct() * 10 >= target.sketch.distinct() * 9
}

fn name_evidence(said: &naming::Said<'_>, column: &Column, to: &Target<'_>, (by_table, table): (f64, &[String]), is_self: bool) -> f64 {
    let role = said.role;
    let by_key = if to.generic || to.role.words.is_empty() { 0.0 } else { said.names(&to.role.words) };
    let same = !to.generic && path::last(&column.path).eq_ignore_ascii_case(path::last(&to.column.path));
    // Who made it, in a number and by no other word, is nearly always somebody's id.
    let alone = role.words.len() == 1 && column.typed.kind == Type::Bigint;
    let by_whom = role.by && column.typed.kind == Type::Bigint;
    let by_role = match said.people && parts::of_people(table) {
        true if alone || by_whom => 0.78,
        true => 0.62,
        false if said.places => parts::places(role, table),
        false => 0.0,
    };
    let by_parent = if is_self && said.parent { 0.85 } else { 0.0 };
    let by_name = if same { 0.75 + 0.25 * by_table } else { by_table.max(0.85 * by_key + 0.1 * by_table) };
    by_name.max(by_role).max(by_parent)
}

/// Containment in `1, 2, 3, …` says little; in long ids, prefixes, or a range that starts elsewhere, it says much.
pub(super) fn specific(stats: &Stats, target: &Stats) -> f64 {
    let numeric = target.least <= target.most && target.integers + target.format(crate::organize::profile::Format::Integer) > 0;
    if !numeric {
        let mean = target.bytes as f64 / target.scalars().max(1) as f64;
        // Many short codes that are all among the few that there are of all possible ones are no chance either.
        let room = 26_f64.powf(mean).max(1.0);
        let many = stats.sketch.distinct() >= 20 && target.sketch.distinct() as f64 / room < 0.1;
        return ((mean - 1.0) / 5.0).clamp(if many { 0.8 } else { 0.1 }, 1.0);
    }
    let span = target.most - target.least + 1.0;
    // Where a column's numbers are close together, the key's are there, too.
    let density = |stats: &Stats| (stats.sketch.distinct() as f64 / (stats.most - stats.least + 1.0)).min(1.0);
    let own = if stats.least <= stats.most { density(stats) } else { 0.0 };
    let density = density(target).max(own);
    let offset = if target.least > 50.0 { ((target.least / span).log10() + 1.0).clamp(0.0, 1.0) } else { 0.0 };
    // Values from nearly the first to nearly the last, and none beyond.
    let near = 0.03 * span;
    let (begins, ends) = (stats.least - target.least, target.most - stats.most);
    let fills = (0.0..=near).contains(&begins) && (0.0..=near).contains(&ends) && target.sketch.distinct() > 20;
    (1.0 - density).max(0.85 * offset).max(if fills { 0.45 } else { 0.0 })
}

/// The neighbours of `user.id`, such as `user.login`, are columns of the table of users too.
fn shape(from: &Stream, column: &Column, to: &Stream) -> f64 {
    let Some(end) = column.path.rfind('.') else { return 0.0 };
    let prefix = &column.path[..=end];
    let Some(target) = to.root() else { return 0.0 };
    let (mut neighbours, mut known) = (0_usize, 0_usize);
    let own = from.tables.iter().flat_map(|table| &table.columns);
    for neighbour in
        own.filter(|other| other.path != column.path && other.path.starts_with(prefix) && !other.path[prefix.len()..].contains('.'))
    {
        let stats = keys::stats(&from.profile, neighbour);
        if stats.present() == 0 || stats.sketch.distinct() < 2 {
            continue;
        }
        neighbours += 1;
        let twin = target.columns.iter().find(|other| path::last(&other.path).eq_ignore_ascii_case(path::last(&neighbour.path)));
        known += usize::from(twin.is_some_and(|twin| stats.sketch.contained_in(&keys::stats(&to.profile, twin).sketch).0 > 0.8));
    }
    if neighbours == 0 { 0.0 } else { known as f64 / neighbours as f64 }
}
