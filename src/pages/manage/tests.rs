//! Each page full, empty, and with hostile names: nothing that somebody else wrote changes what a page is made of.

use html5gum::{Token, Tokenizer};
use maud::Markup;

use super::baseline::{BaselineView, CategoryBefore, PilotLine, Segment, Stored, baseline_page};
use super::incidents::{IncidentLine, IncidentsView, Kind, Severity, State, incidents_page};
use super::outbox::{ActionLine, ActionList, Doing, OutboxView, Standing, outbox_page};
use super::rollout::*;
use super::week::*;
use super::*;
use crate::Language;

fn share(count: u64, n: u64) -> FigureView {
    FigureView {
        value: Some(count as f64 / n as f64),
        low: Some(0.7),
        high: Some(0.9),
        count: Some(count),
        n,
    }
}

fn line(name: &str) -> IncidentLine {
    IncidentLine {
        id: "i1".to_owned(),
        ticket: name.to_owned(),
        customer: name.to_owned(),
        kind: Kind::Correction,
        severity: Severity::High,
        state: State::Suspected,
        at: name.to_owned(),
        age_days: 4,
        overdue: true,
        credit: Some(Some(12.5)),
        by: name.to_owned(),
        note: Some(name.to_owned()),
    }
}

fn card(measure: Measure, name: &str) -> Card {
    let bar = |week| Bar {
        week,
        iso: "2026-W40".to_owned(),
        figure: share(8, 10),
        settled: week == 1,
        notes: vec![name.to_owned()],
    };
    Card {
        measure,
        figure: share(1, 23),
        target: Some(Target { at_least: true, value: 0.85 }),
        trigger: Some(Target { at_least: true, value: 0.75 }),
        bars: Some(vec![bar(1), bar(2)]),
        chance: Some(Chance { count: 1, n: 23, rate: 0.01, probability: 0.2064, few: false }),
        note: Some(name.to_owned()),
    }
}

fn week(name: &str) -> WeekPage {
    let text = || name.to_owned();
    WeekPage {
        head: Some(Head { week: 9, phase: Phase::Assist, customers: 3, categories: Some(6), triggers: 1 }),
        signed: vec![card(Measure::Agreement, name)],
        weekly: vec![card(Measure::Errors, name), card(Measure::ResponseMedian, name)],
        drafts: vec![card(Measure::Verbatim, name)],
        categories: vec![CategoryLine {
            category: text(),
            tickets: 40,
            threshold: 0.9,
            certified: true,
            coverage: share(30, 40),
            precision: share(28, 30),
        }],
        bands: vec![BandLine { field: text(), from: 0.9, to: 0.95, right: share(93, 100) }],
        confusions: vec![ConfusionLine { field: text(), decided: text(), ended: text(), n: 7 }],
        rules: Some(RulesView { rules: share(6, 10), model: share(9, 10) }),
        handle: vec![HandleLine { category: text(), before: FigureView::default(), now: share(1, 1) }],
        handle_basis: Some(Basis::Estimate),
        unseen: share(88, 100),
        kept: share(97, 100),
        incidents: vec![line(name)],
        span: text(),
    }
}

fn check(name: &str, passed: bool) -> CheckView {
    CheckView {
        name: name.to_owned(),
        at_least: true,
        needed: 0.85,
        found: passed.then_some(0.9),
        n: 300,
        passed,
        short_by: (!passed).then_some(0.05),
        missing: Some(name.to_owned()),
    }
}

fn verdict(name: &str) -> VerdictView {
    let text = || name.to_owned();
    VerdictView {
        passed: false,
        at: text(),
        by: text(),
        sha256: text(),
        checks: vec![check(name, true), check(name, false)],
        categories: vec![CategoryChecks { category: text(), passed: true, checks: vec![check(name, true)] }],
        refused: vec![text()],
        granted: vec![text()],
        second_person: true,
        on_hold: vec![(3, Level::Pause)],
        plan: vec![text()],
    }
}

fn hold(name: &str) -> HoldLine {
    HoldLine {
        id: 7,
        level: Level::Stop,
        scope: ScopeView {
            customer: Some(name.to_owned()),
            board: Some(name.to_owned()),
            category: Some(name.to_owned()),
        },
        at: name.to_owned(),
        by: name.to_owned(),
        reason: name.to_owned(),
        released: Some([name.to_owned(), name.to_owned(), name.to_owned()]),
    }
}

fn rollout(name: &str) -> RolloutView {
    let text = || name.to_owned();
    let scope = || hold(name).scope;
    RolloutView {
        phase: Phase::Assist,
        capped_at: Some(Phase::Shadow),
        started: Some(StartedView { on: text(), day: 60, week: 8, pilots: vec![text(), text()], by: text() }),
        gates: vec![
            GateView { to: Phase::Assist, asked: Some(verdict(name)), is_next: false },
            GateView { to: Phase::Autonomous, asked: None, is_next: true },
        ],
        versions: vec![VersionView {
            version: 2,
            text: text(),
            sha256: text(),
            at: text(),
            by: text(),
            needed: 2,
            signatures: vec![SignedView { person: text(), typed: text(), role: text(), at: text() }],
            in_force: false,
            by_reader: false,
        }],
        grants: vec![GrantLine {
            scope: scope(),
            phase: Phase::Assist,
            thresholds: vec![(text(), 0.93)],
            certificate: Some(text()),
            bundle: Some(text()),
            since: text(),
            by: text(),
            reason: text(),
        }],
        triggers: vec![TriggerLine {
            kind: TriggerKind::Errors,
            limit: Some(0.02),
            in_force: vec![7],
            fired: 1,
        }],
        holds: vec![hold(name)],
        log: [Logged::Granted(Phase::Assist), Logged::Asked(Phase::Assist, true), Logged::Signed(1)]
            .map(|what| LogLine { at: text(), what, scope: scope(), by: text(), why: text() })
            .into(),
        next: vec![text()],
        rights: Rights { hold: true, stop: true, approve: true, sign: true },
        said: Some(Said::Problem(text())),
    }
}

fn incidents(name: &str) -> IncidentsView {
    IncidentsView {
        state: Some(State::Suspected),
        lines: vec![line(name)],
        next: Some("i0".to_owned()),
        may_decide: true,
        may_report: true,
        key: "k".to_owned(),
        zone: name.to_owned(),
        now: "2026-11-30T10:00".to_owned(),
        said: Some(Said::Done),
    }
}

fn outbox(name: &str) -> OutboxView {
    let of = |standing| ActionList {
        standing,
        lines: vec![ActionLine {
            id: 17,
            doing: Doing::Reply,
            ticket: name.to_owned(),
            customer: name.to_owned(),
            decision: "d1".to_owned(),
            alone: true,
            attempts: 2,
            until: Some(name.to_owned()),
            fault: Some(name.to_owned()),
        }],
        next: Some(16),
    };
    OutboxView {
        lists: Standing::ALL.iter().copied().map(of).collect(),
        may_retry: true,
        may_cancel: true,
        said: None,
    }
}

fn baseline(name: &str) -> BaselineView {
    BaselineView {
        stored: Some(Stored {
            span: name.to_owned(),
            days: 90,
            sha256: name.to_owned(),
            segments: vec![Segment {
                people: true,
                tickets: 900,
                level_one: share(6, 10),
                ..Segment::default()
            }],
            left_out: vec![(name.to_owned(), 3)],
        }),
        categories: vec![CategoryBefore {
            category: name.to_owned(),
            tickets: 50,
            handle: FigureView { value: Some(900.0), n: 50, ..FigureView::default() },
            potential: None,
        }],
        pilots: vec![PilotLine {
            customer: name.to_owned(),
            score: 71.0,
            per_week: 12.0,
            parts: [Some(0.5), None, Some(1.0), Some(0.0), Some(0.25)],
            is_pilot: false,
            excluded: Some(name.to_owned()),
        }],
        ranked_over: name.to_owned(),
    }
}

/// Every page with something in each place.
fn pages(name: &str, language: Language) -> Vec<Markup> {
    let held = HeldView {
        hold: HoldLine { released: None, ..hold(name) },
        held: 3,
        more_held: false,
        in_flight: vec![12],
        to_check: vec![1, 2],
        may_resume: true,
    };
    let evidence = EvidenceView {
        to: Phase::Autonomous,
        sha256: name.to_owned(),
        made_at: name.to_owned(),
        bundle: name.to_owned(),
        text: name.to_owned(),
        board: name.to_owned(),
        category: name.to_owned(),
    };
    vec![
        week_page(&week(name), language),
        rollout_page(&rollout(name), language),
        held_page(&held, language),
        evidence_page(&evidence, language),
        verdict_page(Phase::Assist, &verdict(name), language),
        incidents_page(&incidents(name), language),
        outbox_page(&outbox(name), language),
        baseline_page(&baseline(name), language),
    ]
}

/// The tags of a page, opened and closed, in order.
fn tags(html: &str) -> Vec<String> {
    let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut found = Vec::new();
    for token in Tokenizer::new(html) {
        match token.unwrap() {
            Token::StartTag(tag) => found.push(name(&tag.name)),
            Token::EndTag(tag) => found.push(format!("/{}", name(&tag.name))),
            Token::String(_) => {}
            other => panic!("{other:?}"),
        }
    }
    found
}

#[test]
fn hostile_names_change_nothing_that_a_page_is_made_of() {
    for language in Language::ALL {
        let harmless: Vec<Vec<String>> =
            pages("Harbour", language).into_iter().map(|page| tags(&page.into_string())).collect();
        for evil in
            ["<script>alert(1)</script>", "\"><img src=x onerror=y>", "</textarea></pre><b>", "<!-- ]]>"]
        {
            let found: Vec<Vec<String>> =
                pages(evil, language).into_iter().map(|page| tags(&page.into_string())).collect();
            assert_eq!(found, harmless, "{evil}");
        }
    }
}

#[test]
fn pages_have_nothing_inline_one_heading_and_no_empty_place() {
    for language in Language::ALL {
        for page in pages("Harbour", language) {
            let html = page.into_string();
            for inline in [" style=", "<style", "<script", " onclick", "http:", "https:"] {
                assert!(!html.contains(inline), "{inline}\n{html}");
            }
            assert_eq!(html.matches("<h1").count(), 1, "{html}");
            assert_eq!(html.matches("<table").count(), html.matches("<caption").count(), "{html}");
            assert!(!html.contains('{') && !html.contains('}'), "a place was not filled in\n{html}");
            assert!(!html.contains("<table") || html.contains("scope=\"col\""), "{html}");
        }
    }
}

/// Each visible input is inside its label.
#[test]
fn every_input_has_its_label() {
    for page in pages("Harbour", Language::English) {
        let html = page.into_string();
        for kind in ["<input", "<select", "<textarea"] {
            for (at, _) in html.match_indices(kind) {
                let tag = html[at..].split('>').next().unwrap();
                let hidden = tag.contains("type=\"hidden\"") || tag.contains(" hidden");
                let labelled = html[..at].rfind("<label") > html[..at].rfind("</label>");
                assert!(hidden || labelled, "{tag}\n{html}");
            }
        }
    }
}

#[test]
fn empty_pages_say_what_to_do_next() {
    let week = week_page(&WeekPage::default(), Language::English).into_string();
    assert!(week.contains("No programme has started.") && week.contains("href=\"/rollout\""), "{week}");
    assert!(week.contains("POST /v1/feedback") && week.contains("Nothing is suspected."), "{week}");
    assert!(week.contains("Not known: no ticket of this time has a board"), "{week}");
    let empty = RolloutView {
        phase: Phase::Baseline,
        capped_at: None,
        started: None,
        gates: vec![GateView { to: Phase::Assist, asked: None, is_next: false }],
        versions: Vec::new(),
        grants: Vec::new(),
        triggers: Vec::new(),
        holds: Vec::new(),
        log: Vec::new(),
        next: Vec::new(),
        rights: Rights::default(),
        said: None,
    };
    let rollout = rollout_page(&empty, Language::English).into_string();
    for part in [
        "firstline rollout sign --criteria FILE",
        "firstline rollout gate --to assist",
        "Nothing is on hold.",
    ] {
        assert!(rollout.contains(part), "{part}\n{rollout}");
    }
    assert!(!rollout.contains("<form"), "a reader without rights has nothing to press\n{rollout}");
    let baseline = baseline_page(&BaselineView::default(), Language::German).into_string();
    assert!(
        baseline.contains("firstline rollout baseline") && baseline.contains("firstline audit-labels"),
        "{baseline}"
    );
    let incidents = incidents_page(&IncidentsView::default(), Language::French).into_string();
    assert!(!incidents.contains("<form"), "{incidents}");
    assert_eq!(
        outbox_page(&OutboxView::default(), Language::English).into_string().matches("<form").count(),
        0
    );
}

#[test]
fn the_week_says_where_it_stands_in_a_sentence() {
    let of = |language| week_page(&week("Harbour"), language).into_string();
    assert!(of(Language::English).contains("Week 9, assist, 3 customers, 6 categories. 1 trigger open."));
    assert!(of(Language::German).contains("Woche 9, Assistenz, 3 Kunden, 6 Kategorien. 1 Auslöser offen."));
    assert!(
        of(Language::French).contains("Semaine 9, assistance, 3 clients, 6 catégories. 1 déclencheur actif.")
    );
    let mut page = week("Harbour");
    page.head = Some(Head { week: 0, phase: Phase::Shadow, customers: 1, categories: None, triggers: 0 });
    let html = week_page(&page, Language::English).into_string();
    assert!(
        html.contains("Before the first week, shadow, 1 customer, all their categories. No trigger open."),
        "{html}"
    );
}

#[test]
fn chance_is_told_in_a_sentence() {
    let with = |measure, chance| {
        let mut page = week("Harbour");
        page.weekly = vec![Card { chance, ..card(measure, "x") }];
        week_page(&page, Language::English).into_string()
    };
    let one = Chance { count: 1, n: 23, rate: 0.01, probability: 0.2064, few: false };
    assert!(
        with(Measure::Errors, Some(one))
            .contains("One error in 23 sends: with a true 1\u{a0}% this happens in 21\u{a0}% of weeks.")
    );
    let few = Chance { count: 80, n: 100, rate: 0.85, probability: 0.0003, few: true };
    let html = with(Measure::Agreement, Some(few));
    assert!(
        html.contains("80 of 100: with a true 85\u{a0}% so few or fewer come about by chance in &lt; 0.1\u{a0}% of samples."),
        "{html}"
    );
    assert!(
        with(Measure::ResponseMedian, None).contains("Chance alone moves the figure within its interval.")
    );
}

#[test]
fn a_stop_takes_one_press_and_a_step_on_asks_for_a_name() {
    let html = rollout_page(&rollout("Harbour"), Language::English).into_string();
    let form = |action: &str| {
        let (_, rest) =
            html.split_once(&format!("action=\"{action}\"")).unwrap_or_else(|| panic!("{action}\n{html}"));
        rest.split("</form>").next().unwrap().to_owned()
    };
    let stop = form("/rollout/stop");
    assert!(!stop.contains("<input") && !stop.contains("<textarea"), "{stop}");
    let sign = form("/rollout/sign");
    assert!(
        sign.contains("name=\"typed_name\"") && sign.contains("name=\"sha256\" value=\"Harbour\""),
        "{sign}"
    );
    assert!(form("/rollout/resume").contains("name=\"reason\" rows=\"3\" maxlength=\"2000\" required"));
    assert!(form("/rollout/gate").contains("name=\"to\" value=\"autonomous\""));
    let pages = pages("Harbour", Language::English);
    let evidence = pages[3].clone().into_string();
    assert!(
        evidence.contains("action=\"/rollout/promote\"") && evidence.contains("name=\"typed_name\""),
        "{evidence}"
    );
    assert!(evidence.contains("<code class=\"hash\">Harbour</code>"), "{evidence}");
}

#[test]
fn what_may_not_be_done_has_no_button() {
    let mut view = outbox("Harbour");
    let html = outbox_page(&view, Language::English).into_string();
    assert_eq!((html.matches("/retry\"").count(), html.matches("/cancel\"").count()), (2, 2), "{html}");
    view.lists.iter_mut().flat_map(|list| &mut list.lines).for_each(|one| one.alone = false);
    assert_eq!(outbox_page(&view, Language::English).into_string().matches("/cancel\"").count(), 0);
    view.may_retry = false;
    assert_eq!(outbox_page(&view, Language::English).into_string().matches("<form").count(), 0);
    let closed = IncidentsView { may_decide: false, may_report: false, ..incidents("Harbour") };
    assert!(!incidents_page(&closed, Language::English).into_string().contains("<form"));
}
