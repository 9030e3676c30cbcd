//! Reads tickets, for the model and for everybody who wants to know what the model reads.
//!
//! The one way from a ticket to its text: training, deciding, drafting and explaining go through it, so that they read alike. Must
//! never look at anything but the ticket, the words that the site has added and the habits that were learnt.

use std::sync::Arc;

use firstline_ticket::{Kind, Ticket};

use crate::explain::Explanation;
use crate::features::{Input, compose};
use crate::habits::Habits;
use crate::kind::kind_of;
use crate::normalize::{self, Reading};
use crate::site_words::SiteWords;
use crate::storm;

/// Reads tickets.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    words: SiteWords,
    habits: Arc<Habits>,
}

impl Reader {
    /// A reader that knows the site's `words` and the senders' `habits`.
    pub fn new(words: SiteWords, habits: Arc<Habits>) -> Self {
        Self { words, habits }
    }

    /// The same reader with a site's words, where there are any.
    #[must_use]
    pub fn under(self, words: &SiteWords) -> Self {
        Self { words: words.or(&self.words).clone(), ..self }
    }

    /// The same reader with other habits.
    #[must_use]
    pub fn with_habits(&self, habits: Arc<Habits>) -> Self {
        Self { words: self.words.clone(), habits }
    }

    /// Reads a ticket: its own words, what was cut and why.
    pub fn read(&self, ticket: &Ticket) -> Reading {
        let mut read = self.words.under(|| normalize::read(ticket));
        let [contact, customer] =
            [&ticket.contact, &ticket.customer].map(|name| name.as_deref().unwrap_or_default());
        self.cut_habits(contact, customer, &mut read);
        read
    }

    /// Cuts what is a habit of its senders from what was read without any.
    pub fn cut_habits(&self, contact: &str, customer: &str, read: &mut Reading) {
        self.words.under(|| self.habits.cut(contact, customer, read));
    }

    /// The text of a ticket.
    pub fn compose(&self, ticket: &Ticket) -> Input {
        compose(&self.read(ticket))
    }

    /// Who or what a ticket comes from.
    pub fn kind(&self, ticket: &Ticket) -> Kind {
        self.kind_of(ticket, &self.compose(ticket))
    }

    /// [`Self::kind`] of a ticket whose text is `input`.
    pub fn kind_of(&self, ticket: &Ticket, input: &Input) -> Kind {
        self.words.under(|| kind_of(ticket, input))
    }

    /// What the alerts of one storm share, whatever rules fire on them; `None` for what a person wrote.
    pub fn storm(&self, ticket: &Ticket, kind: Kind) -> Option<String> {
        storm::key(ticket, kind == Kind::Alert, &[])
    }

    /// Explains how a ticket is read.
    pub fn explain(&self, ticket: &Ticket) -> Explanation {
        let read = self.read(ticket);
        let kind = self.kind_of(ticket, &compose(&read));
        Explanation::new(ticket, kind, read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::habits::{HabitsBuilder, Writer};
    use crate::normalize::Kind as Reason;

    fn ticket(subject: &str, body: &str) -> Ticket {
        Ticket {
            id: "1".into(),
            subject: Some(subject.into()),
            body: Some(body.into()),
            contact: Some("Mia Stone".into()),
            customer: Some("Alder".into()),
            source: Some("email".into()),
            ..Ticket::default()
        }
    }

    const WANTS: [&str; 6] = [
        "The till prints nothing.",
        "Outlook does not open.",
        "Mein Bildschirm bleibt schwarz.",
        "La ligne est coupée.",
        "Nowy pracownik zaczyna w poniedziałek.",
        "Imprimagailuak ez du funtzionatzen.",
    ];

    /// A reader that has seen people of Alder write with `footer` below.
    fn after(footer: &str) -> Reader {
        let mut builder = HabitsBuilder::new(3);
        for (i, want) in WANTS.iter().cycle().take(24).enumerate() {
            let read = Reader::default().read(&ticket(want, &format!("{want} Nr. {i}\n\n{footer}")));
            let contact = ["Mia", "Bob", "Zoe"][i % 3];
            let writer = Writer { contact, customer: "Alder", subject: &read.subject.text, opened_at: None };
            builder.add(&writer, &read.body.text);
        }
        Reader::default().with_habits(Arc::new(builder.finish()))
    }

    const FOOTERS: [&str; 3] = [
        "Gweithdy Derwen, saer coed ers 1931\nMeddyliwch am y coed",
        "Duka la Mbuyu, mazao bora kwa nyumba\nTunza mazingira yetu",
        "Haritz zurgintza, berogailuak eta leihoak\nPentsatu basoetan",
    ];

    #[test]
    fn a_footer_that_recurs_is_cut_where_it_stands_and_named() {
        for footer in FOOTERS {
            let reader = after(footer);
            let sent = format!("Two\u{a0}screens flicker &amp; hum.\n\nRoom 12\n\n{footer}\n");
            let explained = reader.explain(&ticket("Screens", &sent));
            assert_eq!(explained.text, "Two screens flicker & hum.\n\nRoom 12", "{footer}");
            let cut = explained.cut.last().unwrap();
            assert_eq!((cut.reason, cut.field), (Reason::Habit, "body"));
            assert_eq!(&sent[cut.start..cut.end], footer);
            assert_eq!(explained.kind, Kind::Person);
            // Somebody else's stays, and so does another text in its place.
            let stranger = Ticket { customer: Some("Birch".into()), ..ticket("Screens", &sent) };
            assert!(reader.read(&stranger).body.text.ends_with(footer));
            let other = ticket("Screens", "They flicker.\n\nGweithdy Onnen, Mbuyu, Haritz\nRoom 12");
            assert!(reader.read(&other).body.text.ends_with("Haritz\nRoom 12"));
        }
    }

    #[test]
    fn a_habit_leaves_something_of_the_ticket() {
        let reader = after(FOOTERS[0]);
        let left = |subject: &str| reader.read(&ticket(subject, FOOTERS[0])).body.text;
        assert_eq!(left("The projector is dark"), "");
        assert_eq!(left(""), FOOTERS[0]);
        assert_eq!(left("RE: projector"), FOOTERS[0]);
        // Numbers that nobody has seen before are no part of a footer.
        let number = format!("Please call\n\n0171 555 0199\n{}", FOOTERS[0]);
        assert_eq!(reader.read(&ticket("Call", &number)).body.text, "Please call\n\n0171 555 0199");
    }

    #[test]
    fn what_was_read_without_sources_is_cut_alike() {
        let reader = after(FOOTERS[1]);
        for body in [
            format!("<p>It is <b>dark</b>.</p><p>{}</p>", FOOTERS[1].replace('\n', "<br>")),
            format!("It is dark.\n\n{}", FOOTERS[1]),
            FOOTERS[1].to_owned(),
            "It is dark.".to_owned(),
        ] {
            for subject in ["Projector", ""] {
                let ticket = ticket(subject, &body);
                let mut read = Reader::default().read(&ticket).without_sources();
                reader.habits.cut("Mia Stone", "Alder", &mut read);
                assert_eq!(compose(&read), reader.compose(&ticket), "{body}");
            }
        }
    }

    #[test]
    fn a_signature_that_a_footer_had_hidden_is_cut_too() {
        let reader = after(FOOTERS[2]);
        let signature = "Kind regards\nNora Vale\nBuyer";
        let sent = format!("The lift is stuck.\n\n{signature}\n\n{}", FOOTERS[2]);
        let nora = Ticket { contact: Some("Nora Vale".into()), ..ticket("Lift", &sent) };
        let read = reader.read(&nora);
        assert_eq!(read.body.text, "The lift is stuck.");
        let cut: Vec<_> =
            read.cuts().into_iter().map(|cut| (cut.reason, &sent[cut.start..cut.end])).collect();
        assert_eq!(cut, [(Reason::Signature, signature), (Reason::Habit, FOOTERS[2])]);
        assert_ne!(Reader::default().read(&nora).body.text, "The lift is stuck.");
    }

    fn site(words: &str) -> Result<Reader, String> {
        let table: toml::Table = toml::from_str(words).unwrap();
        Ok(Reader::new(SiteWords::try_from(table)?, Arc::default()))
    }

    #[test]
    fn a_sites_phrases_work_beside_the_built_in_ones() {
        let reader = site(
            r#"
            closings = ["Cofion Gorau"]
            attribution_verbs = ["skrifar orðrétt"]
            portal_lines = ["hii imetumwa na dawati"]
            note = [{ openers = ["Mae’r neges hon"], holds = ["gyfrinachol"] }]
            auto_reply = { subject = ["Allan o'r swyddfa"], body = ["nid wyf yn y swyddfa"] }
            "#,
        )
        .unwrap();
        let plain = Reader::default();
        for (body, left) in [
            ("The lift is stuck.\n\nCOFION GORAU\nMia Stone", "The lift is stuck."),
            ("It hums.\n\nMae'r neges hon yn gyfrinachol ac i'r derbynnydd.", "It hums."),
            ("It hums.\n\nHii imetumwa na dawati 12", "It hums."),
            ("It works.\n\n3. mars 2026 Ann Lee skrifar orðrétt:\nDoes it work now?\nAnn", "It works."),
            ("It hums.\n\nKind regards\nMia Stone", "It hums."),
        ] {
            assert_eq!(reader.read(&ticket("Lift", body)).body.text, left);
            let before = plain.read(&ticket("Lift", body)).body.text;
            assert_eq!(before == left, body.contains("Kind regards"), "{before}");
        }
        let away = ticket("Allan o'r swyddfa: lift", "Nid wyf yn y swyddfa tan dydd Llun.");
        assert_eq!((plain.kind(&away), reader.kind(&away)), (Kind::Person, Kind::AutoReply));
        // One reader's words are not another's, not even while it reads.
        reader.words.under(|| assert_eq!(plain.kind(&away), Kind::Person));
    }

    #[test]
    fn words_that_cannot_be_added_are_named() {
        let long = "a".repeat(201);
        let many = format!("closings = [{}]", "\"ab\",".repeat(501));
        for (words, named) in [
            ("closing = [\"cofion\"]", "\"closing\""),
            ("auto_reply = { topic = [\"x y\"] }", "\"auto_reply.topic\""),
            ("auto_reply = [\"x y\"]", "\"auto_reply\""),
            ("closings = \"cofion\"", "\"closings\""),
            ("closings = [7]", "\"closings\""),
            ("closings = [\"e\"]", "\"closings\""),
            ("closings = [\"...\"]", "\"closings\""),
            ("note = [{ opens = [\"mae'r\"], holds = [] }]", "opens"),
            (&many, "\"closings\" has 501"),
            (&format!("note_words = [\"{long}\"]"), "\"note_words\""),
            (&format!("thanks = {{ whole = [\"{long}\"] }}"), "\"thanks.whole\""),
        ] {
            let problem = site(words).unwrap_err();
            assert!(problem.starts_with("[words]") && problem.contains(named), "{words}: {problem}");
        }
    }
}
