//! What a sentence is about that programs and lawyers put round mails: which of the roots of `phrases.toml` it holds.
//!
//! Must never judge by one root alone: people write about deleted, confidential and printed mails too.

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

use Topic::*;

/// The topics of a sentence.
#[derive(Debug, Clone, Copy, Default)]
struct Topics(u32);

impl Topics {
    /// Of a text as [`bare`] leaves it.
    fn of(bare: &str) -> Self {
        Self(WORDS.legal.of(bare).fold(0, |all, topic| all | 1 << topic as u32))
    }

    fn has(self, topic: Topic) -> bool {
        self.0 & (1 << topic as u32) != 0
    }

    fn any(self, topics: &[Topic]) -> bool {
        topics.iter().any(|&topic| self.has(topic))
    }
}

/// A folded sentence of whose topics those of its start are known.
pub(super) struct Read<'a> {
    folded: &'a str,
    head: Topics,
    /// Whether it starts with "this".
    is_this: bool,
}

/// Reads the start of a folded sentence.
pub(super) fn read(folded: &str) -> Read<'_> {
    let start = folded.char_indices().nth(HEAD_CHARS).map_or(folded, |(at, _)| &folded[..at]);
    let start = padded(start);
    let words = |count: usize| start.match_indices(' ').nth(count).map_or(start.len(), |(at, _)| at + 1);
    let first = Topics::of(&start[..words(THIS_WORDS)]);
    Read { folded, head: Topics::of(&start[..words(HEAD_WORDS)]), is_this: first.has(This) }
}

fn padded(text: &str) -> String {
    format!(" {} ", bare(text).trim())
}

impl Read<'_> {
    /// The topics of the whole.
    fn all(&self) -> Topics {
        Topics::of(&padded(self.folded))
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
        (!self.speaks(all) && (says || self.is_on_printing(all))) || self.asks_whether_to_print(all)
    }

    /// Whether it goes on in that tone.
    pub(super) fn goes_on(&self) -> bool {
        let all = self.all();
        let tone = [Secret, Recipient, Mistake, Delete, Notify, Forbidden, Privacy, Liable, Virus, Nature];
        !self.speaks(all) && all.any(&tone)
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
        if !self.names_message() && !self.head.has(Outside) {
            return false;
        }
        let all = self.all();
        let outside = all.has(Outside) && all.has(Organisation);
        !self.speaks(all) && outside && (self.names_message() || self.warns())
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
