//! `POST /v1/similar`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use firstline_drafts::{CustomerFilter, Similar};
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
use crate::live_bundle::LiveBundle;
use crate::problem::Problem;
use crate::queue::{Part, cost_of};
use crate::shared::Shared;

/// Cases that are given at most.
const MOST_SIMILAR: usize = 50;
/// Customers whose cases one piece of a search looks at.
const CUSTOMERS: usize = 4;
/// Cases whose vectors are read in the time of one unit of cost.
const CASES_PER_UNIT: usize = 4_096;

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
    let live = shared.live.load_full();
    if live.index.is_empty() {
        let next = "Add some: firstline drafts index --bundle DIR --tickets FILE";
        return Err(Problem::new(Code::NotFound, "the bundle", "it has no resolved tickets", next));
    }
    let near = search(&shared, &caller.key, &live, ticket, (customers, limit)).await?;
    Ok(Json(SimilarResponse { similar: near.into_iter().map(SimilarTicket::from).collect() }))
}

/// Searches piece by piece in the queue: the ticket is read first, then some customers' cases after others'.
async fn search(
    shared: &Arc<Shared>,
    key: &str,
    live: &Arc<LiveBundle>,
    ticket: firstline_ticket::Ticket,
    (customers, limit): (CustomerSet, usize),
) -> Result<Vec<Similar>, Problem> {
    let bytes = [&ticket.subject, &ticket.body].into_iter().flatten().map(String::len).sum();
    let reading = cost_of(bytes, live.engine.encoders().max_tokens());
    let sets = sets(customers);
    // A search reads the cases' vectors, and the texts of those that it finds.
    let searching = |set: &CustomerSet| match set {
        CustomerSet::All => live.index.len() / CASES_PER_UNIT + limit,
        CustomerSet::Only(these) => these.len() * (1 + limit),
    };
    let cost = reading + sets.iter().map(searching).sum::<usize>();
    let place = shared.queue.place(key, cost).map_err(|seconds| Problem::overload("ticket", seconds))?;
    let deadline = shared.compute_deadline();
    let reader = Arc::clone(live);
    let read: Part<Seek> = (reading, Box::new(move || Seek::new(&reader, &ticket)));
    let sought = Arc::new(
        place.compute(deadline, vec![read]).await?.pop().ok_or_else(|| Problem::internal("no seek"))?,
    );
    let part = |set: CustomerSet| -> Part<Vec<Similar>> {
        let (live, sought) = (Arc::clone(live), Arc::clone(&sought));
        (searching(&set), Box::new(move || sought.find(&live, &set, limit)))
    };
    let found = place.compute(deadline, sets.into_iter().map(part).collect()).await?;
    place.finish();
    let mut found: Vec<Similar> = found.into_iter().flatten().collect();
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found.truncate(limit);
    Ok(found)
}

/// The customers of a search in pieces.
fn sets(customers: CustomerSet) -> Vec<CustomerSet> {
    let CustomerSet::Only(these) = customers else { return vec![CustomerSet::All] };
    let these: Vec<String> = these.into_iter().collect();
    these.chunks(CUSTOMERS).map(|some| CustomerSet::Only(some.iter().cloned().collect())).collect()
}

/// A ticket whose like is sought, as far as it is read once for all pieces.
struct Seek {
    /// Its text as the model reads it.
    text: String,
    embedding: Vec<f32>,
}

impl Seek {
    fn new(live: &LiveBundle, ticket: &firstline_ticket::Ticket) -> Result<Self, Problem> {
        let embedding = live.engine.features(std::slice::from_ref(ticket))?.embeddings;
        let text = live.engine.reader().compose(ticket).text();
        Ok(Self { text, embedding })
    }

    fn find(
        &self,
        live: &LiveBundle,
        customers: &CustomerSet,
        limit: usize,
    ) -> Result<Vec<Similar>, Problem> {
        let find = |whose| live.index.similar(&self.text, &self.embedding, whose, limit);
        match customers {
            CustomerSet::All => Ok(find(CustomerFilter::All)?),
            CustomerSet::Only(these) => {
                let found: Vec<_> = these
                    .iter()
                    .map(|customer| find(CustomerFilter::Only(customer)))
                    .collect::<Result<_, _>>()?;
                Ok(found.into_iter().flatten().collect())
            }
        }
    }
}

impl From<Similar> for SimilarTicket {
    fn from(near: Similar) -> Self {
        let Similar { case, cosine, score } = near;
        Self {
            reply: case.reply.iter().map(|said| said.text.as_str()).collect::<Vec<_>>().join(" "),
            id: case.id,
            customer: case.customer,
            category: case.category,
            problem: case.problem,
            resolution: case.resolution,
            cosine,
            score,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_of_many_customers_is_cut_into_pieces() {
        let names = (0..1_000).map(|i| format!("c{i:04}")).collect::<Vec<_>>();
        let sets = sets(CustomerSet::Only(names.iter().cloned().collect()));
        let of = |set: &CustomerSet| match set {
            CustomerSet::All => vec!["all".to_owned()],
            CustomerSet::Only(these) => these.iter().cloned().collect(),
        };
        assert!(sets.iter().all(|set| of(set).len() <= CUSTOMERS));
        assert_eq!(sets.iter().flat_map(of).collect::<Vec<_>>(), names);
        assert_eq!(self::sets(CustomerSet::All).len(), 1);
    }
}
