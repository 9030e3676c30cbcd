//! The settings of `firstline connect`: where the service is, and each PSA with its credentials, which lie in files of their own.

mod run;
mod webhook;

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use firstline_fault::{Code, Error, Result, UserError};
use firstline_psa::autotask::{Autotask, AutotaskSettings};
use firstline_psa::connector::{Connector, Finding};
use firstline_psa::connectwise::{Connectwise, ConnectwiseSettings};
use firstline_psa::halo::{Halo, HaloSettings};
use firstline_psa::http::{Http, Pace, Uri, Wait, agent};
use firstline_psa::mapped::Mapped;
use firstline_psa::secret::Secret;
use firstline_psa::sync::{RoundSettings, Service, WriteSettings};
use firstline_ticket::Clock;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::map::MapArgs;
pub(crate) use webhook::Webhook;

/// What `--example` prints.
pub(super) const EXAMPLE: &str = include_str!("example.toml");

/// Longest settings file or secret that is read, in bytes.
const MOST_BYTES: u64 = 1 << 20;
/// Requests that five tickets of a history take at least, counted on 4,000. Autotask tells most of a ticket together with others.
const REQUESTS: usize = 10;
const AUTOTASK_REQUESTS: usize = 6;

/// The settings: a service, a PSA, and what passes between them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PsaSettings {
    /// Address of the service.
    service: String,
    /// Whether the service may be asked over plain HTTP on another machine.
    #[serde(default)]
    insecure_service: bool,
    /// File with the service's key.
    key_file: PathBuf,
    /// The connection's name, under which the service keeps how far it has come.
    #[serde(default = "main_name")]
    pub(crate) name: String,
    /// Who runs it, as others see it: the same after a restart, so that its lease and its claims are still its own.
    owner: Option<String>,
    /// Seconds between two rounds.
    #[serde(default = "poll_seconds")]
    poll_seconds: u32,
    /// Seconds before the last change that was seen, from which on changes are asked for again.
    #[serde(default = "overlap_seconds")]
    overlap_seconds: u32,
    /// Days before the first round, from which on tickets are read.
    #[serde(default = "start_days")]
    start_days: u32,
    /// What may be written; nothing without it.
    write: Option<Write>,
    /// The desk's own automation; none is run without it.
    run: Option<run::RunArgs>,
    /// Where webhooks come in; none without it.
    webhook: Option<webhook::WebhookArgs>,
    /// What the desk calls otherwise than its PSA.
    #[serde(default)]
    map: MapArgs,
    /// One of these is the PSA.
    connectwise: Option<ConnectwiseArgs>,
    autotask: Option<AutotaskArgs>,
    halo: Option<HaloArgs>,
    /// The folder of the file: what names no folder is looked for there.
    #[serde(skip)]
    folder: PathBuf,
}

fn main_name() -> String {
    "main".to_owned()
}

/// This machine's name.
fn host() -> String {
    let told = std::env::var("HOSTNAME").or_else(|_| std::fs::read_to_string("/proc/sys/kernel/hostname"));
    let name = told.unwrap_or_default().trim().to_owned();
    if name.is_empty() { "connect".to_owned() } else { name }
}

fn poll_seconds() -> u32 {
    30
}

fn overlap_seconds() -> u32 {
    180
}

fn start_days() -> u32 {
    1
}

/// What may be written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Write {
    /// Who sees replies.
    replies: Replies,
    /// The status that a ticket gets with a reply that the customer sees.
    status_after_reply: Option<String>,
    /// The status with which a ticket is closed whose customer has confirmed that it is done.
    close_status: Option<String>,
    /// The status with which a ticket is opened again whose customer says that it is not done.
    reopen_status: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Replies {
    /// Technicians: replies are internal notes.
    Internal,
    /// The customer.
    Visible,
}

/// A ConnectWise PSA and its credentials.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConnectwiseArgs {
    url: String,
    company: String,
    public_key: String,
    private_key_file: PathBuf,
    client_id: String,
    codebase: Option<String>,
    #[serde(default = "requests_per_minute")]
    requests_per_minute: u32,
}

/// An Autotask and its credentials.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AutotaskArgs {
    #[serde(default = "zones")]
    url: String,
    user: String,
    secret_file: PathBuf,
    integration_code: String,
    note_type: Option<String>,
    act_as: Option<i64>,
    #[serde(default = "requests_per_minute")]
    requests_per_minute: u32,
}

/// A HaloPSA and its credentials.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HaloArgs {
    url: String,
    auth_url: Option<String>,
    tenant: Option<String>,
    client_id: String,
    client_secret_file: PathBuf,
    #[serde(default = "scope")]
    scope: String,
    note_outcome: i64,
    reply_outcome: Option<i64>,
    #[serde(default = "requests_per_five_minutes")]
    requests_per_five_minutes: u32,
}

fn scope() -> String {
    "all".to_owned()
}

/// The lowest quota that has been told of.
fn requests_per_five_minutes() -> u32 {
    300
}

/// Where every Autotask tells its zone.
fn zones() -> String {
    "https://webservices2.autotask.net".to_owned()
}

fn requests_per_minute() -> u32 {
    120
}

fn fault(place: &str, problem: impl Into<String>, next: &str) -> Error {
    UserError::new(Code::Config, place, problem.into(), next).into()
}

/// The next step for the address of a PSA that is not encrypted.
const HTTPS: &str = "Write it as https://HOST";

/// Refuses an address that credentials would go to in clear, unless it is on this machine.
fn encrypted(url: &str, next: &str) -> Result<()> {
    let uri: Uri = url.trim().parse().map_err(|_| fault(url, "it is not an address", next))?;
    let here = matches!(uri.host(), Some("127.0.0.1" | "localhost" | "[::1]"));
    if uri.scheme_str() == Some("https") || uri.scheme_str() == Some("http") && here {
        return Ok(());
    }
    Err(fault(url, "credentials would be sent in clear", next))
}

/// A file that is small and text.
fn small(path: &Path) -> Result<String> {
    let place = path.display().to_string();
    let unread = |why: &dyn std::fmt::Display| fault(&place, why.to_string(), "Name a file that can be read");
    let about = std::fs::metadata(path).map_err(|e| unread(&e))?;
    if !about.is_file() || about.len() > MOST_BYTES {
        return Err(unread(&"it is not a file, or larger than 1 MiB"));
    }
    std::fs::read_to_string(path).map_err(|e| unread(&e))
}

/// A secret from a file.
fn secret(folder: &Path, path: &Path) -> Result<Secret> {
    let path = folder.join(path);
    let text = small(&path)?;
    if text.trim().is_empty() {
        return Err(fault(&path.display().to_string(), "it is empty", "Put the secret into it"));
    }
    Ok(Secret::new(&text))
}

impl PsaSettings {
    /// Keeps others on this machine from running the same connection, as long as what it gives lives.
    pub(super) fn alone(path: &Path) -> Result<File> {
        let place = path.display().to_string();
        let file =
            File::open(path).map_err(|e| fault(&place, e.to_string(), "Name a file that can be read"))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(fault(
                &place,
                "another process runs this connection",
                "Stop that process first, or leave it running",
            )),
            // Some file systems have no locks: the lease keeps other machines out all the same.
            Err(TryLockError::Error(_)) => Ok(file),
        }
    }

    pub(crate) fn read(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let example = "`firstline connect --example` prints a settings file to start from";
        let text = small(path)?;
        let mut settings: Self =
            toml::from_str(&text).map_err(|e| fault(&place, e.message().to_owned(), example))?;
        settings.folder = path.parent().map(Path::to_owned).unwrap_or_default();
        if settings.name.trim().is_empty() {
            return Err(fault(&place, "\"name\" is empty", example));
        }
        Ok(settings)
    }

    /// The service.
    pub(super) fn service(&self) -> Result<Service> {
        if !self.insecure_service {
            let next = "Write it as https://HOST; on a network that you trust, set insecure_service = true";
            encrypted(&self.service, next)?;
        }
        let key = secret(&self.folder, &self.key_file)?;
        let pace = Pace { requests: 6_000, window: Duration::from_secs(60) };
        let http = Http::new("the service", agent(), pace, super::pause());
        Ok(Service::new(&self.service, key, http))
    }

    pub(super) fn poll(&self) -> Duration {
        Duration::from_secs(u64::from(self.poll_seconds.max(1)))
    }

    /// The least time that reading so many tickets with their histories takes, in words.
    pub(crate) fn time_for(&self, tickets: usize) -> String {
        let (five, a_minute) = match (&self.connectwise, &self.autotask, &self.halo) {
            (Some(given), _, _) => (REQUESTS, given.requests_per_minute),
            (_, Some(given), _) => (AUTOTASK_REQUESTS, given.requests_per_minute),
            (_, _, Some(given)) => (REQUESTS, given.requests_per_five_minutes / 5),
            _ => (REQUESTS, 1),
        };
        let minutes = (tickets * five).div_ceil(5 * a_minute.max(1) as usize);
        format!("{} h {:02} min", minutes / 60, minutes % 60)
    }

    pub(crate) fn psa_name(&self) -> &'static str {
        match (&self.connectwise, &self.autotask) {
            (Some(_), _) => "ConnectWise PSA",
            (None, Some(_)) => "Autotask",
            (None, None) => "HaloPSA",
        }
    }

    /// Whether anything may be written.
    pub(super) fn writes(&self) -> bool {
        self.write.is_some()
    }

    /// What may be written, and whether the settings have what that needs.
    pub(super) fn writing(&self) -> Finding {
        let visible = self.write.as_ref().is_some_and(|write| write.replies == Replies::Visible);
        let after = self.write.as_ref().and_then(|write| write.status_after_reply.as_ref());
        let unsent = visible && self.halo.as_ref().is_some_and(|halo| halo.reply_outcome.is_none());
        let (found, next) = match &self.write {
            None => ("nothing: there is no [write] section", None),
            Some(_) if unsent => (
                "labels, and replies that the customer sees, but none can be sent: \"reply_outcome\" is not set",
                Some(
                    "Set \"reply_outcome\" in [halo] to the id of an outcome that mails the customer, or set \"replies\" to \"internal\"",
                ),
            ),
            Some(_) if visible => ("labels, and replies that the customer sees", None),
            Some(_) if after.is_some() => (
                "labels, and replies as internal notes, so \"status_after_reply\" would never be set",
                Some("Remove \"status_after_reply\" from [write], or set \"replies\" to \"visible\""),
            ),
            Some(_) => ("labels, and replies as internal notes", None),
        };
        Finding { what: "writing".to_owned(), found: found.to_owned(), next: next.map(str::to_owned) }
    }

    pub(super) fn round(&self) -> Result<RoundSettings> {
        let days = SignedDuration::from_hours(24 * i64::from(self.start_days));
        Ok(RoundSettings {
            name: self.name.trim().to_owned(),
            owner: self.owner.clone().unwrap_or_else(host),
            start: Timestamp::now().checked_sub(days).unwrap_or(Timestamp::UNIX_EPOCH),
            overlap: SignedDuration::from_secs(i64::from(self.overlap_seconds)),
            lease_seconds: self.poll_seconds.saturating_mul(4).clamp(60, 3_600),
            write: self.write.as_ref().map(|write| self.write_settings(write)).transpose()?,
            closing: BTreeSet::new(),
            clock: Clock::real(),
        })
    }

    fn write_settings(&self, write: &Write) -> Result<WriteSettings> {
        Ok(WriteSettings {
            visible_replies: write.replies == Replies::Visible,
            close_status: write.close_status.clone(),
            reopen_status: write.reopen_status.clone(),
            automation: self.automation()?,
        })
    }

    fn connectwise(&self, given: &ConnectwiseArgs) -> Result<ConnectwiseSettings> {
        Ok(ConnectwiseSettings {
            url: given.url.clone(),
            company: given.company.clone(),
            public_key: given.public_key.clone(),
            private_key: secret(&self.folder, &given.private_key_file)?,
            client_id: Secret::new(&given.client_id),
            codebase: given.codebase.clone(),
            requests_per_minute: given.requests_per_minute.max(1),
        })
    }

    /// The PSA by the desk's names. A patient one waits long for quota that others have used.
    pub(crate) fn connector(&self, wait: Wait, patient: bool) -> Result<Box<dyn Connector>> {
        let mut map = self.map.labels()?;
        if let Some(write) = self.write.clone() {
            map = map
                .status_after_reply(write.status_after_reply)
                .turning(write.close_status, write.reopen_status);
        }
        let psa = self.bare(wait, patient)?;
        Ok(if map.is_empty() { psa } else { Box::new(Mapped::new(psa, map)) })
    }

    /// Whether the PSA tells its rules.
    pub(crate) fn tells_rules(&self) -> bool {
        self.autotask.is_none()
    }

    /// The PSA as its vendor's.
    fn bare(&self, wait: Wait, patient: bool) -> Result<Box<dyn Connector>> {
        let urls = [
            self.connectwise.as_ref().map(|given| &given.url),
            self.autotask.as_ref().map(|given| &given.url),
            self.halo.as_ref().map(|given| &given.url),
            self.halo.as_ref().and_then(|given| given.auth_url.as_ref()),
        ];
        urls.into_iter().flatten().try_for_each(|url| encrypted(url, HTTPS))?;
        match (&self.connectwise, &self.autotask, &self.halo) {
            (Some(given), None, None) => {
                Ok(Box::new(Connectwise::new(self.connectwise(given)?, agent(), wait)))
            }
            (None, Some(given), None) => {
                let settings = AutotaskSettings {
                    url: given.url.clone(),
                    user: given.user.clone(),
                    secret: secret(&self.folder, &given.secret_file)?,
                    integration_code: Secret::new(&given.integration_code),
                    note_type: given.note_type.clone(),
                    act_as: given.act_as,
                    requests_per_minute: given.requests_per_minute.max(1),
                };
                let psa = Autotask::new(settings, agent(), wait);
                Ok(Box::new(if patient { psa.patient(60) } else { psa }))
            }
            (None, None, Some(given)) => {
                let settings = HaloSettings {
                    url: given.url.clone(),
                    auth_url: given.auth_url.clone(),
                    tenant: given.tenant.clone(),
                    client_id: given.client_id.clone(),
                    client_secret: secret(&self.folder, &given.client_secret_file)?,
                    scope: given.scope.clone(),
                    note_outcome: given.note_outcome,
                    reply_outcome: given.reply_outcome,
                    requests_per_five_minutes: given.requests_per_five_minutes.max(1),
                };
                Ok(Box::new(Halo::new(settings, agent(), wait)))
            }
            _ => Err(fault(
                &format!("connection {:?}", self.name),
                "it has no PSA section, or more than one",
                "Keep exactly one section: [connectwise], [autotask] or [halo]",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_out_in_clear_to_this_machine_alone() {
        for good in
            ["https://psa.example", "http://127.0.0.1:8600", "http://localhost", "http://[::1]:8600/auth"]
        {
            assert!(encrypted(good, HTTPS).is_ok(), "{good}");
        }
        for bad in [
            "http://psa.example",
            "HTTP://psa.example",
            "http://localhost:80@psa.example",
            "http://localhost.psa.example",
            "psa.example",
            "ftp://localhost",
        ] {
            assert!(encrypted(bad, HTTPS).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_services_key_goes_out_in_clear_to_this_machine_alone_unless_the_settings_say_so() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("service.key"), "fl_key").unwrap();
        let service = |address: &str, more: &str| {
            let text = EXAMPLE.replace("http://127.0.0.1:8484", address);
            let mut settings: PsaSettings = toml::from_str(&format!("{more}{text}")).unwrap();
            settings.folder = folder.path().to_owned();
            settings.service().map(drop).map_err(|error| error.to_string())
        };
        for good in ["http://127.0.0.1:8484", "http://localhost:8484", "https://firstline.desk.example"] {
            assert_eq!(service(good, ""), Ok(()), "{good}");
        }
        for bad in [
            "http://10.0.0.5:8484",
            "http://firstline.desk.example",
            "10.0.0.5:8484",
            "http://127.0.0.1.example",
        ] {
            let told = service(bad, "").unwrap_err();
            assert!(told.contains("insecure_service") && told.contains(bad), "{told}");
        }
        assert_eq!(service("http://10.0.0.5:8484", "insecure_service = true\n"), Ok(()));
    }

    #[test]
    fn a_pull_says_the_least_time_that_it_takes() {
        let settings: PsaSettings = toml::from_str(EXAMPLE).unwrap();
        assert_eq!(settings.time_for(12_000), "3 h 20 min");
        let tables = [
            ("user = \"u\"\nsecret_file = \"psa.key\"\nintegration_code = \"c\"\n", "autotask", "2 h 00 min"),
            (
                "url = \"u\"\nclient_id = \"c\"\nclient_secret_file = \"psa.key\"\nnote_outcome = 7\n",
                "halo",
                "6 h 40 min",
            ),
        ];
        for (lines, name, wanted) in tables {
            let text = format!("service = \"s\"\nkey_file = \"k\"\n[{name}]\n{lines}");
            let settings: PsaSettings = toml::from_str(&text).unwrap();
            assert_eq!(settings.time_for(12_000), wanted, "{name}");
        }
    }

    #[test]
    fn the_example_names_the_files_that_the_unit_passes_in() {
        let unit = include_str!("../../../examples/firstline-connect.service");
        let files: Vec<&str> = EXAMPLE
            .lines()
            .map(|line| line.trim_start_matches("# "))
            .filter(|line| line.contains("_file = "))
            .filter_map(|line| line.split('"').nth(1))
            .collect();
        assert_eq!(files, ["service.key", "psa.key", "psa.key", "psa.key", "run.key", "webhook.key"]);
        for file in files {
            assert!(unit.contains(&format!("LoadCredential={file}:/etc/firstline-connect/{file}")), "{file}");
        }
    }

    #[test]
    fn the_example_can_be_read_as_it_is() {
        let settings: PsaSettings = toml::from_str(EXAMPLE).unwrap();
        assert_eq!((settings.psa_name(), settings.poll_seconds), ("ConnectWise PSA", 30));
        assert!(settings.write.is_none(), "nothing is written unless somebody says so");
        let mut uncommented = EXAMPLE.replace("# [write]", "[write]").replace("# replies", "replies");
        for line in [
            "[map.board]\n",
            "\"Help Desk\"",
            "[map]\n",
            "ignore_boards",
            "close = ",
            "close_status",
            "status_after_reply",
            "reopen_status",
            "[run]\n",
            "url = \"https://automation",
            "secret_file = \"run.key",
            "timeout_seconds",
        ] {
            uncommented = uncommented.replace(&format!("# {line}"), line);
        }
        let mut settings: PsaSettings = toml::from_str(&uncommented).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("run.key"), "0123456789abcdef").unwrap();
        settings.folder = folder.path().to_owned();
        let write = settings.round().unwrap().write.unwrap();
        assert!(!write.visible_replies && write.automation.is_some());
        assert_eq!(
            write.close_status.as_deref().zip(write.reopen_status.as_deref()),
            Some(("Closed", "In Progress"))
        );
        assert!(!settings.map.labels().unwrap().is_empty());
    }
}
