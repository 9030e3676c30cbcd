//! The queue: lists, filters, and a line for each ticket.

use maud::{Markup, html};

use super::flags;
use super::view::{Filters, QueueLine, QueueView, Tab};
use crate::text::label;
use crate::words::{Words, filled};

/// Most lines that are approved together.
pub const MOST_BATCH: usize = 50;

/// The queue with its lists and filters.
pub(super) fn queue(view: &QueueView, words: &Words) -> Markup {
    html! {
        section #queue aria-label=(words.queue) {
            (tabs(&view.filters, words))
            (filters(view, words))
            (queue_lines(view, words))
        }
    }
}

/// The lines, which a page that is open asks for again.
pub(super) fn queue_lines(view: &QueueView, words: &Words) -> Markup {
    let batch = view.lines.iter().any(|line| line.in_batch);
    let again = format!("/review/queue{}", address(&view.filters));
    let narrow = view.filters.is_narrow();
    html! {
        // A search is asked for once: its words are in no address. Where lines are ticked nothing moves.
        div #lines hx-get=[(view.filters.words.is_empty() && !batch).then_some(again)] hx-trigger="every 30s" hx-swap="outerHTML" {
            @if view.lines.is_empty() {
                p.empty { (if narrow { words.nothing_found } else { view.filters.tab.empty(words) }) }
            } @else if batch {
                form method="post" action="/review/batch" {
                    (list(view, words))
                    p.small { (filled(words.batch_note, &[("n", &MOST_BATCH.to_string())])) }
                    button type="submit" { (words.approve_batch) }
                }
            } @else {
                (list(view, words))
            }
            @if let Some(next) = &view.next { (more(&view.filters, next, words)) }
        }
    }
}

fn list(view: &QueueView, words: &Words) -> Markup {
    html! {
        ol.lines aria-label=(words.queue_list) {
            @for one in &view.lines { (line(one, &view.filters, words)) }
        }
    }
}

fn tabs(filters: &Filters, words: &Words) -> Markup {
    html! {
        nav.tabs aria-label=(words.queue) {
            @for tab in Tab::ALL {
                @let there = Filters { tab, words: String::new(), ..filters.clone() };
                a href=(format!("/review{}", address(&there)))
                    aria-current=[(tab == filters.tab).then_some("page")] { (tab.title(words)) }
            }
        }
    }
}

fn filters(view: &QueueView, words: &Words) -> Markup {
    let Filters { tab, customer, board, category, words: sought, newest } = &view.filters;
    html! {
        form.search method="post" action=(format!("/review{}", address(&view.filters))) role="search" {
            label for="words" { (words.search) }
            div.row {
                input #words type="search" name="words" value=(sought) maxlength="200" autocomplete="off";
                button type="submit" { (words.search_now) }
            }
        }
        details.filters open[view.filters.is_narrow()] {
            summary { (words.filter) }
            form method="get" action="/review" {
                input type="hidden" name="tab" value=(tab.name());
                @if !view.customers.is_empty() {
                    (choice("customer", words.customer, &view.customers, customer))
                } @else {
                    label { (words.customer) " " input name="customer" value=(customer) maxlength="200"; }
                }
                (choice("board", words.board, &view.boards, board))
                (choice("category", words.category, &view.categories, category))
                label { (words.sort) " "
                    select name="sort" {
                        option value="oldest" { (words.oldest) }
                        option value="newest" selected[*newest] { (words.newest) }
                    }
                }
                div.row {
                    button type="submit" { (words.apply) }
                    @if view.filters.is_narrow() {
                        a.button href=(format!("/review?tab={}", tab.name())) { (words.clear) }
                    }
                }
            }
        }
    }
}

fn choice(name: &str, title: &str, options: &[String], chosen: &str) -> Markup {
    html! {
        label { (title) " "
            select name=(name) {
                option value="" { "–" }
                @for option in options { option value=(option) selected[option == chosen] { (label(option)) } }
            }
        }
    }
}

fn line(line: &QueueLine, filters: &Filters, words: &Words) -> Markup {
    html! {
        li.line.open[line.is_open] data-id=(line.id) {
            @if line.in_batch {
                input type="checkbox" name="item" value=(format!("{}:{}", line.id, line.version))
                    aria-label=(filled(words.select_line, &[("number", &crate::text::plain(&line.number))]));
            }
            a href=(format!("/review/{}{}", line.id, address(filters))) aria-current=[line.is_open.then_some("true")] {
                span.subject { (label(&line.subject)) }
                span.about {
                    span { (age(line.age_seconds, words)) }
                    @if !line.customer.is_empty() { span { (label(&line.customer)) } }
                    @if !line.category.is_empty() { span { (label(&line.category)) } }
                    @if let Some(confidence) = line.confidence { (sureness(confidence, words)) }
                }
                @if !line.flags.is_empty() { (flags::short(&line.flags, words)) }
                @if !line.others.is_empty() { span.others { (looking(&line.others, words)) } }
            }
        }
    }
}

fn more(filters: &Filters, next: &str, words: &Words) -> Markup {
    let there = address(filters);
    let there = if there.is_empty() {
        format!("/review?after={next}")
    } else {
        format!("/review{there}&after={next}")
    };
    html! {
        @if filters.words.is_empty() {
            p { a.button href=(there) { (words.more) } }
        } @else {
            form method="post" action=(there) {
                input type="hidden" name="words" value=(filters.words);
                button type="submit" { (words.more) }
            }
        }
    }
}

/// Who else looks at a ticket.
pub(super) fn looking(names: &[String], words: &Words) -> Markup {
    let names: Vec<String> = names.iter().take(5).map(|name| crate::text::plain(name)).collect();
    html! { (filled(words.looking, &[("names", &names.join(", "))])) }
}

/// How sure, in a word, with the number for those who look closer.
pub(super) fn sureness(confidence: f64, words: &Words) -> Markup {
    let (class, word) = match confidence {
        sure if sure >= 0.9 => ("sure", words.sure),
        likely if likely >= 0.7 => ("likely", words.likely),
        _ => ("unsure", words.unsure),
    };
    html! { span class=(format_args!("confidence {class}")) { (word) " " (format_args!("{:.0}\u{a0}%", 100.0 * confidence)) } }
}

/// How long ago.
fn age(seconds: u64, words: &Words) -> String {
    let (word, n) = match seconds {
        0..7_200 => (words.age_minutes, seconds / 60),
        7_200..172_800 => (words.age_hours, seconds / 3_600),
        _ => (words.age_days, seconds / 86_400),
    };
    filled(word, &[("n", &n.to_string())])
}

/// What an address says of the filters. Words that are looked for stand in none.
pub(super) fn address(filters: &Filters) -> String {
    let Filters { tab, customer, board, category, words: _, newest } = filters;
    let mut parts = Vec::new();
    if *tab != Tab::default() {
        parts.push(format!("tab={}", tab.name()));
    }
    for (name, value) in [("customer", customer), ("board", board), ("category", category)] {
        if !value.is_empty() {
            parts.push(format!("{name}={}", encoded(value)));
        }
    }
    if *newest {
        parts.push("sort=newest".to_owned());
    }
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

/// A value in a query.
fn encoded(value: &str) -> String {
    let byte = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
        _ => format!("%{b:02X}"),
    };
    value.bytes().map(byte).collect()
}
