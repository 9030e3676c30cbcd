//! `GET /review` and `GET /review/{id}`: the queue, and the ticket that is open.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use firstline_pages::review::{self as pages, Done, EditView, OpenReview, ReviewView, Sends, Toast};
use firstline_store::DecisionRecord;
use firstline_ticket::{DraftState, Field, Phase, Review};
use jiff::SignedDuration;

use super::answer;
use super::choices::choices;
use super::form::Form;
use super::queue::{after, filters, queue};
use super::view;
use super::viewer::Viewer;
use crate::api::requests::{missing, shown};
use crate::distance::distance;
use crate::extract::Id;
use crate::problem::Problem;
use crate::reviewing::{found, phase_of};
use crate::shared::Shared;

/// Words of a draft that are read in a second.
const WORDS_A_SECOND: f64 = 25.0;

/// What a page is made of, beside what the store has.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The decision that is open; empty: none.
    pub(super) id: String,
    pub(super) query: Form,
    /// Words that are looked for.
    pub(super) words: String,
    /// Labels that are chosen and not yet set.
    pub(super) chosen: BTreeMap<Field, String>,
    /// What is said of something that was not done, and why.
    pub(super) alert: Option<Problem>,
}

/// The queue, and nothing open.
pub(super) async fn page(
    State(shared): State<Arc<Shared>>,
    viewer: Viewer,
    RawQuery(query): RawQuery,
) -> Response {
    show(&shared, viewer, Asked { query: read(query), ..Asked::default() }).await
}

/// The queue, narrowed to what has some words in it. Nothing is changed: the words only stay out of the address.
pub(super) async fn search(
    State(shared): State<Arc<Shared>>,
    viewer: Viewer,
    RawQuery(query): RawQuery,
    form: Result<Form, Problem>,
) -> Response {
    match form {
        Ok(form) => {
            let words = form.get("words").to_owned();
            show(&shared, viewer, Asked { query: read(query), words, ..Asked::default() }).await
        }
        Err(problem) => viewer.problem(&problem, ""),
    }
}

/// The queue, and the ticket of a decision.
pub(super) async fn page_of(
    State(shared): State<Arc<Shared>>,
    viewer: Viewer,
    Id(id): Id,
    RawQuery(query): RawQuery,
) -> Response {
    show(&shared, viewer, Asked { id, query: read(query), ..Asked::default() }).await
}

/// Who else is there, for a page that is open; it says that its reader still is.
pub(super) async fn presence(State(shared): State<Arc<Shared>>, viewer: Viewer, Id(id): Id) -> Response {
    let reader = viewer.clone();
    let seen = shared.blocking(move |shared| {
        let record = record(shared, &reader, &id)?;
        shared.open_reviews.look(&record.id, reader.who(), shared.clock.now());
        Ok((shared.open_reviews.others(&record.id, &reader.caller.key), record.id))
    });
    match seen.await {
        Ok((others, id)) => answer::part(pages::presence_part(&id, &others, viewer.look.language)),
        Err(problem) => viewer.problem(&problem, ""),
    }
}

pub(super) fn read(query: Option<String>) -> Form {
    Form::read(query.unwrap_or_default().as_bytes())
}

/// A decision that the viewer may see, as it stands.
pub(super) fn record(shared: &Shared, viewer: &Viewer, id: &str) -> Result<DecisionRecord, Problem> {
    let found = shared.store.decision(id)?.filter(|record| viewer.caller.sees(record));
    shown(found.ok_or_else(|| missing("decision"))?)
}

/// Makes the page.
pub(super) async fn show(shared: &Arc<Shared>, viewer: Viewer, asked: Asked) -> Response {
    let (mut counts, is_mine) = shared.bands.counts();
    if viewer.caller.is_held() {
        // They are the whole desk's.
        counts = Arc::default();
    }
    if is_mine {
        let counter = Arc::clone(shared);
        drop(tokio::task::spawn_blocking(move || {
            counter.bands.count(counter.store.as_ref(), counter.clock.now());
        }));
    }
    let reader = viewer.clone();
    let status = asked.alert.as_ref().and_then(|problem| StatusCode::from_u16(problem.status).ok());
    let made = shared.blocking(move |shared| {
        let Asked { id, query, words, chosen, alert } = asked;
        let filters = filters(&query, &words);
        let open = match id.is_empty() {
            true => None,
            false => Some(open(shared, &reader, &id, chosen, (query.is_ticked("all"), &counts))?),
        };
        let toast = toast(shared, &reader, &query)?;
        let mut queue = queue(shared, &reader, filters, query.get("after"), &id)?;
        let mut open = open;
        if let Some(open) = &mut open {
            let at = queue.lines.iter().position(|line| line.id == open.id);
            let beside =
                |at: Option<usize>| at.and_then(|at| queue.lines.get(at)).map(|line| line.id.clone());
            open.previous = beside(at.and_then(|at| at.checked_sub(1)));
            open.next = match at {
                Some(at) => beside(Some(at + 1)),
                None => after(shared, &reader, &queue.filters, &open.id)?,
            };
        }
        let told = alert.map(|problem| problem.detail);
        queue.lines.iter_mut().for_each(|line| line.is_open = line.id == id);
        Ok(ReviewView { queue, open, toast, alert: told })
    });
    match made.await {
        Ok(view) => {
            let title =
                view.open.as_ref().map_or("/review".to_owned(), |open| format!("/review/{}", open.id));
            let main = pages::review_page(&view, viewer.look.language);
            answer::page(
                viewer.reader(),
                status.unwrap_or(StatusCode::OK),
                pages::title(&view, viewer.look.language),
                &title,
                &main,
            )
        }
        Err(problem) => viewer.problem(&problem, ""),
    }
}

/// The ticket that is open.
pub(super) fn open(
    shared: &Shared,
    viewer: &Viewer,
    id: &str,
    mut chosen: BTreeMap<Field, String>,
    (all, counts): (bool, &crate::bands::Counts),
) -> Result<OpenReview, Problem> {
    let record = record(shared, viewer, id)?;
    let ticket = shared.store.reviewed_ticket(&record.id)?;
    let live = shared.live.load();
    let now = shared.clock.now();
    let (opened_at, text) = shared.open_reviews.look(&record.id, viewer.who(), now);
    let edit = text.map(|text| edit_view(shared, viewer, &record, text)).transpose()?;
    for (field, label) in view::standing_labels(&record) {
        chosen.entry(field).or_insert(label);
    }
    let choices = choices(live.engine.bundle(), chosen, &view::ranked(&record));
    let settings = &shared.settings.review;
    let words = record.draft.as_ref().map_or(0, |draft| draft.text.split_whitespace().count());
    let only_fields = record.draft_state == DraftState::None && shared.store.review_of(&record.id)?.is_none();
    Ok(OpenReview {
        version: record.version,
        standing: view::standing(record.draft_state),
        is_open: matches!(record.draft_state, DraftState::Pending | DraftState::Auto) || only_fields,
        ticket: view::ticket(&live, ticket.as_ref(), &record, all),
        fields: view::fields(&record, choices, counts),
        flags: view::flags(&record, viewer.look.language),
        draft: record.draft.as_ref().map(|draft| view::draft(draft, viewer.caller.is_held())),
        edit,
        others: shared.open_reviews.others(&record.id, &viewer.caller.key),
        shadow: phase_of(shared, &record)? < Phase::Assist,
        sends: match settings.sends.as_str() {
            "note" => Sends::Note,
            "mail" => Sends::Mail,
            "internal" => Sends::Internal,
            _ => Sends::Unknown,
        },
        undo_seconds: settings.undo_seconds,
        look_seconds: (words as f64 / WORDS_A_SECOND).min(settings.look_seconds),
        opened_at: opened_at.to_string(),
        psa_link: psa_link(&settings.psa_link, &record.ticket_id),
        next: None,
        previous: None,
        id: record.id,
    })
}

/// What a person has written, with what is found in it.
pub(super) fn edit_view(
    shared: &Shared,
    viewer: &Viewer,
    record: &DecisionRecord,
    text: String,
) -> Result<EditView, Problem> {
    let findings = found(shared, &viewer.caller, record, &text)?.iter().map(view::finding).collect();
    let far = record.draft.as_ref().map_or(0.0, |draft| distance(&draft.text, &text));
    Ok(EditView { text, distance: far, findings })
}

/// The address of a ticket in the PSA.
fn psa_link(template: &str, number: &str) -> Option<String> {
    let number: String = form_urlencoded::byte_serialize(number.as_bytes()).collect();
    (!template.is_empty()).then(|| template.replace("{id}", &number.replace('+', "%20")))
}

/// What was done last, as the store has it: an address can claim nothing.
fn toast(shared: &Shared, viewer: &Viewer, query: &Form) -> Result<Option<Toast>, Problem> {
    if let Some((n, all)) = query.get("batch").split_once('-') {
        let number = |text: &str| text.parse::<usize>().unwrap_or_default().min(pages::MOST_BATCH);
        return Ok(Some(Toast { done: Done::Batch(number(n), number(all)), undo: None }));
    }
    if query.is_ticked("undone") {
        return Ok(Some(Toast { done: Done::Undone, undo: None }));
    }
    let id = query.get("done");
    if id.is_empty() {
        return Ok(None);
    }
    let Ok(record) = record(shared, viewer, id) else { return Ok(None) };
    let given = shared.store.review_of(id)?.filter(|given| given.actor == viewer.caller.key);
    let Some(given) = given else { return Ok(None) };
    let done = match (record.draft_state, &given.verdict) {
        (DraftState::None, _) => Done::Fields,
        (_, Some(Review::Rejected(why))) if why == view::ONLY_FIELDS => Done::Fields,
        (_, Some(Review::Edited(_))) => Done::Edited,
        (_, Some(Review::Rejected(_))) => Done::Rejected,
        _ => Done::Approved,
    };
    let end = given.at + SignedDuration::from_secs(shared.settings.review.undo_seconds.into());
    let left = u32::try_from(end.duration_since(shared.clock.now()).as_secs()).unwrap_or_default();
    Ok(Some(Toast { done, undo: (left > 0).then_some((record.id, record.version, left)) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_into_the_psa_holds_the_number_and_no_more() {
        let link = psa_link("https://psa.example/t/{id}?x", "T 1/../&<").unwrap();
        assert_eq!(link, "https://psa.example/t/T%201%2F..%2F%26%3C?x");
        assert_eq!(psa_link("", "T1"), None);
    }
}
