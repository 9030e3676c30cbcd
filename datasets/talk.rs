//! What follows the first message: the technician's answers, the customer's, internal notes, and the
//! resolution. One kind's resolutions resemble each other, so that a desk can learn from them.

use crate::arrivals::Shape;
use crate::calendar::{HOUR, MINUTE};
use crate::desk::{Reopening, moment};
use crate::dice::{Dice, Stream};
use crate::history::Scene;
use crate::phrase::Phrase;
use crate::text::{capital, sentence};

/// Name of the invented service provider in its signatures.
pub(crate) const DESK: &str = "Bluefinch IT Service Desk";

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

/// Who says something, and what it does to the ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The desk's machine, in the desk's name.
    Acknowledgement {
        /// Whether its mail says that nobody wrote it.
        with_header: bool,
    },
    /// The technician with this index.
    Technician(usize),
    /// The customer, whom the desk has waited for.
    Answers,
    /// The customer, who says that it is not done.
    Reopens,
    /// The customer, after the last word of the desk.
    Closes,
    /// The customer's mail program.
    OutOfOffice,
}

/// Something said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) at: i64,
    pub(crate) role: Role,
    pub(crate) text: String,
    pub(crate) visible: bool,
}

/// The machine's acknowledgement of a ticket, where there is one.
fn acknowledgement(scene: &Scene<'_>) -> Option<Said> {
    let index = scene.index;
    let mut dice = Dice::new(scene.plan.seed, Stream::Acknowledgement, index as u64);
    let desk = &scene.plan.settings.desk;
    if scene.alert() || !dice.chance(desk.acknowledged) {
        return None;
    }
    let known = ACKNOWLEDGEMENTS.iter().find(|(language, _)| *language == scene.contact.language);
    let (_, text) = known.unwrap_or(&ACKNOWLEDGEMENTS[0]);
    let text = text.replace("{number}", &format!("{:06}", 100_000 + index)).replace("{desk}", DESK);
    let at = scene.event.at + dice.between(2, 45);
    let role = Role::Acknowledgement { with_header: dice.chance(desk.acknowledged_with_header) };
    Some(Said { at, role, text, visible: true })
}

/// The conversation up to the end of the history, in order of time, and the resolution if there is one by then.
pub(crate) fn write(scene: &Scene<'_>, dice: &mut Dice) -> (Vec<Said>, Option<String>) {
    let fix = dice.pick(&scene.kind.fix).render(&scene.facts, dice);
    let mut talk = Talk { scene, said: Vec::new() };
    if scene.course.merged.is_some() {
        // What there is to say is said in the other ticket.
    } else if scene.alert() {
        talk.machine(dice);
    } else {
        talk.people(&fix, dice);
    }
    let mut said = talk.said;
    said.sort_by_key(|said| said.at);
    let first = said.first().map_or(i64::MAX, |said| said.at);
    said.splice(0..0, acknowledgement(scene).filter(|sent| sent.at < first));
    said.retain(|said| said.at < scene.end);
    let resolution = match scene.course.merged {
        Some(merge) => Some(format!("Merged into {}.", scene.plan.id(merge.into))),
        None => scene.handling.resolved(scene.end).map(|_| resolution(scene, &fix, dice)),
    };
    (said, resolution)
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
    said: Vec<Said>,
}

impl Talk<'_, '_> {
    fn say(&mut self, at: i64, role: Role, text: String) {
        self.said.push(Said { at, role, text, visible: true });
    }

    fn note(&mut self, at: i64, text: String) {
        let role = Role::Technician(self.scene.handling.technician);
        self.said.push(Said { at, role, text, visible: false });
    }

    fn voice(&self, name: &str, dice: &mut Dice) -> String {
        let list: &[Phrase] = self.scene.plan.catalog.voice(&self.scene.contact.language, name);
        if list.is_empty() { String::new() } else { dice.pick(list).render(&self.scene.facts, dice) }
    }

    fn machine(&mut self, dice: &mut Dice) {
        let h = self.scene.handling;
        if self.scene.event.shape != Shape::Storm && dice.chance(0.4) {
            let note = dice.pick(&["Looking at it.", "Seen, checking the device.", "Known, watching it."]);
            self.note(h.responded_at, (*note).to_owned());
        }
    }

    fn people(&mut self, fix: &str, dice: &mut Dice) {
        let h = self.scene.handling;
        let closer = Role::Technician(self.scene.closer());
        let first = self.first_answer(dice);
        self.say(h.responded_at, Role::Technician(h.technician), first);
        if dice.chance(0.45) {
            let answer = self.voice("answer", dice);
            self.say(h.at(moment::CUSTOMER_ANSWERS), Role::Answers, answer);
        }
        if dice.chance(0.25) {
            let note = dice.pick(&NOTES).replace("{}", &self.scene.contact.first);
            self.note(h.at(moment::NOTE), note);
        }
        if h.escalated {
            let note = "Escalated to the next tier with what was tried so far.";
            self.note(h.at(moment::ESCALATED), note.to_owned());
        }
        if let Some(reopening) = h.reopening {
            let (closed, again) = (h.at(moment::FIRST_CLOSED), h.at(moment::OPENED_AGAIN));
            let closing = self.closing(fix, dice);
            self.say(closed, closer, closing);
            if reopening == (Reopening::Relapsed { confirmed: true }) {
                let confirmed = self.voice("confirm", dice);
                self.say(closed + dice.between(MINUTE, HOUR), Role::Closes, confirmed);
            }
            let contradicts = reopening == Reopening::Contradicted;
            let back = self.voice(if contradicts { "contradict" } else { "relapse" }, dice);
            self.say(again, Role::Reopens, back);
        }
        if dice.chance(0.7) {
            let closing = self.closing(fix, dice);
            self.say(h.resolved_at, closer, closing);
        }
        self.customers_last_word(dice);
    }

    fn customers_last_word(&mut self, dice: &mut Dice) {
        let (replies, done) = (&self.scene.plan.settings.replies, self.scene.handling.resolved_at);
        let shares = [replies.confirmed, replies.thanked, replies.out_of_office];
        let silent = 1.0 - shares.iter().sum::<f64>();
        let (name, role, at) = match dice.weighted(&[shares[0], shares[1], shares[2], silent.max(0.0)]) {
            0 => ("confirm", Role::Closes, done + dice.between(MINUTE, 2 * HOUR)),
            1 => ("thanks", Role::Closes, done + dice.between(MINUTE, 2 * HOUR)),
            2 => ("out_of_office", Role::OutOfOffice, done + dice.between(5, MINUTE)),
            _ => return,
        };
        let text = self.voice(name, dice);
        self.say(at, role, text);
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
        self.letter(&text, self.scene.handling.technician)
    }

    fn closing(&self, fix: &str, dice: &mut Dice) -> String {
        let (done, signoff) = (self.voice("done", dice), self.voice("signoff", dice));
        let text = if self.scene.contact.language == "en" && dice.chance(0.75) {
            format!("{done}: I {fix}. {signoff}")
        } else {
            format!("{done}. {signoff}")
        };
        self.letter(&text, self.scene.closer())
    }

    fn letter(&self, text: &str, technician: usize) -> String {
        let hello = match self.scene.contact.language.as_str() {
            "de" => "Hallo",
            "fr" => "Bonjour",
            _ => "Hi",
        };
        let name = &self.scene.plan.catalog.staff[technician].name;
        let tech = name.split(' ').next().unwrap_or(name);
        format!("{hello} {},\n\n{text}\n\n{tech}\n{DESK}", self.scene.contact.first)
    }
}
