//! Webhooks: whether a delivery comes from the PSA, and which tickets it is about.
//!
//! A delivery is a hint. Its signature is checked over the bytes that came, and of its body nothing is believed but the numbers of tickets,
//! which are then read from the PSA. A delivery that is sent again is judged as before: it is the loop that reads a ticket once in a while
//! only. Must never open a socket, follow an address of a body that is not the PSA's own, or keep anything of a body.

mod body;
mod escaped;
mod keys;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac};
use ureq::http::HeaderMap;

use crate::secret::Secret;
pub use keys::SigningKeys;

/// Longest body of a delivery that is read, in bytes. The next poll finds the ticket of a longer one.
pub const MOST_BODY: usize = 1 << 20;

/// The header that HaloPSA is told to sign in.
pub(crate) const TOKEN: &str = "Token";

/// How deliveries prove where they come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Proof {
    /// ConnectWise: an HMAC-SHA256 of the body with a key that the PSA itself gives.
    Keys,
    /// Autotask and HaloPSA: an HMAC of the body with a secret that both know: SHA-1 in `X-Hook-Signature`, SHA-256 in `Token`.
    Secret(Secret),
    /// HaloPSA: a user and a password, without anything that binds the body to them.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
}

/// What judges deliveries of one PSA.
pub struct Hook(Kind);

enum Kind {
    Connectwise(Box<SigningKeys>),
    Autotask(Secret),
    Halo(Secret),
    HaloBasic(Secret),
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Connectwise(_) => "Hook(ConnectWise)",
            Kind::Autotask(_) => "Hook(Autotask)",
            Kind::Halo(_) | Kind::HaloBasic(_) => "Hook(HaloPSA)",
        })
    }
}

/// What a delivery says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// These tickets may have changed; none where it is about something else.
    Tickets(Vec<String>),
    /// The PSA has switched the webhook off. Autotask does not sign this: it is to be looked at, and to be believed in nothing.
    SwitchedOff,
}

/// Why a delivery is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refused {
    /// It is longer than [`MOST_BODY`].
    TooLong,
    /// It has no signature, two, or one that is none.
    Unsigned,
    /// The signature is not the PSA's.
    Forged,
    /// It names a key that is not at the PSA.
    ForeignKey,
    /// The PSA does not give its key now.
    NoKey,
    /// It is signed, and its body can't be read.
    Unreadable,
}

impl Refused {
    /// It in words, with what to do.
    pub fn why(self) -> &'static str {
        match self {
            Self::TooLong => "longer than 1 MiB: the next round finds their tickets",
            Self::Unsigned => "without a signature: register again with --register where tickets come late",
            Self::Forged => "with a wrong signature: register again with --register where tickets come late",
            Self::ForeignKey => {
                "with a key that is not at the PSA: check \"url\" and \"company\" where tickets come late"
            }
            Self::NoKey => "with a key that the PSA does not give now: the next round finds their tickets",
            Self::Unreadable => "signed and not readable: please report it, with the PSA's version",
        }
    }
}

impl Hook {
    /// Deliveries of ConnectWise, with the keys that it signs with.
    pub fn connectwise(keys: SigningKeys) -> Self {
        Self(Kind::Connectwise(Box::new(keys)))
    }

    /// Deliveries of Autotask, whose webhook has that `secretKey`.
    pub fn autotask(secret: Secret) -> Self {
        Self(Kind::Autotask(secret))
    }

    /// Deliveries of HaloPSA whose header `Token` is an HMAC of the body.
    pub fn halo(secret: Secret) -> Self {
        Self(Kind::Halo(secret))
    }

    /// Deliveries of HaloPSA with a user and a password. Sources contradict each other about which a tenant can have.
    pub fn halo_basic(user: &str, password: &Secret) -> Self {
        let pair = STANDARD.encode(format!("{user}:{}", password.shown()));
        Self(Kind::HaloBasic(Secret::new(&format!("Basic {pair}"))))
    }

    /// What a delivery says, if it is the PSA's.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn judge(&mut self, headers: &HeaderMap, body: &[u8], now: Instant) -> Result<Told, Refused> {
        if body.len() > MOST_BODY {
            return Err(Refused::TooLong);
        }
        match &mut self.0 {
            Kind::Connectwise(keys) => connectwise(keys, headers, body, now),
            Kind::Autotask(secret) => autotask(secret, headers, body),
            Kind::Halo(secret) => {
                let tag = tag(single(headers, TOKEN)?)?;
                proven(&hmac::Key::new(hmac::HMAC_SHA256, secret.shown().as_bytes()), body, &tag)?;
                body::halo(body)
            }
            Kind::HaloBasic(wanted) => {
                let given = single(headers, "authorization")?;
                if !same(given.as_bytes(), wanted.shown().as_bytes()) {
                    return Err(Refused::Forged);
                }
                body::halo(body)
            }
        }
    }
}

fn connectwise(
    keys: &mut SigningKeys,
    headers: &HeaderMap,
    body: &[u8],
    now: Instant,
) -> Result<Told, Refused> {
    let tag = tag(single(headers, "x-content-signature")?)?;
    let unproven = body::connectwise(body)?;
    let url = unproven.key_url().ok_or(Refused::Unsigned)?;
    let (key, old) = keys.key(url, now)?;
    let tried = proven(&signing(&key), body, &tag);
    if tried.is_err() && old {
        // The key may have been changed since it was read.
        let fresh = keys.renewed(url, now).filter(|fresh| *fresh != key);
        proven(&signing(&fresh.ok_or(Refused::Forged)?), body, &tag)?;
    } else {
        tried?;
    }
    Ok(Told::Tickets(unproven.ticket()))
}

/// The key of the HMAC: the digest of the key's text.
fn signing(key: &Secret) -> hmac::Key {
    let digest = digest::digest(&digest::SHA256, key.shown().as_bytes());
    hmac::Key::new(hmac::HMAC_SHA256, digest.as_ref())
}

fn autotask(secret: &Secret, headers: &HeaderMap, body: &[u8]) -> Result<Told, Refused> {
    const HEADER: &str = "x-hook-signature";
    if !headers.contains_key(HEADER) {
        let switched_off = body::autotask(body).is_ok_and(|told| told.is_deactivation());
        return if switched_off { Ok(Told::SwitchedOff) } else { Err(Refused::Unsigned) };
    }
    let given = single(headers, HEADER)?;
    let tag = tag(given.strip_prefix("sha1=").ok_or(Refused::Unsigned)?)?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.shown().as_bytes());
    let form = |text: &str| proven(&key, text.as_bytes(), &tag).is_ok();
    let escaped = || {
        std::str::from_utf8(body)
            .is_ok_and(|text| escaped::FORMS.into_iter().any(|hex| form(&escaped::escaped(text, hex))))
    };
    if proven(&key, body, &tag).is_err() && !escaped() {
        return Err(Refused::Forged);
    }
    let told = body::autotask(body)?;
    Ok(if told.is_deactivation() { Told::SwitchedOff } else { Told::Tickets(told.ticket()) })
}

/// The value of a header that came once.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Refused> {
    let mut all = headers.get_all(name).iter();
    let one = all.next().and_then(|value| value.to_str().ok()).map(str::trim);
    one.filter(|one| !one.is_empty() && all.next().is_none()).ok_or(Refused::Unsigned)
}

fn tag(text: &str) -> Result<Vec<u8>, Refused> {
    STANDARD.decode(text).map_err(|_| Refused::Unsigned)
}

/// Whether `tag` is that of `body`, compared in constant time.
fn proven(key: &hmac::Key, body: &[u8], tag: &[u8]) -> Result<(), Refused> {
    hmac::verify(key, body, tag).map_err(|_| Refused::Forged)
}

/// Whether two secrets are the same, compared in constant time: by their HMACs, so that not even their lengths show.
fn same(given: &[u8], wanted: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"compared");
    hmac::verify(&key, given, hmac::sign(&key, wanted).as_ref()).is_ok()
}

/// The webhook that a PSA is to have, or is looked for there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Where it is to post to; `None` where nothing is to be made or changed.
    pub url: Option<String>,
    /// The path that the listener has: a webhook whose address ends with it is this connection's.
    pub path: String,
    /// How its deliveries are to be proven.
    pub proof: Proof,
}

/// What a webhook is called in the PSA.
pub(crate) const NAME: &str = "Firstline";

impl Subscription {
    /// Whether a webhook that posts to `address` is the one.
    pub(crate) fn is(&self, address: &str) -> bool {
        let path = address.split(['?', '#']).next().unwrap_or_default();
        match &self.url {
            Some(url) => url.split(['?', '#']).next() == Some(path),
            None => path.ends_with(&self.path),
        }
    }
}

/// How a webhook stands in the PSA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is there, and tells of changes as far as the PSA says.
    Active,
    /// It is there and tells nothing.
    Off {
        /// Why, in the PSA's words.
        why: String,
    },
    /// It is not there.
    Missing,
}
