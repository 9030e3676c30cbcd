//! What follows the first message: the technician's answers, the customer's, internal notes, and the
//! resolution. One kind's resolutions resemble each other, so that a desk can learn from them.

use firstline_ticket::Message;

use crate::arrivals::Shape;
use crate::dice::Dice;
use crate::history::{Case, timestamp};
use crate::template::Template;
use crate::text::{capital, sentence};

/// Name of the invented service provider in its signatures.
const DESK: &str = "Bluefinch IT Service Desk";

const NOTES: [&str; 7] = [
    "Called {}, no answer, left a voicemail.",
    "Remote session with {}, see resolution.",
    "Waiting for {} to confirm.",
    "Checked event log, nothing obvious.",
    "Asked a colleague for a second look.",
    "Same symptom seen last month, see history.",
    "{} is out until tomorrow.",
];

/// The conversation up to `end`, the end of the history, and the resolution if there is one by then.
pub(crate) fn write(case: &Case<'_>, end: i64, dice: &mut Dice) -> (Vec<Message>, Option<String>) {
    let fix = dice.pick(&case.kind.fix).render(&case.facts, dice);
    let mut talk = Talk { case, messages: Vec::new() };
    if case.alert() {
        talk.machine(dice);
    } else {
        talk.people(&fix, dice);
    }
    let mut messages = talk.messages;
    messages.sort_by_key(|m| m.at);
    messages.retain(|m| m.at.is_some_and(|at| at.as_second() < end));
    let resolution = (case.handling.resolved_at < end).then(|| resolution(case, &fix, dice));
    (messages, resolution)
}

fn resolution(case: &Case<'_>, fix: &str, dice: &mut Dice) -> String {
    if case.event.shape == Shape::Storm && dice.chance(0.7) {
        return "Part of an alert storm, worked on in the first ticket. Closed.".into();
    }
    let fix = sentence(fix);
    // Every technician has a way of closing.
    match case.handling.technician % 5 {
        0 => format!("Resolved: {fix}"),
        1 if !case.alert() => format!("{fix} {} confirmed.", case.contact.first),
        2 => format!("{fix} {} min.", 5 * dice.between(1, 9)),
        3 => fix.to_lowercase(),
        _ => fix,
    }
}

struct Talk<'a, 'b> {
    case: &'a Case<'b>,
    messages: Vec<Message>,
}

impl Talk<'_, '_> {
    fn say(&mut self, at: i64, from: &str, text: String, visible: bool) {
        let (at, from, visible) = (Some(timestamp(at)), from.to_owned(), Some(visible));
        self.messages.push(Message { at, from, text, visible, ..Message::default() });
    }

    fn voice(&self, name: &str, dice: &mut Dice) -> String {
        let list: &[Template] = self.case.plan.catalog.voice(&self.case.contact.language, name);
        if list.is_empty() { String::new() } else { dice.pick(list).render(&self.case.facts, dice) }
    }

    fn machine(&mut self, dice: &mut Dice) {
        let h = self.case.handling;
        if self.case.event.shape != Shape::Storm && dice.chance(0.4) {
            let note = dice.pick(&["Looking at it.", "Seen, checking the device.", "Known, watching it."]);
            self.say(h.responded_at, "technician", (*note).to_owned(), false);
        }
    }

    fn people(&mut self, fix: &str, dice: &mut Dice) {
        let h = self.case.handling;
        let span = (h.resolved_at - h.responded_at).max(1);
        let at = |share: f64| h.responded_at + (span as f64 * share) as i64;
        let first = self.first_answer(dice);
        self.say(h.responded_at, "technician", first, true);
        if dice.chance(0.45) {
            let answer = self.voice("answer", dice);
            self.say(at(0.3), "customer", answer, true);
        }
        if dice.chance(0.25) {
            let note = dice.pick(&NOTES).replace("{}", &self.case.contact.first);
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
        let kind = self.case.kind;
        let english = self.case.contact.language == "en";
        let say = if english && !kind.canned.is_empty() && dice.chance(self.case.plan.settings.desk.canned) {
            Some(&kind.canned)
        } else {
            (english && !kind.ask.is_empty() && dice.chance(0.65)).then_some(&kind.ask)
        };
        if let Some(say) = say {
            text = format!("{text} {}", capital(&dice.pick(say).render(&self.case.facts, dice)));
        }
        self.letter(&text)
    }

    fn closing(&self, fix: &str, dice: &mut Dice) -> String {
        let (done, signoff) = (self.voice("done", dice), self.voice("signoff", dice));
        let text = if self.case.contact.language == "en" && dice.chance(0.75) {
            format!("{done}: I {fix}. {signoff}")
        } else {
            format!("{done}. {signoff}")
        };
        self.letter(&text)
    }

    fn letter(&self, text: &str) -> String {
        let hello = match self.case.contact.language.as_str() {
            "de" => "Hallo",
            "fr" => "Bonjour",
            _ => "Hi",
        };
        let name = &self.case.plan.catalog.staff[self.case.handling.technician].name;
        let tech = name.split(' ').next().unwrap_or(name);
        format!("{hello} {},\n\n{text}\n\n{tech}\n{DESK}", self.case.contact.first)
    }
}
