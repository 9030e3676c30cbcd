//! Callbacks: made for all tickets of the company, and the keys that their deliveries are signed with.
//!
//! UNCONFIRMED: whether a delivery is tried again, and after what time; whether a key is given without credentials.

use std::sync::Arc;
use std::time::Duration;

use firstline_fault::Result;
use serde_json::{Value, json};
use ureq::http::Method;

use super::client::{Client, ConnectwiseSettings};
use super::wire;
use crate::hook::{NAME, SigningKeys, Standing, Subscription};
use crate::http::{Call, Http, Pace, agent_within};
use crate::secret::Secret;

/// Longest key, in bytes.
const MOST_KEY: usize = 4 << 10;
/// Timeout for fetching a key: the sender of the delivery waits meanwhile.
const PATIENCE: Duration = Duration::from_secs(4);

/// The keys that the PSA of `settings` signs deliveries with.
pub fn signing_keys(settings: &ConnectwiseSettings) -> SigningKeys {
    let pace = Pace { requests: 12, window: Duration::from_secs(60) };
    let mut http = Http::new("ConnectWise", agent_within(PATIENCE), pace, Arc::new(|_| true));
    let credentials = settings.credentials();
    let fetch = move |url: &str| {
        let mut ask = |headers: Vec<(&'static str, String)>| {
            // No retry: the sender of the delivery is waiting.
            let call = Call { method: Method::GET, url: url.to_owned(), headers, body: None, safe: false };
            http.send(&call).ok()
        };
        let mut answer = ask(Vec::new())?;
        if matches!(answer.status, 401 | 403) {
            answer = ask(credentials.to_vec())?;
        }
        let told = answer.json().filter(|_| answer.is_good())?;
        let key = told.get("signing_key")?.as_str()?;
        (!key.is_empty() && key.len() <= MOST_KEY).then(|| Secret::new(key))
    };
    SigningKeys::new(&settings.url, &settings.company, Box::new(fetch))
}

/// An address as callbacks have it: the PSA puts the ticket's number at its end.
pub(super) fn address(url: &str) -> String {
    match url.split_once('?') {
        _ if url.ends_with("?id=") || url.ends_with("recordId=") => url.to_owned(),
        None => format!("{url}?id="),
        Some((_, "")) => format!("{url}id="),
        Some(_) => format!("{}&id=", url.trim_end_matches('&')),
    }
}

pub(super) fn webhook(client: &mut Client, wanted: &Subscription) -> Result<Standing> {
    let found = find(client, wanted)?;
    let Some(url) = &wanted.url else {
        return Ok(found.map_or(Standing::Missing, |found| found.standing()));
    };
    match found.map(|found| (found.id, found.inactive_flag)) {
        Some((_, false)) => {}
        Some((Some(id), true)) => {
            let change = json!([{"op": "replace", "path": "inactiveFlag", "value": false}]);
            let answer = client.send(Method::PATCH, &format!("system/callbacks/{id}"), &change)?;
            client.judged(answer)?;
        }
        // Our own writes are told of by nobody: what this member does is left out.
        None | Some((None, true)) => {
            let body = json!({"url": address(url), "type": "ticket", "level": "owner", "objectId": 1, "description": NAME,
                "inactiveFlag": false, "payloadVersion": "3.0.0", "isSelfSuppressedFlag": true});
            let answer = client.send(Method::POST, "system/callbacks", &body)?;
            if !exists(&answer.json().unwrap_or_default()) {
                client.judged(answer)?;
            }
        }
    }
    Ok(find(client, wanted)?.map_or(Standing::Missing, |found| found.standing()))
}

fn find(client: &mut Client, wanted: &Subscription) -> Result<Option<wire::Callback>> {
    let mut found: Option<wire::Callback> = None;
    client.each("system/callbacks", &[], &mut |one: wire::Callback| {
        let is =
            |text: &Option<String>, what: &str| text.as_deref().is_some_and(|t| t.eq_ignore_ascii_case(what));
        let own = is(&one.kind, "ticket") && is(&one.level, "owner");
        let own = own && one.url.as_deref().is_some_and(|url| wanted.is(url));
        // Of two the one that tells.
        if own && found.as_ref().is_none_or(|found| found.inactive_flag) {
            found = Some(one);
        }
        Ok(())
    })?;
    Ok(found)
}

impl wire::Callback {
    fn standing(&self) -> Standing {
        if self.inactive_flag {
            Standing::Off { why: "inactiveFlag is set".to_owned() }
        } else {
            Standing::Active
        }
    }
}

/// Whether a refusal says that the callback is there.
fn exists(refusal: &Value) -> bool {
    let errors = refusal.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    errors.iter().any(|error| error.get("code").and_then(Value::as_str) == Some("ObjectExists"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_ends_where_the_number_goes() {
        for (url, wanted) in [
            ("https://hooks.example/cw", "https://hooks.example/cw?id="),
            ("https://hooks.example/cw?", "https://hooks.example/cw?id="),
            ("https://hooks.example/cw?id=", "https://hooks.example/cw?id="),
            ("https://hooks.example/cw?recordId=", "https://hooks.example/cw?recordId="),
            ("https://hooks.example/cw?a=1", "https://hooks.example/cw?a=1&id="),
            ("https://hooks.example/cw?a=1&recordId=", "https://hooks.example/cw?a=1&recordId="),
        ] {
            assert_eq!(address(url), wanted);
        }
    }
}
