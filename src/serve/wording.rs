//! What is wrong with JSON, in words of JSON: libraries say it in names of types, which no caller knows.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Longest text that a message repeats, in characters.
const MOST: usize = 240;

/// What does not fit, and where: the path of the key, `tickets[0].id`, empty at the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misfit {
    pub(crate) key: String,
    pub(crate) problem: String,
}

/// Reads `value` as a `T`. A key that is null counts as absent, at every level.
///
/// # Errors
/// What does not fit, with its key.
pub(crate) fn read<T: DeserializeOwned>(mut value: Value) -> Result<T, Misfit> {
    drop_nulls(&mut value);
    serde_path_to_error::deserialize(value).map_err(|e| {
        let path = e.path().to_string();
        let key = if path == "." { String::new() } else { path };
        Misfit { key, problem: plain(&e.into_inner().to_string()) }
    })
}

/// Takes out keys that are null. JSON that comes in is bounded in depth.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// What a library says of a fault, in words of JSON, and no longer than is needed: it may repeat what was sent.
pub(crate) fn plain(message: &str) -> String {
    brief(&said(message).unwrap_or_else(|| message.to_owned()))
}

fn said(message: &str) -> Option<String> {
    for start in ["invalid type: ", "invalid value: "] {
        if let Some((found, expected)) =
            message.strip_prefix(start).and_then(|rest| rest.rsplit_once(", expected "))
        {
            return Some(format!("it is {} where {} belongs", thing(found), wanted(expected)));
        }
    }
    if let Some((found, expected)) =
        message.strip_prefix("unknown variant ").and_then(|rest| rest.split_once(", expected "))
    {
        return Some(format!("{} is none of its values: {}", quoted(found), listed(expected)));
    }
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let (found, expected) = rest.split_once(", ").unwrap_or((rest, ""));
        return Some(match expected.strip_prefix("expected ") {
            Some(expected) => format!("there is no key {}; there are {}", quoted(found), listed(expected)),
            None => format!("there is no key {}", quoted(found)),
        });
    }
    if let Some(name) = message.strip_prefix("missing field ") {
        return Some(format!("the key {} is missing", quoted(name)));
    }
    if message.starts_with("data did not match any variant") {
        return Some("it has a form that is not read here".to_owned());
    }
    let length = message.strip_prefix("invalid length ")?;
    Some(format!("it has {} elements, which does not fit", length.split(',').next()?))
}

/// A value as the library names it: ``string "a"``, ``integer `1` ``, `map`.
fn thing(found: &str) -> String {
    let inner = || found.split_once('`').and_then(|(_, rest)| rest.strip_suffix('`')).unwrap_or_default();
    match found.split([' ', '`']).next().unwrap_or_default() {
        "null" | "unit" | "Option" => "null".to_owned(),
        "map" => "an object".to_owned(),
        "sequence" => "a list".to_owned(),
        "string" | "character" => format!("the text {}", found.split_once(' ').map_or("", |(_, text)| text)),
        "integer" | "floating" => format!("the number {}", inner()),
        "boolean" => inner().to_owned(),
        _ => "something else".to_owned(),
    }
}

/// What belongs there, as the library names it.
fn wanted(expected: &str) -> String {
    let expected = expected.split(" at line ").next().unwrap_or_default();
    match expected {
        "a string" | "string" | "str" | "a borrowed string" | "identifier" => "a text".to_owned(),
        "a boolean" | "bool" => "true or false".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more,".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "an object".to_owned(),
        "string or map" | "variant identifier" => "one of its values".to_owned(),
        _ if expected.starts_with("struct") => "an object".to_owned(),
        _ if expected.starts_with("enum") => "one of its values".to_owned(),
        _ if expected.contains("tuple") => "a list".to_owned(),
        _ => expected.to_owned(),
    }
}

fn quoted(name: &str) -> String {
    name.replace('`', "\"")
}

fn listed(names: &str) -> String {
    quoted(names.strip_prefix("one of ").unwrap_or(names)).replace(" or ", ", ")
}

/// The beginning of a text that may repeat what was sent, however long that was.
pub(crate) fn brief(text: &str) -> String {
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// What kind of value it is, with its article.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Request {
        name: Option<String>,
        count: usize,
        share: f64,
        flag: bool,
        mode: Mode,
        list: Vec<Request>,
        map: BTreeMap<String, u8>,
        at: Option<jiff::Timestamp>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        #[default]
        Sync,
        Async,
    }

    #[test]
    fn null_is_absent_at_every_level() {
        let nulls = json!({"name": null, "count": null, "share": null, "flag": null, "mode": null, "list": [{"name": null}], "map": {"a": null}, "at": null});
        let expected = Request { list: vec![Request::default()], ..Request::default() };
        assert_eq!(read::<Request>(nulls), Ok(expected));
    }

    #[test]
    fn a_misfit_names_its_key_and_no_type_of_a_program() {
        for (value, key, problem) in [
            (json!({"count": "x"}), "count", "it is the text \"x\" where a whole number, 0 or more, belongs"),
            (json!({"count": -1}), "count", "it is the number -1 where a whole number"),
            (json!({"count": 1.5}), "count", "it is the number 1.5 where a whole number"),
            (json!({"name": 17}), "name", "it is the number 17 where a text belongs"),
            (json!({"name": {"id": 1}}), "name", "it is an object where a text belongs"),
            (json!({"flag": "yes"}), "flag", "where true or false belongs"),
            (json!({"share": true}), "share", "it is true where a number belongs"),
            (json!({"list": {}}), "list", "it is an object where a list belongs"),
            (json!({"list": [{}, 7]}), "list[1]", "it is the number 7 where an object belongs"),
            (json!({"list": [null]}), "list[0]", "it is null where an object belongs"),
            (
                json!({"list": [{"map": {"a": 300}}]}),
                "list[0].map.a",
                "it is the number 300 where a whole number",
            ),
            (json!({"mode": "later"}), "mode", "\"later\" is none of its values: \"sync\", \"async\""),
            (json!({"mode": 1}), "mode", ""),
            (json!({"at": "soon"}), "at", ""),
            (json!({"at": 5}), "at", ""),
            (json!({"other": 1}), "other", "there is no key \"other\"; there are \"name\", \"count\""),
        ] {
            let misfit = read::<Request>(value.clone()).unwrap_err();
            assert!(misfit.key == key && misfit.problem.contains(problem), "{value}: {misfit:?}");
            for word in [
                "usize", "u64", "u8", "f64", "struct", "enum", "Request", "Mode", "variant", "sequence",
                "map,",
            ] {
                assert!(!misfit.problem.contains(word), "{value}: {misfit:?}");
            }
        }
        let long = read::<Request>(json!({"count": "x".repeat(5_000)})).unwrap_err();
        assert!(long.problem.len() < 300);
    }
}
