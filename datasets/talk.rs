//! What follows the first message: the technician's answers, the customer's, internal notes, and the
//! resolution. One kind's resolutions resemble each other, so that a desk can learn from them.

use firstline_ticket::Message;

use crate::arrivals::Shape;
use crate::dice::{Dice, Stream};
use crate::history::{Scene, timestamp};
use crate::phrase::Phrase;
use crate::text::{capital, sentence};

/// Name of the invented service provider in its signatures.
const DESK: &str = "Bluefinch IT Service Desk";

/// What the desk's machine sends at once, by the contact's language, where the settings say so.
const ACKNOWLEDGEMENTS: [(&str, &str); 3] = [
    (
        "en",
        "Thank you for contacting {desk}. Your request has been received, and ticket {number} has been created. A member of our team \
         will be in touch with you shortly.",
    ),
    (
        "de",
        "Vielen Dank für Ihre Anfrage. Sie ist unter der Nummer {number} bei uns eingegangen. Ein Mitarbeiter wird sich in Kürze bei \
         Ihnen melden.",
    ),
    (
        "fr",
        "Nous avons bien reçu votre demande, enregistrée sous le numéro {number}. Un membre de notre équipe vous contactera dans les \
         plus brefs délais.",
    ),
];

const NOTES: [&str; 7] = [
    "Called {}, no answer, left a voicemail.",
    "Remote session with {}, see resolution.",
    "Waiting for {} to confirm.",
    "Checked event log, nothing obvious.",
    "Asked a colleague for a second look.",
    "Same symptom seen last month, see history.",
    "{} is out until tomorrow.",
];

/// The machine's acknowledgement of a ticket, with its number `index`, where there is one.
pub(crate) fn acknowledgement(scene: &Scene<'_>, index: usize) -> Option<Message> {
    let mut dice = Dice::new(scene.plan.seed, Stream::Acknowledgement, index as u64);
    if scene.alert() || !dice.chance(scene.plan.settings.desk.acknowledged) {
        return None;
    }
    let known = ACKNOWLEDGEMENTS.iter().find(|(language, _)| *language == scene.contact.language);
    let (_, text) = known.unwrap_or(&ACKNOWLEDGEMENTS[0]);
    let text = text.replace("{number}", &format!("{:06}", 100_000 + index)).replace("{desk}", DESK);
    let at = scene.event.at + dice.between(2, 45);
    let (from, visible) = ("technician".to_owned(), Some(true));
    Some(Message { at: Some(timestamp(at)), from, text, visible, ..Message::default() })
}

/// The conversation up to `end`, the end of the history, and the resolution if there is one by then.
pub(crate) fn write(scene: &Scene<'_>, end: i64, dice: &mut Dice) -> (Vec<Message>, Option<String>) {
    let fix = dice.pick(&scene.kind.fix).render(&scene.facts, dice);
    let mut talk = Talk { scene, messages: Vec::new() };
    if scene.alert() {
        talk.machine(dice);
    } else {
        talk.people(&fix, dice);
    }
    let mut messages = talk.messages;
    messages.sort_by_key(|m| m.at);
    messages.retain(|m| m.at.is_some_and(|at| at.as_second() < end));
    let resolution = (scene.handling.resolved_at < end).then(|| resolution(scene, &fix, dice));
    (messages, resolution)
}

fn resolution(scene: &Scene<'_>, fix: &str, dice: &mut Dice) -> String {
    if scene.event.shape == Shape::Storm && dice.chance(0.7) {
        return "Part of an alert storm, worked on in the first ticket. Closed.".into();
    }
    let fix = sentence(fix);
    // Every technician has a way of closing.
    match scene.handling.technician % 5 {
        0 => format!("Resolved: {fix}"),
        1 if !scene.alert() => format!("{fix} {} confirmed.", scene.contact.first),
        2 => format!("{fix} {} min.", 5 * dice.between(1, 9)),
        3 => fix.to_lowercase(),
        _ => fix,
    }
}

struct Talk<'a, 'b> {
    scene: &'a Scene<'b>,
    messages: Vec<Message>,
}

impl Talk<'_, '_> {
    fn say(&mut self, at: i64, from: &str, text: String, visible: bool) {
        let (at, from, visible) = (Some(timestamp(at)), from.to_owned(), Some(visible));
        self.messages.push(Message { at, from, text, visible, ..Message::default() });
    }

    fn voice(&self, name: &str, dice: &mut Dice) -> String {
        let list: &[Phrase] = self.scene.plan.catalog.voice(&self.scene.contact.language, name);
        if list.is_empty() { String::new() } else { dice.pick(list).render(&self.scene.facts, dice) }
    }

    fn machine(&mut self, dice: &mut Dice) {
        let h = self.scene.handling;
        if self.scene.event.shape != Shape::Storm && dice.chance(0.4) {
            let note = dice.pick(&["Looking at it.", "Seen, checking the device.", "Known, watching it."]);
            self.say(h.responded_at, "technician", (*note).to_owned(), false);
        }
    }

    fn people(&mut self, fix: &str, dice: &mut Dice) {
        let h = self.scene.handling;
        let span = (h.resolved_at - h.responded_at).max(1);
        let at = |share: f64| h.responded_at + (span as f64 * share) as i64;
        let first = self.first_answer(dice);
        self.say(h.responded_at, "technician", first, true);
        if dice.chance(0.45) {
            let answer = self.voice("answer", dice);
            self.say(at(0.3), "customer", answer, true);
        }
        if dice.chance(0.25) {
            let note = dice.pick(&NOTES).replace("{}", &self.scene.contact.first);
            self.say(at(0.5), "technician", note, false);
        }
        if h.escalated {
            let note = "Escalated to the next tier with what was tried so far.";
            self.say(at(0.55), "technician", note.to_owned(), false);
        }
        if h.reopened {
            let closing = self.closing(fix, dice);
            self.say(at(0.6), "technician", closing, true);
            let again = self.voice("reopen", dice);
            self.say(at(0.8), "customer", again, true);
        }
        if dice.chance(0.7) {
            let closing = self.closing(fix, dice);
            self.say(h.resolved_at, "technician", closing, true);
        }
        if dice.chance(0.3) {
            let thanks = self.voice("thanks", dice);
            self.say(h.resolved_at + dice.between(60, 7200), "customer", thanks, true);
        }
    }

    fn first_answer(&self, dice: &mut Dice) -> String {
        let mut text = self.voice("ack", dice);
        let kind = self.scene.kind;
        let english = self.scene.contact.language == "en";
        let say = if english && !kind.canned.is_empty() && dice.chance(self.scene.plan.settings.desk.canned) {
            Some(&kind.canned)
        } else {
            (english && !kind.ask.is_empty() && dice.chance(0.65)).then_some(&kind.ask)
        };
        if let Some(say) = say {
            text = format!("{text} {}", capital(&dice.pick(say).render(&self.scene.facts, dice)));
        }
        self.letter(&text)
    }

    fn closing(&self, fix: &str, dice: &mut Dice) -> String {
        let (done, signoff) = (self.voice("done", dice), self.voice("signoff", dice));
        let text = if self.scene.contact.language == "en" && dice.chance(0.75) {
            format!("{done}: I {fix}. {signoff}")
        } else {
            format!("{done}. {signoff}")
        };
        self.letter(&text)
    }

    fn letter(&self, text: &str) -> String {
        let hello = match self.scene.contact.language.as_str() {
            "de" => "Hallo",
            "fr" => "Bonjour",
            _ => "Hi",
        };
        let name = &self.scene.plan.catalog.staff[self.scene.handling.technician].name;
        let tech = name.split(' ').next().unwrap_or(name);
        format!("{hello} {},\n\n{text}\n\n{tech}\n{DESK}", self.scene.contact.first)
    }
}
