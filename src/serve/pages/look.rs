//! How pages look: theme and language, as a cookie has them, else as the browser asks for.
//!
//! The cookie says nothing of who somebody is.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use firstline_pages::{Language, Theme};

/// The cookie that says how pages look.
pub(super) const COOKIE: &str = "fl_look";

/// How pages look: nothing that says who somebody is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Look {
    pub(super) theme: Theme,
    pub(super) language: Language,
    /// Whether a part of a page is asked for by a page that is open.
    pub(super) is_part: bool,
}

impl Look {
    /// As the cookie has it, else as the browser asks for.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let chosen = cookies.flat_map(|line| line.split(';')).find_map(|one| {
            let (name, value) = one.trim().split_once('=')?;
            (name == COOKIE).then_some(value)
        });
        let (theme, language) = chosen.and_then(|value| value.split_once('.')).unwrap_or_default();
        Self {
            theme: Theme::named(theme),
            language: Language::of_code(language)
                .unwrap_or_else(|| Language::accepted(text("accept-language"))),
            is_part: headers.contains_key("hx-request"),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Look {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(cookie: &str, language: &str) -> (Theme, Language) {
        let mut headers = HeaderMap::new();
        headers.insert("cookie", cookie.parse().unwrap());
        headers.insert("accept-language", language.parse().unwrap());
        let look = Look::of(&headers);
        (look.theme, look.language)
    }

    #[test]
    fn what_was_chosen_stands_above_what_the_browser_asks_for() {
        assert_eq!(look("a=b; fl_look=dark.fr", "de"), (Theme::Dark, Language::French));
        assert_eq!(look("fl_look=<x>.<y>", "de"), (Theme::Auto, Language::German));
        assert_eq!(look("fl_look", ""), (Theme::Auto, Language::English));
    }
}
