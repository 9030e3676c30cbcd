//! Puts an event into words as it reaches the desk: a mail, a portal form, a technician's phone note, an alert.
//!
//! The text never names the kind, and no wording is reserved to one label: see the shared pools.

mod mail;
mod typos;
mod words;

use crate::arrivals::Shape;
use crate::dice::{Dice, Stream};
use crate::facts::Fact;
use crate::history::Scene;
use crate::world::Persona;
use words::Words;

pub(crate) use words::{capital, sentence};

/// The text of a ticket as received.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) subject: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) source: &'static str,
}

/// Ways in for people, with their shares.
const CHANNELS: [f64; 3] = [0.63, 0.19, 0.18];

/// Writes the ticket's first message. `dress` gives the form; the wording has the event's own stream.
pub(crate) fn write(scene: &Scene<'_>, dress: &mut Dice) -> Letter {
    let mut wording = Dice::new(scene.plan.seed, Stream::Words, scene.event.words);
    if scene.alert() {
        let pick =
            |list: &[crate::phrase::Phrase], dice: &mut Dice| dice.pick(list).render(&scene.facts, dice);
        let subject = Some(pick(&scene.kind.subject, &mut wording));
        return Letter { subject, body: Some(pick(&scene.kind.say, &mut wording)), source: "monitoring" };
    }
    let words = Words::choose(scene, &mut wording);
    let echo = scene.event.shape == Shape::Echo;
    // Nobody's first mail is a form, but those who follow up write a mail.
    match if echo { 0 } else { dress.weighted(&CHANNELS) } {
        0 => mail::write(scene, words, dress),
        1 => portal(scene, words, dress),
        _ => phone(scene, &words, dress),
    }
}

/// A form of the customer portal. People choose its category in passing.
fn portal(scene: &Scene<'_>, words: Words, dice: &mut Dice) -> Letter {
    let affects = match scene.handling.severity {
        0 | 1 if dice.chance(0.6) => *dice.pick(&["My team", "Everyone"]),
        _ if dice.chance(0.08) => "Everyone",
        _ => "Just me",
    };
    let category = portal_category(scene, dice);
    let text = typos::make(&words.sentences.join(" "), scene.contact.typos, dice);
    let mut form = format!("Name: {}\n", scene.contact.name());
    if dice.chance(0.6) {
        form += &format!("Category: {category}\n");
    }
    if dice.chance(0.5) {
        form += &format!("Device: {}\n", scene.facts.get(Fact::Device));
    }
    if dice.chance(0.5) {
        form += &format!("Affects: {affects}\n");
    }
    form += &format!("Description: {text}");
    Letter { subject: Some(words.subject), body: Some(form), source: "portal" }
}

fn portal_category<'a>(scene: &'a Scene<'_>, dice: &mut Dice) -> &'a str {
    let categories = &scene.plan.catalog.dress.portal_categories;
    let place = &scene.plan.catalog.places[scene.kind.at];
    let fitting = match (place.board.as_str(), place.kind.as_str()) {
        (_, "Printing & Scanning") => "Printer",
        (_, "Email" | "Teams & Meetings") => "Email",
        (_, "Accounts & Access" | "Identity & MFA") | ("User Lifecycle", _) => "Access",
        (_, "Software" | "Business Applications" | "Licensing") => "Software",
        ("Network & Security", _) => "Network",
        ("Voice", _) => "Phone",
        ("Service Desk", _) => "Computer",
        _ => "Other",
    };
    if dice.chance(0.65) { fitting } else { dice.pick(categories).as_str() }
}

/// What a technician typed while somebody was on the phone.
fn phone(scene: &Scene<'_>, words: &Words, dice: &mut Dice) -> Letter {
    let contact = scene.contact;
    let keep = if contact.persona == Persona::Chatty { 2 } else { 1 + dice.below(2) };
    let said: Vec<&str> = words.sentences.iter().map(String::as_str).filter(|s| s.len() > 12).collect();
    let said =
        if said.is_empty() { words.sentences.join(" ") } else { said[..keep.min(said.len())].join(" ") };
    let who = dice.pick(&["{} called", "{} on the phone", "Call from {}", "vm from {}", "{} rang"]);
    let who = who.replace("{}", &if dice.chance(0.5) { contact.name() } else { contact.first.clone() });
    let said = shorthand(&said, dice);
    let body = match dice.below(4) {
        0 => format!("{who}: {said} cb {}", contact.phone),
        1 => format!("{who}. {said} Tel {} ext {}", contact.phone, contact.extension),
        2 => format!("{who} - {said}"),
        _ => format!("{who}, {said} Not checked yet."),
    };
    let subject = if dice.chance(0.35) { format!("Call: {}", contact.name()) } else { words.subject.clone() };
    Letter { subject: Some(subject), body: Some(body), source: "phone" }
}

fn shorthand(said: &str, dice: &mut Dice) -> String {
    let mut out = said.replace("I am ", "is ").replace("I have ", "has ").replace("my ", "the ");
    if dice.chance(0.5) {
        out = out.replace(" with ", " w/ ").replace("please", "pls").replace("computer", "pc");
    }
    if dice.chance(0.6) { out.to_lowercase() } else { out }
}
