//! Methods of `list`, `tuple` and `dict`.

use std::{cell::RefCell, rc::Rc};

use serde_json::Value;

use super::{
    super::{
        arguments::{Arguments, index_or},
        compare::{equal, hashable, is_true, pairs},
        filters::sorted,
        run::Run,
        value::{Outcome, Pairs, Py, Stop, Text, View, other},
    },
    put,
};

/// Calls a method of a dict.
pub fn of_dict<'a>(run: &mut Run<'a>, value: &Py<'a>, name: &str, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    match name {
        "get" => {
            let [key, otherwise] = arguments.bind(["", " "], 1)?;
            let key = key.ok_or(Stop::Type)?;
            hashable(&key)?;
            return Ok(look(run, value, &key)?.or(otherwise).unwrap_or(Py::None));
        }
        "items" | "keys" | "values" | "copy" => {
            arguments.none()?;
            let known = pairs(value).ok_or(Stop::Type)?;
            run.spend(known.len())?;
            return Ok(match name {
                "keys" => Py::View(View::Keys, Rc::new(known.into_iter().map(|(key, _)| key).collect())),
                "values" => Py::View(View::Values, Rc::new(known.into_iter().map(|(_, item)| item).collect())),
                "items" => Py::View(View::Items, Rc::new(known.into_iter().map(|(key, item)| Py::tuple(vec![key, item])).collect())),
                _ => Py::dict(known),
            });
        }
        _ => {}
    }
    let Py::Dict(known) = run.thaw(value) else { return Err(Stop::Type) };
    run.spend(known.borrow().len())?;
    match name {
        "update" => update(run, &known, arguments),
        "clear" => {
            arguments.none()?;
            known.borrow_mut().clear();
            Ok(Py::None)
        }
        "setdefault" => {
            let [key, otherwise] = arguments.bind(["", " "], 1)?;
            let (key, otherwise) = (key.ok_or(Stop::Type)?, otherwise.unwrap_or(Py::None));
            hashable(&key)?;
            let found = known.borrow().iter().find(|(name, _)| equal(name, &key)).map(|(_, item)| item.clone());
            if found.is_none() {
                run.nest(Rc::as_ptr(&known).cast(), &otherwise)?;
                known.borrow_mut().push((key, otherwise.clone()));
            }
            Ok(found.unwrap_or(otherwise))
        }
        "pop" => {
            let [key, otherwise] = arguments.bind(["", " "], 1)?;
            let key = key.ok_or(Stop::Type)?;
            let place = known.borrow().iter().position(|(name, _)| equal(name, &key));
            match (place, otherwise) {
                (Some(place), _) => Ok(known.borrow_mut().remove(place).1),
                (None, Some(otherwise)) => Ok(otherwise),
                (None, None) => other("a dict does not have the key that is taken out of it"),
            }
        }
        "popitem" => {
            arguments.none()?;
            let last = known.borrow_mut().pop();
            last.map_or_else(|| other("a dict is empty"), |(key, item)| Ok(Py::tuple(vec![key, item])))
        }
        _ => other("a method is not supported"),
    }
}

fn look<'a>(run: &mut Run<'a>, value: &Py<'a>, key: &Py<'a>) -> Outcome<Option<Py<'a>>> {
    match value {
        Py::Json(Value::Object(fields)) => Ok(key.as_str().and_then(|name| fields.get(name)).map(Py::seen)),
        Py::Dict(known) => {
            run.spend(known.borrow().len() / 4)?;
            Ok(known.borrow().iter().find(|(name, _)| equal(name, key)).map(|(_, item)| item.clone()))
        }
        _ => Err(Stop::Type),
    }
}

fn update<'a>(run: &mut Run<'a>, known: &Rc<RefCell<Pairs<'a>>>, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    let mut new = Pairs::new();
    for value in arguments.plain {
        let value = run.current(&value);
        match pairs(&value) {
            Some(more) => new.extend(more),
            None => {
                for pair in run.iterate(&value)? {
                    let pair = run.iterate(&pair)?;
                    let [key, item] = pair.as_slice() else { return other("a dict is updated with what is no pair") };
                    new.push((key.clone(), item.clone()));
                }
            }
        }
    }
    new.extend(arguments.named.into_iter().map(|(name, value)| (Py::Str(Text::from(name.into_owned())), value)));
    run.spend(new.len().saturating_mul(known.borrow().len() + 1))?;
    for (key, value) in new {
        hashable(&key)?;
        run.nest(Rc::as_ptr(known).cast(), &value)?;
        put(&mut known.borrow_mut(), key, value);
    }
    Ok(Py::None)
}

/// Calls a method of a list or a tuple.
pub fn of_list<'a>(run: &mut Run<'a>, value: &Py<'a>, name: &str, arguments: Arguments<'a>) -> Outcome<Py<'a>> {
    match name {
        "count" => {
            let wanted = arguments.one()?;
            let count = run.iterate(value)?.iter().filter(|item| equal(item, &wanted)).count();
            return Ok(Py::Int(i128::try_from(count).unwrap_or(i128::MAX)));
        }
        "index" => {
            let wanted = arguments.one()?;
            let place = run.iterate(value)?.iter().position(|item| equal(item, &wanted)).and_then(|place| i128::try_from(place).ok());
            return place.map_or_else(|| other("a value is not in the list"), |place| Ok(Py::Int(place)));
        }
        "copy" => {
            arguments.none()?;
            return run.iterate(value).map(Py::list);
        }
        _ => {}
    }
    let Py::List(items) = run.thaw(value) else { return Err(Stop::Type) };
    match name {
        "append" => {
            let item = arguments.one()?;
            run.nest(Rc::as_ptr(&items).cast(), &item)?;
            items.borrow_mut().push(item);
        }
        "extend" => {
            let more = run.iterate(&arguments.one()?)?;
            more.iter().try_for_each(|item| run.nest(Rc::as_ptr(&items).cast(), item))?;
            items.borrow_mut().extend(more);
        }
        "insert" => {
            let [place, item] = arguments.bind(["", " "], 2)?;
            let length = i64::try_from(items.borrow().len()).unwrap_or(i64::MAX);
            let at = index_or(place.as_ref(), 0)?;
            let at = if at < 0 { (at + length).max(0) } else { at.min(length) };
            let item = item.ok_or(Stop::Type)?;
            run.nest(Rc::as_ptr(&items).cast(), &item)?;
            items.borrow_mut().insert(usize::try_from(at).unwrap_or(0), item);
        }
        "pop" => {
            let place = arguments.maybe()?.unwrap_or(Py::Int(-1));
            let at = super::super::access::place(&place, items.borrow().len()).filter(|at| *at < items.borrow().len());
            return at.map_or_else(|| other("pop index out of range"), |at| Ok(items.borrow_mut().remove(at)));
        }
        "remove" => {
            let wanted = arguments.one()?;
            let Some(at) = items.borrow().iter().position(|item| equal(item, &wanted)) else { return other("a value is not in the list") };
            items.borrow_mut().remove(at);
        }
        "clear" => items.borrow_mut().clear(),
        "reverse" => items.borrow_mut().reverse(),
        "sort" => {
            let [key, reverse] = arguments.bind(["key", "reverse"], 0)?;
            if key.is_some_and(|key| !matches!(key, Py::None)) {
                return other("sorting by a key is not supported");
            }
            let all = items.borrow().clone();
            let made = sorted(run, all, reverse.as_ref().is_some_and(is_true), |_, item| Ok(item.clone()))?;
            *items.borrow_mut() = made;
        }
        _ => return other("a method is not supported"),
    }
    Ok(Py::None)
}
