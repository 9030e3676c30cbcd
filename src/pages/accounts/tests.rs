//! The pages of accounts, with text of others wherever it can stand.

use super::*;

const HOSTILE: &str = "<script>alert(1)</script>\"'&\u{202e}";

fn all(language: Language) -> Vec<String> {
    let text = || HOSTILE.to_owned();
    let session = Session { id: text(), agent: text(), since: text(), seen: text(), is_this: true };
    let person = Person {
        id: text(),
        name: text(),
        display: "other".to_owned(),
        rights: vec![text(), "stop".to_owned()],
        customers: Some(vec![text()]),
        standing: Standing::HasLink(text()),
        key: text(),
        is_enabled: true,
    };
    let fault = Some(Fault::Told(HOSTILE));
    let me = MeView {
        fault,
        name: HOSTILE,
        rights: &[text()],
        customers: Some(&[text()]),
        sessions: &[session],
        has_password: true,
    };
    let people = PeopleView { fault, link: Some((HOSTILE, HOSTILE)), people: &[person] };
    vec![
        sign_in_page(SignIn { fault, name: HOSTILE, next: HOSTILE }, language).into_string(),
        password_page(fault, HOSTILE, language).into_string(),
        me_page(&me, language).into_string(),
        people_page(&people, language).into_string(),
    ]
}

#[test]
fn nothing_that_was_typed_becomes_markup() {
    for page in all(Language::English) {
        assert!(!page.contains("<script>") && !page.contains("\"'"), "{page}");
        assert!(page.contains("&lt;script&gt;"), "{page}");
    }
}

#[test]
fn every_form_posts_every_field_has_a_label_and_nothing_is_inline() {
    for page in Language::ALL.into_iter().flat_map(all) {
        assert_eq!(page.matches("<form").count(), page.matches("method=\"post\"").count(), "{page}");
        for input in page.split('<').filter(|tag| tag.starts_with("input") || tag.starts_with("textarea")) {
            if !input.contains("type=\"hidden\"") {
                let id = input.split("id=\"").nth(1).unwrap().split('"').next().unwrap();
                assert!(page.contains(&format!("for=\"{id}\"")), "{id}");
            }
        }
        for inline in ["<style", "style=", " on"] {
            let tags: Vec<&str> = page.split('<').map(|tag| tag.split('>').next().unwrap()).collect();
            assert!(!tags.iter().any(|tag| tag.contains(inline)), "{inline}");
        }
        assert_eq!(page.matches("<h1>").count(), 1);
    }
}

#[test]
fn what_was_refused_is_told_in_the_readers_language_beside_the_fields() {
    let page =
        |fault, language| sign_in_page(SignIn { fault, name: "ada", next: "" }, language).into_string();
    let german = page(Some(Fault::SignIn), Language::German);
    assert!(german.contains("role=\"alert\">Name oder Passwort ist falsch."), "{german}");
    assert!(german.contains("aria-describedby=\"fault\"") && german.contains("id=\"fault\""), "{german}");
    assert!(!page(None, Language::German).contains("fault"));
    let told = page(Some(Fault::Told("in English")), Language::French);
    assert!(told.contains("<span lang=\"en\">in English</span>"), "{told}");
}

#[test]
fn a_person_without_a_password_or_a_session_sees_why() {
    let view =
        MeView { fault: None, name: "ada", rights: &[], customers: None, sessions: &[], has_password: false };
    let page = me_page(&view, Language::English).into_string();
    assert!(page.contains("the proxy") && page.contains("You have no password.") && !page.contains("<form"));
}
