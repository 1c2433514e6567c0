//! Filters of what can be gone through.

use std::{cmp::Ordering, rc::Rc};

use super::{
    super::{
        arguments::{Arguments, text},
        checks,
        compare::{equal, is_true, order, pairs},
        run::Run,
        value::{Outcome, Py, Stop, Text, View, other},
    },
    numbers::count,
};

/// Applies one of them.
pub fn apply<'a>(run: &mut Run<'a>, name: &str, value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    match name {
        "default" | "d" => {
            let [otherwise, also_false] = arguments.bind(["default_value", "boolean"], 0)?;
            let replaced = matches!(value, Py::Undefined) || (also_false.is_some_and(|also| is_true(&also)) && !is_true(value));
            Ok(if replaced { otherwise.unwrap_or(Py::Str(Text::Seen(""))) } else { value.clone() })
        }
        "length" | "count" => {
            arguments.none()?;
            if matches!(value, Py::Flow(_)) {
                return Err(Stop::Type);
            }
            let length = match value {
                Py::Str(text) | Py::Markup(text) => text.as_str().chars().count(),
                value => run.iterate(value)?.len(),
            };
            Ok(Py::Int(i128::try_from(length).unwrap_or(i128::MAX)))
        }
        "list" => {
            arguments.none()?;
            run.iterate(value).map(Py::list)
        }
        "first" => {
            arguments.none()?;
            run.first(value)
        }
        "last" => {
            arguments.none()?;
            if matches!(value, Py::Flow(_)) {
                return Err(Stop::Type);
            }
            Ok(run.iterate(value)?.pop().unwrap_or(Py::Undefined))
        }
        "random" => {
            arguments.none()?;
            let items = run.iterate(value)?;
            let place = usize::try_from(rand::random::<u32>()).unwrap_or(0).checked_rem(items.len());
            Ok(place.and_then(|place| items.get(place).cloned()).unwrap_or(Py::Undefined))
        }
        "items" => {
            arguments.none()?;
            match value {
                Py::Undefined => Ok(Py::list(Vec::new())),
                value => {
                    let all = pairs(value).ok_or(Stop::Type)?;
                    Ok(Py::View(View::Items, Rc::new(all.into_iter().map(|(key, item)| Py::tuple(vec![key, item])).collect())))
                }
            }
        }
        "join" => join(run, value, arguments),
        "reverse" => reverse(run, value, arguments),
        "attr" => {
            let name = arguments.one()?;
            if matches!(value, Py::Undefined) {
                return value.undefined("an attribute");
            }
            let found = super::super::access::has_method(value, text(&name)?);
            if found { run.item(value, &name) } else { Ok(Py::Undefined) }
        }
        "map" => map(run, value, arguments),
        "select" | "reject" | "selectattr" | "rejectattr" => Ok(select(run, name, value, arguments)),
        "sort" => {
            let [reverse, case, attribute] = arguments.bind(["reverse", "case_sensitive", "attribute"], 0)?;
            let (reverse, case) = (reverse.is_some_and(|reverse| is_true(&reverse)), case.is_some_and(|case| is_true(&case)));
            let items = run.iterate(value)?;
            sorted(run, items, reverse, |run, item| keys_of(run, item, attribute.as_ref(), case)).map(Py::list)
        }
        "unique" => unique(run, value, arguments),
        "max" | "min" => extreme(run, name, value, arguments),
        "dictsort" => dict_sort(run, value, arguments),
        "groupby" => group(run, value, arguments),
        "batch" => batch(run, value, arguments),
        _ => slice(run, value, arguments),
    }
}

fn join<'a>(run: &mut Run<'a>, value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    let [between, attribute] = arguments.bind(["d", "attribute"], 0)?;
    let between = between.map(|between| run.str_of(&between)).unwrap_or_default();
    let attribute = attribute.filter(|attribute| !matches!(attribute, Py::None));
    let mut out = String::new();
    for (at, item) in run.iterate(value)?.iter().enumerate() {
        let item = attribute_of(run, item, attribute.as_ref())?;
        let before = out.len();
        if at > 0 {
            out.push_str(&between);
        }
        out.push_str(&run.str_of(&item));
        run.spend((out.len() - before) / 16)?;
    }
    Ok(Py::text(out))
}

fn reverse<'a>(run: &mut Run<'a>, value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    arguments.none()?;
    if let Some(text) = value.as_str() {
        let made = text.chars().rev().collect();
        return run.made(made);
    }
    let all = match run.iterate(value) {
        Err(Stop::Type) => return other("argument must be iterable"),
        all => all?.into_iter().rev().collect(),
    };
    Ok(run.flow(&Py::list(all), |_, item| Ok(Some(item.clone()))))
}

/// The steps of `a.b.0`.
fn steps<'a>(attribute: &Py<'a>) -> Vec<Py<'a>> {
    let Some(text) = attribute.as_str() else { return vec![attribute.clone()] };
    let step = |part: &str| match part.parse() {
        Ok(number) if part.bytes().all(|byte| byte.is_ascii_digit()) => Py::Int(number),
        _ => Py::text(part),
    };
    text.split('.').map(step).collect()
}

/// What an attribute of an item is; the item itself where none is named.
pub fn attribute_of<'a>(run: &mut Run<'a>, item: &Py<'a>, attribute: Option<&Py<'a>>) -> Outcome<Py<'a>> {
    match attribute {
        None | Some(Py::None) => Ok(item.clone()),
        Some(attribute) => steps(attribute).iter().try_fold(item.clone(), |item, step| run.item(&item, step)),
    }
}

fn ignoring_case(value: Py<'_>) -> Py<'_> {
    match value.as_str() {
        Some(text) => Py::text(text.to_lowercase()),
        None => value,
    }
}

fn key_of<'a>(run: &mut Run<'a>, item: &Py<'a>, attribute: Option<&Py<'a>>, case: bool) -> Outcome<Py<'a>> {
    let key = attribute_of(run, item, attribute)?;
    Ok(if case { key } else { ignoring_case(key) })
}

/// The key of several attributes, as a list.
fn keys_of<'a>(run: &mut Run<'a>, item: &Py<'a>, attribute: Option<&Py<'a>>, case: bool) -> Outcome<Py<'a>> {
    match attribute.and_then(Py::as_str).filter(|names| names.contains(',')) {
        // Lists of keys are compared, so that equal ones need not be comparable.
        None => key_of(run, item, attribute, case).map(|key| Py::list(vec![key])),
        Some(names) => names.split(',').map(|name| key_of(run, item, Some(&Py::text(name)), case)).collect::<Outcome<_>>().map(Py::list),
    }
}

/// Python's `sorted`: equal items keep their order, also when it is reversed.
pub fn sorted<'a>(
    run: &mut Run<'a>,
    items: Vec<Py<'a>>,
    reverse: bool,
    mut key: impl FnMut(&mut Run<'a>, &Py<'a>) -> Outcome<Py<'a>>,
) -> Outcome<Vec<Py<'a>>> {
    run.spend(items.len().saturating_mul(8))?;
    let mut keyed = items.into_iter().map(|item| Ok((key(run, &item)?, item))).collect::<Outcome<Vec<_>>>()?;
    let mut failed = None;
    keyed.sort_by(|(left, _), (right, _)| {
        let found = order(left, right).unwrap_or_else(|stop| {
            failed.get_or_insert(stop);
            None
        });
        let found = found.unwrap_or(Ordering::Equal);
        if reverse { found.reverse() } else { found }
    });
    failed.map_or_else(|| Ok(keyed.into_iter().map(|(_, item)| item).collect()), Err)
}

fn map<'a>(run: &mut Run<'a>, value: &Py<'a>, mut arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    if arguments.plain.is_empty() && arguments.named.iter().any(|(name, _)| name == "attribute") {
        let [attribute, otherwise] = arguments.bind(["attribute", "default"], 1)?;
        let steps = attribute.as_ref().map(steps).unwrap_or_default();
        let otherwise = otherwise.filter(|otherwise| !matches!(otherwise, Py::None));
        let flow = run.flow(value, |run, item| {
            let mut item = item.clone();
            for step in &steps {
                item = run.item(&item, step)?;
                if let (Py::Undefined, Some(otherwise)) = (&item, &otherwise) {
                    item = otherwise.clone();
                }
            }
            Ok(Some(item))
        });
        return Ok(flow);
    }
    if arguments.plain.is_empty() {
        return Ok(run.flow(value, |_, _| other("map requires a filter argument")));
    }
    let name = arguments.plain.remove(0);
    Ok(run.flow(value, |run, item| {
        let given = Arguments { plain: arguments.plain.clone(), named: arguments.named.clone() };
        super::apply(run, text(&name)?, item, given).map(Some)
    }))
}

fn select<'a>(run: &mut Run<'a>, name: &str, value: &Py<'a>, mut arguments: Arguments<'a>) -> Py<'a> {
    let (by_attribute, wanted) = (name.ends_with("attr"), name.starts_with("select"));
    let mut attribute = None;
    if by_attribute {
        if arguments.plain.is_empty() {
            return run.flow(value, |_, _| other("missing parameter for attribute name"));
        }
        attribute = Some(arguments.plain.remove(0));
    }
    let test = if arguments.plain.is_empty() { None } else { Some(arguments.plain.remove(0)) };
    run.flow(value, |run, item| {
        let tested = attribute_of(run, item, attribute.as_ref())?;
        let holds = match &test {
            None => is_true(&run.current(&tested)),
            Some(test) => {
                let given = Arguments { plain: arguments.plain.clone(), named: arguments.named.clone() };
                checks::holds(run, text(test)?, &tested, given)?
            }
        };
        Ok((holds == wanted).then(|| item.clone()))
    })
}

fn unique<'a>(run: &mut Run<'a>, value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    let [case, attribute] = arguments.bind(["case_sensitive", "attribute"], 0)?;
    let case = case.is_some_and(|case| is_true(&case));
    let mut seen: Vec<Py<'a>> = Vec::new();
    let all = Py::list(run.iterate(value)?);
    Ok(run.flow(&all, |run, item| {
        let key = key_of(run, item, attribute.as_ref(), case)?;
        super::super::compare::hashable(&key)?;
        run.spend(seen.len())?;
        let new = !seen.iter().any(|known| equal(known, &key));
        if new {
            seen.push(key);
        }
        Ok(new.then(|| item.clone()))
    }))
}

fn extreme<'a>(run: &mut Run<'a>, name: &str, value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    let [case, attribute] = arguments.bind(["case_sensitive", "attribute"], 0)?;
    let case = case.is_some_and(|case| is_true(&case));
    let wanted = if name == "max" { Ordering::Greater } else { Ordering::Less };
    let mut best: Option<(Py<'a>, Py<'a>)> = None;
    for item in run.iterate(value)? {
        let key = key_of(run, &item, attribute.as_ref(), case)?;
        let better = best.as_ref().map_or(Ok(true), |(known, _)| Ok(order(&key, known)? == Some(wanted)))?;
        if better {
            best = Some((key, item));
        }
    }
    Ok(best.map_or(Py::Undefined, |(_, item)| item))
}

fn dict_sort<'a>(run: &mut Run<'a>, value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    let [case, by, reverse] = arguments.bind(["case_sensitive", "by", "reverse"], 0)?;
    let by = by.unwrap_or_else(|| Py::text("key"));
    let place = match text(&by)? {
        "key" => 0,
        "value" => 1,
        _ => return other("you can only sort by either \"key\" or \"value\""),
    };
    let case = case.is_some_and(|case| is_true(&case));
    if matches!(value, Py::Undefined) {
        return value.undefined("items");
    }
    let Some(all) = pairs(value) else { return other(format!("{} has no items", value.kind())) };
    let all = all.into_iter().map(|(key, item)| Py::tuple(vec![key, item])).collect();
    let reverse = reverse.is_some_and(|reverse| is_true(&reverse));
    sorted(run, all, reverse, |run, pair| key_of(run, pair, Some(&Py::Int(place)), case)).map(Py::list)
}

fn group<'a>(run: &mut Run<'a>, value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    let [attribute, otherwise, case] = arguments.bind(["attribute", "default", "case_sensitive"], 1)?;
    let case = case.is_some_and(|case| is_true(&case));
    let key = |run: &mut Run<'a>, item: &Py<'a>, case: bool| {
        let key = attribute_of(run, item, attribute.as_ref())?;
        let key = if matches!(key, Py::Undefined) { otherwise.clone().unwrap_or(key) } else { key };
        Ok::<_, Stop>(if case { key } else { ignoring_case(key) })
    };
    let items = run.iterate(value)?;
    let items = sorted(run, items, false, |run, item| key(run, item, case))?;
    let mut groups: Vec<(Py<'a>, Vec<Py<'a>>)> = Vec::new();
    for item in items {
        let own = key(run, &item, case)?;
        match groups.last_mut().filter(|(known, _)| equal(known, &own)) {
            Some((_, members)) => members.push(item),
            None => groups.push((own, vec![item])),
        }
    }
    let mut made = Vec::new();
    for (_, members) in groups {
        let named = members.first().map_or(Ok(Py::Undefined), |first| key(run, first, true))?;
        made.push(Py::tuple(vec![named, Py::list(members)]));
    }
    Ok(Py::list(made))
}

fn batch<'a>(run: &mut Run<'a>, value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    let [size, fill] = arguments.bind(["linecount", "fill_with"], 1)?;
    let size = count(size.as_ref())?;
    let items = run.iterate(value)?;
    let mut made = Vec::new();
    for part in items.chunks(size) {
        let mut part = part.to_vec();
        if let Some(fill) = fill.as_ref().filter(|fill| !matches!(fill, Py::None)) {
            run.spend(size)?;
            part.resize(size, fill.clone());
        }
        made.push(Py::list(part));
    }
    Ok(run.flow(&Py::list(made), |_, item| Ok(Some(item.clone()))))
}

fn slice<'a>(run: &mut Run<'a>, value: &Py<'a>, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    let [slices, fill] = arguments.bind(["slices", "fill_with"], 1)?;
    let slices = count(slices.as_ref())?;
    run.spend(slices)?;
    let items = run.iterate(value)?;
    let (each, more) = (items.len() / slices, items.len() % slices);
    let mut at = 0;
    let mut made = Vec::new();
    for number in 0..slices {
        let size = each + usize::from(number < more);
        let mut part = items[at..at + size].to_vec();
        at += size;
        if let Some(fill) = fill.as_ref().filter(|fill| !matches!(fill, Py::None) && number >= more) {
            part.push(fill.clone());
        }
        made.push(Py::list(part));
    }
    Ok(run.flow(&Py::list(made), |_, item| Ok(Some(item.clone()))))
}
