//! Small parts that pages share.

use maud::{Markup, html};

use crate::text::note;

/// What the reader must know before the figures; nothing where there are no notes.
pub fn notes(heading: &str, notes: &[String]) -> Markup {
    html! {
        @if !notes.is_empty() {
            aside.notes {
                h2 { (heading) }
                ul { @for text in notes { li { (note(text)) } } }
            }
        }
    }
}

/// Names and values, one pair a line.
pub fn facts(pairs: &[(&str, Markup)]) -> Markup {
    html! {
        dl { @for (name, value) in pairs { div { dt { (name) } dd { (value) } } } }
    }
}

/// A share of 0 to 1 as a bar; `ours` is drawn in Firstline's colour. It needs neither a script nor an inline style.
pub fn bar(share: f64, ours: bool) -> Markup {
    html! {
        svg.bar.ours[ours] viewBox="0 0 100 6" preserveAspectRatio="none" {
            rect width=(format_args!("{:.1}", share * 100.0)) height="6" {}
        }
    }
}

/// A plot with its caption.
pub fn figure(plot: &Markup, caption: &str) -> Markup {
    html! { figure { (plot) figcaption { (caption) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_notes_leave_no_trace() {
        assert_eq!(notes("Before you read", &[]).into_string(), "");
        let html = notes("Before you read", &["a < b".to_owned()]).into_string();
        assert!(html.contains("<h2>Before you read</h2><ul><li>a &lt; b</li></ul>"), "{html}");
    }

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        let html = bar(0.25, true).into_string();
        assert!(html.starts_with("<svg class=\"bar ours\"") && html.contains("width=\"25.0\""), "{html}");
        assert!(bar(0.25, false).into_string().starts_with("<svg class=\"bar\""));
    }

    #[test]
    fn a_figure_has_its_caption_below() {
        let html = figure(&html! { svg {} }, "Its caption.").into_string();
        assert_eq!(html, "<figure><svg></svg><figcaption>Its caption.</figcaption></figure>");
    }
}
