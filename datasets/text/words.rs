//! The words of a request before any form: subject and sentences, coloured by the way its author writes.

use crate::dice::Dice;
use crate::history::Scene;
use crate::phrase::Phrase;
use crate::world::Persona;

/// Subject and sentences.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) subject: String,
    pub(crate) sentences: Vec<String>,
}

/// Where the main sentence came from, which decides how telling the subject is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Own,
    Shared,
    Vague,
    Foreign,
}

impl Words {
    pub(crate) fn choose(scene: &Scene<'_>, dice: &mut Dice) -> Self {
        let writer = Writer { scene, english: scene.contact.language == "en" };
        let (origin, main) = writer.symptom(dice);
        let subject = writer.subject(origin, &main, dice);
        let mut sentences = writer.around(origin, &main, dice);
        writer.second_issue(&mut sentences, dice);
        if scene.contact.persona == Persona::NonNative {
            for sentence in &mut sentences {
                *sentence = non_native(sentence, dice);
            }
        }
        Self { subject, sentences }
    }
}

struct Writer<'a, 'b> {
    scene: &'a Scene<'b>,
    english: bool,
}

impl Writer<'_, '_> {
    fn render(&self, list: &[Phrase], dice: &mut Dice) -> String {
        if list.is_empty() { String::new() } else { dice.pick(list).render(&self.scene.facts, dice) }
    }

    fn voice(&self, name: &str, dice: &mut Dice) -> String {
        let list = self.scene.plan.catalog.voice(&self.scene.contact.language, name);
        self.render(list, dice)
    }

    fn symptom(&self, dice: &mut Dice) -> (Origin, String) {
        let (kind, text) = (self.scene.kind, &self.scene.plan.settings.text);
        if dice.chance(text.vague) {
            return (Origin::Vague, self.vague(dice));
        }
        if let Some(foreign) = kind.foreign.get(self.scene.contact.language.as_str()) {
            return (Origin::Foreign, self.render(foreign, dice));
        }
        if !kind.shares.is_empty() && dice.chance(text.shared_symptom) {
            return (Origin::Shared, self.shared(dice));
        }
        (Origin::Own, self.render(&kind.say, dice))
    }

    fn vague(&self, dice: &mut Dice) -> String {
        if self.english {
            self.render(&self.scene.plan.catalog.shared["vague"], dice)
        } else {
            self.voice("vague", dice)
        }
    }

    fn shared(&self, dice: &mut Dice) -> String {
        let pool = dice.pick(&self.scene.kind.shares);
        self.render(&self.scene.plan.catalog.shared[pool], dice)
    }

    fn subject(&self, origin: Origin, main: &str, dice: &mut Dice) -> String {
        let own = match origin {
            Origin::Own => 0.8,
            Origin::Shared => 0.45,
            Origin::Vague | Origin::Foreign => 0.0,
        };
        let nothing = self.scene.plan.settings.text.empty_subject;
        let mut subject = if self.scene.contact.persona == Persona::SubjectOnly {
            main.to_owned()
        } else if origin == Origin::Vague || dice.chance(nothing) {
            self.voice("subject", dice)
        } else if dice.chance(own) {
            self.render(&self.scene.kind.subject, dice)
        } else {
            first_words(main, 3 + dice.below(5))
        };
        if dice.chance(0.7) {
            subject = capital(&subject);
        }
        if self.scene.contact.persona == Persona::Angry && dice.chance(0.4) {
            subject = if dice.chance(0.5) { subject.to_uppercase() } else { subject + "!!!" };
        }
        subject
    }

    /// The main sentence among what its author puts around it.
    fn around(&self, origin: Origin, main: &str, dice: &mut Dice) -> Vec<String> {
        let persona = self.scene.contact.persona;
        let main = sentence(main);
        if matches!(persona, Persona::Terse | Persona::SubjectOnly) {
            let main = if dice.chance(0.4) { main.to_lowercase() } else { main };
            return std::iter::once(main)
                .chain(self.urgency(dice).filter(|_| persona == Persona::Terse))
                .collect();
        }
        let chatty = persona == Persona::Chatty;
        let mut out = Vec::new();
        if dice.chance(if chatty { 0.8 } else { 0.15 }) {
            out.push(self.voice("opener", dice));
        }
        out.push(main);
        if origin != Origin::Vague && self.english {
            if dice.chance(0.36) {
                let another = sentence(&self.another(origin, dice));
                out.extend(Some(another).filter(|a| !out.contains(a)));
            }
            if !self.scene.kind.detail.is_empty() && dice.chance(0.33) {
                out.push(sentence(&self.render(&self.scene.kind.detail, dice)));
            }
        }
        for _ in 0..if chatty { 2 } else { 1 } {
            if dice.chance(0.5) {
                out.push(self.voice("context", dice));
            }
        }
        if chatty {
            out.push(self.voice("chat", dice));
        }
        if persona == Persona::Angry {
            out.push(self.voice("angry", dice));
        }
        out.extend(self.urgency(dice));
        out
    }

    /// A second sentence on the same matter, as ambiguous as the first.
    fn another(&self, origin: Origin, dice: &mut Dice) -> String {
        let shared = origin == Origin::Shared || dice.chance(0.25);
        if shared && !self.scene.kind.shares.is_empty() {
            self.shared(dice)
        } else {
            self.render(&self.scene.kind.say, dice)
        }
    }

    /// Words of urgency go with the severity, and with the temper.
    fn urgency(&self, dice: &mut Dice) -> Option<String> {
        let angry = self.scene.contact.persona == Persona::Angry;
        let urgent = match self.scene.handling.severity {
            0 => 0.85,
            1 => 0.75,
            _ if angry => 0.3,
            _ => 0.04,
        };
        let relaxed = if self.scene.handling.severity == 3 { 0.65 } else { 0.03 };
        if dice.chance(urgent) {
            return Some(self.voice("urgent", dice));
        }
        dice.chance(relaxed).then(|| self.voice("relaxed", dice))
    }

    fn second_issue(&self, sentences: &mut Vec<String>, dice: &mut Dice) {
        let plan = self.scene.plan;
        if !self.english || !dice.chance(plan.settings.text.second_issue) {
            return;
        }
        let other = dice.pick(&plan.catalog.kinds);
        if !other.traits.alert && !other.traits.product {
            let lead = self.voice("also", dice);
            let text = self.render(&other.say, dice);
            sentences.push(format!("{lead} {}", sentence(&text).trim_start()));
        }
    }
}

/// The first letter in upper case.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

/// A capital at the beginning and a full stop at the end.
pub(crate) fn sentence(text: &str) -> String {
    let mut out = capital(text.trim());
    if !out.ends_with(['.', '!', '?', ':']) {
        out.push('.');
    }
    out
}

fn first_words(text: &str, count: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().take(count).collect();
    words.join(" ").trim_end_matches([',', '.', ';', ':']).to_owned()
}

/// English without articles and with a few calques.
fn non_native(text: &str, dice: &mut Dice) -> String {
    let mut out = text.to_owned();
    for (from, to, p) in [
        (" the ", " ", 0.6),
        (" a ", " ", 0.5),
        ("doesn't work", "not work", 0.6),
        ("does not work", "is not function", 0.5),
        ("is not working", "not working", 0.5),
        ("I have ", "I am having ", 0.3),
        ("I need", "I am needing", 0.3),
        ("since ", "from ", 0.3),
        ("please", "please kindly", 0.3),
    ] {
        if dice.chance(p) {
            out = out.replace(from, to);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_closed_and_capital() {
        assert_eq!(sentence("élan "), "Élan.");
        assert_eq!(sentence("why?"), "Why?");
        assert_eq!(first_words("a b, c d", 2), "a b");
    }
}
