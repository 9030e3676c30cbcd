//! `/v1/connections`: how far connections to service desks have come, and which process runs each.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use firstline_fault::Code;
use firstline_store::{Connection, ConnectionLease};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::{Caller, Scope};
use crate::extract::{Body, Id};
use crate::problem::Problem;
use crate::shared::Shared;

/// Longest cursor, in bytes.
const MOST_CURSOR: usize = 4 << 20;
/// Longest name, in bytes.
const MOST_NAME: usize = 128;

/// A lease on a connection.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeaseRequest {
    /// Who asks, such as a host and a process: the same name renews what it has.
    #[schema(min_length = 1, max_length = 128)]
    owner: String,
    /// How long the lease holds.
    #[serde(default = "minute")]
    #[schema(minimum = 1, maximum = 3600, default = 60)]
    lease_seconds: u32,
    /// How far the connection has come, in a form of its own; what was kept stays without it.
    #[serde(default)]
    #[schema(max_length = 4_194_304)]
    cursor: Option<String>,
}

fn minute() -> u32 {
    60
}

/// A connection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionState {
    /// Its name.
    name: String,
    /// Who runs it, or ran it last.
    owner: String,
    /// Until when it is theirs.
    #[schema(value_type = String, format = "date-time")]
    lease_until: Timestamp,
    /// When anything of it changed last.
    #[schema(value_type = String, format = "date-time")]
    updated_at: Timestamp,
    /// How far it has come; not in the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// Connections.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionList {
    connections: Vec<ConnectionState>,
}

/// Takes or renews the lease on a connection, and keeps its cursor.
///
/// Of several processes one has it; the others are told who. A process that ends without a word loses it when the lease runs out.
#[utoipa::path(
    post, path = "/v1/connections/{name}", tag = "outbox", security(("key" = ["triage"])),
    params(("name" = String, Path, description = "The connection's name")),
    request_body = LeaseRequest,
    responses(
        (status = 200, description = "The lease is the caller's", body = ConnectionState),
        (status = 409, description = "Somebody else has it", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn lease_connection(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Id(name): Id,
    Body(request): Body<LeaseRequest>,
) -> Result<Json<ConnectionState>, Problem> {
    caller.may(Scope::Triage)?;
    let bad = |place: &str, problem: &str, next: &str| Err(Problem::new(Code::Request, place, problem, next));
    let named = |text: &str| !text.trim().is_empty() && text.len() <= MOST_NAME;
    if !named(&name) || !named(&request.owner) {
        return bad("name, owner", "empty, or longer than 128 bytes", "Name the connection and who runs it");
    }
    if !(1..=3_600).contains(&request.lease_seconds) {
        return bad("lease_seconds", "out of its range", "Give a lease of 1 to 3600 seconds");
    }
    if request.cursor.as_ref().is_some_and(|cursor| cursor.len() > MOST_CURSOR) {
        return bad("cursor", "longer than 4 MiB", "Keep less: ids and times, no words");
    }
    let now = shared.clock.now();
    let until = now.checked_add(i64::from(request.lease_seconds).seconds()).map_err(Problem::internal)?;
    let owner = format!("{}/{}", caller.key, request.owner.trim());
    let asked = owner.clone();
    let found = shared.blocking(move |shared| {
        let lease = ConnectionLease { name: &name, owner: &asked, until, cursor: request.cursor.as_deref() };
        Ok(shared.store.lease_connection(&lease, now)?)
    });
    let found = found.await?;
    if found.owner != owner {
        let holder = found.owner.split_once('/').map_or("", |(_, owner)| owner);
        let problem = format!("{holder:?} runs it until {}", found.lease_until.strftime("%FT%TZ"));
        let next = "Wait: the lease is free once that process has ended";
        return Err(Problem::new(Code::Conflict, "the connection", problem, next));
    }
    Ok(Json(told(found, true)))
}

/// Connections to service desks, by name, without their cursors.
#[utoipa::path(
    get, path = "/v1/connections", tag = "outbox", security(("key" = ["triage"]), ("key" = ["review"])),
    responses(
        (status = 200, description = "Connections", body = ConnectionList),
    )
)]
pub(crate) async fn list_connections(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
) -> Result<Json<ConnectionList>, Problem> {
    caller.may(Scope::Triage).or_else(|_| caller.may(Scope::Review))?;
    let all = shared.blocking(move |shared| Ok(shared.store.connections()?)).await?;
    Ok(Json(ConnectionList { connections: all.into_iter().map(|one| told(one, false)).collect() }))
}

fn told(found: Connection, whole: bool) -> ConnectionState {
    let owner = found.owner.split_once('/').map_or(found.owner.as_str(), |(_, owner)| owner).to_owned();
    ConnectionState {
        name: found.name,
        owner,
        lease_until: found.lease_until,
        updated_at: found.updated_at,
        cursor: found.cursor.filter(|_| whole),
    }
}
