//! Secrets by shape and by context: what tells a password, a code or a key may be shown to nobody else, however many customers
//! were told the same.
//!
//! A sentence that names a secret passes only if all of its words are known to be harmless (`secrets.toml`); one that names a
//! door, a network or the like passes unless a value stands behind "with", "is", a colon or a quotation mark. A secret is often
//! told in a sentence of its own, so what stands beside is looked at too. Must never let a sentence pass because it is unusual.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use serde::Deserialize;

use super::listed_products::is_listed;
use crate::folding::folded;
use crate::segmentation::words;

/// A sentence of so few words may be nothing but a secret.
const BARE: usize = 6;
/// Fewest letters of each part of a phrase that is written as one word.
const PART: usize = 3;
/// Fewest letters of a word that no vowel makes odd.
const ODD: usize = 5;
/// Single letters in a row that are a code.
const LETTERS: usize = 3;
const QUOTES: [char; 8] = ['"', '„', '“', '”', '«', '»', '‹', '›'];

/// How far a sentence may tell a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secret {
    /// It tells none.
    None,
    /// By itself it tells none, but what stands beside it, or what was asked, may make it one: this time it does not count.
    Beside,
    /// It may tell one.
    Told,
}

/// How far each of a reply's sentences may tell a secret; `asked` is the text of the ticket.
pub(crate) fn secrets(sentences: &[String], asked: &str) -> Vec<Secret> {
    let read: Vec<Reading> = sentences.iter().map(|s| Reading::of(s)).collect();
    let asked = Reading::of(asked);
    let secret = |(i, (sentence, reading)): (usize, (&String, &Reading))| {
        let told = has_odd_shape(sentence)
            || reading.has_code()
            || reading.secret.is_some_and(|at| !reading.is_harmless(at))
            || reading.near.is_some_and(|at| reading.tells_behind(at) || reading.is_bare());
        let before = i.checked_sub(1).and_then(|i| read.get(i));
        let beside = || before.into_iter().chain(read.get(i + 1));
        let named = beside().any(|other| other.secret.is_some());
        // What a bare value opens may stand anywhere in the reply.
        let near = || asked.secret.or(asked.near).is_some() || read.iter().any(|other| other.near.is_some());
        let answers = asked.secret.is_some() && reading.tells_behind(0);
        match (told, answers || (named && !reading.is_harmless(0)) || (reading.is_bare() && near())) {
            (true, _) => Secret::Told,
            (false, true) => Secret::Beside,
            (false, false) => Secret::None,
        }
    };
    sentences.iter().zip(&read).enumerate().map(secret).collect()
}

/// A sentence as it is looked through.
struct Reading {
    words: Vec<String>,
    /// What stands before each word.
    gaps: Vec<String>,
    /// The word behind the first one that names a secret, or a place where one is typed.
    secret: Option<usize>,
    near: Option<usize>,
}

impl Reading {
    fn of(sentence: &str) -> Self {
        // Without its accent this word would be an "and".
        let text = folded(&sentence.replace(" é ", " is ").replace(" è ", " is "));
        let (mut all, mut gaps, mut end) = (Vec::new(), Vec::new(), 0);
        for (range, word) in words(&text) {
            gaps.push(text[end..range.start].to_owned());
            end = range.end;
            all.push(word);
        }
        let harmless = harmless(&all);
        let behind = |names: fn(&Lexicon, &[String]) -> usize| {
            let counted = (0..all.len()).filter(|i| !harmless[*i]).map(|i| (i, names(&LEXICON, &all[i..])));
            counted.filter(|(_, n)| *n > 0).map(|(i, n)| i + n).next()
        };
        let secret = behind(Lexicon::names_secret);
        let near = behind(|lexicon, rest| lexicon.near.begins(rest));
        Self { words: all, gaps, secret, near }
    }

    /// Whether the sentence names a secret and tells none: all of its words are some language's ordinary ones, and nothing but
    /// a state is said of what stands before word `from`.
    fn is_harmless(&self, from: usize) -> bool {
        let quoted = (from..self.words.len()).any(|i| from > 0 && self.is_marked(i));
        !quoted
            && !self.is_set()
            && LEXICON
                .languages
                .iter()
                .any(|lists| self.are_ordinary(0, lists) && self.has_states_only(from, lists))
    }

    /// Whether something is used "as the password".
    fn is_set(&self) -> bool {
        let named = |at: usize| {
            let next = self.words[at + 1..]
                .iter()
                .position(|w| !LEXICON.languages.iter().any(|l| l.skip.contains(w)));
            next.is_some_and(|n| LEXICON.names_secret(&self.words[at + 1 + n..]) > 0)
        };
        let is_as = |at: &usize| LEXICON.languages.iter().any(|lists| lists.r#as.contains(&self.words[*at]));
        (0..self.words.len()).filter(is_as).any(named)
    }

    fn are_ordinary(&self, from: usize, lists: &Lists) -> bool {
        let known = |word: &String| lists.known.contains(word) || LEXICON.stems.is_match(word.as_str());
        lists.has_ordinary && self.words[from..].iter().all(known)
    }

    fn has_states_only(&self, from: usize, lists: &Lists) -> bool {
        (from..self.words.len()).filter(|i| lists.tells.contains(&self.words[*i])).all(|i| {
            let next = self.words[i + 1..].iter().find(|word| !lists.skip.contains(*word));
            next.is_none_or(|word| lists.states.contains(word))
        })
    }

    /// Whether a value stands behind word `from`.
    fn tells_behind(&self, from: usize) -> bool {
        if from > 0 && (0..self.words.len()).any(|i| self.is_number(i)) {
            return true;
        }
        let ordinary = |i: usize| LEXICON.languages.iter().any(|lists| self.are_ordinary(i, lists));
        (from..self.words.len()).any(|i| {
            let word = &self.words[i];
            let told = |lists: &Lists| {
                let next = self.words.get(i + 1);
                let begins = next.is_none_or(|w| lists.skip.contains(w) || lists.states.contains(w));
                (lists.tells.contains(word) && i + 1 < self.words.len() && !ordinary(i + 1))
                    || (lists.with.contains(word) && !(begins && ordinary(i + 1)))
            };
            (self.is_marked(i) && !ordinary(i)) || LEXICON.languages.iter().any(told)
        })
    }

    /// Whether a colon, a quotation mark or the like stands before word `i`.
    fn is_marked(&self, i: usize) -> bool {
        let gap = &self.gaps[i];
        i > 0
            && (gap.contains(QUOTES)
                || gap.contains([':', '=', '→', '–', '—', '>', '`'])
                || gap.contains(" - "))
            || gap.contains(" '")
    }

    /// Whether the sentence may be nothing but a value.
    fn is_bare(&self) -> bool {
        self.words.len() <= BARE && !LEXICON.languages.iter().any(|lists| self.are_ordinary(0, lists))
    }

    /// Whether word `i` is a number, and no amount of anything. "One" may stand for a thing.
    fn is_number(&self, i: usize) -> bool {
        let word = &self.words[i];
        let amount = |l: &Lists| self.words.get(i + 1).is_some_and(|unit| l.units.contains(unit));
        let named = word != "one" && LEXICON.languages.iter().any(|l| l.numbers.contains(word));
        (is_digits(word) || named) && !LEXICON.languages.iter().any(amount)
    }

    /// Whether numbers of one language, or single letters, stand in a row.
    fn has_code(&self) -> bool {
        LEXICON.languages.iter().any(|lists| self.has_numbers(lists)) || self.spells()
    }

    fn has_numbers(&self, lists: &Lists) -> bool {
        let (mut row, mut most) = (0, 0);
        for word in &self.words {
            row = match word {
                word if is_digits(word) || lists.numbers.contains(word) => row + 1,
                word if lists.joins.contains(word) => row,
                word => {
                    most = if lists.units.contains(word) { most } else { most.max(row) };
                    0
                }
            };
        }
        most.max(row) > 1
    }

    fn spells(&self) -> bool {
        let mut row = 0;
        self.words.iter().zip(&self.gaps).any(|(word, gap)| {
            row = if word.chars().count() == 1 && !gap.contains(['\'', '.']) { row + 1 } else { 0 };
            row >= LETTERS
        })
    }
}

fn is_digits(word: &str) -> bool {
    word.chars().all(char::is_numeric)
}

/// Which of these words belong to a phrase that names no secret, though one of its words does.
fn harmless(words: &[String]) -> Vec<bool> {
    let mut all = vec![false; words.len()];
    for i in 0..words.len() {
        let n = LEXICON.harmless.begins(&words[i..]);
        all[i..i + n].fill(true);
    }
    all
}

/// Whether a word of a sentence looks like a secret whatever is said of it: symbols or capitals within, no vowel, words joined
/// by dots, bars or hyphens.
fn has_odd_shape(sentence: &str) -> bool {
    let outside = |c: char| !c.is_alphanumeric();
    sentence.split_whitespace().map(|token| token.trim_matches(outside)).any(|token| {
        let symbols =
            token.contains(['!', '#', '$', '%', '^', '*', '=', '~', '|', '<', '>', '@', '\\', '_', '§', '?']);
        let long = |part: &str| part.chars().count() >= PART;
        let joined = |by: char, lower: bool| {
            let parts: Vec<&str> = token.split(by).collect();
            parts.len() > 2
                && parts.iter().all(|part| long(part))
                && (!lower || !token.contains(char::is_uppercase))
        };
        symbols
            || joined('.', false)
            || joined('-', true)
            || words(token).any(|(range, _)| is_odd(&token[range]))
    })
}

/// Whether capitals stand within a word, or no vowel.
fn is_odd(word: &str) -> bool {
    let letters: Vec<char> = word.chars().collect();
    let humped = letters.windows(2).any(|pair| pair[0].is_lowercase() && pair[1].is_uppercase());
    let plain = folded(word);
    let mute = letters.len() >= ODD
        && letters.iter().any(|c| c.is_lowercase())
        && plain.chars().all(|c| c.is_ascii_lowercase() && !"aeiouy".contains(c));
    (humped || mute) && !is_listed(&plain)
}

/// Phrases by their first word.
#[derive(Default)]
struct Phrases(HashMap<String, Vec<Vec<String>>>);

impl Phrases {
    fn add(&mut self, phrases: &[String]) {
        for phrase in phrases.iter().flat_map(|phrase| spellings(phrase)) {
            let words: Vec<String> = phrase.split_whitespace().map(str::to_owned).collect();
            self.0.entry(words[0].clone()).or_default().push(words);
        }
    }

    /// How many words of a phrase a text of these words begins with.
    fn begins(&self, words: &[String]) -> usize {
        let phrases = words.first().and_then(|first| self.0.get(first)).into_iter().flatten();
        phrases.filter(|phrase| words.starts_with(phrase)).map(Vec::len).max().unwrap_or(0)
    }
}

/// A phrase of the lists as a folded text may have it: a capital of another script may look like a Latin letter that its small
/// letter does not look like.
fn spellings(phrase: &str) -> Vec<String> {
    if phrase.is_ascii() {
        return vec![phrase.to_owned()];
    }
    let (upper, first) = (phrase.to_uppercase(), phrase.chars().next().map_or(0, char::len_utf8));
    let title = phrase[..first].to_uppercase() + &phrase[first..];
    [phrase, &title, &upper].map(folded).into()
}

/// What the sentences of one language are looked through by.
struct Lists {
    tells: HashSet<String>,
    with: HashSet<String>,
    r#as: HashSet<String>,
    skip: HashSet<String>,
    states: HashSet<String>,
    numbers: HashSet<String>,
    joins: HashSet<String>,
    units: HashSet<String>,
    /// All words that tell nothing.
    known: HashSet<String>,
    has_ordinary: bool,
}

/// What sentences are looked through by, whatever their language.
struct Lexicon {
    stems: AhoCorasick,
    secrets: Phrases,
    harmless: Phrases,
    near: Phrases,
    languages: Vec<Lists>,
}

impl Lexicon {
    /// How many words name a secret where a text of these words begins.
    fn names_secret(&self, words: &[String]) -> usize {
        let stem = words.first().is_some_and(|word| self.stems.is_match(word.as_str()));
        self.secrets.begins(words).max(usize::from(stem))
    }
}

/// The lists of a language as they are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    stems: String,
    secrets: Vec<String>,
    harmless: Vec<String>,
    near: Vec<String>,
    tells: String,
    with: String,
    r#as: String,
    #[serde(default)]
    skip: String,
    #[serde(default)]
    states: String,
    #[serde(default)]
    ordinary: String,
    numbers: String,
    joins: String,
    units: String,
}

impl From<&Written> for Lists {
    fn from(written: &Written) -> Self {
        let list = |text: &str| text.split_whitespace().flat_map(spellings).collect::<HashSet<String>>();
        let phrases = [&written.secrets, &written.harmless, &written.near];
        let named = phrases.into_iter().flatten().flat_map(|phrase| list(phrase));
        let Written { tells, with, r#as, skip, states, ordinary, .. } = written;
        Self {
            known: [tells, with, r#as, skip, states, ordinary]
                .into_iter()
                .flat_map(|l| list(l))
                .chain(named)
                .collect(),
            has_ordinary: !ordinary.is_empty(),
            tells: list(tells),
            with: list(with),
            r#as: list(r#as),
            skip: list(skip),
            states: list(states),
            numbers: list(&written.numbers),
            joins: list(&written.joins),
            units: list(&written.units),
        }
    }
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let written: BTreeMap<String, Written> = toml::from_str(include_str!("secrets.toml")).expect("tested");
    let (mut secrets, mut harmless, mut near) = (Phrases::default(), Phrases::default(), Phrases::default());
    for lists in written.values() {
        secrets.add(&lists.secrets);
        harmless.add(&lists.harmless);
        near.add(&lists.near);
    }
    let stems = written.values().flat_map(|lists| lists.stems.split_whitespace()).flat_map(spellings);
    let stems = AhoCorasick::new(stems).expect("tested");
    Lexicon { stems, secrets, harmless, near, languages: written.values().map(Lists::from).collect() }
});

#[cfg(test)]
mod tests {
    use super::*;

    fn tells(text: &str) -> bool {
        let sentences: Vec<String> = text.split('|').map(|s| s.trim().to_owned()).collect();
        secrets(&sentences, "The screen stays dark since this morning").iter().any(|s| *s != Secret::None)
    }

    #[test]
    fn secrets_are_found_by_what_is_said_around_them_in_every_language() {
        let all = [
            "Join the guest network with blue moment array.",
            "The password of the guest wifi is quiet river market.",
            "The password is password.",
            "Your password is still welcome.",
            "Use blue moment as the password.",
            "Use window as the new password.",
            "Nehmen Sie Fenster als Kennwort.",
            "Guest wifi, blue moment array.",
            "On the guest wifi use blue moment array and you are done.",
            "Use the password blue moment.",
            "Password - computer",
            "Set your password to computer.",
            "The wifi: blue moment",
            "For the wifi take \"blue moment\".",
            "The alarm code is one nine eight four.",
            "The alarm is blue moment.",
            "Enter 12 at the gate.",
            "The panel of the server room opens with 12, then 34, then 56.",
            "The combination of the safe is the early forest.",
            "The door opens with twelve.",
            "Sign in with summer garden.",
            "Here is the key for the guest network. | Golden summer bridge.",
            "Blue moment array. | This is the new password.",
            "WLAN-Kennwort: | blauer Moment",
            "Das WLAN-Kennwort lautet stiller Garten.",
            "Das Kennwort für den Gast ist Sommer.",
            "Die Tür öffnet sich mit der Zahl zwölf vierunddreißig.",
            "Melden Sie sich am WLAN mit blauer Garten an.",
            "Le mot de passe du wifi est soleil levant.",
            "Connectez-vous au réseau avec soleil levant.",
            "La contraseña del wifi es luna llena.",
            "La puerta se abre con sol y mar.",
            "A senha do wifi é rio dourado.",
            "Het wachtwoord van de wifi is gouden tulp.",
            "Hasło do sieci to zielony las.",
            "La password del wifi è mare calmo.",
            "Lösenordet är blå himmel.",
            "The pаssword is blue moment.",
            "O wifi é rio dourado.",
            "The phrase for the internet is quiet river market.",
            "Your memorable word is sunshine.",
            "For internet in the office take golden summer bridge.",
            "The guest wifi is called Visitors. | Ask at the desk for a cable. | Golden summer bridge.",
            "Das Codewort ist Sommer.",
            "Пароль от сети синяя луна.",
            "Интернет: синяя луна",
            "Кодовое слово весна.",
            "Пароль до мережі синій місяць.",
            "Şifreniz mavi ay.",
            "Kapı mavi ay ile açılır.",
        ];
        let missed: Vec<&&str> = all.iter().filter(|told| !tells(told)).collect();
        assert!(missed.is_empty(), "{missed:#?}");
    }

    #[test]
    fn secrets_are_found_by_their_shape() {
        let all = [
            "Use Pa$$word for it.",
            "Please try BlueMoment there.",
            "Type warm-paper-stone when it asks.",
            "Type correct.horse.battery there.",
            "Please take xkcdvbn for it.",
            "Press one, then nine, then eight.",
            "It is twelve thirty-four.",
            "Type b l u e there.",
        ];
        let missed: Vec<&&str> = all.iter().filter(|told| !tells(told)).collect();
        assert!(missed.is_empty(), "{missed:#?}");
    }

    #[test]
    fn what_names_a_secret_and_tells_none_is_told_apart() {
        let all = [
            "Please reset your password here.",
            "We have reset your password.",
            "Never send us your password.",
            "Before we reset your password we call you back on the number in our records.",
            "Please keep your phone at hand and do not send passwords by mail.",
            "Please check that the password is typed correctly.",
            "Tell us whether anybody has opened the link or typed a password.",
            "Until then, please sign out on every other device, your phone too, since an old password stored there locks it again.",
            "The error code in it tells us which side refuses the mail.",
            "Has your password expired?",
            "Your password is expired.",
            "The password is not correct.",
            "Bitte setzen Sie Ihr Kennwort zurück.",
            "Bitte senden Sie uns nie Ihr Passwort.",
            "Ne communiquez jamais votre mot de passe.",
            "Nunca envíe su contraseña.",
            "Nunca envie a sua senha.",
            "Please restart the computer, connect to another network such as your phone's hotspot and try the VPN again.",
            "Which network name do you choose, and does a phone connect in the same place?",
            "Connect to the network with your phone.",
            "Please close Outlook, wait 10 seconds and open it again.",
            "Would a five-minute screen share today suit you?",
            "Is it plugged in through the dock or straight to the charger?",
            "This step-by-step guide is up-to-date.",
            "Please do not click anything in that mail and do not delete it.",
            "Is the network cable in the port marked with the arrow?",
            "Reply here when the sign-in screen is back or if an error code appears.",
            "We unlock your account once we have called you back on the number in our records.",
            "Which program opens when you double-click the file?",
            "What does the panel say right after you press start?",
            "Is the wifi slow, or is the network down?",
            "Could you send us an e-mail about the network?",
            "Does OneDrive show a blue cloud?",
            "Please wait twenty four hours.",
        ];
        let lost: Vec<&&str> = all.iter().filter(|fine| tells(fine)).collect();
        assert!(lost.is_empty(), "{lost:#?}");
    }

    #[test]
    fn the_question_is_looked_at_too() {
        let said = ["Blue moment array.".to_owned()];
        assert_eq!(secrets(&said, "What is the wifi password of the training room?"), [Secret::Beside]);
        assert_eq!(secrets(&said, "Which colour does the printer use?"), [Secret::None]);
    }
}
