//! Quoted replies and forwarded mail.
//!
//! An answer's quotation is cut; a forwarded mail under a note *is* the ticket, and only its headers go. Which of the two a mail is,
//! its subject says; where it does not, the length of what stands above. Must never cut what senders quote of their own accord in a
//! first mail: an error's text, the wanted wording.

use std::ops::Range;

use super::attribution::{self, quote_follows};
use super::contact_data::is_closing;
use super::headers::{self, Headers, is_rule};
use super::lines::{Fate, Line, Page};
use super::removed::Kind;
use super::subject::Hint;
use super::words::{WORDS, is_greeting};

/// An answer of fewer letters than this does not replace a mail that is passed on under it.
const SHORT_NOTE: usize = 200;
/// Outlook writes the same headers for an answer as for a forwarded mail: where no subject tells, a note as short as "please help,
/// see below" means the latter.
const SHORT_ANSWER: usize = 30;
/// The same over a mail that is an answer itself, so that its reader wrote before: "see below" is left.
const SHORT_REMARK: usize = 16;
/// Fewer letters than this are no text of one's own.
const NOTHING: usize = 3;
/// Longest line that may be a marker.
const MARKER_LENGTH: usize = 120;
/// Words of a line below which the thread is, at most.
const REPLY_LINE_WORDS: usize = 14;
/// Lines that senders quote of their own accord, at most.
const OWN_QUOTATION: usize = 15;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Forward,
    /// A rule, or words between dashes, over a mail's whole head.
    Ruled,
    /// A mail that is answered, or passed on without saying so.
    Original,
    Attribution,
    ReplyLine,
}

/// A sign that another mail starts, the lines it takes, and what the other mail's own subject says.
#[derive(Debug)]
struct Marker {
    sign: Sign,
    lines: Range<usize>,
    hint: Hint,
    first_key: String,
    subjects: Vec<u64>,
    /// Whether nobody types it.
    certain: bool,
}

impl Marker {
    fn new(sign: Sign, lines: Range<usize>) -> Self {
        let (hint, first_key, subjects) = (Hint::None, String::new(), Vec::new());
        Self { sign, lines, hint, first_key, subjects, certain: true }
    }

    fn over(sign: Sign, start: usize, headers: Headers) -> Self {
        let Headers { end, hint, first_key, subjects, .. } = headers;
        Self { sign, lines: start..end, hint, first_key, subjects, certain: true }
    }

    /// What the subject above says here, over a mail under which `above` letters stand.
    fn hint(&self, hint: Hint, above: usize) -> Hint {
        match (self.sign, hint) {
            // Programs introduce so what they answer.
            (Sign::Attribution, Hint::Either(_)) => Hint::Answer,
            _ => hint.above(self.hint, &self.first_key, above < SHORT_ANSWER),
        }
    }

    /// With fewer letters than this above it, what the marker stands over is kept.
    fn keeps_below(&self, hint: Hint) -> usize {
        match (self.sign, hint) {
            (Sign::ReplyLine, _) => NOTHING,
            (_, Hint::Forward) => usize::MAX,
            (Sign::Forward, Hint::Answer) => SHORT_NOTE,
            (Sign::Forward, _) => usize::MAX,
            (Sign::Ruled | Sign::Original | Sign::Attribution, Hint::Answer) => 1,
            (Sign::Ruled | Sign::Original, _) if self.hint == Hint::Answer => SHORT_REMARK,
            (Sign::Ruled, Hint::First) => SHORT_NOTE,
            (Sign::Ruled | Sign::Original, _) => SHORT_ANSWER,
            (Sign::Attribution, _) => NOTHING,
        }
    }
}

/// Marks quotations and headers for cutting; `hint` is what the ticket's subject says.
pub(super) fn mark(page: &mut Page<'_>, hint: Hint) {
    let mut markers = find_markers(page);
    let old: Vec<u64> = markers.iter().flat_map(|marker| marker.subjects.iter().copied()).collect();
    let first = markers.first().map_or(0, |marker| marker.lines.start);
    let hint = hint.over(&old, page.live().take_while(|&i| i < first).map(|i| &page.lines[i].folded));
    // In a first mail, a list of senders and subjects may be what is asked for.
    markers.retain(|marker| marker.certain || !matches!(hint, Hint::None | Hint::First));
    let own = has_own_words(page, &markers);
    let mut walk = Walk {
        hint,
        above: 0,
        says: false,
        signed: None,
        keep_quoted: !own || hint == Hint::Forward,
        answers: hint == Hint::Answer,
        own_until: 0,
    };
    let mut markers = markers.into_iter().peekable();
    let mut line = 0;
    while line < page.lines.len() {
        let marker = markers.next_if(|marker| marker.lines.start == line);
        let quoted = page.lines[line].quoted;
        match marker {
            Some(marker) if !quoted || walk.keep_quoted || marker.sign == Sign::Forward => {
                line = marker.lines.end;
                if !walk.marker(page, &marker) {
                    return;
                }
            }
            _ => {
                walk.line(page, line);
                line += 1;
            }
        }
        while markers.next_if(|marker| marker.lines.start < line).is_some() {}
    }
}

/// The state on the way down a mail.
struct Walk {
    /// What the subject of the mail says that the walk is in.
    hint: Hint,
    /// Letters and digits kept of that mail so far, greetings and signatures apart.
    above: usize,
    /// Whether any line of it says something, and be it "Thanks" or a sign.
    says: bool,
    /// Where the words above close.
    signed: Option<usize>,
    keep_quoted: bool,
    /// Whether quoted lines are known to be another mail's.
    answers: bool,
    /// Where the sender's own quotation ends that the walk is in.
    own_until: usize,
}

impl Walk {
    /// Deals with a marker; false if all below was cut with it.
    fn marker(&mut self, page: &mut Page<'_>, marker: &Marker) -> bool {
        let Range { start, end } = marker.lines;
        let start = start - usize::from(start > 0 && is_rule(page, start - 1));
        let hint = marker.hint(self.hint, self.above);
        let above = if hint == Hint::Answer { self.above.max(usize::from(self.says)) } else { self.above };
        let keeps = above < marker.keeps_below(hint);
        if marker.sign == Sign::Attribution
            && !page.lines[marker.lines.start].quoted
            && quote_follows(page, end)
        {
            page.cut(start..end, Kind::Header);
            self.keep_quoted |= hint == Hint::Forward;
            self.answers = true;
        } else if keeps {
            page.cut(start..end, Kind::Header);
            if let Some(signed) = self.signed.take().filter(|_| self.above >= NOTHING) {
                page.cut(signed..start, Kind::Signature);
            }
            let passed_on = marker.sign == Sign::Forward || hint == Hint::Forward;
            self.keep_quoted |= passed_on;
            self.answers |= !passed_on;
            (self.hint, self.above, self.says) = (marker.hint, 0, false);
        } else {
            page.cut(start..page.lines.len(), Kind::Quote);
            return false;
        }
        true
    }

    fn line(&mut self, page: &mut Page<'_>, at: usize) {
        if !page.lines[at].is_live() {
            return;
        }
        if page.lines[at].quoted {
            if !self.keep_quoted && !self.answers && at >= self.own_until {
                self.own_until = own_quotation(page, at).unwrap_or(0);
                self.answers = self.own_until == 0;
            }
            let keep = self.keep_quoted || at < self.own_until;
            page.lines[at].fate = if keep { Fate::Unquote } else { Fate::Cut(Kind::Quote) };
            if !keep {
                return;
            }
        }
        let line = &page.lines[at];
        let greets = is_greeting(&line.folded);
        self.says |= (line.substance > 0 || !line.folded.is_ascii()) && !greets;
        if self.signed.is_some() {
            return;
        }
        if is_closing(page, at) || line.folded == "--" || line.folded == "-- -" {
            self.signed = Some(at);
        } else if !greets {
            self.above += line.substance;
        }
    }
}

/// The end of a quotation of the sender's own that starts at a line: a few lines under words that lead to them, and no mail.
fn own_quotation(page: &Page<'_>, at: usize) -> Option<usize> {
    let lead = page.live_before(at).filter(|&i| !page.lines[i].quoted)?;
    let led_to = page.lines[lead].folded.ends_with(':');
    if is_greeting(&page.lines[lead].folded) && !led_to {
        return None;
    }
    let mut end = at;
    let mut lines = 0;
    for (i, line) in page.lines.iter().enumerate().skip(at).take(OWN_QUOTATION * 3) {
        if line.is_blank() && line.quoted || line.folded.is_empty() {
            continue;
        }
        if !line.quoted {
            break;
        }
        lines += 1;
        let is_mail =
            line.nested || is_greeting(&line.folded) || is_closing(page, i) || marker_at(page, i).is_some();
        if lines > OWN_QUOTATION || is_mail {
            return None;
        }
        end = i + 1;
    }
    (end > at).then_some(end)
}

fn find_markers(page: &Page<'_>) -> Vec<Marker> {
    let mut markers = Vec::new();
    let mut at = 0;
    while at < page.lines.len() {
        match marker_at(page, at) {
            Some(marker) => {
                at = marker.lines.end;
                markers.push(marker);
            }
            None => at += 1,
        }
    }
    markers
}

fn has_own_words(page: &Page<'_>, markers: &[Marker]) -> bool {
    let mut markers = markers.iter().peekable();
    let mut own = |i: &usize| {
        while markers.next_if(|marker| marker.lines.end <= *i).is_some() {}
        let in_marker = markers.peek().is_some_and(|marker| marker.lines.contains(i));
        let line = &page.lines[*i];
        !in_marker && !line.quoted && line.substance > 0 && !is_greeting(&line.folded)
    };
    page.live().any(|i| own(&i))
}

/// The marker that starts at a line.
fn marker_at(page: &Page<'_>, at: usize) -> Option<Marker> {
    let line = &page.lines[at];
    if !line.is_live() || line.substance == 0 {
        return None;
    }
    if line.len() <= MARKER_LENGTH {
        let words = line.folded.trim_matches(|c: char| !c.is_alphanumeric());
        let ruled = line.folded.starts_with(['-', '_', '=', '*', '#', '<', '>', '~']);
        if is_reply_line(&line.folded, words) {
            return Some(Marker::new(Sign::ReplyLine, at..at + 1));
        }
        let named = line.folded.ends_with(':');
        if (WORDS.forward_markers.is(words) && (ruled || named)) || is_gmail_forward(words, ruled) {
            return Some(after_headers(page, at, Sign::Forward));
        }
        if WORDS.original_markers.is(words) && (ruled || headers_follow(page, at + 1)) {
            return Some(after_headers(page, at, Sign::Original));
        }
    }
    if let Some(headers) = headers::block(page, at) {
        let certain = headers.is_certain(page, at);
        let ruled = at > 0 && is_rule(page, at - 1) && headers.is_complete();
        let sign = if ruled { Sign::Ruled } else { Sign::Original };
        return Some(Marker { certain, ..Marker::over(sign, at, headers) });
    }
    if let Some(marker) = between_dashes(page, at) {
        return Some(marker);
    }
    attribution::end(page, at).map(|end| Marker::new(Sign::Attribution, at..end))
}

/// "Please type your reply above this line", between rules or by all of its words.
fn is_reply_line(folded: &str, words: &str) -> bool {
    let count = words.split_whitespace().take(REPLY_LINE_WORDS + 1).count();
    if count > REPLY_LINE_WORDS || words.contains('?') {
        return false;
    }
    let ruled = ["##", "--", "**", "==", "__", "~~", "++"].iter().any(|rule| folded.starts_with(rule) && folded.ends_with(rule))
        || (folded.starts_with("##-") && folded.ends_with("-##"))
        || (folded.starts_with('-') && folded.ends_with('-'))
        // Asterisks are folded away.
        || folded.starts_with("##");
    let known = ruled || (count <= 9 && WORDS.reply_words.within(words));
    known && WORDS.above_words.within(words) && WORDS.line_words.within_as_words(words)
}

fn is_gmail_forward(words: &str, ruled: bool) -> bool {
    ruled && words.len() <= 60 && WORDS.forward_markers.start(words)
}

/// Words between dashes over a mail's whole head, in whatever language.
fn between_dashes(page: &Page<'_>, at: usize) -> Option<Marker> {
    let line = page.lines[at].folded.as_str();
    let titled = line.len() <= MARKER_LENGTH
        && ["--", "==", "__"].iter().any(|rule| line.starts_with(rule) && line.ends_with(rule));
    let start = at + 1 + usize::from(page.lines.get(at + 1).is_some_and(Line::is_blank));
    let head = page.lines.get(start).filter(|line| titled && !line.is_blank())?;
    let headers = headers::block(page, start).filter(|headers| head.is_live() && headers.is_complete())?;
    Some(Marker::over(Sign::Ruled, at, headers))
}

fn headers_follow(page: &Page<'_>, at: usize) -> bool {
    Headers::read(page, at).count >= 2
}

/// The marker at a line with the headers, and one blank line, that follow it.
fn after_headers(page: &Page<'_>, at: usize, sign: Sign) -> Marker {
    let start = at + 1 + usize::from(page.lines.get(at + 1).is_some_and(Line::is_blank));
    let known = Headers::read(page, start);
    let block = page.lines.get(start).filter(|l| !l.is_blank()).and_then(|_| headers::block(page, start));
    match block.filter(|block| block.count > known.count) {
        Some(block) => Marker::over(sign, at, block),
        None if known.count > 0 => Marker::over(sign, at, known),
        None => Marker::new(sign, at..at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::super::removed::Removed;
    use super::super::text::Text;
    use super::*;

    fn cut_under(hint: Hint, text: &str) -> String {
        let text = Text::new(text);
        let mut page = Page::new(&text);
        page.attempt(|page| mark(page, hint));
        page.apply(&mut Removed::default()).unwrap_or(text).as_str().trim().to_owned()
    }

    fn cut(text: &str) -> String {
        cut_under(Hint::None, text)
    }

    #[test]
    fn attributions_in_the_main_languages() {
        for line in [
            "On Mon, 4 Mar 2024 at 10:12, Jo Doe <jo@example.com> wrote:",
            "On Mon, Mar 4, 2024 at 10:12 AM Jo Doe\n<jo@example.com> wrote:",
            "Am 04.03.2024 um 10:12 schrieb Jo Doe:",
            "Am Mo., 4. März 2024 um 10:12 Uhr schrieb Jo Doe <jo@example.com>:",
            "Le lun. 4 mars 2024 à 10:12, Jo Doe <jo@example.com> a écrit :",
            "El lun, 4 mar 2024 a las 10:12, Jo Doe (<jo@example.com>) escribió:",
            "Em seg., 4 de mar. de 2024 às 10:12, Jo Doe escreveu:",
            "Il giorno lun 4 mar 2024 alle ore 10:12 Jo Doe ha scritto:",
            "Op ma 4 mrt 2024 om 10:12 schreef Jo Doe <jo@example.com>:",
            "2024-03-04 10:12 GMT+01:00 Jo Doe <jo@example.com>:",
        ] {
            assert_eq!(cut(&format!("It works now.\n\n{line}\nThe old text")), "It works now.", "{line}");
            assert_eq!(cut(&format!("It works now.\n\n{line}\n> The old text\n> more")), "It works now.");
        }
    }

    #[test]
    fn what_only_resembles_a_quotation_stays() {
        for text in [
            "On the screen it says:\nfatal error",
            "Please move me\nFrom: desk 12\nTo: desk 40\nDate: Monday",
            "From: London\nTo: Paris\nI need a laptop for the trip",
            "Name: Jo\nSubject: printer\nMessage: it is broken",
            "The printer says: paper jam\nIt is on floor 2",
            "We look for this mail since noon.\n\nFrom: Pat <pat@a.example>\nSent: Monday, 4 March 2024 10:12\nTo: all@a.example\nSubject: Menu\n\nPlease look today.",
            "Wir suchen diese Mail:\n\nVon: Pat <pat@a.example>\nDatum: 4. März 2024 10:12\nAn: alle@a.example\nBetreff: Menü\n\nBitte heute.",
            "Bloqué depuis hier.\n\nDe : Pat <pat@a.example>\nEnvoyé : 4 mars 2024 10:12\nÀ : Tous <t@a.example>\nObjet : Menu\n\nMerci de chercher.",
            "Pat is locked out since noon.\n\nAccount: pat@a.example\nWhen: 2024-03-04 10:12\nWhere: Ulm\nWhat: denied\n\nPlease unlock.",
            "Das Treffen braucht mehr.\n\nRaum: Beta\nLeiter: pat@a.example\nDatum: 4.3.2024 10:00\nTeilnehmer: 9\n\nBitte auch WLAN.",
            "The customer says this.\n\nOn 4/3/2024 at 10:12 the gateway wrote:\nDisk full\n\nPlease help.",
            "Es klemmt.\n\nBeim Öffnen am 04.03.2024 um 10:12 schrieb Word:\nDatei gesperrt",
            "Plus rien.\n\nLe 04/03/2024 à 10:12 le serveur a écrit :\nDisque plein",
        ] {
            assert_eq!(cut(text), text);
        }
    }

    #[test]
    fn answers_between_and_below_quoted_lines_stay() {
        let text = "On 4 Mar 2024 at 10:12 Jo wrote:\n> Which PC?\nPC-0042\n> Since when?\nSince Monday";
        assert_eq!(cut(text), "PC-0042\nSince Monday");
    }

    #[test]
    fn a_forwarded_mail_is_the_ticket_under_a_short_note() {
        let mail =
            "From: Jo <jo@example.com>\nSent: Monday\nTo: IT\nSubject: VPN\n\nThe VPN drops every hour.";
        assert_eq!(cut(&format!("FYI\n\n{mail}")), "FYI\n\n\nThe VPN drops every hour.");
        assert_eq!(cut(mail), "The VPN drops every hour.");
        let marked = format!(
            "Hi team, can you look at what our client writes?\n\n---------- Forwarded message ---------\n{mail}"
        );
        assert!(cut(&marked).ends_with("The VPN drops every hour."));
        let long = format!("{}\n\n{mail}", "I called them and we agreed on a new date. ".repeat(3).trim());
        assert!(!cut_under(Hint::Answer, &long).contains("VPN"));
        assert!(!cut(&long.replace("Subject: ", "Subject: RE: ")).contains("VPN"));
        assert!(!cut(&long.replace("The VPN", "Hi Ann,\n\nThe VPN")).contains("VPN"));
    }

    #[test]
    fn only_quoted_text_loses_its_marks() {
        assert_eq!(cut("> The printer\n> is broken"), "The printer\nis broken");
    }
}
