//! What clients send that are written against other services: nulls, token numbers, options that mean nothing here.

use serde_json::json;

use crate::served::Service;

#[test]
fn null_is_absent_and_a_misfit_names_its_key_in_words_of_json() {
    let service = Service::start(&[]);
    let key = service.key("triage", &[]);
    for (path, body) in [
        (
            "/v1/embeddings",
            json!({"input": ["scanner"], "model": null, "encoding_format": null, "dimensions": null, "user": null, "truncate": null}),
        ),
        (
            "/embed",
            json!({"inputs": "scanner", "truncate": null, "normalize": null, "prompt_name": null, "truncation_direction": null}),
        ),
        ("/predict", json!({"inputs": ["scanner"], "truncate": null, "raw_scores": null, "field": null})),
        (
            "/v1/triage",
            json!({"tickets": [{"id": "n", "subject": "scanner", "board": null, "messages": null}], "top": null, "mode": null}),
        ),
    ] {
        let answer = service.post(path, &key, &body).ok();
        assert!(answer["results"][0]["error"].is_null(), "{path}: {answer}");
    }
    let types =
        ["usize", "u64", "struct", "enum", "untagged", "variant", "sequence", "Option", "Texts", "Request"];
    for (path, body, part) in [
        ("/v1/embeddings", json!({"model": "x", "input": [[7, 8], [9]]}), "token numbers are not read"),
        ("/v1/embeddings", json!({"model": "x", "input": [7, 8]}), "input: token numbers are not read"),
        ("/v1/embeddings", json!({"model": "x", "input": ["a", "b", null]}), "input 2 is null"),
        ("/v1/embeddings", json!({"model": "x", "input": []}), "input: it is an empty list"),
        ("/v1/embeddings", json!({"model": "x", "input": "a", "dimensions": 7}), "dimensions: the model has"),
        ("/v1/embeddings", json!({"model": "x", "input": "a", "prompt": "y"}), "no key \"prompt\""),
        (
            "/embed",
            json!({"inputs": {"text": "a"}}),
            "inputs: it is an object where a text or a list of texts",
        ),
        ("/embed", json!({"inputs": "a", "prompt_name": "query"}), "prompt_name: there are no prompts"),
        ("/embed", json!({"inputs": "a", "dimensions": 7}), "dimensions: the model has"),
        (
            "/embed",
            json!({"inputs": "a", "truncate": true, "truncation_direction": "left"}),
            "truncation_direction",
        ),
        ("/predict", json!({"inputs": "a", "raw_scores": true}), "raw_scores"),
        ("/predict", json!({"inputs": [["a"], ["b", 1]]}), "input 1 holds a number"),
        ("/predict", json!({"inputs": []}), "inputs: it is an empty list"),
        ("/v1/triage", json!(["x"]), "the body: it is a list where an object belongs"),
        ("/v1/triage", json!({"tickets": "x"}), "tickets: it is the text \"x\" where a list belongs"),
        (
            "/v1/triage",
            json!({"tickets": [], "top": "three"}),
            "top: it is the text \"three\" where a whole number",
        ),
        ("/v1/triage", json!({"tickets": [{"id": "a", "subject": "b"}], "mode": "later"}), "mode: "),
    ] {
        let answer = service.post(path, &key, &body);
        let text = answer.json().to_string().replace("\\\"", "\"");
        assert!((400..500).contains(&answer.status) && text.contains(part), "{path} {body}: {text}");
        assert!(types.iter().all(|name| !text.contains(name)), "{path} {body}: {text}");
    }
    let odd = json!({"tickets": [
        {"id": 17, "subject": "a"},
        {"id": "2", "subject": "a", "opened_at": "2024-03-04T09:12:33"},
        {"id": "3", "subject": "a", "board": {"name": "Field"}},
        {"id": "4", "subject": "a", "messages": [{"text": "b"}, {"text": 5}]},
    ]});
    let answer = service.post("/v1/triage", &key, &odd).ok();
    for (i, name) in ["id", "opened_at", "board", "messages[1].text"].iter().enumerate() {
        let detail = answer["results"][i]["error"]["detail"].as_str().unwrap();
        assert!(detail.starts_with(&format!("tickets[{i}].{name}: ")), "{detail}");
        assert!(types.iter().all(|name| !detail.contains(name)), "{detail}");
    }
}
