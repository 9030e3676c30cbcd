//! What a client sends: arrays of objects, numbers that may be strings, parameters that may be spelled `True`.

use serde_json::{Map, Value};

use super::refusals::{Outcome, Refusal};
use crate::http::Request;
use crate::world::Id;

/// An object of the body.
pub(super) type Item = Map<String, Value>;

/// The objects of the body, which is an array even for one.
pub(super) fn items(request: &Request) -> Outcome<Vec<Item>> {
    let wants = "The body must be a JSON array of objects";
    let Some(Value::Array(items)) = request.json() else { return Err(Refusal::invalid(wants)) };
    if items.is_empty() {
        return Err(Refusal::invalid("The body holds no object"));
    }
    let objects = items.into_iter().map(|item| match item {
        Value::Object(item) => Ok(item),
        _ => Err(Refusal::invalid(wants)),
    });
    objects.collect()
}

/// A whole number, or a string that is one.
pub(super) fn number(item: &Item, key: &str) -> Outcome<Option<Id>> {
    let wrong = || Refusal::invalid(format!("Could not convert the value of {key} to an integer"));
    match item.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) => text.trim().parse().map(Some).map_err(|_| wrong()),
        Some(value) => value.as_i64().map(Some).ok_or_else(wrong),
    }
}

/// A string, whatever its length.
pub(super) fn text<'a>(item: &'a Item, key: &str) -> Option<&'a str> {
    item.get(key).and_then(Value::as_str)
}

/// Yes or no, where said.
pub(super) fn flag(item: &Item, key: &str) -> Option<bool> {
    match item.get(key)? {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => Some(number.as_i64() != Some(0)),
        Value::String(text) => Some(text.eq_ignore_ascii_case("true") || text == "1"),
        _ => None,
    }
}

/// A parameter that is yes.
pub(super) fn yes(request: &Request, key: &str) -> bool {
    request.asked(key).is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
}

/// A parameter that is no.
pub(super) fn no(request: &Request, key: &str) -> bool {
    request.asked(key).is_some_and(|value| value.eq_ignore_ascii_case("false") || value == "0")
}

/// A parameter that is a whole number; an empty one is none.
pub(super) fn asked(request: &Request, key: &str) -> Outcome<Option<Id>> {
    let Some(value) = request.asked(key).filter(|value| !value.is_empty()) else { return Ok(None) };
    value.parse().map(Some).map_err(|_| Refusal::parameter(key, value))
}

/// A parameter that is a list of whole numbers.
pub(super) fn listed(request: &Request, key: &str) -> Outcome<Option<Vec<Id>>> {
    let Some(value) = request.asked(key).filter(|value| !value.is_empty()) else { return Ok(None) };
    let ids: Result<Vec<Id>, _> = value.split(',').map(|id| id.trim().parse()).collect();
    ids.map(Some).map_err(|_| Refusal::parameter(key, value))
}

/// A parameter that is a time.
pub(super) fn time(request: &Request, key: &str) -> Outcome<Option<jiff::Timestamp>> {
    let Some(value) = request.asked(key).filter(|value| !value.is_empty()) else { return Ok(None) };
    super::times::read(value).map(Some).ok_or_else(|| Refusal::parameter(key, value))
}
