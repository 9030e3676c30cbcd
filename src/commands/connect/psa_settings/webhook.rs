//! The section `[webhook]`: where the listener is, and how deliveries are proven.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use firstline_fault::Result;
use firstline_psa::connectwise::signing_keys;
use firstline_psa::hook::{Hook, Proof, Subscription};
use serde::Deserialize;

use super::{HTTPS, PsaSettings, encrypted, fault, secret};

/// Shortest part of a path that nobody guesses, in characters.
const UNGUESSED: usize = 20;
/// Characters that a secret may have: Autotask keeps no more.
const SECRET: std::ops::RangeInclusive<usize> = 16..=64;

/// The section.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookArgs {
    listen: String,
    path: String,
    secret_file: Option<PathBuf>,
    #[serde(default)]
    proof: ProofKind,
    user: Option<String>,
}

/// How HaloPSA proves its deliveries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ProofKind {
    /// By an HMAC of the body.
    #[default]
    Hmac,
    /// By a user and a password.
    Basic,
}

/// The listener that the settings ask for.
#[derive(Debug)]
pub(crate) struct Webhook {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// What judges deliveries.
    pub(crate) hook: Hook,
    /// The webhook in the PSA that belongs to it.
    pub(crate) wanted: Subscription,
}

impl Webhook {
    /// The webhook that posts to `url`.
    ///
    /// # Errors
    /// For an address that a PSA must not post to, or that does not end with the listener's path.
    pub(crate) fn at(&self, url: &str) -> Result<Subscription> {
        encrypted(url, HTTPS)?;
        let path = url.split('?').next().unwrap_or_default();
        if !path.ends_with(&self.wanted.path) || url.contains(['@', '#', ' ']) {
            let problem = format!("it does not end with \"path\" of [webhook], {:?}", self.wanted.path);
            return Err(fault(
                "--register",
                problem,
                "Give the full address, and let the reverse proxy keep its path",
            ));
        }
        Ok(Subscription { url: Some(url.to_owned()), ..self.wanted.clone() })
    }
}

impl PsaSettings {
    /// The listener; `None` without a section `[webhook]`.
    pub(crate) fn webhook(&self) -> Result<Option<Webhook>> {
        let Some(args) = &self.webhook else { return Ok(None) };
        let place = "[webhook]";
        let next = "Give an address and a port, such as listen = \"127.0.0.1:8500\"";
        let mut addresses = args.listen.to_socket_addrs().map_err(|e| fault(place, e.to_string(), next))?;
        let listen = addresses.next().ok_or_else(|| fault(place, "\"listen\" is not an address", next))?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
        if !args.path.starts_with('/') || args.path.len() < 2 || !args.path.chars().all(plain) {
            let problem =
                "\"path\" does not begin with a slash, or has other characters than A-Z a-z 0-9 - _ . ~ /";
            return Err(fault(place, problem, "Write it like /firstline/hook"));
        }
        let (hook, proof) = self.proof(args)?;
        let wanted = Subscription { url: None, path: args.path.clone(), proof };
        Ok(Some(Webhook { listen, hook, wanted }))
    }

    fn proof(&self, args: &WebhookArgs) -> Result<(Hook, Proof)> {
        let place = "[webhook]";
        if let Some(given) = &self.connectwise {
            let last = args.path.rsplit('/').next().unwrap_or_default();
            if last.len() < UNGUESSED {
                let problem = format!("the last part of \"path\" has fewer than {UNGUESSED} characters");
                return Err(fault(
                    place,
                    problem,
                    "Let it end with random characters, so that nobody can guess it",
                ));
            }
            return Ok((Hook::connectwise(signing_keys(&self.connectwise(given)?)), Proof::Keys));
        }
        let next = "Put 16 to 64 random characters into a file and name it as \"secret_file\"";
        let file =
            args.secret_file.as_ref().ok_or_else(|| fault(place, "\"secret_file\" is missing", next))?;
        let key = secret(&self.folder, file)?;
        if !SECRET.contains(&key.chars()) {
            return Err(fault(place, "the secret is shorter than 16 characters, or longer than 64", next));
        }
        match (args.proof, &args.user) {
            (ProofKind::Basic, Some(user)) if self.halo.is_some() && !user.contains(':') => {
                let proof = Proof::Basic { user: user.clone(), password: key.clone() };
                Ok((Hook::halo_basic(user, &key), proof))
            }
            (ProofKind::Basic, _) => {
                let next = "Set a \"user\" without a colon, or remove \"proof\": only HaloPSA has it";
                Err(fault(place, "proof = \"basic\" can't be used like this", next))
            }
            (ProofKind::Hmac, _) if self.halo.is_some() => Ok((Hook::halo(key.clone()), Proof::Secret(key))),
            (ProofKind::Hmac, _) => Ok((Hook::autotask(key.clone()), Proof::Secret(key))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::EXAMPLE;
    use super::*;

    const AUTOTASK: &str = "[autotask]\nuser = \"u\"\nsecret_file = \"s\"\nintegration_code = \"c\"\n";
    const HALO: &str = "[halo]\nurl = \"https://h.example\"\nclient_id = \"c\"\nclient_secret_file = \"s\"\nnote_outcome = 7\n";
    const CONNECTWISE: &str = "[connectwise]\nurl = \"https://cw.example\"\ncompany = \"acme\"\npublic_key = \"p\"\n\
        private_key_file = \"s\"\nclient_id = \"c\"\n";

    fn read(folder: &Path, psa: &str, webhook: &str) -> Result<Option<Webhook>> {
        let text = format!("service = \"http://127.0.0.1:1\"\nkey_file = \"s\"\n{psa}{webhook}");
        let mut settings: PsaSettings = toml::from_str(&text).unwrap();
        settings.folder = folder.to_owned();
        settings.webhook()
    }

    #[test]
    fn a_listener_has_what_its_psa_needs() {
        let dir = tempfile::tempdir().unwrap();
        for (name, secret) in
            [("s", "a-secret-of-some-length"), ("short", "short"), ("long", &"x".repeat(65))]
        {
            std::fs::write(dir.path().join(name), secret).unwrap();
        }
        let at = "[webhook]\nlisten = \"127.0.0.1:0\"\n";
        let long = "path = \"/firstline/0123456789abcdefghij\"\n";
        let hook = "path = \"/hook\"\nsecret_file = \"s\"\n";
        for (psa, webhook) in [
            (CONNECTWISE, format!("{at}{long}")),
            (AUTOTASK, format!("{at}{hook}")),
            (HALO, format!("{at}{hook}")),
            (HALO, format!("{at}{hook}proof = \"basic\"\nuser = \"firstline\"\n")),
        ] {
            assert!(read(dir.path(), psa, &webhook).unwrap().is_some(), "{webhook}");
        }
        assert!(read(dir.path(), HALO, "").unwrap().is_none());
        for (psa, webhook, why) in [
            (CONNECTWISE, format!("{at}path = \"/hook\"\n"), "20 characters"),
            (AUTOTASK, format!("{at}{long}"), "secret_file"),
            (AUTOTASK, format!("{at}path = \"/hook\"\nsecret_file = \"short\"\n"), "16 characters"),
            (HALO, format!("{at}path = \"/hook\"\nsecret_file = \"long\"\n"), "64"),
            (HALO, format!("{at}{hook}proof = \"basic\"\n"), "user"),
            (AUTOTASK, format!("{at}{hook}proof = \"basic\"\nuser = \"firstline\"\n"), "only HaloPSA"),
            (HALO, format!("{at}path = \"hook\"\nsecret_file = \"s\"\n"), "slash"),
            (HALO, format!("{at}path = \"/{{any}}\"\nsecret_file = \"s\"\n"), "slash"),
            (HALO, format!("[webhook]\nlisten = \"here\"\n{hook}"), "listen"),
        ] {
            let error = read(dir.path(), psa, &webhook).unwrap_err().to_string();
            assert!(error.contains(why), "{webhook}: {error}");
        }
    }

    #[test]
    fn a_psa_posts_to_an_encrypted_address_with_the_listeners_path() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("s"), "a-secret-of-some-length").unwrap();
        let section = "[webhook]\nlisten = \"127.0.0.1:0\"\npath = \"/hook\"\nsecret_file = \"s\"\n";
        let webhook = read(dir.path(), AUTOTASK, section).unwrap().unwrap();
        for good in [
            "https://hooks.example/hook",
            "https://hooks.example/firstline/hook",
            "http://127.0.0.1:8500/hook?id=",
        ] {
            assert_eq!(webhook.at(good).unwrap().url.as_deref(), Some(good));
        }
        for bad in [
            "http://hooks.example/hook",
            "https://hooks.example/other",
            "https://hooks.example/?/hook",
            "https://user@hooks.example/hook",
            "hooks.example/hook",
        ] {
            assert!(webhook.at(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_example_has_a_section_that_can_be_read() {
        let start = EXAMPLE.find("# [webhook]").unwrap();
        let section: Vec<&str> = EXAMPLE[start..]
            .lines()
            .take_while(|line| !line.is_empty())
            .map(|l| l.trim_start_matches("# "))
            .collect();
        let args: toml::Table = toml::from_str(&section.join("\n")).unwrap();
        let args: WebhookArgs = args["webhook"].clone().try_into().unwrap();
        assert!(args.path.rsplit('/').next().unwrap().len() >= UNGUESSED && args.proof == ProofKind::Hmac);
    }
}
