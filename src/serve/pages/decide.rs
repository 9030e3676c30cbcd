//! What a person does with a draft: approve, edit, turn down, set fields, take back.
//!
//! A form ends in the same function as a call of the API. After each, the next ticket.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use firstline_fault::Code;
use firstline_pages::review::{self as pages, ConflictView, REASONS};
use firstline_store::{DecisionRecord, ReviewResult, Undo};
use firstline_ticket::{DraftState, Field, Review};
use jiff::{SignedDuration, Timestamp};

use super::answer;
use super::choices::choices as fitting;
use super::form::Form;
use super::queue::{after, filters};
use super::review::{Asked as Page, edit_view, open, read, record, show};
use super::view;
use super::viewer::Viewer;
use crate::api::requests::{missing, shown};
use crate::extract::Id;
use crate::problem::Problem;
use crate::reviewing::{Asked, MOST_ACTIVE, MOST_TEXT, put};
use crate::shared::Shared;

/// Decides on a draft, or shows the page again with what was chosen.
pub(super) async fn decide(
    State(shared): State<Arc<Shared>>,
    viewer: Viewer,
    Id(id): Id,
    RawQuery(query): RawQuery,
    form: Result<Form, Problem>,
) -> Response {
    let (form, query) = match form {
        Ok(form) => (form, read(query)),
        Err(problem) => return viewer.problem(&problem, ""),
    };
    if ["check", "choices"].contains(&form.get("action")) {
        return again(&shared, viewer, id, query, &form, None).await;
    }
    let (reader, given) = (viewer.clone(), form.clone());
    let (about, list) = (id.clone(), query.clone());
    let done = shared.blocking(move |shared| done(shared, &reader, &about, &given, &list)).await;
    match done {
        Ok(Outcome::Done(address)) => answer::lead_to(&address),
        Ok(Outcome::Conflict(view)) => {
            let main = pages::conflict_page(&view, viewer.look.language);
            answer::page(viewer.reader(), StatusCode::CONFLICT, "409", "/review", &main)
        }
        // What can be put right is put right on the page; what was written stays there.
        Err(problem) if [400, 422].contains(&problem.status) => {
            again(&shared, viewer, id, query, &form, Some(problem)).await
        }
        Err(problem) => viewer.problem(&problem, form.get("text")),
    }
}

/// The page as before, with what the form holds.
async fn again(
    shared: &Arc<Shared>,
    viewer: Viewer,
    id: String,
    query: Form,
    form: &Form,
    alert: Option<Problem>,
) -> Response {
    let (reader, text, about) = (viewer.clone(), form.get("text").to_owned(), id.clone());
    let kept =
        shared.blocking(move |shared| keep(shared, &reader, &record(shared, &reader, &about)?, &text)).await;
    match kept {
        Ok(()) => {
            show(shared, viewer, Page { id, query, chosen: chosen(form), alert, ..Page::default() }).await
        }
        Err(problem) => viewer.problem(&problem, form.get("text")),
    }
}

/// Keeps what a person has written, where that is not the draft.
fn keep(shared: &Shared, viewer: &Viewer, record: &DecisionRecord, text: &str) -> Result<(), Problem> {
    if text.len() > MOST_TEXT {
        return Err(Problem::new(Code::Request, "text", "longer than 64 KiB", "Send a shorter one"));
    }
    let is_draft = record.draft.as_ref().is_none_or(|draft| same(&draft.text, text));
    if is_draft {
        shared.open_reviews.unwrite(&record.id, &viewer.caller.key);
    } else if !text.trim().is_empty() {
        shared.open_reviews.write(&record.id, viewer.who(), text, shared.clock.now());
    }
    Ok(())
}

/// Whether a browser has sent a text back as it got it.
fn same(draft: &str, text: &str) -> bool {
    draft.replace("\r\n", "\n").trim() == text.trim()
}

enum Outcome {
    /// Where it goes on.
    Done(String),
    Conflict(Box<ConflictView>),
}

fn done(shared: &Shared, viewer: &Viewer, id: &str, form: &Form, query: &Form) -> Result<Outcome, Problem> {
    let record = record(shared, viewer, id)?;
    let text = form.get("text").to_owned();
    keep(shared, viewer, &record, &text)?;
    let asked = asked(shared, &record, form)?;
    let (result, _findings) = put(shared, &viewer.caller, asked)?;
    match result {
        ReviewResult::Done(_) => {
            shared.open_reviews.decided(id);
            Ok(Outcome::Done(next(shared, viewer, id, query, &format!("done={id}"))?))
        }
        ReviewResult::Conflict(stands) => {
            let stands = shown(*stands)?;
            let given = shared.store.review_of(id)?;
            let draft = stands.draft.as_ref().map(|draft| draft.text.clone());
            let text_that_stands = given.as_ref().and_then(|given| match given.verdict.clone()? {
                Review::Accepted => draft,
                Review::Edited(text) => Some(text),
                Review::Rejected(_) => None,
            });
            Ok(Outcome::Conflict(Box::new(ConflictView {
                id: id.to_owned(),
                winner: given.map(|given| given.reviewer).unwrap_or_default(),
                standing: view::standing(stands.draft_state),
                stands: text_that_stands,
                own: text,
            })))
        }
        ReviewResult::Missing => Err(missing("decision")),
    }
}

/// The next ticket's address, with what is said there.
fn next(shared: &Shared, viewer: &Viewer, id: &str, query: &Form, said: &str) -> Result<String, Problem> {
    let filters = filters(query, "");
    let next = after(shared, viewer, &filters, id)?.unwrap_or_default();
    let list = pages::address(&filters);
    let joint = if list.is_empty() { '?' } else { '&' };
    let path = if next.is_empty() { "/review".to_owned() } else { format!("/review/{next}") };
    Ok(format!("{path}{list}{joint}{said}"))
}

fn fault<T>(code: Code, place: &str, problem: &str, next: &str) -> Result<T, Problem> {
    Err(Problem::new(code, place, problem, next))
}

/// The review that a form asks for.
fn asked(shared: &Shared, record: &DecisionRecord, form: &Form) -> Result<Asked, Problem> {
    let verdict = verdict(record, form)?;
    let fields = fields(shared, record, form, &verdict)?;
    Ok(Asked {
        decision_id: record.id.clone(),
        version: form.version()?,
        key: None,
        verdict,
        reviewer: None,
        confirmed: form.is_ticked("override"),
        opened_at: form.get("opened_at").parse::<Timestamp>().ok(),
        active_seconds: form
            .get("active_seconds")
            .parse()
            .ok()
            .map(|seconds: f64| seconds.clamp(0.0, MOST_ACTIVE)),
        fields,
        run: None,
        identity_verified: form.is_ticked("identity"),
        undo_seconds: shared.settings.review.undo_seconds,
    })
}

/// What was decided. What stands in the box is what is sent, whichever button was pressed.
fn verdict(record: &DecisionRecord, form: &Form) -> Result<Review, Problem> {
    let text = form.get("text").trim();
    match (form.get("action"), &record.draft) {
        ("approve" | "edit", Some(_)) if text.is_empty() => {
            fault(Code::Request, "text", "there is none", "Write what is to be sent, or reject the draft")
        }
        ("approve" | "edit", Some(draft)) if same(&draft.text, text) => Ok(Review::Accepted),
        ("approve" | "edit", Some(_)) => Ok(Review::Edited(text.to_owned())),
        ("fields", None) => Ok(Review::Accepted),
        ("fields", Some(_)) => Ok(Review::Rejected(view::ONLY_FIELDS.to_owned())),
        ("reject", Some(_)) => {
            let (reason, more) = (form.get("reason"), form.get("more").trim());
            if !REASONS.contains(&reason) {
                return fault(Code::Request, "reason", "none is chosen", "Choose why the draft is rejected");
            }
            Ok(Review::Rejected(if more.is_empty() {
                reason.to_owned()
            } else {
                format!("{reason}: {more}")
            }))
        }
        _ => fault(
            Code::Request,
            "action",
            "nothing that can be done with this draft",
            "Open the ticket again",
        ),
    }
}

/// The labels that a form has chosen.
fn chosen(form: &Form) -> BTreeMap<Field, String> {
    let of = |field: Field| {
        let label = form.get(&format!("field_{}", field.name())).trim();
        (!label.is_empty() && label.len() <= 256).then(|| (field, label.to_owned()))
    };
    Field::ALL.into_iter().filter_map(of).collect()
}

/// The labels that a person sets: those that they changed, or all where the fields are what is decided.
fn fields(
    shared: &Shared,
    record: &DecisionRecord,
    form: &Form,
    verdict: &Review,
) -> Result<BTreeMap<Field, String>, Problem> {
    let stands = view::standing_labels(record);
    let mut wanted: BTreeMap<Field, String> =
        chosen(form).into_iter().filter(|(field, _)| stands.contains_key(field)).collect();
    let live = shared.live.load();
    let all: BTreeMap<Field, String> =
        stands.iter().map(|(field, label)| (*field, wanted.get(field).unwrap_or(label).clone())).collect();
    let changed = all != stands;
    if changed && let Some(field) = fitting(live.engine.bundle(), all, &BTreeMap::new()).moved.first() {
        let problem = format!("{field} does not go with what was chosen before it");
        return fault(Code::Field, field.name(), &problem, "Choose a label that fits");
    }
    let only_fields = matches!(verdict, Review::Rejected(why) if why == view::ONLY_FIELDS);
    if !only_fields {
        wanted.retain(|field, label| stands.get(field) != Some(label));
    }
    Ok(wanted)
}

/// The choices that fit, for a page that is open.
pub(super) async fn choices(
    State(shared): State<Arc<Shared>>,
    viewer: Viewer,
    Id(id): Id,
    form: Result<Form, Problem>,
) -> Response {
    let reader = viewer.clone();
    let made = match form {
        Ok(form) => {
            let counts = if viewer.caller.is_held() { Arc::default() } else { shared.bands.kept() };
            shared.blocking(move |shared| open(shared, &reader, &id, chosen(&form), (false, &counts))).await
        }
        Err(problem) => Err(problem),
    };
    match made {
        Ok(open) => answer::part(pages::decision_part(&open, viewer.look.language)),
        Err(problem) => viewer.problem(&problem, ""),
    }
}

/// Keeps what was written, and says what is found in it, for a page that is open.
pub(super) async fn edit(
    State(shared): State<Arc<Shared>>,
    viewer: Viewer,
    Id(id): Id,
    form: Result<Form, Problem>,
) -> Response {
    let reader = viewer.clone();
    let made = match form {
        Ok(form) => {
            let work = move |shared: &Shared| {
                let record = record(shared, &reader, &id)?;
                keep(shared, &reader, &record, form.get("text"))?;
                let draft = record.draft.as_ref().map(|draft| view::draft(draft, reader.caller.is_held()));
                Ok((
                    draft.unwrap_or_default(),
                    edit_view(shared, &reader, &record, form.get("text").to_owned())?,
                ))
            };
            shared.blocking(work).await
        }
        Err(problem) => Err(problem),
    };
    match made {
        Ok((draft, edit)) => answer::part(pages::edit_part(&draft, &edit, viewer.look.language)),
        Err(problem) => viewer.problem(&problem, ""),
    }
}

/// Takes a review back.
pub(super) async fn undo(
    State(shared): State<Arc<Shared>>,
    viewer: Viewer,
    Id(id): Id,
    RawQuery(query): RawQuery,
    form: Result<Form, Problem>,
) -> Response {
    let (reader, query) = (viewer.clone(), read(query));
    let undone = match form {
        Ok(form) => shared.blocking(move |shared| undone(shared, &reader, &id, &form, &query)).await,
        Err(problem) => Err(problem),
    };
    match undone {
        Ok(address) => answer::lead_to(&address),
        Err(problem) => viewer.problem(&problem, ""),
    }
}

fn undone(shared: &Shared, viewer: &Viewer, id: &str, form: &Form, query: &Form) -> Result<String, Problem> {
    let record = record(shared, viewer, id)?;
    let given = shared.store.review_of(&record.id)?;
    let now = shared.clock.now();
    let since = now - SignedDuration::from_secs(shared.settings.review.undo_seconds.into());
    let undo = Undo { decision_id: &record.id, version: form.version()?, actor: &viewer.caller.key, since };
    match shared.store.undo_review(&undo, now)? {
        ReviewResult::Done(record) => {
            // What was written is there again.
            if let Some(Review::Edited(text)) = given.and_then(|given| given.verdict)
                && record.draft_state == DraftState::Pending
            {
                shared.open_reviews.write(&record.id, viewer.who(), &text, now);
            }
            let list = pages::address(&filters(query, ""));
            let joint = if list.is_empty() { '?' } else { '&' };
            Ok(format!("/review/{}{list}{joint}undone=1", record.id))
        }
        ReviewResult::Conflict(_) => {
            let problem =
                "it is too late: the time for it is over, it is not your review, or it is being sent";
            fault(Code::Conflict, "the review", problem, "Look in the PSA at what was sent")
        }
        ReviewResult::Missing => Err(missing("decision")),
    }
}
