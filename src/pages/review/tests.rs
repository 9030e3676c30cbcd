//! The page in the states that it can be in, and that no ticket's words are ever more than text.

use html5gum::Tokenizer;
use html5gum::emitters::default::{DefaultEmitter, Token};

use super::*;
use crate::words::Language;

/// Everything that can be on the page, with `text` wherever a ticket, a label or a person may have put it.
fn full(text: &str) -> ReviewView {
    let s = || text.to_owned();
    let flags = || {
        vec![
            Flag::Returned(s()),
            Flag::Language(s()),
            Flag::Cut(12),
            Flag::Storm(Some(s())),
            Flag::Raised { from: s(), rule: s() },
            Flag::Verify(s()),
            Flag::Person(s()),
        ]
    };
    let finding = || Finding { check: s(), found: s(), hard: true };
    let line = QueueLine {
        id: "d1".to_owned(),
        version: 2,
        number: s(),
        customer: s(),
        subject: s(),
        category: s(),
        confidence: Some(0.93),
        age_seconds: 7_260,
        flags: flags(),
        others: vec![s()],
        in_batch: true,
        is_open: true,
    };
    let filters = Filters { customer: s(), board: s(), category: s(), words: s(), ..Filters::default() };
    let queue = QueueView {
        filters,
        customers: vec![s()],
        boards: vec![s()],
        categories: vec![s()],
        lines: vec![line],
        next: Some("d1".to_owned()),
    };
    let field = FieldView {
        key: "board",
        decided: s(),
        chosen: format!("{text}!"),
        confidence: 0.93,
        counted: Some((383, 412)),
        alternatives: vec![(s(), 0.04)],
        kept: Some(Kept::Person),
        options: vec![s(), format!("{text}!")],
    };
    let draft = DraftView {
        text: s(),
        language: "en".to_owned(),
        sentences: vec![(s(), SentenceSource::Ticket(s())), (s(), SentenceSource::Template(s()))],
        confidence: 0.6,
        passed: 9,
        failed: vec![finding()],
        replaced: vec![(DraftOrigin::Generated, vec![finding()])],
        ..DraftView::default()
    };
    let ticket = TicketView {
        number: s(),
        subject: s(),
        customer: s(),
        contact: s(),
        opened: s(),
        source: s(),
        text: Some(s()),
        raw: Some(s()),
        removed: vec![(s(), 2)],
        thread: vec![(s(), s())],
        attachments: vec![s()],
        all: false,
    };
    let open = OpenReview {
        id: "d1".to_owned(),
        version: 2,
        is_open: true,
        ticket,
        fields: vec![field.clone(), FieldView { key: "type", ..field }],
        flags: flags(),
        draft: Some(draft),
        edit: Some(EditView { text: format!("{text} more"), distance: 0.25, findings: vec![finding()] }),
        others: vec![s()],
        sends: Sends::Mail,
        undo_seconds: 20,
        look_seconds: 1.5,
        psa_link: Some("https://psa.example/1".to_owned()),
        next: Some("d2".to_owned()),
        previous: Some("d0".to_owned()),
        ..OpenReview::default()
    };
    let toast = Toast { done: Done::Approved, undo: Some(("d0".to_owned(), 3, 17)) };
    ReviewView { queue, open: Some(open), toast: Some(toast), alert: Some(s()) }
}

fn shown(view: &ReviewView) -> String {
    review_page(view, Language::English).into_string()
}

fn with(change: impl FnOnce(&mut OpenReview)) -> String {
    let mut view = full("Harbour");
    view.alert = None;
    change(view.open.as_mut().unwrap());
    shown(&view)
}

fn has(html: &str, parts: &[&str]) {
    for part in parts {
        assert!(html.contains(part), "{part}\n{html}");
    }
}

fn lacks(html: &str, parts: &[&str]) {
    for part in parts {
        assert!(!html.contains(part), "{part}\n{html}");
    }
}

#[test]
fn an_open_draft_shows_what_it_stands_on_and_what_can_be_done() {
    let html = with(|_| ());
    has(
        &html,
        &[
            "93 of 100 like this were right (412 of your tickets).",
            "Next: Harbour 4\u{a0}%",
            "(set by a person)",
            "was Harbour",
            "9 checks passed",
            "Failed: Harbour",
            "from ticket Harbour",
            "from template Harbour",
            "60 of 100 such drafts are sent unchanged (estimated: no reviews yet).",
            "Sent to Harbour as a visible note and by mail. You can undo for 20 seconds.",
            "data-look=\"1.5\"",
            "<ins>",
            "25 % of the words differ",
            "Harbour also here",
            "name=\"version\" value=\"2\"",
            "name=\"identity\"",
            "name=\"override\"",
            "rel=\"next\"",
            "17 s left",
        ],
    );
}

#[test]
fn flags_come_in_one_order_whatever_they_were_given_in() {
    let html = with(|_| ());
    let list = html.split_once("class=\"flags\"").unwrap().1;
    let order = [
        "A person must decide",
        "Verify identity first",
        "Priority raised from",
        "One of a storm",
        "The text was cut",
        "another language",
        "A person decides",
    ];
    let places: Vec<usize> = order.iter().map(|flag| list.find(flag).unwrap()).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn without_a_draft_only_fields_can_be_set() {
    let html = with(|open| (open.draft, open.edit) = (None, None));
    has(&html, &["There is no draft. Only fields can be set.", "value=\"fields\""]);
    lacks(&html, &["value=\"approve\"", "value=\"reject\"", "<textarea"]);
}

#[test]
fn what_was_decided_is_shown_and_can_not_be_decided_again() {
    for (standing, word) in [
        (Standing::Approved, "approved"),
        (Standing::Edited, "approved in other words"),
        (Standing::Rejected, "rejected"),
        (Standing::Superseded, "replaced by a newer decision"),
        (Standing::Writing, "being written"),
    ] {
        let html = with(|open| (open.standing, open.is_open) = (standing, false));
        has(&html, &[&format!("This draft is {word}."), "readonly", "disabled"]);
        lacks(&html, &["value=\"approve\"", "value=\"reject\"", "id=\"fields\""]);
    }
}

#[test]
fn in_shadow_the_buttons_promise_nothing() {
    let html = with(|open| open.shadow = true);
    has(&html, &["I would send this", "I’d send my text", "I’d not send it", "Shadow: nothing leaves."]);
    lacks(&html, &["Approve and send", "You can undo"]);
}

#[test]
fn the_sentence_above_the_button_says_how_a_reply_is_sent() {
    for (sends, sentence) in [
        (Sends::Unknown, "its settings say how Harbour receives it."),
        (Sends::Note, "Sent to Harbour as a visible note."),
        (Sends::Internal, "Written as an internal note. Harbour receives nothing."),
    ] {
        has(&with(|open| open.sends = sends), &[sentence]);
    }
    has(
        &with(|open| {
            open.ticket.contact.clear();
            open.undo_seconds = 0;
        }),
        &["Sent to Harbour as a visible note and by mail.</p>"],
    );
}

#[test]
fn a_confidence_without_enough_tickets_speaks_for_itself() {
    for counted in [None, Some((5, 9))] {
        let html = with(|open| open.fields[0].counted = counted);
        has(&html, &["About 93 of 100 decisions like this are right."]);
    }
}

#[test]
fn identity_is_asked_only_where_a_rule_asks() {
    lacks(&with(|open| open.flags.clear()), &["name=\"identity\"", "class=\"flags\""]);
}

#[test]
fn words_that_were_deleted_are_said_to_be() {
    has(&with(|open| open.ticket.text = None), &["The words of this ticket were deleted for their age."]);
}

#[test]
fn an_edit_without_findings_says_so() {
    let html = with(|open| open.edit.as_mut().unwrap().findings.clear());
    has(&html, &["Nothing was found in your text."]);
    lacks(&html, &["name=\"override\""]);
    let unchanged = with(|open| open.edit.as_mut().unwrap().text = "Harbour".to_owned());
    has(&unchanged, &["Your text is the draft."]);
}

#[test]
fn an_empty_list_says_what_to_do() {
    for (tab, sentence) in [
        (Tab::Waiting, "No drafts wait."),
        (Tab::Mine, "You have reviewed nothing yet."),
        (Tab::Person, "No rule has given a ticket to a person."),
        (Tab::Held, "Nothing is held back."),
        (Tab::Undone, "No review was taken back."),
        (Tab::Fields, "No decision without a draft is open."),
    ] {
        let filters = Filters { tab, ..Filters::default() };
        let view =
            ReviewView { queue: QueueView { filters, ..QueueView::default() }, ..ReviewView::default() };
        let html = shown(&view);
        has(&html, &[sentence, "Choose a ticket from the queue."]);
        lacks(&html, &["<ol"]);
    }
    let filters = Filters { board: "x".to_owned(), ..Filters::default() };
    let view = ReviewView { queue: QueueView { filters, ..QueueView::default() }, ..ReviewView::default() };
    has(&shown(&view), &["Clear the filters to see all."]);
}

#[test]
fn only_lines_without_a_reply_can_be_ticked() {
    let mut view = full("Harbour");
    has(&shown(&view), &["value=\"d1:2\"", "action=\"/review/batch\"", "at most 50"]);
    view.queue.lines[0].in_batch = false;
    lacks(&shown(&view), &["name=\"item\"", "/review/batch"]);
}

#[test]
fn words_that_are_looked_for_stand_in_no_address() {
    let mut view = full("Harbour");
    view.queue.filters = Filters { words: "sec/ret words".to_owned(), tab: Tab::Mine, ..Filters::default() };
    let html = shown(&view);
    for address in html.split(['"']).filter(|value| value.starts_with("/review")) {
        assert!(!address.contains("ret"), "{address}");
    }
    has(&html, &["value=\"sec/ret words\""]);
    // Nor is the list asked for again without them.
    lacks(&html, &["hx-get=\"/review/queue"]);
}

#[test]
fn an_address_holds_any_name() {
    let filters =
        Filters { customer: "A & B?=ü".to_owned(), newest: true, tab: Tab::Held, ..Filters::default() };
    assert_eq!(address(&filters), "?tab=held&customer=A%20%26%20B%3F%3D%C3%BC&sort=newest");
    assert_eq!(address(&Filters::default()), "");
}

#[test]
fn what_was_done_is_said_with_a_way_back() {
    let said = |done, undo| {
        let view = ReviewView { toast: Some(Toast { done, undo }), ..ReviewView::default() };
        shown(&view)
    };
    for (done, sentence) in [
        (Done::Approved, "Approved."),
        (Done::Edited, "Your text was approved."),
        (Done::Rejected, "Rejected."),
        (Done::Fields, "The fields were set."),
        (Done::Undone, "Undone. The draft waits again."),
        (Done::Batch(4, 5), "4 of 5 were approved."),
    ] {
        let html = said(done, None);
        has(&html, &[sentence]);
        lacks(&html, &["/undo"]);
    }
    has(
        &said(Done::Approved, Some(("d9".to_owned(), 4, 20))),
        &["action=\"/review/d9/undo\"", "value=\"4\""],
    );
}

#[test]
fn the_loser_of_two_reviewers_sees_both_texts() {
    let view = ConflictView {
        id: "d1".to_owned(),
        winner: "Jo".to_owned(),
        standing: Standing::Edited,
        stands: Some("Jo's text".to_owned()),
        own: "My text".to_owned(),
    };
    let html = conflict_page(&view, Language::English).into_string();
    has(
        &html,
        &[
            "Jo has decided: approved in other words.",
            "Jo's text",
            "My text</textarea>",
            "href=\"/review/d1\"",
        ],
    );
    let bare = conflict_page(&ConflictView::default(), Language::English).into_string();
    lacks(&bare, &["<textarea", "The text that stands"]);
}

#[test]
fn a_problem_says_what_to_do_and_keeps_the_text() {
    let page = |code, own| problem_page(code, "a < b", own, true, Language::English).into_string();
    has(
        &page("E_AUTH", "mine"),
        &["a &lt; b", "Your session has ended.", "mine</textarea>", "href=\"/login\""],
    );
    has(&page("E_BLIND", ""), &["blind sample"]);
    lacks(&page("E_STORE", ""), &["/login", "<textarea"]);
}

#[test]
fn every_language_has_the_whole_page() {
    let view = full("Harbour");
    let pages = Language::ALL.map(|language| review_page(&view, language).into_string());
    assert!(pages[1].contains("Freigeben und senden") && pages[2].contains("Approuver et envoyer"));
    let tags = |html: &str| html.matches('<').count();
    assert_eq!([tags(&pages[1]), tags(&pages[2])], [tags(&pages[0]); 2]);
    assert!(
        pages
            .iter()
            .all(|page| !page.contains("{n}")
                || page.matches("{n}").count() == pages[0].matches("{n}").count())
    );
}

/// The names of a page's tags and attributes, and of its attributes' values those that a browser acts on.
fn skeleton(html: &str) -> Vec<String> {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let mut out = Vec::new();
    for token in Tokenizer::new_with_emitter(html, emitter).map(Result::unwrap) {
        match token {
            Token::StartTag(tag) => {
                out.push(format!("{:?} {:?}", tag.name, tag.attributes.keys().collect::<Vec<_>>()));
            }
            Token::EndTag(tag) => out.push(format!("/{:?}", tag.name)),
            Token::String(_) => {}
            other => panic!("{other:?}"),
        }
    }
    out
}

/// A generator of texts made of pieces that are dangerous in markup.
fn hostile(seed: u64) -> String {
    const PIECES: [&str; 18] = [
        "<script>alert(1)</script>",
        "</textarea>",
        "\"",
        "'",
        "<img src=x onerror=a>",
        "<!--",
        "]]>",
        "&lt;",
        "&#60;",
        "<",
        ">",
        "</select><b>",
        "javascript:a",
        "{n}",
        "{host}",
        "x",
        " ",
        "</p></div></form>",
    ];
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    let mut out = String::from("T");
    for _ in 0..6 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        out.push_str(PIECES[(state >> 33) as usize % PIECES.len()]);
    }
    out
}

#[test]
fn no_text_is_ever_more_than_text() {
    let harmless = skeleton(&shown(&full("Harbour")));
    for seed in 0..300 {
        let text = hostile(seed);
        // A difference has as many pieces as words that differ: it is looked at by itself.
        let mut view = full(&text);
        view.open.as_mut().unwrap().edit.as_mut().unwrap().text.clone_from(&text);
        let mut calm = full("Harbour");
        calm.open.as_mut().unwrap().edit.as_mut().unwrap().text = "Harbour".to_owned();
        let (html, want) = (shown(&view), skeleton(&shown(&calm)));
        let bdi = |tags: Vec<String>| -> Vec<String> {
            tags.into_iter().filter(|tag| !tag.contains("bdi")).collect()
        };
        assert_eq!(bdi(skeleton(&html)), bdi(want), "{text}");
        assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("<!--"), "{text}");
    }
    assert!(harmless.len() > 100);
    let view = ConflictView {
        winner: hostile(3),
        stands: Some(hostile(4)),
        own: hostile(5),
        ..ConflictView::default()
    };
    let html = conflict_page(&view, Language::French).into_string();
    assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("<!--"), "{html}");
}

#[test]
fn a_page_of_a_full_queue_stays_small() {
    let mut view = full("A subject of a usual length, about a printer");
    let line = view.queue.lines[0].clone();
    view.queue.lines = vec![QueueLine { in_batch: false, flags: vec![], is_open: false, ..line }; 40];
    view.open.as_mut().unwrap().ticket.text = Some("A line of a ticket, of a usual length. ".repeat(60));
    let html = shown(&view);
    assert!(html.len() < 60_000, "{} bytes", html.len());
}

#[test]
fn a_mail_of_a_megabyte_makes_no_page_of_one() {
    let mut view = full("Harbour");
    let text = "<b>\u{202e}https://a.example/x ".repeat(40_000);
    let ticket = &mut view.open.as_mut().unwrap().ticket;
    (ticket.text, ticket.raw) = (Some(text.clone()), Some(text));
    let html = shown(&view);
    assert!(html.len() < 200_000, "{}", html.len());
    has(&html, &["Show all", "U+202E", "[host: a.example]"]);
    lacks(&html, &["<b>\u{202e}", "href=\"https://a.example"]);
}
