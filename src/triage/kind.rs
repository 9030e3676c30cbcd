//! Tells who or what a ticket's text comes from: a person, or one of the machines that write mails.
//!
//! Headers go first, where the ticket carries them; then the sender, the structure, and words last, which lie in `words.toml`.
//! People who talk about such mail, pass it on with a question, or wrote over telephone or portal, stay people. Must never take
//! the cost of more than a bounded part of a text.

mod headers;
mod letter;
mod thanks;
mod words;
mod writer;

use firstline_ticket::{Kind, Ticket};

use crate::features::{Input, is_machine};
use headers::{Headers, Told};
use letter::Letter;
use words::WORDS;

pub use writer::is_written_by_contact;

pub(crate) use words::{LISTS, Words, fold, has_list, is_acknowledgement, under};

/// Whether a ticket's key of this name is looked at.
pub(crate) fn is_read(key: &str) -> bool {
    headers::is_read(key) || letter::SENDERS.contains(&key)
}

/// Who or what a ticket comes from whose text is `input`.
pub(crate) fn kind_of(ticket: &Ticket, input: &Input) -> Kind {
    let headers = Headers::of(ticket);
    let told = headers.told();
    if let Told::Certain(kind) = told {
        return kind;
    }
    let letter = Letter::new(ticket, input);
    if letter.is_calendar_file() {
        return Kind::Calendar;
    }
    if input.is_alert || is_machine(ticket) {
        return Kind::Alert;
    }
    let is_machine = matches!(told, Told::Machine(_));
    if !is_machine && letter.is_spoken() {
        return if thanks::is_all(&letter) { Kind::Thanks } else { Kind::Person };
    }
    let by_text = by_text(&letter, is_machine);
    match told {
        Told::Machine(kind) if by_text.wants_answer() && !letter.is_form() => kind,
        _ => by_text,
    }
}

/// What sender, structure and words say. Where headers say that a machine wrote it, words alone are enough.
fn by_text(letter: &Letter<'_>, is_machine: bool) -> Kind {
    type Check = fn(&Letter<'_>, bool) -> bool;
    let checks: [(Kind, Check); 6] = [
        (Kind::Bounce, is_bounce),
        (Kind::AutoReply, is_auto_reply),
        (Kind::Receipt, is_receipt),
        (Kind::Calendar, is_calendar),
        (Kind::Acknowledgement, is_acknowledged),
        (Kind::Newsletter, is_newsletter),
    ];
    if is_told_automatic(letter) {
        return Kind::Acknowledgement;
    }
    let found = checks.into_iter().find(|(_, check)| check(letter, is_machine)).map(|(kind, _)| kind);
    match found {
        Some(kind) => kind,
        None if letter.has_no_reply_sender() && !letter.is_form() && !letter.is_passed_on() => Kind::Notice,
        None if thanks::is_all(letter) => Kind::Thanks,
        None => Kind::Person,
    }
}

fn is_bounce(letter: &Letter<'_>, _: bool) -> bool {
    let words = &WORDS.bounce;
    if letter.sender_is(&words.sender) && !letter.subject_is(&WORDS.auto_reply.subject) {
        return true;
    }
    if letter.is_passed_on() {
        return false;
    }
    let system = letter.sender_is(&words.system);
    let says = words.body.is_in(&letter.opening);
    let (subject, report) = (letter.subject_is(&words.subject), letter.has_delivery_report());
    if system {
        // In whatever language, such a sender names the mail, and the address that it is about.
        return says || subject || report || letter.names_an_address() && !letter.asks() && !letter.talks();
    }
    if subject && says {
        return !letter.talks();
    }
    // Without a subject that says so, people pass such a mail on below their own words.
    let begins = words.body.begin(&letter.opening);
    (subject && (report || letter.is_empty()) || begins && report) && !letter.asks()
}

fn is_auto_reply(letter: &Letter<'_>, is_machine: bool) -> bool {
    let words = &WORDS.auto_reply;
    let says = words.body.is_in(&letter.opening);
    if letter.talks() {
        return false;
    }
    let named = letter.subject_has(&words.subject);
    if named && letter.head_holds(&words.roots) {
        return says || !letter.asks();
    }
    if says && letter.heads_with(&words.subject) && !letter.requests() {
        return true;
    }
    // A program answers something: the subject names what it answers with, is an answer's, or names a ticket.
    let answers = named || letter.is_answer() || letter.names_a_ticket();
    let asks = letter.asks() || letter.requests();
    says && !letter.is_forward() && (is_machine || answers && !asks && letter.is_short())
}

fn is_receipt(letter: &Letter<'_>, is_machine: bool) -> bool {
    let words = &WORDS.receipt;
    let subject = letter.subject_is(&words.subject);
    let says = words.body.is_in(&letter.opening);
    let told = says || letter.is_empty() || letter.pairs() >= 2;
    let begins = letter.subject_has(&words.subject) && words.body.begin(&letter.opening);
    (subject && told || begins || is_machine && says) && !letter.asks() && !letter.talks()
}

fn is_calendar(letter: &Letter<'_>, is_machine: bool) -> bool {
    let words = &WORDS.calendar;
    let subject = letter.subject_is(&words.subject);
    let says = words.body.is_in(&letter.opening);
    let told = says || letter.is_empty() || letter.pairs() >= 2 && letter.has_time();
    (subject && told || is_machine && says) && !letter.asks() && !letter.talks()
}

fn is_acknowledged(letter: &Letter<'_>, is_machine: bool) -> bool {
    let words = &WORDS.acknowledgement;
    let least = if is_machine { 1 } else { 2 };
    let said = letter.said();
    let asks = letter.asks() || letter.talks() || words.customer.is_in(&said);
    let is_numbered = is_machine || letter.names_a_number();
    let count = words.body.count(&said);
    // Alerts say too that they are automatic, and not to be answered.
    let any = [&words.automatic, &words.no_reply].iter().filter(|words| words.is_in(&said)).count();
    let says = count >= least && (is_machine || count > any);
    is_numbered && !letter.is_forward() && !asks && says
}

/// Whether a mail on the reader's request and its number says that a machine wrote it, or that nobody is to answer.
fn is_told_automatic(letter: &Letter<'_>) -> bool {
    let words = &WORDS.acknowledgement;
    if !letter.names_a_number()
        || !letter.is_short()
        || letter.is_forward()
        || letter.asks()
        || letter.talks()
        || letter.subject_has(&WORDS.auto_reply.subject)
    {
        return false;
    }
    let sent = letter.sent();
    let [automatic, no_reply] = [&words.automatic, &words.no_reply].map(|words| words.is_in(&sent));
    let says = (automatic && no_reply) || ((automatic || no_reply) && !letter.requests());
    says && words.yours.is_in(&sent) && !words.customer.is_in(&sent)
}

fn is_newsletter(letter: &Letter<'_>, is_machine: bool) -> bool {
    if letter.is_passed_on() || letter.holds_a_mail() || letter.begins_with_question() {
        return false;
    }
    let words = &WORDS.newsletter;
    let named = words.subject.is_in(&letter.subject) || letter.sender_is(&words.subject);
    let least = if named || is_machine || letter.has_no_reply_sender() { 1 } else { 2 };
    words.foot.count_lines(&letter.foot()) >= least
}

#[cfg(test)]
mod tests;
