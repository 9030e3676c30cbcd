//! The queue: what a query narrows it to, its lines, and what comes after a ticket.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use firstline_pages::review::{self as pages, Filters, QueueView, Tab};
use firstline_store::{CustomerSet, QueueList, QueueQuery};
use firstline_ticket::Field;

use super::answer;
use super::choices::choices;
use super::form::Form;
use super::view;
use super::viewer::Viewer;
use crate::api::requests::customers;
use crate::memory::{self, PAGE_MEMORY};
use crate::problem::Problem;
use crate::shared::Shared;

/// Lines of a page.
const LINES: usize = 40;
/// Longest value of a filter, in bytes.
const MOST_VALUE: usize = 256;

/// What a query, or a form for a search, narrows the queue to.
pub(super) fn filters(query: &Form, words: &str) -> Filters {
    let value = |name: &str| cut(query.get(name).trim()).to_owned();
    Filters {
        tab: Tab::named(query.get("tab")),
        customer: value("customer"),
        board: value("board"),
        category: value("category"),
        words: cut(words.trim()).to_owned(),
        newest: query.get("sort") == "newest",
    }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(MOST_VALUE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn list(tab: Tab) -> QueueList {
    match tab {
        Tab::Waiting => QueueList::Waiting,
        Tab::Mine => QueueList::Mine,
        Tab::Person => QueueList::Person,
        Tab::Held => QueueList::Held,
        Tab::Undone => QueueList::Undone,
        Tab::Fields => QueueList::Fields,
    }
}

fn set(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn query<'a>(
    viewer: &'a Viewer,
    filters: &'a Filters,
    whose: &'a CustomerSet,
    after: Option<&'a str>,
) -> QueueQuery<'a> {
    QueueQuery {
        list: list(filters.tab),
        actor: &viewer.caller.key,
        customers: whose,
        board: set(&filters.board),
        ticket_type: set(&filters.category),
        words: set(&filters.words),
        newest: filters.newest,
        after,
    }
}

/// The queue as its reader sees it; `open` is the decision that is open.
pub(super) fn queue(
    shared: &Shared,
    viewer: &Viewer,
    filters: Filters,
    after: &str,
    open: &str,
) -> Result<QueueView, Problem> {
    memory::grow(PAGE_MEMORY)?;
    let whose = customers(&viewer.caller, set(&filters.customer))?;
    let found = shared.store.queue(&query(viewer, &filters, &whose, set(after)), LINES)?;
    let next = found.items.last().filter(|_| found.more).map(|item| item.record.id.clone());
    let now = shared.clock.now();
    let lines = found.items.iter().map(|item| view::line(shared, viewer, item, open, now)).collect();
    let live = shared.live.load();
    let chosen = set(&filters.board).map(|board| (Field::Board, board.to_owned())).into_iter().collect();
    let mut options = choices(live.engine.bundle(), chosen, &Default::default()).options;
    let held = match &viewer.caller.customers {
        CustomerSet::All => Vec::new(),
        CustomerSet::Only(these) => these.iter().cloned().collect(),
    };
    Ok(QueueView {
        customers: held,
        boards: options.remove(&Field::Board).unwrap_or_default(),
        categories: options.remove(&Field::Type).unwrap_or_default(),
        lines,
        next,
        filters,
    })
}

/// What comes after a decision in its list, else the first of the list; none where that is the same.
pub(super) fn after(
    shared: &Shared,
    viewer: &Viewer,
    filters: &Filters,
    id: &str,
) -> Result<Option<String>, Problem> {
    let whose = customers(&viewer.caller, set(&filters.customer))?;
    let first = |after: Option<&str>| -> Result<Option<String>, Problem> {
        let found = shared.store.queue(&query(viewer, filters, &whose, after), 1)?;
        Ok(found.items.into_iter().next().map(|item| item.record.id))
    };
    Ok(match first(Some(id))? {
        Some(next) => Some(next),
        None => first(None)?.filter(|first| first != id),
    })
}

/// The lines, for a page that is open.
pub(super) async fn lines(
    State(shared): State<Arc<Shared>>,
    viewer: Viewer,
    RawQuery(text): RawQuery,
) -> Response {
    let form = Form::read(text.unwrap_or_default().as_bytes());
    let (filters, reader) = (filters(&form, ""), viewer.clone());
    let found = shared.blocking(move |shared| queue(shared, &reader, filters, "", "")).await;
    match found {
        Ok(view) => answer::part(pages::queue_lines(&view, viewer.look.language)),
        Err(problem) => viewer.problem(&problem, ""),
    }
}
