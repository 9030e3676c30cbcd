//! What the service is told when it starts. Defaults stand in `default.toml`, which is part of the program and the reference.

use std::path::PathBuf;

use firstline_fault::{Code, Result, UserError};
use firstline_ticket::{Origin, Phase};
use serde::{Deserialize, Serialize};

use crate::memory::{BODY_FACTOR, PAGE_MEMORY};
use crate::peers::Peers;

/// The settings with their defaults, commented.
pub const DEFAULT_SETTINGS: &str = include_str!("default.toml");

/// All settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address and port.
    pub listen: String,
    /// PEM file of the certificate chain; empty serves plain HTTP.
    pub tls_certificate: PathBuf,
    /// PEM file of its private key.
    pub tls_key: PathBuf,
    /// Whether plain HTTP may leave this machine.
    pub plain_http: bool,
    /// A file, or `postgres://...`. It may hold a password.
    pub store: Secret,
    /// The bundle.
    pub bundle: PathBuf,
    /// Rules above every decision; empty takes the built-in ones.
    pub policy: PathBuf,
    /// Greetings and phrases; empty takes the built-in ones.
    pub voice: PathBuf,
    /// The language model of drafts: `auto`, `none`, a name or a file.
    pub writer: String,
    /// Seconds of each minute in which it may write.
    pub writing_seconds: f64,
    /// What may be done with what people approve.
    pub phase: Phase,
    /// Confidence from which on a decision that stands is changed.
    pub change_at: f64,
    /// Alerts of one kind within so many minutes are one.
    pub storm_minutes: u32,
    /// Days after which the words of tickets and drafts are deleted; 0 keeps them.
    pub retain_days: u32,
    /// The private key that signs the head of the audit log; empty takes one in the user's state folder, `none` signs nothing.
    pub audit_key: PathBuf,
    /// The file that signed heads are appended to; empty takes one in the user's state folder.
    pub audit_anchor: PathBuf,
    /// What is logged: `error`, `warn`, `info`, `debug`.
    pub log: String,
    /// `json` or `text`.
    pub log_format: LogFormat,
    /// The rollout.
    pub rollout: Rollout,
    /// Acting without a person.
    pub autonomous: Autonomous,
    /// How people sign in.
    pub login: Login,
    /// The review page.
    pub review: Reviewing,
    /// Bounds.
    pub limits: Limits,
}

/// What the rollout is judged with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// Share of the tickets in assist and above that are decided where nobody sees it.
    pub blind_share: f64,
    /// Days after a week's end after which its figures are settled.
    pub settle_days: u16,
    /// Tiers of boards, technicians and statuses; empty: none are known.
    pub tiers: PathBuf,
    /// Labels that were renamed in the PSA; empty: none.
    pub aliases: PathBuf,
    /// The best technicians, separated by commas.
    pub best_technicians: String,
}

/// How much is done where a grant lets Firstline act without a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Autonomous {
    /// Seconds for which anybody can stop what goes out alone.
    pub hold_seconds: u32,
    /// Replies that go out alone within an hour.
    pub replies_per_hour: u32,
    /// Replies that go out alone to one customer within a day.
    pub replies_per_customer_day: u32,
    /// Origins of drafts that may go out alone, separated by commas.
    pub origins: String,
    /// Whether a ticket is closed once its customer has confirmed that it is done.
    pub close: bool,
    /// Whether reviewers may have the desk's own automations run.
    pub run: bool,
}

impl Autonomous {
    /// The origins of drafts that may go out alone.
    ///
    /// # Errors
    /// [`Code::Config`] names one that there is not.
    pub fn origins(&self) -> Result<Vec<Origin>> {
        let named = self.origins.split(',').map(str::trim).filter(|name| !name.is_empty());
        let origin = |name: &str| match name {
            "template" => Ok(Origin::Template),
            "retrieved" => Ok(Origin::Retrieved),
            "generated" => Ok(Origin::Generated),
            _ => {
                let problem = format!("no draft of the origin {name:?} may go out alone");
                Err(UserError::new(
                    Code::Config,
                    "autonomous.origins",
                    problem,
                    "There are template, retrieved, generated",
                )
                .into())
            }
        };
        named.map(origin).collect()
    }
}

/// How people sign in, beside a password.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The header in which a proxy names the person whom it has let in; empty: none does.
    pub header: String,
    /// Addresses or networks of the proxies in front, separated by commas.
    pub proxies: String,
    /// Whether a person whom the proxy names, and whom nobody has added, is added with the right to review.
    pub auto_create: bool,
}

/// How people review on the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reviewing {
    /// Seconds for which what was approved on the page waits and can be taken back.
    pub undo_seconds: u32,
    /// Most seconds for which a draft has to be on screen before it can be approved; 0: none.
    pub look_seconds: f64,
    /// Address of a ticket in the PSA, with `{id}` in it; empty: none.
    pub psa_link: String,
    /// How the connector sends replies: `note`, `mail`, `internal`; empty: the page does not say.
    pub sends: String,
}

impl Reviewing {
    fn check(&self) -> Result<()> {
        let fault = |place: &str, problem: &str, next: &str| {
            Err(UserError::new(Code::Config, place, problem, next).into())
        };
        if self.undo_seconds > 600 {
            return fault("review.undo_seconds", "more than ten minutes", "Give 0 to 600 seconds");
        }
        if !(0.0..=60.0).contains(&self.look_seconds) {
            return fault("review.look_seconds", "not within a minute", "Give 0 to 60 seconds");
        }
        let is_web = ["https://", "http://"].iter().any(|scheme| self.psa_link.starts_with(scheme));
        let is_link = is_web && self.psa_link.contains("{id}");
        if !(self.psa_link.is_empty() || is_link) {
            return fault("review.psa_link", "no web address with {id} in it", "Give one, or leave it empty");
        }
        if !["", "note", "mail", "internal"].contains(&self.sends.as_str()) {
            return fault("review.sends", "no such way", "Give note, mail or internal, or leave it empty");
        }
        Ok(())
    }
}

/// Bounds on what callers can ask for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Bytes of a request.
    pub body_bytes: usize,
    /// Bytes that the bodies of requests, what is read from them, and answers take up at a time.
    pub memory_bytes: usize,
    /// Connections at a time.
    pub connections: usize,
    /// Seconds that a connection is kept open for the next request.
    pub idle_seconds: u64,
    /// Tickets of a call.
    pub batch_tickets: usize,
    /// Tickets of a job.
    pub job_tickets: usize,
    /// Tickets of one key's jobs that wait at a time.
    pub waiting_tickets: usize,
    /// Requests that are answered at a time.
    pub requests: usize,
    /// Requests of one key a second.
    pub requests_per_second: u32,
    /// Tokens that are decided together.
    pub batch_tokens: usize,
    /// Tokens that wait.
    pub queue_tokens: usize,
    /// Milliseconds that a ticket may be expected to wait; what would wait longer is refused.
    pub queue_ms: u64,
    /// Milliseconds within which a call is answered, drafts not included.
    pub deadline_ms: u64,
    /// Milliseconds that a call waits for drafts.
    pub draft_wait_ms: u64,
    /// Seconds for what was begun when the service is stopped.
    pub grace_seconds: u64,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// A text that may hold a password: it prints as nothing.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

impl Settings {
    /// What the settings say of those at the other end of a connection.
    pub(crate) fn peers(&self) -> Result<Peers> {
        Peers::new(&self.login.header, &self.login.proxies, !self.tls_certificate.as_os_str().is_empty())
    }

    /// Whether what was set can be.
    ///
    /// # Errors
    /// [`Code::Config`] names the first setting that can't.
    pub fn check(&self) -> Result<()> {
        let fault = |place: &str, problem: &str, next: &str| {
            Err(UserError::new(Code::Config, place, problem, next).into())
        };
        if self.tls_certificate.as_os_str().is_empty() != self.tls_key.as_os_str().is_empty() {
            return fault("tls_certificate, tls_key", "one without the other", "Name both, or none");
        }
        let loopback = self.listen.starts_with("127.")
            || self.listen.starts_with("localhost:")
            || self.listen.starts_with("[::1]");
        if !loopback && self.tls_certificate.as_os_str().is_empty() && !self.plain_http {
            let next = "Name tls_certificate and tls_key, listen on 127.0.0.1 behind a proxy that has TLS, or set plain_http";
            return fault("listen", "tickets and keys would cross the network in plain text", next);
        }
        if !(0.0..=1.0).contains(&self.change_at) {
            return fault("change_at", "no confidence", "Give a number from 0 to 1");
        }
        if !(0.0..=0.5).contains(&self.rollout.blind_share) {
            let next = "Give 0 to 0.5; 0 leaves agreement to what people keep";
            return fault("rollout.blind_share", "more than half would be hidden, or less than none", next);
        }
        if !(1..=60).contains(&self.rollout.settle_days) {
            return fault("rollout.settle_days", "out of its range", "Give 1 to 60 days");
        }
        self.autonomous.origins()?;
        self.peers()?;
        self.review.check()?;
        if self.autonomous.hold_seconds > 3_600 {
            return fault("autonomous.hold_seconds", "more than an hour", "Give 0 to 3600 seconds");
        }
        if !(0.0..=60.0).contains(&self.writing_seconds) {
            return fault("writing_seconds", "not within a minute", "Give 0 to 60 seconds");
        }
        let Limits {
            body_bytes,
            batch_tickets,
            job_tickets,
            waiting_tickets,
            requests,
            batch_tokens,
            queue_tokens,
            ..
        } = self.limits;
        let bounds = [
            ("limits.body_bytes", body_bytes, 1_024, 1 << 30),
            // One key has half of it at most, a body counts for several times its length, and pages have to be made as well.
            (
                "limits.memory_bytes",
                self.limits.memory_bytes,
                (2 * BODY_FACTOR * body_bytes).max(4 * PAGE_MEMORY),
                1 << 40,
            ),
            ("limits.connections", self.limits.connections, 8, 65_536),
            ("limits.idle_seconds", self.limits.idle_seconds as usize, 1, 3_600),
            ("limits.batch_tickets", batch_tickets, 1, 256),
            ("limits.job_tickets", job_tickets, 1, 100_000),
            ("limits.waiting_tickets", waiting_tickets, 1, 100_000_000),
            ("limits.requests", requests, 1, 65_536),
            ("limits.batch_tokens", batch_tokens, 64, 1 << 20),
            ("limits.queue_tokens", queue_tokens, batch_tokens, 1 << 26),
            ("limits.requests_per_second", self.limits.requests_per_second as usize, 1, 1 << 20),
        ];
        for (place, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                return fault(
                    place,
                    &format!("{value} is out of its range"),
                    &format!("Give {least} to {most}"),
                );
            }
        }
        Ok(())
    }
}
