//! API keys: `fl_<id>_<secret>`, the secret 256 random bits. The store has an argon2id hash of it, the caller the only copy.
//!
//! A key has scopes, and may be held to some customers. Must never print a secret, nor let a request wait for a slow hash more
//! than once: what was verified is remembered by its sha256 until the keys change.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, PasswordHash};
use axum::http::HeaderMap;
use firstline_fault::{Code, InternalError, Result, UserError};
use firstline_store::{CustomerSet, KeyRecord, Store};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::problem::Problem;
use crate::settings::Secret;

/// Keys that are remembered as verified.
const REMEMBERED: usize = 4_096;
/// Wrong secrets of one key a second, after which it is not looked at for a second: an honest caller sends none.
const TRIES: u32 = 5;
const PREFIX: &str = "fl";

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Send tickets, ask for decisions, embeddings and similar tickets, give feedback.
    Triage,
    /// See and review drafts, see KPIs.
    Review,
    /// Take actions out of the outbox and do them: the only way to anything being sent.
    Act,
    /// All, and replace bundles.
    Admin,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Scope; 4] = [Scope::Triage, Scope::Review, Scope::Act, Scope::Admin];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Triage => "triage",
            Scope::Review => "review",
            Scope::Act => "act",
            Scope::Admin => "admin",
        }
    }
}

impl FromStr for Scope {
    type Err = UserError;

    fn from_str(text: &str) -> std::result::Result<Self, UserError> {
        Scope::ALL.into_iter().find(|scope| scope.name() == text.trim()).ok_or_else(|| {
            UserError::new(
                Code::Config,
                "scope",
                format!("no scope {text:?}"),
                "Use triage, review, act, admin",
            )
        })
    }
}

/// A new key: what is stored of it, and what is shown once.
pub struct NewKey {
    /// For the store.
    pub record: KeyRecord,
    /// For the caller.
    pub token: Secret,
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKey").field("id", &self.record.id).finish_non_exhaustive()
    }
}

impl NewKey {
    /// Makes a key.
    ///
    /// # Errors
    /// An internal error where the system gives no random numbers.
    pub fn new(
        name: &str,
        scopes: &BTreeSet<Scope>,
        customers: CustomerSet,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Self> {
        let (id, secret) = (hex(&random::<6>()?), hex(&random::<32>()?));
        let hash = Argon2::default()
            .hash_password(secret.as_bytes())
            .map_err(|e| InternalError::new(format!("hashing a key: {e}")))?
            .to_string();
        let scopes = scopes.iter().map(|scope| scope.name().to_owned()).collect();
        let token = format!("{PREFIX}_{id}_{secret}").into();
        let record = KeyRecord {
            id,
            name: name.to_owned(),
            hash,
            scopes,
            customers,
            created_at: now,
            expires_at,
            revoked_at: None,
            altered: false,
        };
        Ok(Self { record, token })
    }
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| InternalError::new(format!("random numbers: {e}")))?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The key that makes a request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) key: String,
    scopes: Vec<String>,
    pub(crate) customers: CustomerSet,
}

impl Caller {
    /// Whether the key has this scope.
    pub(crate) fn may(&self, scope: Scope) -> std::result::Result<(), Problem> {
        if self.scopes.iter().any(|has| has == scope.name() || has == Scope::Admin.name()) {
            return Ok(());
        }
        let problem = format!("key {} has no scope {:?}", self.key, scope.name());
        Err(Problem::new(
            Code::Scope,
            "Authorization",
            problem,
            "Use a key that has it: firstline store keys create",
        ))
    }

    /// Whether the key is held to some customers.
    pub(crate) fn is_held(&self) -> bool {
        self.customers != CustomerSet::All
    }
}

/// The keys that hold.
pub(crate) struct Keys {
    known: ArcSwap<HashMap<String, KeyRecord>>,
    verified: Mutex<HashMap<[u8; 32], String>>,
    /// argon2 is slow on purpose: one at a time, so that it never has more than one core.
    hashing: Semaphore,
    /// Wrong secrets, and keys that had too many of them, until when.
    wrong: DefaultKeyedRateLimiter<String>,
    guessed: Mutex<HashMap<String, Instant>>,
    rate: DefaultKeyedRateLimiter<String>,
}

impl Keys {
    pub(crate) fn new(requests_per_second: u32) -> Self {
        let quota = |n: u32| Quota::per_second(NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN));
        Self {
            known: ArcSwap::default(),
            verified: Mutex::default(),
            hashing: Semaphore::new(1),
            wrong: RateLimiter::keyed(quota(TRIES)),
            guessed: Mutex::default(),
            rate: RateLimiter::keyed(quota(requests_per_second)),
        }
    }

    /// Takes over what the store has; gives how many keys hold.
    pub(crate) fn reload(&self, store: &dyn Store) -> Result<usize> {
        let keys: HashMap<String, KeyRecord> =
            store.keys()?.into_iter().map(|key| (key.id.clone(), key)).collect();
        let n = keys.values().filter(|key| key.revoked_at.is_none()).count();
        let before = self.known.load_full();
        if *before != keys {
            for key in keys.values().filter(|key| key.altered) {
                tracing::error!(key = %key.id, "an API key is not what the audit log says of it, and is refused");
            }
            let same = |id: &String| keys.get(id).is_some_and(|key| before.get(id) == Some(key));
            self.verified().retain(|_, id| same(id));
            self.known.store(Arc::new(keys));
        }
        let now = Instant::now();
        self.guessed.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, until| *until > now);
        self.wrong.retain_recent();
        self.rate.retain_recent();
        Ok(n)
    }

    /// Who makes a request with these headers.
    pub(crate) async fn caller(
        &self,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> std::result::Result<Caller, Problem> {
        let refused = |problem: &str| {
            let next =
                "Send Authorization: Bearer fl_..., a key that `firstline store keys create` has shown";
            Problem::new(Code::Auth, "Authorization", problem, next)
        };
        let token = token(headers).ok_or_else(|| refused("no API key"))?;
        let unknown = || refused("the API key is not known, or no longer holds");
        let (id, secret) = parts(&token).ok_or_else(unknown)?;
        let known = self.known.load_full();
        let record = known.get(id).ok_or_else(unknown)?;
        if record.altered || record.revoked_at.is_some() || record.expires_at.is_some_and(|end| end <= now) {
            return Err(unknown());
        }
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if !self.is_verified(&digest, id) && !self.verify(digest, id, secret, &record.hash).await? {
            return Err(unknown());
        }
        if self.rate.check_key(&record.id).is_err() {
            return Err(Problem::overload("this key", 1));
        }
        Ok(Caller {
            key: record.id.clone(),
            scopes: record.scopes.clone(),
            customers: record.customers.clone(),
        })
    }
}

impl Keys {
    fn verified(&self) -> MutexGuard<'_, HashMap<[u8; 32], String>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_verified(&self, digest: &[u8; 32], id: &str) -> bool {
        self.verified().get(digest).is_some_and(|known| known == id)
    }

    /// Whether the secret is the key's, by the slow hash.
    async fn verify(
        &self,
        digest: [u8; 32],
        id: &str,
        secret: &str,
        hash: &str,
    ) -> std::result::Result<bool, Problem> {
        let _one = self.hashing.acquire().await.map_err(Problem::internal)?;
        // The first of those that wait with the same secret has done it for all.
        if self.is_verified(&digest, id) {
            return Ok(true);
        }
        let guessed =
            |keys: &Self| keys.guessed.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied();
        if guessed(self).is_some_and(|until| until > Instant::now()) {
            return Err(Problem::overload("Authorization", 1));
        }
        let (hash, secret) = (hash.to_owned(), secret.to_owned());
        let fits = tokio::task::spawn_blocking(move || {
            let hash = PasswordHash::new(&hash).map_err(|e| e.to_string())?;
            Ok::<bool, String>(Argon2::default().verify_password(secret.as_bytes(), &hash).is_ok())
        });
        let fits = fits.await.map_err(Problem::internal)?.map_err(Problem::internal)?;
        if fits {
            let mut verified = self.verified();
            if verified.len() >= REMEMBERED {
                verified.clear();
            }
            verified.insert(digest, id.to_owned());
        } else if self.wrong.check_key(&id.to_owned()).is_err() {
            let until = Instant::now() + Duration::from_secs(1);
            self.guessed.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), until);
        }
        Ok(fits)
    }

    /// Whose tickets an actor may see, by the name that is on record: a key's, or a command's, which may see all.
    pub(crate) fn customers(&self, actor: &str) -> CustomerSet {
        self.known.load().get(actor).map(|key| key.customers.clone()).unwrap_or_default()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("known", &self.known.load().len()).finish_non_exhaustive()
    }
}

/// The token of `Authorization: Bearer`, or of `X-API-Key`.
fn token(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text("authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    });
    bearer.or_else(|| text("x-api-key").map(str::to_owned))
}

fn parts(token: &str) -> Option<(&str, &str)> {
    let (prefix, rest) = token.split_once('_')?;
    let (id, secret) = rest.split_once('_')?;
    (prefix == PREFIX && secret.len() == 64).then_some((id, secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_can_be_verified_and_prints_nothing() {
        let key = NewKey::new("glue", &[Scope::Triage].into(), CustomerSet::All, None, Timestamp::UNIX_EPOCH)
            .unwrap();
        let (id, secret) = parts(key.token.expose()).unwrap();
        assert_eq!(id, key.record.id);
        let hash = PasswordHash::new(&key.record.hash).unwrap();
        assert!(key.record.hash.starts_with("$argon2id$"));
        assert!(Argon2::default().verify_password(secret.as_bytes(), &hash).is_ok());
        assert!(Argon2::default().verify_password(b"another", &hash).is_err());
        assert!(!format!("{key:?} {:?}", key.token).contains(secret));
    }

    #[test]
    fn what_is_no_key_has_no_parts() {
        for text in ["", "fl", "fl_a", "fl_a_b", "sk_a_0000", "fl__"] {
            assert_eq!(parts(text), None, "{text}");
        }
    }
}
