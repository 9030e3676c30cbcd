//! How a page is answered: its frame, its policy, its status.

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use firstline_pages::{Frame, Place, app_page, asset, review};
use maud::{Markup, html};

use super::look::Look;
use crate::problem::Problem;

/// The places that there are, in the menu's order.
const MENU: [Place; 6] =
    [Place::Review, Place::Week, Place::Rollout, Place::Baseline, Place::Incidents, Place::Outbox];
/// Those of them that show the customers of the reader's key alone.
const MENU_OF_SOME: [Place; 3] = [Place::Review, Place::Incidents, Place::Outbox];
/// A file of this address never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Who reads a page, and how they want it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) look: Look,
    pub(super) name: &'a str,
    /// Whether they have a session to end.
    pub(super) can_sign_out: bool,
    /// Whether they see drafts, and what becomes of them.
    pub(super) may_review: bool,
    /// Whether they see some customers alone.
    pub(super) is_held: bool,
    /// Whether they see the people of the desk.
    pub(super) is_admin: bool,
}

impl Reader<'_> {
    /// The places that they may go to.
    fn menu(self) -> Vec<Place> {
        let may = |place: &&Place| self.may_review && (!self.is_held || MENU_OF_SOME.contains(place));
        let all = MENU.iter().filter(may);
        let people = self.is_admin.then_some(Place::People);
        all.copied().chain(people).chain([Place::Me]).collect()
    }
}

/// The review page.
pub(super) fn page(
    reader: Reader<'_>,
    status: StatusCode,
    title: &str,
    back: &str,
    main: &Markup,
) -> Response {
    page_at(reader, (Place::Review, true), (status, title, back), main)
}

/// A page of the application, at a place of the menu; `wide` in panes.
pub(super) fn page_at(
    reader: Reader<'_>,
    (here, wide): (Place, bool),
    (status, title, back): (StatusCode, &str, &str),
    main: &Markup,
) -> Response {
    let Look { theme, language, .. } = reader.look;
    let frame = Frame {
        title,
        language,
        theme,
        menu: &reader.menu(),
        here: Some(here),
        reader: Some(reader.name),
        can_sign_out: reader.can_sign_out,
        back,
        wide,
    };
    sent(status, app_page(&frame, main))
}

/// A page for whom nobody knows yet.
pub(super) fn page_of_nobody(look: Look, title: &str, back: &str, main: &Markup) -> Response {
    let Look { theme, language, .. } = look;
    sent(StatusCode::OK, app_page(&Frame { title, language, theme, back, ..Frame::default() }, main))
}

/// A page that tells of a problem in its own way.
pub(super) fn with(problem: &Problem, mut page: Response) -> Response {
    *page.status_mut() = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(seconds) = problem.retry_after {
        page.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    page
}

/// A part of a page that is open.
pub(super) fn part(main: Markup) -> Response {
    sent(StatusCode::OK, main.into_string())
}

/// What is said where something could not be done.
pub(super) fn problem(look: Look, reader: Option<Reader<'_>>, problem: &Problem, own: &str) -> Response {
    let may_review = reader.is_some_and(|reader| reader.may_review);
    let main = review::problem_page(problem.code, &problem.detail, own, may_review, look.language);
    let html = if look.is_part {
        html! { p role="alert" { (problem.detail) } }.into_string()
    } else {
        let menu = reader.map(Reader::menu).unwrap_or_default();
        let frame = Frame {
            title: problem.code,
            language: look.language,
            theme: look.theme,
            menu: &menu,
            reader: reader.map(|reader| reader.name),
            can_sign_out: reader.is_some_and(|reader| reader.can_sign_out),
            back: menu.first().map_or("/login", |place| place.address()),
            ..Frame::default()
        };
        app_page(&frame, &main)
    };
    with(problem, sent(StatusCode::OK, html))
}

/// Leads on after a form was taken.
pub(super) fn lead_to(address: &str) -> Response {
    let place = HeaderValue::try_from(address).unwrap_or(HeaderValue::from_static("/review"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response()
}

fn sent(status: StatusCode, html: String) -> Response {
    (status, Html(html)).into_response()
}

/// A file that pages load.
pub(super) async fn get_asset(Path(name): Path<String>) -> Response {
    let Some(found) = asset(&format!("/assets/{name}")) else {
        return (StatusCode::NOT_FOUND, "no such file").into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, found.media),
        (header::CACHE_CONTROL, FOR_EVER),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
    ];
    (headers, found.bytes).into_response()
}
