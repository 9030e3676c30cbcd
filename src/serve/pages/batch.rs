//! Approving several together: field changes and members of storms, each a review of its own with its own version.
//!
//! Must never approve anything that a customer would see.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use firstline_fault::Code;
use firstline_pages::review::MOST_BATCH;
use firstline_store::ReviewResult;
use firstline_ticket::Review;

use super::answer;
use super::form::Form;
use super::review::record;
use super::view::is_only_fields;
use super::viewer::Viewer;
use crate::problem::Problem;
use crate::reviewing::{Asked, put};
use crate::shared::Shared;

/// Approves the fields of those that are ticked.
pub(super) async fn approve(
    State(shared): State<Arc<Shared>>,
    viewer: Viewer,
    form: Result<Form, Problem>,
) -> Response {
    let reader = viewer.clone();
    let done = match form {
        Ok(form) => shared.blocking(move |shared| approved(shared, &reader, &form)).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok((n, all)) => answer::lead_to(&format!("/review?tab=fields&batch={n}-{all}")),
        Err(problem) => viewer.problem(&problem, ""),
    }
}

/// How many of how many went through. One that was changed meanwhile is left.
fn approved(shared: &Shared, viewer: &Viewer, form: &Form) -> Result<(usize, usize), Problem> {
    let items: Vec<&str> = form.all("item").collect();
    if items.is_empty() || items.len() > MOST_BATCH {
        let problem = format!("{} are ticked, and 1 to {MOST_BATCH} can be", items.len());
        return Err(Problem::new(Code::Request, "item", problem, "Tick some, and fewer at a time"));
    }
    let parsed: Option<Vec<(&str, i64)>> = items
        .iter()
        .map(|item| item.rsplit_once(':').and_then(|(id, version)| Some((id, version.parse().ok()?))))
        .collect();
    let parsed = parsed.ok_or_else(|| {
        Problem::new(Code::Request, "item", "no decision with its version", "Send the page's form")
    })?;
    // All or none where the form is none of ours: a reply in it would be approved unseen.
    for (id, _) in &parsed {
        if !is_only_fields(&record(shared, viewer, id)?) {
            let problem = format!("decision {id} has a reply");
            return Err(Problem::new(Code::Request, "item", problem, "Approve replies one at a time"));
        }
    }
    let mut n = 0;
    for (id, version) in &parsed {
        let asked = Asked {
            decision_id: (*id).to_owned(),
            version: *version,
            key: None,
            verdict: Review::Accepted,
            reviewer: None,
            confirmed: false,
            opened_at: None,
            active_seconds: None,
            fields: BTreeMap::new(),
            run: None,
            identity_verified: false,
            undo_seconds: shared.settings.review.undo_seconds,
        };
        n += usize::from(matches!(put(shared, &viewer.caller, asked)?.0, ReviewResult::Done(_)));
    }
    Ok((n, parsed.len()))
}
