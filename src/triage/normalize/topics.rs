//! What a sentence is about that programs and lawyers put round mails: which of the roots of `phrases.toml` it holds.
//!
//! Must never judge by one root alone: people write about deleted, confidential and printed mails too.

use std::cell::OnceCell;

use super::facts::digits;
use super::words::{Topic, WORDS, bare};

/// Words and characters at a sentence's start that name what it is about.
const HEAD_WORDS: usize = 8;
const HEAD_CHARS: usize = 64;
/// Words among which "this" is.
const THIS_WORDS: usize = 3;
/// A sentence on privacy is at least so long, in bytes.
const LONG: usize = 60;
/// A note on printing is at most so long.
const PRINT_NOTE: usize = 260;
/// What legal notes speak of.
const TONE: [Topic; 10] =
    [Secret, Recipient, Mistake, Delete, Notify, Forbidden, Privacy, Liable, Virus, Nature];
/// Topics of a note without a sender's name above it, at least; of one that has a set phrase and is its own paragraph.
const STRONG: usize = 3;
const STRONG_PHRASED: usize = 2;
/// Digits of an entry in a register that stands alone, at least.
const REGISTER_DIGITS: usize = 5;
/// Words before the colon of a note on printing, at most.
const LABEL_WORDS: usize = 4;
/// Signs of the program that looked for viruses.
const PRODUCTS: [&str; 7] = ["www.", "http", "avast", "avg", "mailscanner", " security ", "symantec"];
/// Words that name a message from outside, at most.
const OUTSIDE_WORDS: usize = 10;
/// Topics of a sentence that asks for something and still goes on with a note, at least.
const ASKING: usize = 2;

use Topic::*;

/// The topics of a sentence.
#[derive(Debug, Clone, Copy, Default)]
struct Topics(u32);

impl Topics {
    /// Of a text as [`bare`] leaves it.
    fn of(bare: &str) -> Self {
        WORDS.legal.of(bare).fold(Self::default(), |all, (topic, _)| all.and(topic))
    }

    fn and(self, topic: Topic) -> Self {
        Self(self.0 | 1 << topic as u32)
    }

    fn has(self, topic: Topic) -> bool {
        self.0 & (1 << topic as u32) != 0
    }

    fn any(self, topics: &[Topic]) -> bool {
        topics.iter().any(|&topic| self.has(topic))
    }

    fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// How many of those that legal notes speak of.
    fn tone(self) -> usize {
        TONE.iter().filter(|&&topic| self.has(topic)).count()
    }
}

/// What the sentences of one note say together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Evidence {
    said: Topics,
    /// Whether one names itself as a message.
    names: bool,
    /// Whether one speaks of whom it reached by mistake.
    supposes: bool,
    /// Whether one tells of what happened, or asks somebody.
    reports: bool,
    /// Whether one is on printing, or an entry in a register.
    is_footer: bool,
    /// Whether one names the program that looked for viruses.
    is_product: bool,
    /// Whether "Confidentiality notice:" or the like stands before one.
    is_labelled: bool,
}

impl Evidence {
    /// Of a note that a site has told us of.
    pub(super) fn told() -> Self {
        Self { is_footer: true, ..Self::default() }
    }

    /// What these and those say.
    pub(super) fn with(self, other: Self) -> Self {
        Self {
            said: self.said.with(other.said),
            names: self.names || other.names,
            supposes: self.supposes || other.supposes,
            reports: self.reports || other.reports,
            is_footer: self.is_footer || other.is_footer,
            is_product: self.is_product || other.is_product,
            is_labelled: self.is_labelled || other.is_labelled,
        }
    }

    /// Whether this is a note although no sender's name stands above it. `apart`: as a paragraph of its own.
    pub(super) fn is_strong(self, apart: bool) -> bool {
        let phrased = self.said.has(Formula) && (apart || self.supposes);
        let aimed = self.said.any(&[Recipient, Forbidden, Privacy, Liable]);
        let least = if phrased && apart && self.names && aimed { STRONG_PHRASED } else { STRONG };
        let legal = (self.names || (self.supposes && phrased)) && self.said.tone() >= least;
        let scanned = self.is_product && self.said.any(&[Virus, Scanned]);
        let labelled = self.is_labelled && self.names && phrased && self.said.has(Secret);
        !self.reports && (self.is_footer || scanned || legal || labelled)
    }

    /// Whether one tells of what happened, or asks somebody.
    pub(super) fn reports(self) -> bool {
        self.reports
    }

    /// Whether this is one although the sender's words go on below it.
    pub(super) fn is_complete(self) -> bool {
        self.names && self.supposes && self.said.has(Secret) && self.said.has(Formula) && self.is_strong(true)
    }
}

/// A folded sentence of whose topics those of its start are known.
pub(super) struct Read<'a> {
    folded: &'a str,
    head: Topics,
    /// Whether it starts with "this", and with "if you".
    is_this: bool,
    is_if: bool,
    all: OnceCell<Topics>,
}

/// Reads the start of a folded sentence.
pub(super) fn read(folded: &str) -> Read<'_> {
    let start = folded.char_indices().nth(HEAD_CHARS).map_or(folded, |(at, _)| &folded[..at]);
    let start = padded(start);
    let words = |count: usize| start.match_indices(' ').nth(count).map_or(start.len(), |(at, _)| at + 1);
    let this = words(THIS_WORDS);
    let (mut head, mut is_this, mut is_if) = (Topics::default(), false, false);
    for (topic, end) in WORDS.legal.of(&start[..words(HEAD_WORDS)]) {
        head = head.and(topic);
        is_this |= topic == This && end <= this;
        is_if |= topic == IfYou && end <= this;
    }
    Read { folded, head, is_this, is_if, all: OnceCell::new() }
}

fn padded(text: &str) -> String {
    let mut padded = bare(text);
    if !padded.starts_with(' ') {
        padded.insert(0, ' ');
    }
    if padded.len() == 1 || !padded.ends_with(' ') {
        padded.push(' ');
    }
    padded
}

impl Read<'_> {
    /// The topics of the whole.
    fn all(&self) -> Topics {
        *self.all.get_or_init(|| Topics::of(&padded(self.folded)))
    }

    /// Whether the sentence starts as a note does: "This message", "If you".
    pub(super) fn opens(&self) -> bool {
        self.names_message() || self.head.any(&[IfYou, Privacy, Virus, Print, Outside])
    }

    fn names_message(&self) -> bool {
        self.is_this && self.head.has(Message)
    }

    /// Whether somebody speaks of himself, or asks.
    pub(super) fn is_personal(&self) -> bool {
        self.speaks(self.all())
    }

    fn speaks(&self, all: Topics) -> bool {
        all.has(Own) || self.folded.contains(['?', '？', '؟'])
    }

    /// Whether this is a legal note wherever it stands: it names itself as a message, or whom it reached by mistake, and says what
    /// that means.
    pub(super) fn is_note(&self) -> bool {
        if !self.names_message() && !self.head.any(&[IfYou, Think, Print, Nature]) {
            return false;
        }
        let all = self.all();
        let returned = all.has(Mistake) && all.any(&[Delete, Notify]);
        let says = (all.has(Secret) && all.any(&[Recipient, Forbidden, Delete, Mistake, Liable, Privacy]))
            || (all.has(Forbidden) && all.any(&[Recipient, Delete, Mistake]))
            || (all.has(Virus) && all.has(Scanned))
            || (all.has(Privacy) && all.any(&[Recipient, Delete, Forbidden]))
            || (returned && all.has(Delete));
        let mistaken = self.head.has(IfYou) && returned && all.any(&[Message, Recipient]);
        let printing = all.has(Think) && self.is_on_printing(all);
        let asks = self.names_message() && self.is_on_printing(all) && !all.has(Own);
        asks || (!self.speaks(all) && ((self.names_message() && says) || mistaken || printing))
    }

    /// Whether it starts as a legal note, of which the sentences after it may tell the rest.
    pub(super) fn starts_note(&self) -> bool {
        self.names_message() || self.head.has(IfYou)
    }

    /// Whether this is one below the sender's name, where less is enough.
    pub(super) fn is_small_print(&self) -> bool {
        let all = self.all();
        let says = (all.has(Secret) && all.any(&[Message, Recipient, Forbidden, Delete]))
            || (all.has(Privacy) && (all.any(&[Message, Liable]) || self.folded.len() >= LONG))
            || (all.has(Forbidden) && all.has(Message) && all.any(&[Recipient, Delete, Notify, Mistake]))
            || (all.has(Mistake) && all.has(Delete) && all.any(&[Message, Recipient, Notify]))
            || (all.has(Liable) && all.has(Message) && all.any(&[Recipient, Virus, Forbidden]))
            || (all.has(Liable) && all.has(Message) && self.starts_note())
            || (all.has(Virus) && all.any(&[Scanned, Liable]));
        let reports = self.speaks(all) || self.tells(all);
        (!reports && (says || self.is_on_printing(all))) || self.asks_whether_to_print(all)
    }

    /// Whether it speaks of what is secret, and nobody of himself or of what happened.
    pub(super) fn is_secret(&self) -> bool {
        let all = self.all();
        all.has(Secret) && !self.speaks(all) && !self.tells(all)
    }

    /// Whether it says so of itself as a message.
    pub(super) fn is_secret_message(&self) -> bool {
        self.names_message() && self.is_secret()
    }

    /// Whether one person speaks of itself.
    pub(super) fn speaks_first(&self) -> bool {
        self.all().has(Own)
    }

    /// Whether it says what to do with a mail that came by mistake.
    pub(super) fn returns(&self) -> bool {
        let all = self.all();
        !self.speaks(all) && all.has(Mistake) && all.any(&[Delete, Notify])
    }

    /// Whether it goes on in that tone; a sentence that asks for something does so with several topics.
    pub(super) fn goes_on(&self) -> bool {
        let all = self.all();
        let least = if all.has(Plea) { ASKING } else { 1 };
        !self.speaks(all) && all.tone() >= least
    }

    /// Whether somebody asks for something, or speaks of himself.
    pub(super) fn asks(&self) -> bool {
        let all = self.all();
        self.speaks(all) || all.has(Plea)
    }

    /// Whether it may announce a note, or speak of one.
    pub(super) fn announces(&self) -> bool {
        self.all().has(Talk)
    }

    /// What this sentence of a banner says.
    pub(super) fn warning(&self) -> Evidence {
        Evidence { reports: self.is_personal(), ..Evidence::default() }
    }

    /// What this sentence of a note says.
    pub(super) fn evidence(&self, is_labelled: bool) -> Evidence {
        let all = self.all();
        let is_product = PRODUCTS.iter().any(|sign| self.folded.contains(sign));
        let opens_register = WORDS.registers.after_start(self.folded).is_some();
        let is_register = opens_register && self.is_register();
        let prints = self.is_on_printing(all) && all.has(Think) && !self.quotes();
        Evidence {
            said: all,
            names: self.names_message() || (self.is_this && all.has(Message)),
            supposes: self.head.has(IfYou),
            reports: self.tells(all)
                || self.speaks(all)
                || WORDS.doubts.within(self.folded)
                || opens_register != is_register,
            is_footer: is_register || prints,
            is_product,
            is_labelled,
        }
    }

    /// Whether it tells of what happened.
    fn tells(&self, all: Topics) -> bool {
        all.has(Event) && (self.is_this || !self.is_if)
    }

    /// Whether it repeats what something says: not "Save trees: think before you print".
    fn quotes(&self) -> bool {
        let spoken = |(label, _): (&str, &str)| label.split_whitespace().count() > LABEL_WORDS;
        self.folded.contains('"') || self.folded.split_once(':').is_some_and(spoken)
    }

    /// Whether entries in registers stand here, and nobody asks for something.
    fn is_register(&self) -> bool {
        let parts = self.folded.split([',', '|', ';', '·']).map(str::trim);
        let entries = parts.filter(|part| WORDS.registers.after_start(part).is_some()).count();
        let requests = || WORDS.request_words.within(&format!(" {} ", self.folded));
        (entries > 1 || digits(self.folded) >= REGISTER_DIGITS) && !self.asks() && !requests()
    }

    /// "Do you have to print this mail?"
    fn asks_whether_to_print(&self, all: Topics) -> bool {
        self.names_message() && all.has(Print) && !all.has(Own) && self.folded.ends_with('?')
    }

    fn is_on_printing(&self, all: Topics) -> bool {
        all.has(Print) && all.has(Nature) && self.folded.chars().count() <= PRINT_NOTE
    }

    /// Whether a mail server says that the message came from outside.
    pub(super) fn is_banner(&self) -> bool {
        if (!self.names_message() && !self.head.has(Outside)) || self.folded.contains('"') {
            return false;
        }
        let all = self.all();
        let warns = self.warns();
        let outside = all.has(Outside) && (all.has(Organisation) || (warns && self.head.has(Message)));
        !self.speaks(all) && outside && (self.names_message() || warns)
    }

    /// Whether it names a message or a sender from outside, and no more than a warning after it makes a banner.
    pub(super) fn is_outside(&self) -> bool {
        self.head.has(Outside) && self.head.any(&[Message, Organisation]) && self.says_little()
    }

    /// Whether it does so in few words, as after "CAUTION:".
    pub(super) fn is_labelled_outside(&self) -> bool {
        self.head.has(Outside) && self.all().has(Organisation) && self.says_little()
    }

    fn says_little(&self) -> bool {
        let all = self.all();
        let asks = || WORDS.request_words.within(&format!(" {} ", self.folded));
        self.folded.split_whitespace().count() <= OUTSIDE_WORDS
            && !self.folded.contains('"')
            && !all.has(Event)
            && !self.asks()
            && !asks()
    }

    /// Whether it asks for care.
    pub(super) fn is_careful(&self) -> bool {
        let all = self.all();
        !self.speaks(all) && all.has(Care)
    }

    /// Whether it warns of links and attachments, as the sentence after that does.
    pub(super) fn warns(&self) -> bool {
        let all = self.all();
        !self.speaks(all) && all.has(Links) && all.has(Care)
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines::fold;
    use super::*;

    #[test]
    fn notes_are_told_from_reports_in_many_languages() {
        for note in [
            "Detta mejl kan innehålla sekretessbelagd information och är endast avsett för mottagaren.",
            "Hvis du har mottatt denne meldingen ved en feil, må du slette den.",
            "Obsah tohoto e-mailu a jeho příloh je důvěrný a určený jen adresátovi.",
            "Esta mensagem pode conter informações confidenciais e destina-se apenas ao seu destinatário.",
            "تحتوي هذه الرسالة ومرفقاتها على معلومات سرية موجهة إلى المرسل إليه فقط.",
            "यह ईमेल गोपनीय है और केवल प्राप्तकर्ता के लिए है।",
            "本メールには秘密情報が含まれており、宛先以外の方による無断転載を禁じます。",
            "이 메일은 지정된 수신자만을 위한 것으로 기밀 정보를 포함할 수 있습니다.",
            "מסר זה מיועד לנמען בלבד ועשוי להכיל מידע חסוי.",
            "Le présent courriel est confidentiel et destiné à son seul destinataire.",
        ] {
            assert!(read(&fold(note)).is_note(), "{note}");
        }
        for report in [
            "I deleted a confidential mail by mistake, it went to the wrong recipient.",
            "Das Druckerpapier ist leer, bevor man druckt.",
            "Ошибка: сообщение не доставлено получателю.",
            "This message appears when the virus scanner starts.",
            "Die Testumgebung druckt nicht.",
            "Delete the old recipient from the list.",
        ] {
            let folded = fold(report);
            let read = read(&folded);
            assert!(!read.is_note() && !read.is_small_print() && !read.is_banner(), "{report}");
        }
    }
}
