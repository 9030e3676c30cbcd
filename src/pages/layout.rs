//! The page around the parts.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::style::STYLE;
use crate::text::{label, plain};

/// The policy is a second wall behind the escaping: even markup that slipped through could load nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// A whole page: one HTML file, no script, nothing loaded. `title` names the window and heads the page.
pub fn page(title: &str, main: &Markup) -> String {
    styled_page(title, STYLE, main)
}

/// The same with a style sheet of its own, which must never hold what somebody else wrote: it is not escaped.
pub fn styled_page(title: &str, style: &'static str, main: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (plain(title)) }
                style { (PreEscaped(style)) }
            }
            body {
                main {
                    h1 { (label(title)) }
                    (main)
                }
            }
        }
    }
    .into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_loads_nothing_and_names_itself() {
        let html = page("Week 12 of Störung & Co", &html! { p { "in words" } });
        assert!(html.starts_with("<!DOCTYPE html><html lang=\"en\">"));
        assert!(html.contains("<title>Week 12 of Störung &amp; Co</title>"));
        assert!(html.contains("<h1><bdi>Week 12 of Störung &amp; Co</bdi></h1><p>in words</p></main>"));
        for forbidden in ["<script", "http:", "https:", "src=", "@import", "url("] {
            assert!(!html.contains(forbidden), "the page has {forbidden:?}");
        }
    }
}
