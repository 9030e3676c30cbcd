//! Tokens, scopes and the quota: who may come in.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::refusals::{Outcome, Refusal};
use super::settings::Settings;
use super::{CLIENT_ID, CLIENT_SECRET};
use crate::http::{Reply, Request};

/// Scopes that an application can have.
const SCOPES: [&str; 8] = [
    "all",
    "all:standard",
    "admin",
    "read:tickets",
    "edit:tickets",
    "read:customers",
    "edit:customers",
    "read:calendar",
];

#[derive(Debug)]
struct Token {
    ends: Timestamp,
    scopes: Vec<String>,
}

/// What has been handed out, and who came lately.
#[derive(Debug, Default)]
pub(super) struct Gate {
    tokens: BTreeMap<String, Token>,
    given: u64,
    lately: VecDeque<Timestamp>,
}

impl Gate {
    /// A token for an application that shows its secret. Its own requests count towards no quota (UNCONFIRMED).
    pub(super) fn token(&mut self, settings: &Settings, now: Timestamp, request: &Request) -> Outcome<Reply> {
        if let Some(tenant) = &settings.tenant
            && request.asked("tenant") != Some(tenant)
        {
            // Clients report a 500 for a wrong tenant.
            return Ok(Reply::json(500, &json!({"message": "An error has occurred."})));
        }
        let form = form(request);
        let said = |key: &str| form.get(key).map_or("", String::as_str);
        if said("grant_type") != "client_credentials" {
            return Ok(refused(400, "unsupported_grant_type", "The grant type is not supported"));
        }
        if said("client_id") != CLIENT_ID || said("client_secret") != CLIENT_SECRET {
            return Ok(refused(settings.wrong_client_status, "invalid_client", "The client is not known."));
        }
        let asked: Vec<String> = match said("scope") {
            "" => settings.scopes.clone(),
            scope => scope.split_whitespace().map(str::to_owned).collect(),
        };
        let all = settings.scopes.iter().any(|scope| scope == "all");
        let may =
            |scope: &String| SCOPES.contains(&scope.as_str()) && (all || settings.scopes.contains(scope));
        // UNCONFIRMED: Halo may also narrow the scope to what the application has.
        if !asked.iter().all(may) {
            return Ok(refused(400, "invalid_scope", "The scope is not allowed for this application"));
        }
        Ok(Reply::json(200, &self.hand_out(settings, now, asked)))
    }

    fn hand_out(&mut self, settings: &Settings, now: Timestamp, scopes: Vec<String>) -> serde_json::Value {
        if settings.new_token_ends_old {
            self.tokens.clear();
        }
        self.given += 1;
        let token = format!("halo-fake-token-{:06}", self.given);
        let life = SignedDuration::from_secs(settings.token_seconds);
        let ends = now.checked_add(life).unwrap_or(now);
        let scope = scopes.join(" ");
        self.tokens.insert(token.clone(), Token { ends, scopes });
        json!({
            "scope": scope,
            "token_type": "Bearer",
            "access_token": token,
            "expires_in": settings.token_seconds,
            "id_token": null,
        })
    }

    /// Lets a request pass that has a token, is within the quota, and may do what it asks for.
    pub(super) fn pass(
        &mut self,
        settings: &Settings,
        now: Timestamp,
        request: &Request,
        (method, resource): (&str, &str),
    ) -> Outcome<()> {
        let bearer = request.header("authorization").and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let token = bearer
            .and_then(|token| self.tokens.get(token))
            .filter(|token| token.ends > now)
            .ok_or_else(|| Refusal::token("The access token is missing, not valid or expired"))?;
        let needed = needed(method, resource);
        let (all, standard) = ("all".to_owned(), "all:standard".to_owned());
        let scope = token.scopes.contains(&all)
            || needed != "admin" && (needed == "any" || token.scopes.contains(&standard))
            || token.scopes.iter().any(|scope| scope == needed);
        self.count(settings, now)?;
        if !scope {
            return Err(Refusal::forbidden(format!("The application lacks the scope {needed}")));
        }
        if settings.denied.iter().any(|denied| denied == needed || *denied == format!("{method} {resource}"))
        {
            return Err(Refusal::forbidden("You do not have permission to do this"));
        }
        Ok(())
    }

    /// Counts a request in the rolling window. UNCONFIRMED: one that is refused for the quota doesn't count.
    fn count(&mut self, settings: &Settings, now: Timestamp) -> Outcome<()> {
        let window = SignedDuration::from_secs(settings.window_seconds);
        while self.lately.front().is_some_and(|&at| now.duration_since(at) >= window) {
            self.lately.pop_front();
        }
        if settings.quota > 0 && self.lately.len() >= settings.quota {
            let gone = self.lately.front().map_or(SignedDuration::ZERO, |&at| now.duration_since(at));
            let wait = (window - gone).as_secs().max(0) + 1;
            return Err(Refusal::busy(settings.retry_after.then_some(wait)));
        }
        self.lately.push_back(now);
        Ok(())
    }
}

/// The scope that a request needs. UNCONFIRMED beyond tickets and customers: reference data needs none but a token, set-up needs `admin`.
fn needed(method: &str, resource: &str) -> &'static str {
    match (method, resource) {
        ("GET", "tickets" | "actions" | "feedback" | "audit") => "read:tickets",
        (_, "tickets" | "actions" | "timesheetevent") => "edit:tickets",
        ("POST", "audit") => "read:tickets",
        ("GET", "client" | "site" | "users") => "read:customers",
        (_, "webhook" | "notification" | "webhookevent") => "admin",
        (_, "ticketrules" | "emailrule" | "mailbox" | "workflow") => "admin",
        _ => "any",
    }
}

/// Where to ask for a token; no token is needed to ask where.
pub(super) fn info(settings: &Settings, request: &Request) -> Reply {
    let tenant = settings.tenant.as_deref().unwrap_or("fake");
    Reply::json(200, &json!({"auth_url": format!("{}/auth", request.origin), "tenant_id": tenant}))
}

fn refused(status: u16, error: &str, description: &str) -> Reply {
    Reply::json(status, &json!({"error": error, "error_description": description}))
}

/// The fields of a form; none where the body is something else.
fn form(request: &Request) -> BTreeMap<String, String> {
    let is_form = request
        .header("content-type")
        .is_some_and(|kind| kind.to_lowercase().starts_with("application/x-www-form-urlencoded"));
    let text = String::from_utf8_lossy(&request.body).into_owned();
    let pairs = is_form.then(|| text.split('&').filter(|part| !part.is_empty()).map(crate::server::pair));
    pairs.into_iter().flatten().collect()
}
