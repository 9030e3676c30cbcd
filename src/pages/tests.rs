//! A page with every part, and text of others wherever it can stand.

use html5gum::Tokenizer;
use html5gum::emitters::default::{DefaultEmitter, Token};
use maud::{Render, html};

use super::*;

/// A page with `name` in every place that takes text.
fn sample(name: &str) -> String {
    let mut table =
        Table::new([Column::head(name), Column::name(name), Column::text(name), Column::number(name)])
            .caption(name.to_owned());
    table.row([&label(name), &label(name), &name, &name.to_owned()]);
    let at = |x: f64| Estimate { x, y: 0.5, low: 0.4, high: 0.6 };
    let line = |points| Line { name: name.to_owned(), points };
    let risk = RiskCoverage {
        ours: line(vec![(0.5, 0.1), (1.0, 0.2)]),
        baseline: Some(line(vec![(0.5, 0.2), (1.0, 0.3)])),
    };
    let reliability = Reliability { bins: vec![at(0.4), at(0.8)], slices: vec![0.3, 0.7] };
    let learning =
        LearningCurve { right: vec![at(100.0), at(900.0)], alone: vec![(100.0, 0.2), (900.0, 0.3)] };
    let main = html! {
        (notes(name, &[name.to_owned()]))
        (facts(&[(name, label(name))]))
        (table)
        (figure(&risk.svg(name), name))
        (figure(&reliability.svg(name), name))
        (figure(&learning.svg(name), name))
    };
    page(name, &main)
}

/// What a browser makes of a page: its tags with the names of their attributes, all text, all values of attributes.
#[derive(Debug, Default, PartialEq)]
struct Parsed {
    tags: Vec<String>,
    text: String,
    values: Vec<String>,
}

fn parsed(html: &str) -> Parsed {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let string = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut out = Parsed::default();
    for token in Tokenizer::new_with_emitter(html, emitter).map(Result::unwrap) {
        match token {
            Token::String(s) => out.text.push_str(&string(&s)),
            Token::StartTag(tag) => {
                out.tags.push(format!("{:?} {:?}", tag.name, tag.attributes.keys().collect::<Vec<_>>()));
                out.values.extend(tag.attributes.values().map(|v| string(v)));
            }
            Token::EndTag(tag) => out.tags.push(format!("/{:?}", tag.name)),
            other => assert!(matches!(other, Token::Doctype(_)), "{other:?}"),
        }
    }
    out
}

#[test]
fn hostile_text_is_shown_as_it_was_written_and_changes_nothing_else() {
    let harmless = parsed(&sample("Harbour"));
    let (in_text, in_values) = (
        harmless.text.matches("Harbour").count(),
        harmless.values.iter().filter(|v| *v == "Harbour").count(),
    );
    assert_eq!(
        (in_text, in_values),
        (20, 3),
        "a place that takes text is not in the sample, or text is lost"
    );
    for evil in [
        "<script>alert(1)</script>",
        "</style><script>alert(1)</script>",
        "</title><script>alert(1)</script>",
        "\"><script>alert(1)</script>",
        "' onload='alert(1)",
        "</text></svg><script>alert(1)</script>",
        "</figcaption></td></table><img src=x>",
        "<!--",
        "]]>",
        "&lt;b&gt;&amp;",
        "javascript:alert(1)",
    ] {
        let page = sample(evil);
        let hostile = parsed(&page);
        assert_eq!(hostile.tags, harmless.tags, "{evil} changes what the page is made of");
        assert_eq!(hostile.text.matches(evil).count(), in_text, "{evil} in text");
        assert_eq!(hostile.values.iter().filter(|v| *v == evil).count(), in_values, "{evil} in attributes");
        assert!(!page.contains("<script") && !page.contains("<img"), "{evil}");
    }
}

#[test]
fn hidden_characters_do_not_reach_a_title_an_attribute_or_a_plot() {
    for html in [sample("a\u{202e}b"), sample("a\u{0}b")] {
        let (head, body) = html.split_once("<main>").unwrap();
        assert!(head.contains("<title>a\u{fffd}b</title>"));
        let drawn: String = body.split("<svg").skip(1).map(|s| s.split("</svg>").next().unwrap()).collect();
        assert!(drawn.contains("aria-label=\"a\u{fffd}b\""));
        assert!(!drawn.contains('\u{202e}') && !drawn.contains('\u{0}'));
    }
}

/// Plots carry their light colours as attributes, so the style for dark screens has to name each of them.
#[test]
fn every_colour_of_a_plot_has_one_for_dark_screens() {
    let (light, dark) = STYLE.split_once("prefers-color-scheme: dark").unwrap();
    let html = sample("Harbour");
    let mut seen = 0;
    for (what, opening) in [("fill", "fill=\"#"), ("stroke", "stroke=\"#")] {
        for colour in html.split(opening).skip(1).map(|s| &s[..6]) {
            let selector = format!("[{what}=\"#{colour}\"]");
            assert!(dark.contains(&selector) && !light.contains(&selector), "{selector}");
            seen += 1;
        }
    }
    assert!(seen > 50, "only {seen} colours found");
}

#[test]
fn equal_input_gives_an_equal_page() {
    assert_eq!(sample("Harbour"), sample("Harbour"));
    assert!(Table::new([Column::head("a")]).render().into_string().contains("<tbody></tbody>"));
}
