//! `/_fake/...`: what scripts ask and tell a fake beside the PSA's protocol: writes by ticket, what shall go wrong.

use serde_json::{Value, json};

use crate::faults::Fault;
use crate::hooks::HookTrouble;
use crate::http::{Reply, Request};
use crate::server::State;

/// The answer, where the request is for the fake itself.
pub(crate) fn answer(state: &mut State, request: &Request) -> Option<Reply> {
    let parts = request.parts();
    let (&first, rest) = parts.split_first()?;
    if first != "_fake" {
        return None;
    }
    let read = |what: Result<(), serde_json::Error>| match what {
        Ok(()) => Reply::empty(204),
        Err(e) => Reply::json(400, &json!({"message": e.to_string()})),
    };
    Some(match (request.method.as_str(), rest) {
        ("GET", ["state"]) => Reply::json(200, &told(state)),
        ("POST", ["fault"]) => {
            read(serde_json::from_slice::<Fault>(&request.body).map(|fault| state.faults.list.push(fault)))
        }
        ("POST", ["hooks"]) => read(
            serde_json::from_slice::<HookTrouble>(&request.body).map(|trouble| state.hook_trouble = trouble),
        ),
        ("POST", ["set"]) => {
            let set = request.json().ok_or_else(|| "the body is no JSON".to_owned());
            match set.and_then(|settings| state.dialect.set(&settings)) {
                Ok(()) => Reply::empty(204),
                Err(message) => Reply::json(400, &json!({"message": message})),
            }
        }
        _ => Reply::json(404, &json!({"message": "GET state, POST fault, POST hooks, POST set"})),
    })
}

fn told(state: &State) -> Value {
    let writes: serde_json::Map<String, Value> =
        state.world.write_counts().into_iter().map(|(ticket, n)| (ticket.to_string(), json!(n))).collect();
    json!({
        "now": state.world.now().to_string(),
        "tickets": state.world.tickets.len(),
        "notes": state.world.notes.len(),
        "mails": state.world.mails.len(),
        "writes": writes,
        "requests": state.log.len(),
        "faults": state.faults.hits,
    })
}
