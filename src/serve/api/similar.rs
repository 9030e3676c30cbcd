//! `POST /v1/similar`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use firstline_drafts::{CustomerFilter, ResolvedCase};
use firstline_fault::Code;
use firstline_store::CustomerSet;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::requests::customers;
use super::wire::Ticket;
use crate::auth::{Caller, Scope};
use crate::extract::Body;
use crate::intake;
use crate::problem::Problem;
use crate::shared::Shared;

/// Cases that are given at most.
const MOST_SIMILAR: usize = 50;

/// A ticket whose like is sought.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SimilarRequest {
    /// The ticket, in canonical form.
    #[schema(value_type = Ticket)]
    ticket: Value,
    /// How many at most.
    #[serde(default = "five")]
    #[schema(minimum = 1, maximum = 50, default = 5)]
    limit: usize,
    /// Only cases of this customer.
    #[serde(default)]
    customer: Option<String>,
}

fn five() -> usize {
    5
}

/// A resolved ticket.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SimilarTicket {
    id: String,
    customer: String,
    /// Cosine of the texts' embeddings.
    cosine: f32,
    /// The same with what shared words add.
    score: f32,
    /// Board, type, subtype.
    category: [Option<String>; 3],
    /// What it was about.
    problem: String,
    /// What was answered first.
    reply: String,
    /// How it was resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution: Option<String>,
}

/// Resolved tickets, the most alike first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SimilarResponse {
    similar: Vec<SimilarTicket>,
}

/// Finds the resolved tickets most like a ticket. A key that is held to some customers finds only theirs.
#[utoipa::path(
    post, path = "/v1/similar", tag = "tickets", security(("key" = ["triage"]), ("key" = ["review"])),
    request_body = SimilarRequest,
    responses(
        (status = 200, description = "Resolved tickets", body = SimilarResponse),
    )
)]
pub(crate) async fn find_similar(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(request): Body<SimilarRequest>,
) -> Result<Json<SimilarResponse>, Problem> {
    caller.may(Scope::Triage).or_else(|_| caller.may(Scope::Review))?;
    let ticket = intake::check("ticket", request.ticket, &caller.customers)?;
    let customers = customers(&caller, request.customer.as_deref())?;
    let limit = request.limit.clamp(1, MOST_SIMILAR);
    let found = shared.blocking(move |shared| search(shared, &ticket, &customers, limit)).await?;
    Ok(Json(SimilarResponse { similar: found }))
}

fn search(
    shared: &Shared,
    ticket: &firstline_ticket::Ticket,
    customers: &CustomerSet,
    limit: usize,
) -> Result<Vec<SimilarTicket>, Problem> {
    let live = shared.live.load_full();
    if live.index.is_empty() {
        let next = "Add some: firstline drafts index --bundle DIR --tickets FILE";
        return Err(Problem::new(Code::NotFound, "the bundle", "it has no resolved tickets", next));
    }
    let embedding = live.engine.features(std::slice::from_ref(ticket))?.embeddings;
    let find = |whose| live.index.similar(ticket, &embedding, whose, limit);
    let mut found = Vec::new();
    match customers {
        CustomerSet::All => found = find(CustomerFilter::All)?,
        CustomerSet::Only(these) => {
            for customer in these {
                found.extend(find(CustomerFilter::Only(customer))?);
            }
        }
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found.truncate(limit);
    let view = |(case, cosine, score): (ResolvedCase, f32, f32)| SimilarTicket {
        reply: case.reply.iter().map(|said| said.text.as_str()).collect::<Vec<_>>().join(" "),
        id: case.id,
        customer: case.customer,
        category: case.category,
        problem: case.problem,
        resolution: case.resolution,
        cosine,
        score,
    };
    Ok(found.into_iter().map(|near| view((near.case, near.cosine, near.score))).collect())
}
