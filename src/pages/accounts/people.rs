//! The people of the desk: who may sign in, what for, and a form for a new one.
//!
//! Must never show a link but the one that was just made.

use maud::{Markup, html};

use super::words::{self, Words};
use super::{Fault, act, fault, field, listed, scrolled};
use crate::table::{Column, Table};
use crate::text::label;
use crate::words::{Language, filled};

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// See and review drafts.
    Review,
    /// Criteria, incidents, pauses and holds.
    Manage,
    /// Begin the rollout and go on with it.
    ApproveRollout,
    /// Stop everything but recording.
    Stop,
    /// All, and the accounts.
    Admin,
}

impl Right {
    /// All rights.
    pub const ALL: [Right; 5] =
        [Right::Review, Right::Manage, Right::ApproveRollout, Right::Stop, Right::Admin];

    /// Its name on record.
    pub fn name(self) -> &'static str {
        match self {
            Right::Review => "review",
            Right::Manage => "manage",
            Right::ApproveRollout => "approve_rollout",
            Right::Stop => "stop",
            Right::Admin => "admin",
        }
    }

    pub(super) fn word(self, words: &Words) -> &'static str {
        match self {
            Right::Review => words.right_review,
            Right::Manage => words.right_manage,
            Right::ApproveRollout => words.right_approve,
            Right::Stop => words.right_stop,
            Right::Admin => words.right_admin,
        }
    }
}

/// Whether a person can sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// They have a password.
    HasPassword,
    /// They have a link with which they set one, until this moment.
    HasLink(String),
    /// They have neither.
    HasNothing,
    /// They are disabled since this moment.
    Disabled(String),
    /// The database has another record of them than was written: they are refused.
    Altered,
}

impl Standing {
    fn told(&self, words: &Words) -> String {
        match self {
            Standing::HasPassword => words.has_password.to_owned(),
            Standing::HasLink(until) => filled(words.has_link, &[("until", until)]),
            Standing::HasNothing => words.has_nothing.to_owned(),
            Standing::Disabled(at) => filled(words.is_disabled, &[("at", at)]),
            Standing::Altered => words.is_altered.to_owned(),
        }
    }
}

/// A person of the desk.
#[derive(Debug, Clone)]
pub struct Person {
    /// Their id.
    pub id: String,
    /// Their name.
    pub name: String,
    /// What pages show of it.
    pub display: String,
    /// What they may do: names of rights.
    pub rights: Vec<String>,
    /// Whose tickets they see; `None` for everybody's.
    pub customers: Option<Vec<String>>,
    /// Whether they can sign in.
    pub standing: Standing,
    /// The id of their own API key; empty where they have none.
    pub key: String,
    /// Whether they can be given a link, or be disabled.
    pub is_enabled: bool,
}

/// What the page of the desk's people shows.
#[derive(Debug, Clone)]
pub struct PeopleView<'a> {
    /// What was wrong with the person who was to be added.
    pub fault: Option<Fault<'a>>,
    /// A link that was just made: whose, and its path. It is shown once.
    pub link: Option<(&'a str, &'a str)>,
    /// The people.
    pub people: &'a [Person],
}

/// The people of the desk.
pub fn people_page(view: &PeopleView<'_>, language: Language) -> Markup {
    let words = words::of(language);
    html! {
        h1 { (words.people_title) }
        @if let Some((name, path)) = view.link {
            div.notes.link role="status" {
                p { strong { (label(name)) } ": " (words.link_about) }
                p { code { (path) } }
            }
        }
        @if view.people.is_empty() { p.empty { (words.nobody_yet) } }
        @else { (table_of(view.people, words)) }
        section {
            h2 { (words.add_title) }
            (addition(view.fault, words))
        }
    }
}

fn table_of(people: &[Person], words: &Words) -> Markup {
    let mut table = Table::new([
        Column::head(words.name),
        Column::text(words.rights),
        Column::text(words.customers),
        Column::text(words.state),
        Column::text(words.api_key),
        Column::text(words.actions),
    ])
    .caption(words.people_about);
    for one in people {
        let name = html! {
            (label(&one.name))
            @if one.display != one.name { " (" (label(&one.display)) ")" }
        };
        let actions = html! { @if one.is_enabled {
            (act("/people/link", &one.id, words.new_link, &one.name))
            (act("/people/disable", &one.id, words.disable, &one.name))
        } };
        let rights = label(&one.rights.join(", "));
        let customers = listed(one.customers.as_deref(), words);
        let key = html! { code { (label(&one.key)) } };
        table.row([&name, &rights, &customers, &label(&one.standing.told(words)), &key, &actions]);
    }
    scrolled(&table, words.people_about)
}

fn addition(found: Option<Fault<'_>>, words: &Words) -> Markup {
    let described = found.is_some().then_some(super::FAULT);
    let name = html! { input id="name" name="name" autocomplete="off" maxlength="256" required aria-describedby=[described]; };
    let display = html! { input id="display" name="display" autocomplete="off" maxlength="256"; };
    let customers = html! { textarea id="customers" name="customers" rows="3" {} };
    html! {
        form.fields method="post" action="/people" {
            (fault(found, words))
            (field("name", words.person_name, &name))
            (field("display", words.display, &display))
            fieldset {
                legend { (words.rights) }
                @for right in Right::ALL {
                    label.check for=(id_of(right)) {
                        input id=(id_of(right)) type="checkbox" name="right" value=(right.name());
                        span { code { (right.name()) } " " (right.word(words)) }
                    }
                }
            }
            (field("customers", words.only_customers, &customers))
            p { button.main type="submit" { (words.add) } }
        }
    }
}

fn id_of(right: Right) -> String {
    format!("right-{}", right.name())
}
