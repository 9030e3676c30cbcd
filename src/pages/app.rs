//! The application around its pages: landmarks, a skip link, the menu, theme and language.
//!
//! A page has no script, style or handler of its own in its markup, so that [`APP_POLICY`] can forbid them. What it loads comes from
//! [`asset`](crate::asset).

use maud::{DOCTYPE, Markup, html};

use crate::assets::{HTMX_JS, ICON, REVIEW_JS, STYLE_CSS, path};
use crate::text::{label, plain};
use crate::words::{Language, Words, filled};

/// The policy that every page of the application is served with: nothing but what this service sends itself.
pub const APP_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Settings of htmx under which it needs no inline style and no `eval`.
const HTMX: &str = r#"{"includeIndicatorStyles":false,"allowEval":false,"allowScriptTags":false,"historyCacheSize":0,"selfRequestsOnly":true}"#;

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the reader's system has it.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// All themes.
    pub const ALL: [Theme; 3] = [Theme::Auto, Theme::Light, Theme::Dark];

    /// Its name in forms and cookies.
    pub fn name(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// The theme of this name; the system's where there is none.
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.name() == name).unwrap_or_default()
    }

    fn word(self, words: &Words) -> &'static str {
        match self {
            Theme::Auto => words.auto,
            Theme::Light => words.light,
            Theme::Dark => words.dark,
        }
    }
}

/// A place in the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The technician's page.
    Review,
    /// The manager's week.
    Week,
    /// Phases, gates and signatures.
    Rollout,
    /// Where the desk stood before.
    Baseline,
    /// Errors that customers saw.
    Incidents,
    /// What is to be done in the PSA.
    Outbox,
    /// Accounts.
    People,
    /// The reader's own.
    Me,
}

impl Place {
    /// Its address.
    pub fn address(self) -> &'static str {
        match self {
            Place::Review => "/review",
            Place::Week => "/week",
            Place::Rollout => "/rollout",
            Place::Baseline => "/baseline",
            Place::Incidents => "/incidents",
            Place::Outbox => "/outbox",
            Place::People => "/people",
            Place::Me => "/me",
        }
    }

    fn word(self, words: &Words) -> &'static str {
        match self {
            Place::Review => words.review,
            Place::Week => words.week,
            Place::Rollout => words.rollout,
            Place::Baseline => words.baseline,
            Place::Incidents => words.incidents,
            Place::Outbox => words.outbox,
            Place::People => words.people,
            Place::Me => words.me,
        }
    }
}

/// What is around a page.
#[derive(Debug, Clone, Default)]
pub struct Frame<'a> {
    /// Names the window; where it is empty, the place does.
    pub title: &'a str,
    /// The page's language.
    pub language: Language,
    /// Light or dark.
    pub theme: Theme,
    /// The places of the menu that the reader may go to.
    pub menu: &'a [Place],
    /// Where the reader is.
    pub here: Option<Place>,
    /// Who reads; `None` where nobody is signed in.
    pub reader: Option<&'a str>,
    /// Whether they can sign out: not where a proxy has let them in.
    pub can_sign_out: bool,
    /// Where the forms for theme and language lead back to: a path of this service.
    pub back: &'a str,
    /// Whether the page takes the whole width, in panes.
    pub wide: bool,
}

/// A whole page of the application.
pub fn app_page(frame: &Frame<'_>, main: &Markup) -> String {
    let words = frame.language.words();
    let title = match frame.here {
        Some(place) if frame.title.is_empty() => place.word(words),
        _ => frame.title,
    };
    let theme = (frame.theme != Theme::Auto).then(|| frame.theme.name());
    html! {
        (DOCTYPE)
        html lang=(frame.language.code()) data-theme=[theme] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="htmx-config" content=(HTMX);
                title { (plain(title)) " · Firstline" }
                link rel="icon" href=(path(ICON)) type="image/svg+xml";
                link rel="stylesheet" href=(path(STYLE_CSS));
                script src=(path(HTMX_JS)) defer {}
                script src=(path(REVIEW_JS)) type="module" {}
            }
            body {
                a.skip href="#main" { (words.skip) }
                header.app {
                    a.brand href=(home(frame)) { "Firstline" }
                    @if !frame.menu.is_empty() { (menu(frame, words)) }
                    (look(frame, words))
                    @if frame.can_sign_out {
                        form.out method="post" action="/logout" { button.quiet type="submit" { (words.sign_out) } }
                    }
                }
                main #main.panel[frame.wide] tabindex="-1" { (main) }
            }
        }
    }
    .into_string()
}

/// Where the name of the application leads: to the first place that the reader may go to.
fn home(frame: &Frame<'_>) -> &'static str {
    frame.menu.first().map_or("/login", |place| place.address())
}

fn menu(frame: &Frame<'_>, words: &Words) -> Markup {
    html! {
        nav aria-label="Firstline" {
            ul { @for place in frame.menu {
                li { a href=(place.address()) aria-current=[(frame.here == Some(*place)).then_some("page")]
                    { (place.word(words)) } }
            } }
        }
    }
}

/// Theme and language, as a form that needs no script.
fn look(frame: &Frame<'_>, words: &Words) -> Markup {
    html! {
        details.look {
            summary { @match frame.reader {
                Some(name) => (label(name)),
                None => (words.theme),
            } }
            form method="post" action="/look" {
                @if let Some(name) = frame.reader { p.small { (filled(words.signed_in, &[("name", &plain(name))])) } }
                input type="hidden" name="back" value=(frame.back);
                label { (words.theme) " "
                    select name="theme" { @for theme in Theme::ALL {
                        option value=(theme.name()) selected[theme == frame.theme] { (theme.word(words)) }
                    } }
                }
                label { (words.language) " "
                    select name="language" { @for language in Language::ALL {
                        option value=(language.code()) lang=(language.code()) selected[language == frame.language] { (language.name()) }
                    } }
                }
                button type="submit" { (words.apply) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_its_landmarks_and_nothing_inline() {
        let menu = [Place::Review, Place::Week];
        let frame = Frame {
            title: "Störung <1>",
            language: Language::German,
            theme: Theme::Dark,
            menu: &menu,
            here: Some(Place::Review),
            reader: Some("Kim <b>"),
            can_sign_out: true,
            back: "/review",
            wide: true,
        };
        let html = app_page(&frame, &html! { h1 { "x" } });
        for part in [
            "<html lang=\"de\" data-theme=\"dark\">",
            "<title>Störung &lt;1&gt; · Firstline</title>",
            "<a class=\"skip\" href=\"#main\">",
            "<header class=\"app\">",
            "aria-current=\"page\">Prüfung</a>",
            "<main class=\"panel\" id=\"main\"",
            "Kim &lt;b&gt;",
            "<a class=\"brand\" href=\"/review\">",
            "<form class=\"out\" method=\"post\" action=\"/logout\">",
        ] {
            assert!(html.contains(part), "{part}\n{html}");
        }
        for inline in ["<style", " style=", " onclick", "<script>", "http:", "https:"] {
            assert!(!html.contains(inline), "the page has {inline}");
        }
        assert!(APP_POLICY.contains("script-src 'self'") && !APP_POLICY.contains("unsafe"));
    }

    #[test]
    fn a_page_for_nobody_has_no_menu() {
        let html = app_page(&Frame::default(), &html! {});
        assert!(!html.contains("<nav") && !html.contains("/logout") && html.contains("href=\"/login\""));
        assert!(html.contains("<html lang=\"en\">"), "{html}");
    }
}
