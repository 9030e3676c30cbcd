//! The pages of accounts: signing in, a password, one's own page, the people of the desk.
//!
//! Plain values in, markup out. All of it works without a script; a script only takes a code out of the address. Must never put a code
//! or a password into an address.

mod people;
mod words;

#[cfg(test)]
mod tests;

use maud::{Markup, html};

use crate::table::{Column, Table};
use crate::text::{label, note, plain};
use crate::words::Language;
use words::Words;

pub use people::{PeopleView, Person, Right, Standing, people_page};

/// What is wrong with what was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault<'a> {
    /// Name or password.
    SignIn,
    /// The code of a link.
    Code,
    /// The password of before.
    Current,
    /// The new password was not typed twice.
    Repeat,
    /// There were too many tries.
    TooMany,
    /// Something else, as the service tells it.
    Told(&'a str),
}

impl Fault<'_> {
    fn markup(self, words: &Words) -> Markup {
        let word = match self {
            Fault::SignIn => words.fault_sign_in,
            Fault::Code => words.fault_code,
            Fault::Current => words.fault_current,
            Fault::Repeat => words.fault_repeat,
            Fault::TooMany => words.fault_too_many,
            Fault::Told(told) => return html! { span lang="en" { (note(told)) } },
        };
        html! { (word) }
    }
}

/// What screen readers say of a field that was refused.
const FAULT: &str = "fault";

/// What is wrong with what was sent; nothing where nothing is.
fn fault(found: Option<Fault<'_>>, words: &Words) -> Markup {
    html! { @if let Some(found) = found { p #(FAULT).fault role="alert" { (found.markup(words)) } } }
}

/// A field with its label.
fn field(name: &str, word: &str, input: &Markup) -> Markup {
    html! { label for=(name) { (word) (input) } }
}

/// A field for a password: `kind` is what browsers' password managers know it by.
fn secret(name: &str, word: &str, kind: &str, is_refused: bool, is_first: bool) -> Markup {
    let input = html! {
        input id=(name) name=(name) type="password" autocomplete=(kind) maxlength="1024" required autofocus[is_first]
            aria-describedby=[is_refused.then_some(FAULT)];
    };
    field(name, word, &input)
}

/// What the form for signing in shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct SignIn<'a> {
    /// What was wrong the last time.
    pub fault: Option<Fault<'a>>,
    /// The name that was typed.
    pub name: &'a str,
    /// The path to go to afterwards; empty for the one that the person's rights lead to.
    pub next: &'a str,
}

/// The title of the page for signing in.
pub fn sign_in_title(language: Language) -> &'static str {
    words::of(language).sign_in
}

/// The form for signing in.
pub fn sign_in_page(view: SignIn<'_>, language: Language) -> Markup {
    let words = words::of(language);
    let is_known = !view.name.is_empty();
    let name = html! {
        input id="name" name="name" autocomplete="username" autocapitalize="none" maxlength="256" value=(view.name) required
            autofocus[!is_known];
    };
    html! {
        div.login {
            h1 { (words.sign_in) }
            form.fields method="post" action="/login" {
                (fault(view.fault, words))
                input type="hidden" name="next" value=(view.next);
                (field("name", words.name, &name))
                (secret("password", words.password, "current-password", view.fault.is_some(), is_known))
                p { button.main type="submit" { (words.sign_in) } }
            }
            p.small { (words.no_password_yet) " " a href="/password" { (words.set_one) } }
        }
    }
}

/// The title of the page for setting a password.
pub fn password_title(language: Language) -> &'static str {
    words::of(language).set_title
}

/// The form for setting a password by a code; `code` is what was sent with a password that was refused.
pub fn password_page(found: Option<Fault<'_>>, code: &str, language: Language) -> Markup {
    let words = words::of(language);
    let input = html! {
        input id="code" name="code" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="128" value=(code) required
            autofocus[code.is_empty()];
    };
    html! {
        div.login {
            h1 { (words.set_title) }
            p { (words.code_about) }
            form.fields method="post" action="/password" {
                (fault(found, words))
                (field("code", words.code, &input))
                (new_password(found.is_some(), words))
                p { button.main type="submit" { (words.set_password) } }
            }
        }
    }
}

fn new_password(is_refused: bool, words: &Words) -> Markup {
    html! {
        p.small { (words.password_about) }
        (secret("password", words.new_password, "new-password", is_refused, false))
        (secret("repeat", words.repeat, "new-password", is_refused, false))
    }
}

/// A session, in words.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its id.
    pub id: String,
    /// The browser, as it names itself; empty where it does not.
    pub agent: String,
    /// When it began, with the zone.
    pub since: String,
    /// When it was last used, with the zone.
    pub seen: String,
    /// Whether it is the one that asks.
    pub is_this: bool,
}

/// What a person's own page shows.
#[derive(Debug, Clone)]
pub struct MeView<'a> {
    /// What was wrong with the change of the password.
    pub fault: Option<Fault<'a>>,
    /// The name with which they sign.
    pub name: &'a str,
    /// What they may do: names of rights.
    pub rights: &'a [String],
    /// Whose tickets they see; `None` for everybody's.
    pub customers: Option<&'a [String]>,
    /// Their sessions.
    pub sessions: &'a [Session],
    /// Whether they have a password to change.
    pub has_password: bool,
}

/// A person's own page.
pub fn me_page(view: &MeView<'_>, language: Language) -> Markup {
    let words = words::of(language);
    html! {
        h1 { (words.me_title) }
        dl.facts {
            div { dt { (words.me_name) } dd { (label(view.name)) } }
            div { dt { (words.rights) } dd { (rights_in_words(view.rights, words)) } }
            div { dt { (words.customers) } dd { (listed(view.customers, words)) } }
        }
        section {
            h2 { (words.sessions) }
            @if view.sessions.is_empty() { p.empty { (words.by_proxy) } }
            @else { (sessions(view.sessions, words)) }
        }
        section {
            h2 { (words.change_title) }
            @if view.has_password {
                p.small { (words.change_about) }
                form.fields method="post" action="/me/password" {
                    (fault(view.fault, words))
                    (secret("current", words.current, "current-password", view.fault.is_some(), false))
                    (new_password(view.fault.is_some(), words))
                    p { button.main type="submit" { (words.change) } }
                }
            } @else {
                p.empty { (words.none_yet) }
            }
        }
    }
}

fn sessions(all: &[Session], words: &Words) -> Markup {
    let mut table = Table::new([
        Column::head(words.browser),
        Column::text(words.since),
        Column::text(words.last_used),
        Column::text(words.end),
    ])
    .caption(words.signed_in_where);
    for one in all {
        let browser = html! {
            @if one.agent.is_empty() { (words.unknown_browser) } @else { (label(&one.agent)) }
            @if one.is_this { " " strong { "(" (words.this_one) ")" } }
        };
        let end = act("/me/sessions", &one.id, words.end_it, &one.agent);
        table.row([&browser, &label(&one.since), &label(&one.seen), &end]);
    }
    scrolled(&table, words.signed_in_where)
}

/// A table that can be scrolled with the keyboard where it is wider than the screen.
fn scrolled<const N: usize>(table: &Table<'_, N>, caption: &str) -> Markup {
    html! { div.wide tabindex="0" role="region" aria-label=(caption) { (table) } }
}

/// What somebody may do, by the names that are on record.
fn rights_in_words(rights: &[String], words: &Words) -> Markup {
    let known = |name: &String| Right::ALL.into_iter().find(|right| right.name() == name);
    html! {
        ul.rights { @for name in rights {
            li { code { (label(name)) } @if let Some(right) = known(name) { " " (right.word(words)) } }
        } }
    }
}

/// Whose tickets somebody sees.
fn listed(customers: Option<&[String]>, words: &Words) -> Markup {
    html! { @match customers {
        None => (words.all_customers),
        Some(some) => @for (i, one) in some.iter().enumerate() { @if i > 0 { ", " } (label(one)) },
    } }
}

/// A button that posts an id; `about` is whom or what it acts on.
fn act(action: &str, id: &str, word: &str, about: &str) -> Markup {
    html! {
        form.inline method="post" action=(action) {
            input type="hidden" name="id" value=(id);
            button.quiet type="submit" aria-label=(format!("{word}: {}", plain(about))) { (word) }
        }
    }
}
