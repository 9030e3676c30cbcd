//! The OpenAPI document: its head, and what every operation of a kind has in common.

use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::openapi::{OpenApi, path::Operation};
use utoipa::{OpenApi as _, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use crate::problem;

/// What stands at the head of the document.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Firstline",
        description = "On-prem ticket triage: tickets in, decisions and first responses out, with a confidence that means what it says. Every answer that is no success is a problem (RFC 9457) with a code; /errors lists them. Callers send an API key; pages of this service call in the name of the person who has signed in, whose rights are their scopes, and what they change has to come from a page of this service (Sec-Fetch-Site or Origin), else the answer is 403 E_ORIGIN.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "tickets", description = "Triage, decisions, similar tickets, jobs"),
        (name = "people", description = "Feedback, review queue, incidents, key figures"),
        (name = "rollout", description = "The programme: criteria, signatures, start, gate, holds, weeks, coverage"),
        (name = "outbox", description = "What is to be done in the PSA"),
        (name = "compatible", description = "OpenAI's and text-embeddings-inference's API"),
        (name = "service", description = "Health, metrics, documentation")
    )
)]
struct Head;

/// The document without its operations.
pub(super) fn head() -> OpenApi {
    let mut document = Head::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("key", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    document
}

/// Says of every operation of `router` that its failures have the form `E`: one response, to which all refer.
pub(super) fn failing_with<E: ErrorForm, S: Send + Sync + Clone + 'static>(
    mut router: OpenApiRouter<S>,
    description: &str,
) -> OpenApiRouter<S> {
    let document = router.get_openapi_mut();
    let name = E::name().into_owned();
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        for status in ["4XX", "5XX"] {
            let response = RefOr::Ref(Ref::from_response_name(&name));
            operation.responses.responses.entry(status.to_owned()).or_insert(response);
        }
    }
    let components = document.components.get_or_insert_default();
    let mut schemas = vec![(name.clone(), E::schema())];
    E::schemas(&mut schemas);
    components.schemas.extend(schemas);
    components.responses.insert(name, RefOr::T(response::<E>(description)));
    router
}

fn response<E: ErrorForm>(description: &str) -> Response {
    let schema = Ref::from_schema_name(E::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content(E::MEDIA_TYPE, content).build()
}

fn operations(item: &mut utoipa::openapi::PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.delete, &mut item.patch].into_iter().flatten()
}

/// A form that failures are told in.
pub(super) trait ErrorForm: ToSchema {
    /// Its media type.
    const MEDIA_TYPE: &'static str;
}

impl ErrorForm for problem::Problem {
    const MEDIA_TYPE: &'static str = problem::MEDIA_TYPE;
}

impl ErrorForm for super::openai::OpenAiError {
    const MEDIA_TYPE: &'static str = "application/json";
}

impl ErrorForm for super::tei::TeiError {
    const MEDIA_TYPE: &'static str = "application/json";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    /// Properties and parameters whose values are of a closed set, wherever they stand.
    const ENUMERATED: [&str; 13] = [
        "action",
        "basis",
        "draft_state",
        "encoding_format",
        "error_type",
        "field",
        "kept",
        "kind",
        "mode",
        "object",
        "origin",
        "route",
        "state",
    ];
    /// Maps whose keys are of a closed set.
    const KEYED: [&str; 4] = ["fields", "final", "outcome", "routes"];

    fn document() -> Value {
        serde_json::to_value(crate::api::documented().1).unwrap()
    }

    /// Calls `look` with every value of the document and the path to it.
    fn walk(at: &str, value: &Value, look: &mut dyn FnMut(&str, &Value)) {
        look(at, value);
        match value {
            Value::Object(map) => {
                map.iter().for_each(|(key, value)| walk(&format!("{at}/{key}"), value, look));
            }
            Value::Array(all) => {
                all.iter().enumerate().for_each(|(i, value)| walk(&format!("{at}/{i}"), value, look));
            }
            _ => {}
        }
    }

    /// The schema that `schema` refers to, or is.
    fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
        match schema["$ref"].as_str() {
            Some(reference) => resolved(document, document.pointer(&reference[1..]).unwrap()),
            None => schema,
        }
    }

    /// Whether a schema allows only values that it lists, and perhaps null.
    fn is_enumerated(document: &Value, schema: &Value) -> bool {
        let schema = resolved(document, schema);
        let null = |one: &Value| one["type"] == "null";
        match schema["oneOf"].as_array() {
            Some(all) => all.iter().all(|one| null(one) || is_enumerated(document, one)),
            None => schema["enum"].is_array(),
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_schema_is_used() {
        let document = document();
        let mut used = BTreeSet::new();
        walk("", &document, &mut |at, value| {
            let Some(reference) = value["$ref"].as_str() else { return };
            assert!(document.pointer(&reference[1..]).is_some(), "{at}: {reference}");
            used.insert(reference.to_owned());
        });
        for name in document["components"]["schemas"].as_object().unwrap().keys() {
            assert!(used.contains(&format!("#/components/schemas/{name}")), "{name} is used nowhere");
        }
    }

    #[test]
    fn nothing_is_an_object_of_unknown_content() {
        let mut schemas = 0;
        walk("", &document(), &mut |at, value| {
            let has = |key: &str| value.get(key).is_some_and(|value| *value != Value::Bool(false));
            let is_object = value["type"] == "object"
                || value["type"].as_array().is_some_and(|types| types.contains(&"object".into()));
            if is_object {
                let keys = ["properties", "additionalProperties", "oneOf", "allOf"];
                assert!(keys.into_iter().any(has), "{at} is an object of unknown content: {value}");
                schemas += 1;
            }
            // A schema that says nothing allows everything.
            if at.ends_with("/schema") || at.ends_with("/items") || at.ends_with("/additionalProperties") {
                let says = ["$ref", "type", "oneOf", "allOf", "anyOf"].into_iter().any(has);
                assert!(says || value.is_boolean(), "{at} says nothing: {value}");
            }
        });
        assert!(schemas > 40, "{schemas}");
    }

    #[test]
    fn values_of_closed_sets_are_enumerated() {
        let document = document();
        let mut found = BTreeSet::new();
        walk("", &document, &mut |at, value| {
            for name in ENUMERATED {
                // A form of errors is not told by its kind.
                if at.ends_with(&format!("/properties/{name}")) {
                    assert!(is_enumerated(&document, value), "{at}: {value}");
                    found.insert(name);
                }
            }
            if let Some(name) =
                ENUMERATED.into_iter().find(|name| value["name"] == *name && value["in"].is_string())
            {
                assert!(is_enumerated(&document, &value["schema"]), "{at}: {value}");
                found.insert(name);
            }
            for name in KEYED {
                let is_map = value["type"] == "object" && value.get("additionalProperties").is_some();
                if at.ends_with(&format!("/properties/{name}")) && is_map {
                    assert!(is_enumerated(&document, &value["propertyNames"]), "{at}: {value}");
                    found.insert(name);
                }
            }
        });
        let all: BTreeSet<&str> = ENUMERATED.into_iter().chain(KEYED).collect();
        assert_eq!(found, all);
    }

    #[test]
    fn every_operation_has_an_id_a_scope_and_a_form_of_its_errors() {
        let document = document();
        let mut ids = BTreeSet::new();
        let open = ["/healthz", "/readyz", "/metrics", "/errors"];
        let scopes: BTreeSet<&str> = crate::auth::Scope::ALL.map(crate::auth::Scope::name).into();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap_or_default();
                assert!(!id.is_empty() && ids.insert(id.to_owned()), "{method} {path}: {id:?}");
                let summary = operation["summary"].as_str().unwrap_or_default();
                assert!(!summary.is_empty() && !summary.contains('\n'), "{method} {path}: {summary:?}");
                for status in ["4XX", "5XX"] {
                    let response = resolved(&document, &operation["responses"][status]);
                    let forms = response["content"].as_object().unwrap();
                    let form = forms.values().next().unwrap();
                    assert!(form["schema"]["$ref"].is_string(), "{method} {path}: {response}");
                }
                let needs: Vec<&str> = operation["security"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .flat_map(|one| one["key"].as_array().unwrap())
                    .map(|scope| scope.as_str().unwrap())
                    .collect();
                assert_eq!(needs.is_empty(), open.contains(&path.as_str()), "{method} {path}");
                assert!(needs.iter().all(|scope| scopes.contains(scope)), "{method} {path}: {needs:?}");
            }
        }
        assert!(ids.len() >= 23, "{ids:?}");
    }
}
