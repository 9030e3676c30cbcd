//! A ticket's mail as `kind` reads it: subject, what the text begins with, its foot, and its sender.
//!
//! Must never look at more than a bounded part of a text.

use std::borrow::Cow;

use firstline_ticket::Ticket;

use super::words::{Phrases, WORDS, fold};
use crate::features::Input;

/// Bytes of a text that are its opening, that are looked through for what people say, and that are its foot.
const OPENING: usize = 400;
const SAID: usize = 2_000;
const FOOT: usize = 4_000;
/// Bytes of a text as it was sent that are looked at, at each end.
const SENT: usize = 64 << 10;
/// Lines in which pairs of name and value are looked for.
const LINES: usize = 40;
/// Keys under which tickets carry the sender's address.
pub(super) const SENDERS: [&str; 11] = [
    "contact_mail",
    "from",
    "from_email",
    "from_address",
    "sender",
    "sender_email",
    "contact_email",
    "requester_email",
    "reply_to",
    "email",
    "from_name",
];
/// How a ticket came in if no mail did.
const SPOKEN: [&str; 14] = [
    "phone",
    "telefon",
    "telephone",
    "teléfono",
    "telefono",
    "téléphone",
    "call",
    "portal",
    "portail",
    "chat",
    "walk",
    "in person",
    "teams",
    "sms",
];

/// A mail.
pub(super) struct Letter<'a> {
    ticket: &'a Ticket,
    /// The subject, folded, without labels in brackets before it.
    pub(super) subject: String,
    /// What stands before the subject's first colon, folded.
    head: Option<String>,
    /// The first bytes of the text, folded: as the model reads it, and as it was sent.
    pub(super) opening: String,
    /// What people say in it, folded.
    said: String,
    /// Its first bytes as they are.
    start: String,
    /// The text without tags, as it was sent, up to a bound.
    plain: String,
    body: &'a str,
}

impl<'a> Letter<'a> {
    pub(super) fn new(ticket: &'a Ticket, input: &'a Input) -> Self {
        let whole = ticket.subject.as_deref().unwrap_or_default();
        let whole = without_labels(head_of(whole, SAID));
        let subject = fold(whole);
        let head = whole.split_once([':', '：']).map(|(head, _)| fold(head)).filter(|head| head.len() <= 60);
        let plain = plain(head_of(ticket.body.as_deref().unwrap_or_default(), SENT));
        let start = head_of(&input.body, OPENING).to_owned();
        let opening = format!("{}{}", fold(&start), fold(head_of(&plain, OPENING)));
        // Where nothing is left to read, what was cut tells who wrote it.
        let read = if input.body.trim().is_empty() { plain.as_str() } else { input.body.as_str() };
        let said = fold(head_of(read, SAID));
        Self { ticket, subject, head, opening, said, start, plain, body: &input.body }
    }

    /// Whether the subject is one of `phrases`, or begins with one and a colon.
    pub(super) fn subject_is(&self, phrases: &Phrases) -> bool {
        phrases.has(&self.subject) || self.heads_with(phrases)
    }

    /// Whether the subject begins with one of `phrases` and a colon.
    pub(super) fn heads_with(&self, phrases: &Phrases) -> bool {
        // "Out of office Re: ..." answers an answer.
        let first = |head: &str| {
            let (first, last) = head.trim_end().rsplit_once(' ')?;
            WORDS.passed_on.answer.has(last).then(|| phrases.has(first))
        };
        self.head.as_deref().is_some_and(|head| phrases.has(head) || first(head) == Some(true))
    }

    /// Whether one of `phrases` stands in the part of the subject before the colon, or in all of it.
    pub(super) fn subject_has(&self, phrases: &Phrases) -> bool {
        phrases.is_in(self.head.as_deref().unwrap_or(&self.subject))
    }

    /// Whether what stands before the subject's colon holds one of `roots`.
    pub(super) fn head_holds(&self, roots: &Phrases) -> bool {
        self.head.as_deref().is_some_and(|head| roots.is_part_of(head))
    }

    pub(super) fn is_answer(&self) -> bool {
        self.subject_begins(&WORDS.passed_on.answer)
    }

    pub(super) fn is_forward(&self) -> bool {
        self.subject_begins(&WORDS.passed_on.forward)
    }

    pub(super) fn is_passed_on(&self) -> bool {
        self.is_answer() || self.is_forward()
    }

    fn subject_begins(&self, phrases: &Phrases) -> bool {
        // "Re[2]:" counts its answers.
        let head =
            self.head.as_deref().map(|head| head.trim_end_matches(|c: char| c == ' ' || c.is_ascii_digit()));
        head.is_some_and(|head| phrases.has(head))
    }

    /// Whether nothing but the subject says anything.
    pub(super) fn is_empty(&self) -> bool {
        !self.plain.contains(char::is_alphanumeric)
    }

    pub(super) fn is_short(&self) -> bool {
        self.body.len() <= 1_200
    }

    /// Whether it begins with a question.
    pub(super) fn asks(&self) -> bool {
        self.start.contains(['?', '？', '؟'])
    }

    /// Whether it begins with a request, other than to turn to somebody else.
    pub(super) fn requests(&self) -> bool {
        let sentences = self.start.split(['.', '!', '\n', '。', ';']).map(fold);
        sentences.into_iter().any(|said| WORDS.talk.please.is_in(&said) && !WORDS.talk.elsewhere.is_in(&said))
    }

    /// Whether its first line is a question.
    pub(super) fn begins_with_question(&self) -> bool {
        self.start.lines().next().is_some_and(|line| line.contains(['?', '？', '؟']))
    }

    /// Whether it has words of people who talk about such mail.
    pub(super) fn talks(&self) -> bool {
        WORDS.talk.body.is_in(&self.said)
    }

    /// Subject and text, folded.
    pub(super) fn said(&self) -> String {
        format!("{}{}", self.subject, self.said)
    }

    /// The first bytes of subject and text as they were sent, folded.
    pub(super) fn sent(&self) -> String {
        format!("{}{}", self.subject, fold(head_of(&self.plain, SAID)))
    }

    /// Whether the subject names a ticket by its number.
    pub(super) fn names_a_ticket(&self) -> bool {
        let subject = fold(head_of(self.ticket.subject.as_deref().unwrap_or_default(), OPENING));
        subject.split(' ').any(|word| word.chars().filter(char::is_ascii_digit).count() >= 2)
    }

    /// Whether subject or text names a number such as a ticket's.
    pub(super) fn names_a_number(&self) -> bool {
        let numbered = |word: &str| word.len() >= 3 && word.chars().filter(char::is_ascii_digit).count() >= 2;
        self.names_a_ticket() || self.opening.split(' ').any(numbered)
    }

    /// Whether the subject names another mail, and the beginning of the text an address.
    pub(super) fn names_an_address(&self) -> bool {
        self.head.is_some() && self.start.contains('@')
    }

    /// Lines at its beginning that pair a name with a value.
    pub(super) fn pairs(&self) -> usize {
        self.paired().count()
    }

    fn paired(&self) -> impl Iterator<Item = (&str, &str)> {
        self.plain.lines().map(str::trim).filter(|line| !line.is_empty()).take(LINES).filter_map(|line| {
            let (name, value) = line.split_once([':', '：'])?;
            let named = (1..=40).contains(&name.len())
                && name.chars().all(|c| c.is_alphabetic() || " -*".contains(c));
            (named && !value.trim().is_empty() && !value.starts_with("//")).then_some((name, value))
        })
    }

    /// Whether a pair's value is a time of day.
    pub(super) fn has_time(&self) -> bool {
        let timed = |value: &str| {
            let bytes = value.as_bytes();
            bytes
                .windows(3)
                .any(|w| w[0].is_ascii_digit() && matches!(w[1], b':' | b'.' | b'h') && w[2].is_ascii_digit())
        };
        self.paired().any(|(_, value)| timed(value))
    }

    /// Whether it is a form that a site has mailed for somebody: pairs, and an address to answer to among them.
    pub(super) fn is_form(&self) -> bool {
        self.pairs() >= 2 && self.paired().any(|(_, value)| value.contains('@'))
    }

    /// Whether it holds another mail's headers.
    pub(super) fn holds_a_mail(&self) -> bool {
        let mut run = 0;
        self.plain.lines().map(str::trim).filter(|line| !line.is_empty()).any(|line| {
            let pair = line
                .split_once([':', '：'])
                .is_some_and(|(name, value)| name.len() <= 30 && !value.trim().is_empty());
            run = if pair { run + 1 } else { 0 };
            run >= 3
        })
    }

    /// Whether it holds a report of a mail server (RFC 3464), or a reply code with the address it is about.
    pub(super) fn has_delivery_report(&self) -> bool {
        const FIELDS: [&str; 6] = [
            "reporting-mta:",
            "final-recipient:",
            "diagnostic-code:",
            "action: failed",
            "remote-mta:",
            "generating server:",
        ];
        let text = self.plain.to_ascii_lowercase();
        let fields = FIELDS.iter().filter(|field| text.contains(**field)).count();
        fields >= 2
            || text.contains('@')
                && (text.contains("said: 5") || text.contains("returned '5") || text.contains("smtp; 5"))
    }

    /// Whether it is a calendar's file: an answer or a cancellation, or a file with no words before it.
    pub(super) fn is_calendar_file(&self) -> bool {
        let Some(at) = self.plain.find("BEGIN:VCALENDAR") else { return false };
        let before = self.plain[..at].split_whitespace().count();
        let rest = &self.plain[at..];
        let answers =
            ["METHOD:REPLY", "METHOD:CANCEL", "METHOD:COUNTER"].iter().any(|method| rest.contains(method));
        before == 0 || answers && before <= 12
    }

    /// Whether no mail brought it.
    pub(super) fn is_spoken(&self) -> bool {
        let source = self.ticket.source.as_deref().unwrap_or_default().to_lowercase();
        !source.contains("mail") && SPOKEN.iter().any(|word| source.contains(word))
    }

    /// Whether a sender's name or address holds one of `phrases`.
    pub(super) fn sender_is(&self, phrases: &Phrases) -> bool {
        self.senders().any(|sender| phrases.is_in(&fold(head_of(sender, OPENING))))
    }

    /// Whether a sender's address is one that nobody reads.
    pub(super) fn has_no_reply_sender(&self) -> bool {
        let local = |sender: &str| {
            let (before, _) = sender.split_once('@')?;
            let local = before.rsplit(['<', ' ', '"', ',']).next().unwrap_or_default();
            Some(
                local
                    .chars()
                    .filter(|c| c.is_alphanumeric())
                    .flat_map(char::to_lowercase)
                    .collect::<String>(),
            )
        };
        let senders = &WORDS.notice.sender;
        self.senders().filter_map(|sender| local(head_of(sender, OPENING))).any(|local| senders.has(&local))
    }

    fn senders(&self) -> impl Iterator<Item = &str> {
        let told = SENDERS.iter().filter_map(|key| self.ticket.extra_str(key));
        self.ticket.contact.as_deref().into_iter().chain(told)
    }

    /// The names of who wrote it, folded.
    pub(super) fn names(&self) -> String {
        fold(head_of(self.ticket.contact.as_deref().unwrap_or_default(), OPENING))
    }

    /// The last lines of the text as it was sent, without tags.
    pub(super) fn foot(&self) -> Cow<'_, str> {
        let body = self.ticket.body.as_deref().unwrap_or_default();
        let start = body.ceil_char_boundary(body.len().saturating_sub(SENT));
        let text =
            if start == 0 { Cow::Borrowed(self.plain.as_str()) } else { Cow::Owned(plain(&body[start..])) };
        let cut = text.ceil_char_boundary(text.len().saturating_sub(FOOT));
        match text {
            Cow::Borrowed(text) => Cow::Borrowed(&text[cut..]),
            Cow::Owned(text) => Cow::Owned(text[cut..].to_owned()),
        }
    }

    /// The text as the model reads it.
    pub(super) fn body(&self) -> &str {
        self.body
    }

    /// The subject as it came, without labels in brackets.
    pub(super) fn subject(&self) -> &str {
        without_labels(head_of(self.ticket.subject.as_deref().unwrap_or_default(), SAID))
    }
}

fn head_of(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// A subject without the labels that gateways and desks put before it: `[External]`, `[#4711]`.
fn without_labels(subject: &str) -> &str {
    let mut rest = subject.trim();
    while let Some(inner) = rest.strip_prefix(['[', '{', '【']) {
        match inner.split_once([']', '}', '】']) {
            Some((label, after)) if label.len() <= 40 && !after.trim().is_empty() => rest = after.trim(),
            _ => break,
        }
    }
    rest
}

/// Tags that end a line.
const BREAKS: [&str; 12] =
    ["br", "/p", "/div", "/tr", "/td", "/li", "/h1", "/h2", "/h3", "/a", "/table", "p"];

/// A text without tags, styles and scripts; what ends a line in HTML does so here.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let is_tag = rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || "/!".contains(c));
        let is_address =
            rest[..rest.floor_char_boundary(120)].split('>').next().is_some_and(|tag| tag.contains('@'));
        if !is_tag || is_address {
            plain.push('<');
            rest = &rest[1..];
            continue;
        }
        // Where nothing closes it, what is left is text.
        let Some(end) = rest.find('>') else { break };
        let tag = rest[1..end].to_ascii_lowercase();
        let name = tag.split(|c: char| c.is_whitespace()).next().unwrap_or_default();
        rest = &rest[end + 1..];
        if matches!(name, "style" | "script") {
            rest = rest.find("</").map_or(rest, |close| &rest[close..]);
        }
        plain.push_str(if BREAKS.contains(&name.trim_end_matches('/')) { "\n" } else { " " });
    }
    plain.push_str(rest);
    plain
}
