//! Theme and language, chosen by a form and kept in a cookie that says nothing of who somebody is.

use axum::http::{HeaderValue, header};
use axum::response::Response;
use firstline_pages::{Language, Theme};

use super::answer::lead_to;
use super::form::Form;
use super::look::COOKIE;

/// Seconds of a year.
const YEAR: u32 = 31_536_000;

/// Keeps a choice, and leads back.
pub(super) async fn choose(form: Form) -> Response {
    let theme = Theme::named(form.get("theme")).name();
    let language = Language::of_code(form.get("language")).unwrap_or_default().code();
    let mut response = lead_to(back(form.get("back")));
    let cookie = format!("{COOKIE}={theme}.{language}; Path=/; Max-Age={YEAR}; SameSite=Lax; HttpOnly");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// A path of this service, and nothing else.
fn back(path: &str) -> &str {
    let is_ours =
        path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\n', '\r', '\t']);
    if is_ours { path } else { "/review" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_leads_nowhere_else() {
        assert_eq!(back("/review/d1?tab=mine"), "/review/d1?tab=mine");
        for far in ["//evil.example", "https://evil.example", "/\\evil.example", "", "/a\nb"] {
            assert_eq!(back(far), "/review", "{far:?}");
        }
    }
}
