//! Whole pages.

use std::collections::BTreeSet;

use firstline_ticket::{Assertion, Field, LabelSpace};
use html5gum::Tokenizer;
use html5gum::emitters::default::{DefaultEmitter, Token};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::audit::{Ceiling, Confused, DeadLabel, FieldAudit, PeopleAgreement, Technician};
use crate::metrics::{GroupMetrics, Interval, Predictions};
use crate::{
    AssertionCertification, CategoryCertification, Certification, CertificationStatus, CurvePoint,
    DecidedCategory,
};

/// `n` tickets over `k` labels from a model that is a bit too sure of itself; `skill` is the weight it
/// gives the truth. Some truths are unseen.
fn predictions(n: usize, k: usize, skill: f32, seed: u64) -> Predictions {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut probs, mut truth) = (Vec::with_capacity(n * k), Vec::with_capacity(n));
    for _ in 0..n {
        let right = (rng.random_range(0.0..1.0f64).powi(2) * k as f64) as usize;
        let mut logits: Vec<f32> = (0..k).map(|_| 2.0 * rng.random_range(-1.0..1.0f32)).collect();
        logits[right] += skill * rng.random_range(0.2..2.0f32);
        let exp: Vec<f32> = logits.iter().map(|l| (3.0 * l).exp()).collect();
        let sum: f32 = exp.iter().sum();
        probs.extend(exp.iter().map(|e| e / sum));
        truth.push(rng.random_bool(0.985).then_some(right as u32));
    }
    Predictions::new(k, probs, truth).unwrap()
}

fn report(labels: Vec<String>, n: usize) -> Report {
    let space = LabelSpace::new(labels);
    let k = space.len();
    let field = |field, seed| {
        let base = predictions(n, k, 2.6, seed);
        FieldReport::new(field, &space, &predictions(n, k, 4.0, seed), Some(&base))
    };
    Report {
        title: "Evaluation of harbour-2026".to_owned(),
        facts: Facts {
            bundle: "harbour-2026".to_owned(),
            bundle_sha256: "5f".repeat(32),
            data: "tickets.jsonl".to_owned(),
            data_sha256: "a7".repeat(32),
            model: "all-MiniLM-L6-v2".to_owned(),
            seed: 7,
            split: "by time".to_owned(),
            parts: vec![
                Part {
                    name: "train".to_owned(),
                    tickets: 8000,
                    from: Some("2025-09-01".to_owned()),
                    to: Some("2026-01-31".to_owned()),
                },
                Part { name: "test".to_owned(), tickets: n, from: None, to: None },
            ],
            notes: vec!["The data is generated: real desks are messier.".to_owned()],
            trimmed: Some(Trimmed { tickets: 12, of: n, tokens: 3456 }),
        },
        fields: vec![field(Field::Board, 1), field(Field::Type, 2)],
    }
}

fn boards() -> Vec<String> {
    let names = "Accounts|Backup|Email|Hardware|Monitoring|Network|Printing|Security|Software|Telephony";
    names.split('|').map(String::from).collect()
}

#[test]
fn a_page_is_self_contained_and_says_what_matters() {
    let html = render(&report(boards(), 2000));
    for part in [
        "On 2,000 tickets it had never seen, Firstline chose the right board for <strong>",
        "When it says it is at least 90\u{a0}% sure",
        "Always giving the most common answer (“Accounts”)",
        "aria-label=\"Reliability diagram\"",
        "aria-label=\"Risk-coverage curve\"",
        "stated confidence",
        "words and letter groups only",
        "a label not in training",
        "real desks are messier",
        "3,456 tokens of 12 of 2,000 tickets",
        "sha256 5f5f",
    ] {
        assert!(html.contains(part), "the page lacks {part:?}");
    }
    for forbidden in ["<script", "http:", "https:", "src=", "@import", "url(", "NaN", "inf"] {
        assert!(!html.contains(forbidden), "the page has {forbidden:?}");
    }
    assert_eq!(html, render(&report(boards(), 2000)));
}

/// What the history tells, added to every field; `name` stands wherever a name can.
fn with_history(mut report: Report, name: &str) -> Report {
    let interval = Interval { lo: 0.84, hi: 0.9 };
    let verdict = |standing, threshold, more_tickets| Certification {
        tickets: 400,
        errors: 9,
        threshold,
        accepted: 300,
        accepted_errors: 1,
        coverage: 0.75,
        error_bound: threshold.map(|_| 0.016),
        standing,
        more_accepted: more_tickets,
        more_tickets,
        least_left_to_people: 0.003,
    };
    let group = |accuracy, accuracy_ci95| GroupMetrics {
        n: 1_200,
        accuracy,
        accuracy_ci95,
        mean_confidence: 0.86,
        ece: 0.021,
        brier: 0.2,
        nll: 0.4,
    };
    let point = |tickets, accuracy| CurvePoint {
        tickets,
        tried: 800,
        accuracy,
        accuracy_ci95: Interval { lo: accuracy - 0.02, hi: accuracy + 0.02 },
        certified: accuracy / 2.0,
    };
    for f in &mut report.fields {
        let categories = [
            (format!("{name} a"), verdict(CertificationStatus::Certified, Some(0.973), None)),
            (format!("{name} b"), verdict(CertificationStatus::NeedsTickets, None, Some(1_234))),
            (format!("{name} c"), verdict(CertificationStatus::Unclear, None, None)),
            (format!("{name} d"), verdict(CertificationStatus::StaysWithPeople, None, None)),
        ];
        let category = |(board, certification): (String, Certification)| CategoryCertification {
            category: DecidedCategory { board: Some(board), kind: None },
            certification,
        };
        f.verdicts = Some(AssertionCertification {
            assertion: Assertion::of_field(f.field),
            all: verdict(CertificationStatus::Certified, Some(0.9), None),
            categories: categories.map(category).into(),
        });
        f.metrics.by_customer = [(name.to_owned(), group(0.87, interval))].into();
        let off = group(0.95, Interval { lo: 0.93, hi: 0.97 });
        f.metrics.by_decision = [(format!("{name} off"), off)].into();
        f.curve = vec![point(250, 0.7), point(1_000, 0.8), point(5_000, 0.87)];
        f.audit = Some(FieldAudit {
            field: f.field,
            tickets: 5_000,
            suspects: Vec::new(),
            expected_wrong: 0.0,
            confused: vec![Confused { given: name.to_owned(), meant: name.to_owned(), tickets: 77 }],
            dead: vec![DeadLabel { label: name.to_owned(), tickets: 3, last: None }],
            people: Some(PeopleAgreement { families: 90, pairs: 300, agree: 0.91 }),
            technicians: vec![Technician { name: name.to_owned(), tickets: 40, differ: 8 }],
            ceiling: Ceiling { estimate: 0.88, interval, from_people: true },
        });
    }
    report
}

#[test]
fn what_is_certified_and_what_the_history_tells_are_on_the_page() {
    let html = render(&with_history(report(boards(), 2000), "Harbour"));
    for part in [
        "1 of 4 may act alone",
        "<td>from 0.973 on</td>",
        "not yet: some 1234 more tickets",
        "too few to tell",
        "stays with people",
        "For each customer with 100 tickets or more (1)",
        "By decision, the stated confidence is off by more than chance allows for Harbour off",
        "more than about <strong>88.0\u{a0}%</strong> (84.0 to 90.0\u{a0}%)",
        "the same for near-identical tickets in 91.0\u{a0}% of 90 cases",
        "Label hardly used any more",
        "From 1,000 to 5,000 tickets, the share of right answers went from 80.0\u{a0}% to 87.0\u{a0}%: it is still rising",
        "aria-label=\"Learning curve\"",
    ] {
        assert!(html.contains(part), "the page lacks {part:?}");
    }
    assert!(!html.contains("could not be drawn") && !html.contains("NaN"));
    let without = render(&report(boards(), 2000));
    assert!(!without.contains("Learning curve") && !without.contains("How good the labels"));
}

#[test]
fn elements_are_closed() {
    let html = render(&with_history(report(boards(), 300), "Harbour"));
    for tag in
        ["table", "tr", "td", "th", "section", "figure", "svg", "ul", "li", "p", "div", "aside", "main"]
    {
        let opened = html.matches(&format!("<{tag} ")).count() + html.matches(&format!("<{tag}>")).count();
        assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

/// A page with `name` wherever text of other people can stand.
fn named(name: &str) -> String {
    let labels = vec![name.to_owned(), "b".to_owned(), "x".repeat(100_000)];
    let mut page = with_history(report(labels, 50), name);
    for s in [
        &mut page.title,
        &mut page.facts.bundle,
        &mut page.facts.bundle_sha256,
        &mut page.facts.data,
        &mut page.facts.data_sha256,
        &mut page.facts.model,
        &mut page.facts.split,
        &mut page.facts.parts[0].name,
        &mut page.facts.notes[0],
    ] {
        *s = name.to_owned();
    }
    page.facts.parts[0].from = Some(name.to_owned());
    page.facts.parts[0].to = Some(name.to_owned());
    page.fields[0].rare = vec![name.to_owned()];
    render(&page)
}

/// The tags of a page, with their attributes, as a browser reads them; and all text between them.
fn parsed(html: &str) -> (Vec<String>, String) {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let (mut tags, mut text) = (Vec::new(), String::new());
    for token in Tokenizer::new_with_emitter(html, emitter).map(Result::unwrap) {
        match token {
            Token::String(s) => text.push_str(std::str::from_utf8(&s).unwrap()),
            Token::StartTag(tag) => tags.push(format!("{tag:?}")),
            Token::EndTag(tag) => tags.push(format!("{tag:?}")),
            other => assert!(matches!(other, Token::Doctype(_)), "{other:?}"),
        }
    }
    (tags, text)
}

#[test]
fn hostile_labels_and_facts_stay_text() {
    let evil = "<script>alert(1)</script>\" onload='x' & \u{202e}gnp.exe";
    let html = named(evil);
    assert!(!html.contains("<script") && !html.contains('\u{202e}'));
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload='x' &amp;"));
    assert!(!html.contains(&"x".repeat(100)) && html.len() < 200_000, "{}", html.len());

    let harmless = named("Harbour");
    let places = harmless.matches("Harbour").count();
    for evil in [
        "</style><script>alert(1)</script>",
        "</title><script>alert(1)</script>",
        "\"><script>alert(1)</script>",
        "' onload='alert(1)",
        "</svg></table><img src=x>",
        "<!--",
        "&lt;b&gt;",
    ] {
        let (tags, text) = parsed(&named(evil));
        assert_eq!(tags, parsed(&harmless).0, "{evil} changes what the page is made of");
        assert_eq!(text.matches(evil).count(), places, "{evil} is not shown as it was written");
    }
}

#[test]
fn every_class_has_a_style() {
    let html = render(&with_history(report(boards(), 300), "Harbour"));
    let classes: BTreeSet<&str> =
        html.split(" class=\"").skip(1).flat_map(|s| s.split('"').next().unwrap().split(' ')).collect();
    assert!(classes.contains("matrix") && classes.contains("small"));
    for class in classes {
        assert!(firstline_pages::STYLE.contains(&format!(".{class}")), "{class} has no style");
    }
}

#[test]
fn no_ticket_is_said_and_not_drawn() {
    let space = LabelSpace::new(boards());
    let none = Predictions::new(10, vec![], vec![]).unwrap();
    let mut empty = report(boards(), 10);
    empty.fields = vec![FieldReport::new(Field::Priority, &space, &none, None)];
    let html = render(&empty);
    assert!(html.contains("There was no ticket to judge the priority on."));
    assert!(!html.contains("<svg") && !html.contains("NaN"));
}

#[test]
fn one_class_and_perfect_predictions_can_be_drawn() {
    let space = LabelSpace::new(["only".to_owned()]);
    let p = Predictions::new(1, vec![1.0; 5], vec![Some(0); 5]).unwrap();
    let mut page = report(boards(), 10);
    page.fields = vec![FieldReport::new(Field::Board, &space, &p, None)];
    let html = render(&page);
    assert!(html.contains("These are few tickets") && !html.contains("could not be drawn"));
    assert!(html.contains("<strong>100 of 100</strong>") && !html.contains("NaN"));
}

#[test]
fn many_labels_stay_within_a_mail_attachment() {
    let labels = (0..150).map(|i| format!("Board {i:03} of a large desk")).collect();
    let mut page = report(labels, 3000);
    while page.fields.len() < Field::ALL.len() {
        page.fields.push(page.fields[0].clone());
    }
    let html = render(&page);
    assert!(html.len() < 1_500_000, "{} bytes", html.len());
    assert!(html.contains("other labels (130)"));
}
