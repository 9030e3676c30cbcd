//! `/openapi.json`, and `/docs`: the same document as one page for people. It has no script and loads nothing.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use firstline_pages::styled_page;
use maud::{Markup, html};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use utoipa::openapi::OpenApi;

use crate::shared::Shared;

/// Where the page is.
pub(super) const PATH: &str = "/docs";
/// Schemas within schemas that an example goes into.
const DEPTH: usize = 6;

const STYLE: &str = include_str!("docs.css");

/// The two calls.
pub(super) fn routes(document: &OpenApi) -> Router<Arc<Shared>> {
    // By utoipa's own hand: the code that writes a document is not compiled here once more.
    let json = document.to_json().unwrap_or_default();
    let document = serde_json::from_str(&json).unwrap_or_default();
    // All answers share one text.
    let (html, json) = (Bytes::from(page(&document)), Bytes::from(json));
    let page = move || async move { Html(html) };
    let json = move || async move { ([(header::CONTENT_TYPE, "application/json")], json).into_response() };
    Router::new().route(PATH, get(page.clone())).route("/docs/", get(page)).route("/openapi.json", get(json))
}

/// What the page may load: its own style, known by its hash.
pub(super) fn policy() -> HeaderValue {
    static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
        let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
        let policy = format!("default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'");
        HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
    });
    POLICY.clone()
}

/// The page.
fn page(document: &Value) -> String {
    let info = &document["info"];
    let tags = document["tags"].as_array().into_iter().flatten();
    let schemas = document["components"]["schemas"].as_object();
    let main = html! {
        p { "Version " (text(&info["version"])) ". " (text(&info["description"])) }
        p { "For programs: " a href="/openapi.json" { "/openapi.json" } ". Errors: " a href="/errors" { "/errors" } "." }
        @for tag in tags {
            h2 id=(text(&tag["name"])) { (text(&tag["description"])) }
            @for (path, method, call) in calls(document, &tag["name"]) {
                (operation(document, path, method, call))
            }
        }
        h2 { "Schemas" }
        @for (name, schema) in schemas.into_iter().flatten() {
            (component(name, schema))
        }
    };
    styled_page(&format!("{} API", text(&info["title"])), STYLE, &main)
}

/// The calls of a tag: path, method and operation.
fn calls<'d>(document: &'d Value, tag: &Value) -> Vec<(&'d str, &'d str, &'d Value)> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, call) in methods.as_object().into_iter().flatten() {
            if call["tags"][0] == *tag {
                found.push((path.as_str(), method.as_str(), call));
            }
        }
    }
    found
}

fn operation(document: &Value, path: &str, method: &str, call: &Value) -> Markup {
    let body = &call["requestBody"]["content"]["application/json"]["schema"];
    let parameters: Vec<&Value> = call["parameters"].as_array().into_iter().flatten().collect();
    html! {
        details id=(text(&call["operationId"])) {
            summary { code class="method" { (method.to_uppercase()) } " " code { (path) } " " (text(&call["summary"])) }
            @if let Some(more) = call["description"].as_str() { p { (more) } }
            @let scopes = scopes(call);
            p { @if scopes.is_empty() { "No key is needed." } @else { "Scope of the key: " (scopes.join(" or ")) "." } }
            @if !parameters.is_empty() {
                table {
                    tr { th { "Parameter" } th { "In" } th { "Type" } th { "About" } }
                    @for parameter in parameters {
                        tr {
                            td { code { (text(&parameter["name"])) } (required(parameter["required"] == true)) }
                            td { (text(&parameter["in"])) }
                            td { (kind(&parameter["schema"])) }
                            td { (text(&parameter["description"])) }
                        }
                    }
                }
            }
            @if !body.is_null() { p { "Body: " (kind(body)) } }
            table {
                tr { th { "Status" } th { "Answer" } th { "About" } }
                @for (status, response) in call["responses"].as_object().into_iter().flatten() {
                    @let response = target(document, response);
                    tr {
                        td { code { (status) } }
                        td {
                            @for (media, content) in response["content"].as_object().into_iter().flatten() {
                                (kind(&content["schema"])) " " small { (media) }
                            }
                        }
                        td { (text(&response["description"])) }
                    }
                }
            }
            pre { code { (curl(document, path, method, call)) } }
        }
    }
}

/// The scopes that a call needs one of.
fn scopes(call: &Value) -> Vec<&str> {
    let needs = call["security"].as_array().into_iter().flatten();
    needs.filter_map(|one| one["key"].as_array()).flatten().filter_map(Value::as_str).collect()
}

fn component(name: &str, schema: &Value) -> Markup {
    let parts: Vec<&Value> = match schema["allOf"].as_array() {
        Some(all) => all.iter().collect(),
        None => vec![schema],
    };
    html! {
        section id=(anchor(name)) {
            h3 { code { (name) } }
            @if let Some(about) = schema["description"].as_str() { p { (about) } }
            @for part in parts {
                @if let Some(properties) = part["properties"].as_object() {
                    (table_of(properties, &part["required"]))
                } @else {
                    p { (kind(part)) }
                }
            }
        }
    }
}

fn table_of(properties: &Map<String, Value>, needed: &Value) -> Markup {
    let is_needed = |name: &str| needed.as_array().is_some_and(|all| all.iter().any(|one| one == name));
    html! {
        table {
            tr { th { "Property" } th { "Type" } th { "About" } }
            @for (name, schema) in properties {
                tr {
                    td { code { (name) } (required(is_needed(name))) }
                    td { (kind(schema)) }
                    td { (text(&schema["description"])) (bounds(schema)) }
                }
            }
        }
    }
}

fn required(is: bool) -> Markup {
    html! { @if is { " " small { "required" } } }
}

/// Bounds and default of a value, in words.
fn bounds(schema: &Value) -> Markup {
    let named = [
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("minItems", "items at least"),
        ("maxItems", "items at most"),
        ("maxLength", "characters at most"),
        ("default", "default"),
    ];
    html! {
        @for (key, word) in named {
            @if let Some(value) = schema.get(key) { " " small { (word) " " (value.to_string()) } }
        }
    }
}

/// The type of a schema, in words, with links to the schemas it refers to.
fn kind(schema: &Value) -> Markup {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return html! { a href={ "#" (anchor(name)) } { (name) } };
    }
    for (key, word) in [("oneOf", " or "), ("anyOf", " or "), ("allOf", " and ")] {
        if let Some(all) = schema[key].as_array() {
            return joined(all, word);
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        return html! { code { (values.join(" | ")) } };
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    html! {
        @for (i, one) in types.iter().enumerate() {
            @if i > 0 { " or " }
            @match *one {
                "array" => { "array of " (kind(&schema["items"])) },
                "object" => (object(schema)),
                other => (other),
            }
        }
        @if let Some(format) = schema["format"].as_str() { " " small { (format) } }
    }
}

fn joined(all: &[Value], word: &str) -> Markup {
    html! {
        @for (i, one) in all.iter().enumerate() {
            @if i > 0 { (word) }
            (kind(one))
        }
    }
}

/// An object: with properties of its own, or of one type by their names.
fn object(schema: &Value) -> Markup {
    html! {
        @if let Some(properties) = schema["properties"].as_object() {
            (table_of(properties, &schema["required"]))
        } @else {
            "map of " (kind(&schema["additionalProperties"])) " by "
            @if schema["propertyNames"].is_null() { "string" } @else { (kind(&schema["propertyNames"])) }
        }
    }
}

/// The call by curl, with an example of its body.
fn curl(document: &Value, path: &str, method: &str, call: &Value) -> String {
    let mut line = "curl -s".to_owned();
    if method != "get" {
        let _ = write!(line, " -X {}", method.to_uppercase());
    }
    let _ = write!(line, " \"$FIRSTLINE_URL{}\"", path.replace('{', "$").replace('}', ""));
    if !scopes(call).is_empty() {
        line.push_str(" \\\n  -H \"Authorization: Bearer $FIRSTLINE_KEY\"");
    }
    let headers = call["parameters"].as_array().into_iter().flatten();
    for parameter in headers.filter(|one| one["in"] == "header" && one["required"] == true) {
        let _ = write!(line, " \\\n  -H '{}: 1'", text(&parameter["name"]));
    }
    let body = &call["requestBody"]["content"]["application/json"]["schema"];
    if !body.is_null() {
        let example = example(document, body, DEPTH).to_string().replace('\'', "'\\''");
        let _ = write!(line, " \\\n  -H 'Content-Type: application/json' \\\n  -d '{example}'");
    }
    line
}

/// An example of a schema's values: what is required, and what has an example of its own.
fn example(document: &Value, schema: &Value, depth: usize) -> Value {
    let schema = target(document, schema);
    if depth == 0 {
        return Value::Null;
    }
    if let Some(given) = schema.get("example").or_else(|| schema.get("examples")?.get(0)) {
        return given.clone();
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    if let Some(first) =
        schema["oneOf"].as_array().and_then(|all| all.iter().find(|one| one["type"] != "null"))
    {
        return example(document, first, depth - 1);
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or_default();
    match kind {
        "array" => json!([example(document, &schema["items"], depth - 1)]),
        "object" => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            let needed = schema["required"].as_array();
            let shown = |name: &str, of: &Value| {
                needed.is_some_and(|all| all.iter().any(|one| one == name)) || of.get("example").is_some()
            };
            let shown = properties.filter(|(name, of)| shown(name, of));
            shown
                .map(|(name, of)| (name.clone(), example(document, of, depth - 1)))
                .collect::<Map<_, _>>()
                .into()
        }
        "integer" | "number" => json!(1),
        "boolean" => json!(false),
        _ => json!("text"),
    }
}

/// What `value` refers to, or it.
fn target<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let referred =
        value["$ref"].as_str().and_then(|reference| document.pointer(reference.strip_prefix('#')?));
    referred.unwrap_or(value)
}

fn anchor(name: &str) -> String {
    format!("schema-{name}")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_call_and_schema_and_loads_nothing() {
        let document = serde_json::to_value(crate::api::documented().1).unwrap();
        let page = page(&document);
        for path in document["paths"].as_object().unwrap().keys() {
            assert!(page.contains(&format!("<code>{path}</code>")), "{path}");
        }
        for name in document["components"]["schemas"].as_object().unwrap().keys() {
            assert!(page.contains(&format!("id=\"schema-{name}\"")), "{name}");
        }
        for outside in ["<script", "<link", "<img", "src=", "http://", "https://", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
        // An example is a call that can be made.
        assert!(page.contains("\"tickets\":[{") || page.contains("&quot;tickets&quot;:[{"));
    }
}
