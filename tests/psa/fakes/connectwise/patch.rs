//! JSON-Patch as ConnectWise takes it: an array of `{op, path, value}`, paths with or without a leading slash.

use serde_json::{Map, Value, json};

use super::refusals;
use crate::http::{Reply, Request};

/// What a record becomes by a PATCH or a PUT.
pub(super) fn after(request: &Request, before: &Value) -> Result<Value, Reply> {
    let body = request.json().ok_or_else(|| refusals::unreadable("The body is not JSON."))?;
    match (request.method.as_str(), body) {
        ("PATCH", Value::Array(steps)) => {
            let mut record = before.clone();
            for step in &steps {
                apply(&mut record, step).map_err(|message| refusals::unreadable(&message))?;
            }
            Ok(record)
        }
        ("PATCH", _) => Err(refusals::unreadable("A patch is an array of operations.")),
        (_, body @ Value::Object(_)) => Ok(body),
        _ => Err(refusals::unreadable("The record is not an object.")),
    }
}

/// Fields that a PATCH names at their first level.
pub(super) fn touched(request: &Request) -> Vec<String> {
    let steps = request.json().and_then(|body| body.as_array().cloned()).unwrap_or_default();
    let paths = steps.iter().filter_map(|step| step.get("path")?.as_str());
    paths.filter_map(|path| path.split('/').find(|part| !part.is_empty()).map(str::to_owned)).collect()
}

fn apply(record: &mut Value, step: &Value) -> Result<(), String> {
    let text = |key: &str| step.get(key).and_then(Value::as_str);
    let path = text("path").ok_or("An operation has no path.")?;
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let (last, way) = parts.split_last().ok_or("The path of an operation is empty.")?;
    let mut place = record;
    for part in way {
        place = inner(place, part).ok_or_else(|| format!("The path {path} does not exist."))?;
    }
    let value = step.get("value").cloned();
    match (text("op").map(str::to_lowercase).as_deref(), value) {
        (Some("add" | "replace"), Some(value)) => put(place, last, value, !way.is_empty()),
        (Some("remove"), _) => put(place, last, Value::Null, false),
        (Some("add" | "replace"), None) => return Err(format!("The operation on {path} has no value.")),
        (op, _) => return Err(format!("{op:?} is not an operation.")),
    }
    .ok_or_else(|| format!("The path {path} does not exist."))
}

/// A member of an object, which is made where it is missing, or an element of an array.
fn inner<'a>(place: &'a mut Value, part: &str) -> Option<&'a mut Value> {
    match place {
        Value::Array(items) => items.get_mut(part.parse::<usize>().ok()?),
        Value::Object(members) => Some(members.entry(part).or_insert_with(|| json!({}))),
        _ => None,
    }
}

fn put(place: &mut Value, part: &str, value: Value, nested: bool) -> Option<()> {
    match place {
        Value::Array(items) => {
            let at = if part == "-" { items.len() } else { part.parse().ok()? };
            if at == items.len() {
                items.push(value);
            } else {
                *items.get_mut(at)? = value;
            }
        }
        Value::Object(members) if value.is_null() => drop(members.remove(part)),
        Value::Object(members) => set(members, part, value, nested),
        _ => return None,
    }
    Some(())
}

/// Sets a member. A reference that is given by one of its keys alone keeps nothing of the old one.
fn set(members: &mut Map<String, Value>, part: &str, value: Value, nested: bool) {
    let by_key = nested && matches!(part, "id" | "name" | "identifier");
    if by_key && members.contains_key("_info") && members.get(part) != Some(&value) {
        members.clear();
    }
    members.insert(part.to_owned(), value);
}
