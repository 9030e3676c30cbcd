//! The pages of accounts: signing in, a password, one's own page, the people of the desk.
//!
//! What is shown goes in as words, and a page comes out. All of it works without a script; the one script takes a code out of the address.
//! Must never put a code or a password into an address.

use maud::{DOCTYPE, Markup, html};

use crate::style::STYLE;
use crate::text::{label, note, plain};

/// The style sheet, for `/accounts.css`.
pub fn style() -> String {
    format!("{STYLE}{}", include_str!("accounts/accounts.css"))
}

/// The script, for `/accounts.js`.
pub const SCRIPT: &str = include_str!("accounts/accounts.js");

/// Who looks at a page.
#[derive(Debug, Clone, Copy)]
pub struct Viewer<'a> {
    /// What the person is called.
    pub display: &'a str,
    /// Whether they see the people of the desk.
    pub is_admin: bool,
    /// Whether they can sign out: not where a proxy has let them in.
    pub can_sign_out: bool,
}

/// The page around the parts.
fn shell(title: &str, viewer: Option<Viewer<'_>>, main: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (plain(title)) " - Firstline" }
                link rel="stylesheet" href="/accounts.css";
                script src="/accounts.js" defer {}
            }
            body {
                @if let Some(viewer) = viewer { (navigation(viewer)) }
                main { h1 { (label(title)) } (main) }
            }
        }
    }
    .into_string()
}

fn navigation(viewer: Viewer<'_>) -> Markup {
    html! {
        header {
            nav aria-label="Pages" {
                a href="/me" { (label(viewer.display)) }
                @if viewer.is_admin { " " a href="/people" { "People" } }
            }
            @if viewer.can_sign_out {
                form method="post" action="/logout" { button { "Sign out" } }
            }
        }
    }
}

/// What is wrong with what was sent; nothing where nothing is.
fn fault(problem: Option<&str>) -> Markup {
    html! { @if let Some(problem) = problem { p.fault role="alert" { (note(problem)) } } }
}

/// A field with its label.
fn field(name: &str, words: &str, input: &Markup) -> Markup {
    html! { p { label for=(name) { (words) } (input) } }
}

/// A field for a password: `kind` is what browsers' password managers know it by.
fn secret(name: &str, words: &str, kind: &str) -> Markup {
    let input = html! {
        input id=(name) name=(name) type="password" autocomplete=(kind) maxlength="1024" required;
    };
    field(name, words, &input)
}

/// What the form for signing in shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct SignIn<'a> {
    /// What was wrong the last time.
    pub problem: Option<&'a str>,
    /// The name that was typed.
    pub name: &'a str,
    /// The path to go to afterwards.
    pub next: &'a str,
}

/// The form for signing in.
pub fn sign_in(view: SignIn<'_>) -> String {
    let name = html! {
        input id="name" name="name" autocomplete="username" maxlength="256" value=(view.name) required autofocus;
    };
    let main = html! {
        (fault(view.problem))
        form method="post" action="/login" {
            input type="hidden" name="next" value=(view.next);
            (field("name", "Name", &name))
            (secret("password", "Password", "current-password"))
            p { button { "Sign in" } }
        }
        p { "You have a code, and no password yet, or have forgotten it: " a href="/password" { "set a password" } "." }
    };
    shell("Sign in", None, &main)
}

/// The form for setting a password by a code; `code` is what was sent with a password that was refused.
pub fn set_password(problem: Option<&str>, code: &str) -> String {
    let input = html! {
        input id="code" name="code" autocomplete="off" spellcheck="false" maxlength="128" value=(code) required;
    };
    let main = html! {
        (fault(problem))
        p { "The code stands in the link that you were given, behind the #. It can be used once." }
        form method="post" action="/password" {
            (field("code", "Code", &input))
            (new_password())
            p { button { "Set the password" } }
        }
    };
    shell("Set a password", None, &main)
}

fn new_password() -> Markup {
    html! {
        p { "A password has at least 12 characters. Four words by chance are a good one." }
        (secret("password", "New password", "new-password"))
        (secret("repeat", "The same again", "new-password"))
    }
}

/// A session, in words.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its id.
    pub id: String,
    /// The browser, as it names itself.
    pub agent: String,
    /// When it began.
    pub since: String,
    /// When it was last used.
    pub seen: String,
    /// Whether it is the one that asks.
    pub is_this: bool,
}

/// What a person's own page shows.
#[derive(Debug, Clone)]
pub struct Me<'a> {
    /// What was wrong with the change of the password.
    pub problem: Option<&'a str>,
    /// Who looks at it.
    pub viewer: Viewer<'a>,
    /// The name with which they sign.
    pub name: &'a str,
    /// What they may do.
    pub rights: &'a str,
    /// Whose tickets they see.
    pub customers: &'a str,
    /// Their sessions.
    pub sessions: &'a [Session],
    /// Whether they have a password to change.
    pub has_password: bool,
}

/// A person's own page.
pub fn me(view: &Me<'_>) -> String {
    let main = html! {
        dl {
            div { dt { "Name, with which you sign" } dd { (label(view.name)) } }
            div { dt { "Rights" } dd { (label(view.rights)) } }
            div { dt { "Customers" } dd { (label(view.customers)) } }
        }
        h2 { "Sessions" }
        @if view.sessions.is_empty() { p { "None: the proxy in front has let you in." } }
        @else { (sessions(view.sessions)) }
        h2 { "Password" }
        (fault(view.problem))
        @if view.has_password {
            form method="post" action="/me/password" {
                (secret("current", "Current password", "current-password"))
                (new_password())
                p { button { "Change the password" } }
            }
            p { "All your sessions end, and a new one begins." }
        } @else {
            p { "You have none. An administrator can give you a link with which you set one." }
        }
    };
    shell("Your account", Some(view.viewer), &main)
}

fn sessions(all: &[Session]) -> Markup {
    html! {
        table {
            caption { "Where you are signed in" }
            thead { tr { th scope="col" { "Browser" } th scope="col" { "Since" } th scope="col" { "Last used" } th scope="col" { "End" } } }
            tbody {
                @for session in all {
                    tr {
                        th scope="row" { (label(&session.agent)) @if session.is_this { " (this one)" } }
                        td { (session.since) }
                        td { (session.seen) }
                        td { (act("/me/sessions", "id", &session.id, "End it")) }
                    }
                }
            }
        }
    }
}

/// A button that posts one value.
fn act(action: &str, name: &str, value: &str, words: &str) -> Markup {
    html! {
        form method="post" action=(action) {
            input type="hidden" name=(name) value=(value);
            button { (words) }
        }
    }
}

/// A person of the desk, in words.
#[derive(Debug, Clone)]
pub struct Person {
    /// Their id.
    pub id: String,
    /// Their name.
    pub name: String,
    /// What pages show of it.
    pub display: String,
    /// What they may do.
    pub rights: String,
    /// Whose tickets they see.
    pub customers: String,
    /// Whether they can sign in, and since when not.
    pub state: String,
    /// Their own API key.
    pub key: String,
    /// Whether they can be given a link, or be disabled.
    pub is_enabled: bool,
}

/// What the page of the desk's people shows.
#[derive(Debug, Clone)]
pub struct People<'a> {
    /// What was wrong with the person who was to be added.
    pub problem: Option<&'a str>,
    /// A link that was just made: whose, and its path. It is shown once.
    pub link: Option<(&'a str, &'a str)>,
    /// Who looks at it.
    pub viewer: Viewer<'a>,
    /// The people.
    pub people: &'a [Person],
    /// The rights that there are: their name, and what they allow.
    pub rights: &'a [(&'a str, &'a str)],
}

/// The people of the desk.
pub fn people(view: &People<'_>) -> String {
    let main = html! {
        @if let Some((name, path)) = view.link {
            section.link role="status" {
                p { "The link of " (label(name)) ", for this service's address. It holds for 24 hours, can be used once, and is shown only now:" }
                p { code { (path) } }
            }
        }
        @if view.people.is_empty() { p { "Nobody yet. Add the first person below." } }
        @else { (table_of(view.people)) }
        h2 { "Add a person" }
        (fault(view.problem))
        (addition(view.rights))
    };
    shell("People", Some(view.viewer), &main)
}

fn table_of(people: &[Person]) -> Markup {
    html! {
        table {
            caption { "Who may sign in, and for what" }
            thead {
                tr {
                    @for head in ["Name", "Rights", "Customers", "State", "API key", "Link", "Access"] { th scope="col" { (head) } }
                }
            }
            tbody {
                @for person in people {
                    tr {
                        th scope="row" {
                            (label(&person.name))
                            @if person.display != person.name { " (" (label(&person.display)) ")" }
                        }
                        td { (label(&person.rights)) }
                        td { (label(&person.customers)) }
                        td { (label(&person.state)) }
                        td { code { (person.key) } }
                        td { @if person.is_enabled { (act("/people/link", "id", &person.id, "New link")) } }
                        td { @if person.is_enabled { (act("/people/disable", "id", &person.id, "Disable")) } }
                    }
                }
            }
        }
    }
}

fn addition(rights: &[(&str, &str)]) -> Markup {
    let name = html! { input id="name" name="name" autocomplete="off" maxlength="256" required; };
    let display = html! { input id="display" name="display" autocomplete="off" maxlength="256"; };
    let customers = html! { textarea id="customers" name="customers" rows="3" {} };
    html! {
        form method="post" action="/people" {
            (field("name", "Name, with which the person signs", &name))
            (field("display", "What pages show (empty: the name)", &display))
            fieldset {
                legend { "Rights" }
                @for (right, words) in rights {
                    p {
                        input id={ "right-" (right) } type="checkbox" name="right" value=(right);
                        label for={ "right-" (right) } { (right) ": " (words) }
                    }
                }
            }
            (field("customers", "Only these customers, one on each line (empty: all)", &customers))
            p { button { "Add the person" } }
        }
    }
}

/// What could not be done, why, and where to go on.
pub fn refused(title: &str, problem: &str, code: &str) -> String {
    let main = html! {
        p role="alert" { (note(problem)) }
        p { "Code: " code { (code) } "." }
        p { a href="/me" { "Your account" } " or " a href="/login" { "sign in" } "." }
    };
    shell(title, None, &main)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "<script>alert(1)</script>\"'&\u{202e}";

    fn viewer() -> Viewer<'static> {
        Viewer { display: HOSTILE, is_admin: true, can_sign_out: true }
    }

    fn all() -> Vec<String> {
        let text = || HOSTILE.to_owned();
        let session = Session { id: text(), agent: text(), since: text(), seen: text(), is_this: true };
        let person = Person {
            id: text(),
            name: text(),
            display: "other".to_owned(),
            rights: text(),
            customers: text(),
            state: text(),
            key: text(),
            is_enabled: true,
        };
        let (problem, sessions) = (Some(HOSTILE), [session]);
        vec![
            sign_in(SignIn { problem, name: HOSTILE, next: HOSTILE }),
            set_password(problem, HOSTILE),
            me(&Me {
                problem,
                viewer: viewer(),
                name: HOSTILE,
                rights: HOSTILE,
                customers: HOSTILE,
                sessions: &sessions,
                has_password: true,
            }),
            people(&People {
                problem,
                link: Some((HOSTILE, HOSTILE)),
                viewer: viewer(),
                people: &[person],
                rights: &[(HOSTILE, HOSTILE)],
            }),
            refused(HOSTILE, HOSTILE, HOSTILE),
        ]
    }

    #[test]
    fn nothing_that_was_typed_becomes_markup() {
        for page in all() {
            assert!(!page.contains("<script>") && !page.contains("\"'"), "{page}");
            assert!(page.contains("&lt;script&gt;"), "{page}");
        }
    }

    #[test]
    fn a_page_loads_only_our_files_and_every_form_posts() {
        for page in all() {
            assert_eq!(page.matches("src=").count(), 1, "{page}");
            assert!(page.contains("src=\"/accounts.js\"") && page.contains("href=\"/accounts.css\""));
            assert_eq!(page.matches("<form").count(), page.matches("<form method=\"post\"").count());
            for inline in ["<style", "style=", " on"] {
                let tags: Vec<&str> = page.split('<').map(|tag| tag.split('>').next().unwrap()).collect();
                assert!(!tags.iter().any(|tag| tag.contains(inline)), "{inline}");
            }
        }
    }

    #[test]
    fn every_field_has_a_label() {
        for page in all() {
            for id in page.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
                assert!(page.contains(&format!("for=\"{id}\"")), "{id}");
            }
        }
    }

    #[test]
    fn who_is_nobodys_administrator_sees_no_way_to_the_people() {
        let plain = Viewer { display: "ada", is_admin: false, can_sign_out: false };
        let page = shell("x", Some(plain), &html! {});
        assert!(!page.contains("/people") && !page.contains("/logout"), "{page}");
    }
}
