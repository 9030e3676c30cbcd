//! Holds every answer of a running service to the schemas of its own /openapi.json.

use std::collections::BTreeSet;

use serde_json::Value;

/// What the document promises.
#[derive(Debug)]
pub(crate) struct Contract(Value);

impl Contract {
    pub(crate) fn new(document: Value) -> Self {
        Self(document)
    }

    /// Checks an answer, where the document has a call of this method and path.
    pub(crate) fn check(&self, method: &str, path: &str, status: u16, body: &str) {
        let Some(call) = self.call(&method.to_lowercase(), path.split('?').next().unwrap()) else { return };
        let responses = &call["responses"];
        let class = format!("{}XX", status / 100);
        let response = responses.get(status.to_string()).or_else(|| responses.get(class));
        let response = response.unwrap_or_else(|| panic!("{method} {path} may not answer {status}: {body}"));
        let content = self.resolved(response)["content"].as_object().into_iter().flatten();
        let Some((_, content)) = content.into_iter().find(|(media, _)| media.contains("json")) else {
            return;
        };
        let body: Value =
            serde_json::from_str(body).unwrap_or_else(|e| panic!("{method} {path}: {e}: {body}"));
        if let Err(fault) = self.fits("answer", &content["schema"], &body) {
            panic!("{method} {path} {status}: {fault}\n{body}");
        }
    }

    fn call(&self, method: &str, path: &str) -> Option<&Value> {
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |template: &str| {
            let template: Vec<&str> = template.split('/').collect();
            let same = |(a, b): (&&str, &&str)| a == b || a.starts_with('{');
            template.len() == parts.len() && template.iter().zip(&parts).all(same)
        };
        let paths = self.0["paths"].as_object().unwrap();
        // A path that is spelled out goes before one with a variable.
        let calls =
            paths.get(path).into_iter().chain(paths.iter().filter(|(p, _)| fits(p)).map(|(_, call)| call));
        calls.into_iter().find_map(|call| call.get(method))
    }

    fn resolved<'d>(&'d self, value: &'d Value) -> &'d Value {
        match value["$ref"].as_str() {
            Some(reference) => self.resolved(self.0.pointer(&reference[1..]).unwrap()),
            None => value,
        }
    }

    /// What of `value` is not as `schema` says.
    fn fits(&self, at: &str, schema: &Value, value: &Value) -> Result<(), String> {
        // Other keys of a ticket pass through.
        let is_open = schema["$ref"].as_str().is_some_and(|reference| reference.ends_with("/Ticket"));
        if let (Value::Object(map), false) = (value, is_open) {
            let known = self.properties(schema);
            if let Some(key) = map.keys().find(|key| known.as_ref().is_some_and(|all| !all.contains(*key))) {
                return Err(format!("{at}: the schema does not know {key:?}"));
            }
        }
        self.agrees(at, schema, value)
    }

    fn agrees(&self, at: &str, schema: &Value, value: &Value) -> Result<(), String> {
        let schema = self.resolved(schema);
        if let Some(all) = schema["oneOf"].as_array() {
            let faults: Vec<String> = all.iter().map_while(|one| self.fits(at, one, value).err()).collect();
            return if faults.len() < all.len() { Ok(()) } else { Err(faults.join("; or ")) };
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.agrees(at, part, value)?;
        }
        let is = |kind: &str| match kind {
            "null" => value.is_null(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            other => panic!("no type {other:?}"),
        };
        let kinds: Vec<&str> = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            kind => kind.as_str().into_iter().collect(),
        };
        if !kinds.is_empty() && !kinds.into_iter().any(is) {
            return Err(format!("{at} is no {}: {value}", schema["type"]));
        }
        if schema["enum"].as_array().is_some_and(|all| !all.contains(value)) {
            return Err(format!("{at} is none of {}: {value}", schema["enum"]));
        }
        for (i, item) in value.as_array().into_iter().flatten().enumerate() {
            self.fits(&format!("{at}[{i}]"), &schema["items"], item)?;
        }
        let Some(map) = value.as_object() else { return Ok(()) };
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !map.contains_key(name) {
                return Err(format!("{at} has no {name:?}"));
            }
        }
        for (name, value) in map {
            if let Some(property) = schema["properties"].get(name) {
                self.fits(&format!("{at}.{name}"), property, value)?;
            } else if schema["additionalProperties"].is_object() {
                let names = schema["propertyNames"]["enum"].as_array();
                if names.is_some_and(|names| names.iter().all(|known| known != name)) {
                    return Err(format!("{at} may not have {name:?}"));
                }
                self.fits(&format!("{at}.{name}"), &schema["additionalProperties"], value)?;
            }
        }
        Ok(())
    }

    /// The properties that a schema allows; `None` where it does not list them.
    fn properties(&self, schema: &Value) -> Option<BTreeSet<String>> {
        let schema = self.resolved(schema);
        let more = &schema["additionalProperties"];
        if more.is_object() || *more == Value::Bool(true) {
            return None;
        }
        let mut all: BTreeSet<String> =
            schema["properties"].as_object().into_iter().flatten().map(|(k, _)| k.clone()).collect();
        for part in ["allOf", "oneOf"].into_iter().filter_map(|key| schema[key].as_array()).flatten() {
            all.extend(self.properties(part).unwrap_or_default());
        }
        Some(all)
    }
}
