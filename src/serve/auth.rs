//! API keys: `fl_<id>_<secret>`, the secret 256 random bits. The store has a sha256 hash of the key, the caller the only copy.
//!
//! A key has scopes, and may be held to some customers. A person who has signed in makes requests in the same way, with their rights for
//! scopes. Must never print a secret, compare one in a time that tells of it, nor let
//! those who guess at a key keep its owner out.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::http::HeaderMap;
use firstline_fault::{Code, InternalError, Result, UserError};
use firstline_store::{Author, CustomerSet, DecisionRecord, KeyRecord, Store, UserRecord};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::problem::Problem;
use crate::settings::Secret;

const PREFIX: &str = "fl";
/// Random bytes of a key's id.
const ID_BYTES: usize = 6;
/// What a hash in the store begins with.
const HASH: &str = "sha256:";

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Send tickets, ask for decisions, embeddings and similar tickets.
    Triage,
    /// Tell how tickets ended: the truth that decisions are measured by, so no key that asks for decisions has it by itself.
    Feedback,
    /// See and review drafts, see KPIs.
    Review,
    /// Take actions out of the outbox and do them: the only way to anything being sent.
    Act,
    /// Put criteria on record, pause and hold. A person's right.
    Manage,
    /// Start the rollout, pass its gates and end holds. A person's right.
    ApproveRollout,
    /// Stop everything but recording. A person's right.
    Stop,
    /// All, and replace bundles.
    Admin,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Scope; 8] = [
        Scope::Triage,
        Scope::Feedback,
        Scope::Review,
        Scope::Act,
        Scope::Manage,
        Scope::ApproveRollout,
        Scope::Stop,
        Scope::Admin,
    ];
    /// What a person may have the right to.
    pub const RIGHTS: [Scope; 5] =
        [Scope::Review, Scope::Manage, Scope::ApproveRollout, Scope::Stop, Scope::Admin];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Triage => "triage",
            Scope::Feedback => "feedback",
            Scope::Review => "review",
            Scope::Act => "act",
            Scope::Manage => "manage",
            Scope::ApproveRollout => "approve_rollout",
            Scope::Stop => "stop",
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
                "Use triage, feedback, review, act, manage, approve_rollout, stop, admin",
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
        let (id, secret) = (hex(&random::<ID_BYTES>()?), hex(&random::<32>()?));
        let scopes = scopes.iter().map(|scope| scope.name().to_owned()).collect();
        let token = format!("{PREFIX}_{id}_{secret}");
        let record = KeyRecord {
            id,
            name: name.to_owned(),
            hash: hash_of(&token),
            scopes,
            customers,
            created_at: now,
            expires_at,
            revoked_at: None,
            person: None,
            altered: false,
        };
        Ok(Self { record, token: token.into() })
    }

    /// The same as the own key of `person`, with which they sign.
    pub fn of_person(mut self, person: &str) -> Self {
        self.record.person = Some(person.to_owned());
        self
    }

    /// Whether a key's hash is of this version. Those of older ones are slow to compute, which anybody who knew a key's id could
    /// have the service do: such keys no longer hold.
    pub fn is_current(key: &KeyRecord) -> bool {
        key.hash.starts_with(HASH)
    }
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| InternalError::new(format!("random numbers: {e}")))?;
    Ok(bytes)
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What stands before a person's id, where they are on record for what they did.
const USER: &str = "user:";

/// The key, or the person, that makes a request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The key's id, or a person's after `user:`: what the audit log names.
    pub(crate) key: String,
    /// What the key is called: who made it has said whose it is. Of a person, their name.
    pub(crate) name: String,
    /// The person whose own key it is, or who has signed in.
    pub(crate) person: Option<String>,
    scopes: Vec<String>,
    pub(crate) customers: CustomerSet,
}

impl Caller {
    /// A person who has signed in.
    pub(crate) fn of_user(user: &UserRecord) -> Self {
        Self {
            key: Self::actor_of(&user.id),
            name: user.name.clone(),
            person: Some(user.name.clone()),
            scopes: user.rights.clone(),
            customers: user.customers.clone(),
        }
    }

    /// How a person of this id is on record for what they did.
    pub(crate) fn actor_of(user: &str) -> String {
        format!("{USER}{user}")
    }

    /// Who it is, in words, and how they get what they lack.
    fn told(&self) -> (String, &'static str) {
        match self.key.starts_with(USER) {
            true => (self.name.clone(), "Have somebody do it who has that right: firstline users list"),
            false => (format!("key {}", self.key), "Use a key that has it: firstline store keys create"),
        }
    }

    /// The person who makes the request: what the rollout does is done by one, never by a machine's key.
    pub(crate) fn person(&self) -> std::result::Result<Person, Problem> {
        let Some(name) = self.person.clone() else {
            let problem = format!("key {} is nobody's own, and this is done by a person", self.key);
            let next = "Use a person's own key: firstline users add";
            return Err(Problem::new(Code::Scope, "Authorization", problem, next));
        };
        let (key, scopes) = (self.key.clone(), self.scopes.clone());
        Ok(Person { name, key, scopes, is_held: self.is_held() })
    }

    /// Whether the key has this scope.
    pub(crate) fn may(&self, scope: Scope) -> std::result::Result<(), Problem> {
        if self.scopes.iter().any(|has| has == scope.name() || has == Scope::Admin.name()) {
            return Ok(());
        }
        let (who, next) = self.told();
        let problem = format!("{who} has no scope {:?}", scope.name());
        Err(Problem::new(Code::Scope, "Authorization", problem, next))
    }

    /// Whether the key has this scope, and for all customers: what changes the service for everybody asks for both.
    pub(crate) fn may_for_all(&self, scope: Scope) -> std::result::Result<(), Problem> {
        self.may(scope)?;
        if self.is_held() {
            let problem = format!("{} is held to some customers, and this is for all", self.told().0);
            let next = "Use a key that is held to none: firstline store keys create";
            return Err(Problem::new(Code::Scope, "Authorization", problem, next));
        }
        Ok(())
    }

    /// Whether the key may see this decision.
    pub(crate) fn sees(&self, record: &DecisionRecord) -> bool {
        record.is_for(&self.customers)
    }

    /// Whether the key is held to some customers.
    pub(crate) fn is_held(&self) -> bool {
        self.customers != CustomerSet::All
    }
}

/// A person, known by a key of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their unique name, with which they sign.
    pub name: String,
    key: String,
    scopes: Vec<String>,
    is_held: bool,
}

impl Person {
    /// The person whose own key `token` is.
    ///
    /// # Errors
    /// [`Code::Auth`] where it is no key that holds; [`Code::Scope`] where it is nobody's own.
    pub fn of_token(store: &dyn Store, token: &str, now: Timestamp) -> Result<Self> {
        let token = token.trim();
        let keys = store.keys()?;
        let record = id_of(token).and_then(|id| keys.into_iter().find(|key| key.id == id));
        let record = record.filter(|record| refusal(record, token, now).is_none());
        let next = "Give the own key that `firstline users add` has printed";
        let fault = |code, problem: &str| UserError::new(code, "the key", problem, next);
        let record = record.ok_or_else(|| fault(Code::Auth, "it is not known, or no longer holds"))?;
        let Some(name) = record.person else {
            return Err(fault(Code::Scope, "it is nobody's own, and this is done by a person").into());
        };
        let is_held = record.customers != CustomerSet::All;
        Ok(Self { name, key: record.id, scopes: record.scopes, is_held })
    }

    /// Whether the person has this right, and for all customers.
    ///
    /// # Errors
    /// [`Code::Scope`] where they have not.
    pub fn may(&self, right: Scope) -> Result<()> {
        let has = self.scopes.iter().any(|has| has == right.name() || has == Scope::Admin.name());
        if has && !self.is_held {
            return Ok(());
        }
        let problem = match has {
            true => format!("the right {:?} of {} is held to some customers", right.name(), self.name),
            false => format!("{} does not have the right {:?}", self.name, right.name()),
        };
        let next = "Have somebody do it who has that right for all customers: firstline users list";
        Err(UserError::new(Code::Scope, "the key", problem, next).into())
    }

    /// What the record names.
    pub fn author(&self) -> Author {
        Author { person: self.name.clone(), actor: self.key.clone() }
    }
}

/// Why `record` does not let in who holds `token`; `None` where it does.
fn refusal(record: &KeyRecord, token: &str, now: Timestamp) -> Option<&'static str> {
    let ended = record.revoked_at.is_some() || record.expires_at.is_some_and(|end| end <= now);
    if record.altered || ended {
        return Some(UNKNOWN_KEY);
    }
    if !NewKey::is_current(record) {
        return Some("the API key was made by an older version: create it again");
    }
    let same = bool::from(hash_of(token).as_bytes().ct_eq(record.hash.as_bytes()));
    (!same).then_some(UNKNOWN_KEY)
}

/// What is said of a key that lets nobody in.
const UNKNOWN_KEY: &str = "the API key is not known, or no longer holds";

/// The keys that hold.
pub(crate) struct Keys {
    known: ArcSwap<HashMap<String, KeyRecord>>,
    /// Whose tickets people see, by how they are on record.
    people: ArcSwap<HashMap<String, CustomerSet>>,
    rate: DefaultKeyedRateLimiter<String>,
}

impl Keys {
    pub(crate) fn new(requests_per_second: u32) -> Self {
        let quota = Quota::per_second(NonZeroU32::new(requests_per_second).unwrap_or(NonZeroU32::MIN));
        Self { known: ArcSwap::default(), people: ArcSwap::default(), rate: RateLimiter::keyed(quota) }
    }

    /// Takes over what the store has; gives how many keys hold.
    pub(crate) fn reload(&self, store: &dyn Store) -> Result<usize> {
        let keys: HashMap<String, KeyRecord> =
            store.keys()?.into_iter().map(|key| (key.id.clone(), key)).collect();
        let holds = |key: &&KeyRecord| key.revoked_at.is_none() && !key.altered && NewKey::is_current(key);
        let n = keys.values().filter(holds).count();
        if **self.known.load() != keys {
            for key in keys.values().filter(|key| key.altered) {
                tracing::error!(key = %key.id, "an API key is not what the audit log says of it, and is refused");
            }
            for key in keys.values().filter(|key| key.revoked_at.is_none() && !NewKey::is_current(key)) {
                tracing::warn!(key = %key.id, "this key was made by an older version and no longer holds: create it again");
            }
            self.known.store(Arc::new(keys));
        }
        let people = store.users()?.into_iter().map(|user| (Caller::actor_of(&user.id), user.customers));
        self.people.store(Arc::new(people.collect()));
        self.rate.retain_recent();
        Ok(n)
    }

    /// Who makes a request with these headers. A wrong secret costs a hash and nothing else: whoever guesses at a key keeps nobody
    /// from using it.
    pub(crate) fn caller(&self, headers: &HeaderMap, now: Timestamp) -> std::result::Result<Caller, Problem> {
        let refused = |problem: &str| {
            let next =
                "Send Authorization: Bearer fl_..., a key that `firstline store keys create` has shown";
            Problem::new(Code::Auth, "Authorization", problem, next)
        };
        let token = token(headers).ok_or_else(|| refused("no API key"))?;
        let unknown = || refused(UNKNOWN_KEY);
        let id = id_of(&token).ok_or_else(unknown)?;
        let known = self.known.load();
        let record = known.get(id).ok_or_else(unknown)?;
        if let Some(problem) = refusal(record, &token, now) {
            return Err(refused(problem));
        }
        self.count(&record.id)?;
        Ok(Caller {
            key: record.id.clone(),
            name: record.name.clone(),
            person: record.person.clone(),
            scopes: record.scopes.clone(),
            customers: record.customers.clone(),
        })
    }

    /// Counts a request of this key, or person.
    pub(crate) fn count(&self, key: &str) -> std::result::Result<(), Problem> {
        self.rate.check_key(&key.to_owned()).map_err(|_| Problem::overload("this key", 1))
    }

    /// Whether a request carries a key, valid or not. Such a request is never treated as the signed-in person's.
    pub(crate) fn has_key(headers: &HeaderMap) -> bool {
        token(headers).is_some()
    }

    /// Whether this is a key, or a person, that was not read yet.
    pub(crate) fn is_unknown(&self, actor: &str) -> bool {
        (is_key(actor) && !self.known.load().contains_key(actor))
            || (actor.starts_with(USER) && !self.people.load().contains_key(actor))
    }

    /// Whose tickets an actor may see, by the name that is on record: a key's, a person's, or a command's, which may see all. Who is not
    /// known, or not yet, sees none.
    pub(crate) fn customers(&self, actor: &str) -> CustomerSet {
        if actor.starts_with(USER) {
            return self.people.load().get(actor).cloned().unwrap_or(CustomerSet::Only(BTreeSet::new()));
        }
        let unknown = if is_key(actor) { CustomerSet::Only(BTreeSet::new()) } else { CustomerSet::All };
        self.known.load().get(actor).map_or(unknown, |key| key.customers.clone())
    }
}

/// Whether this is a key's id, not a command's name.
fn is_key(actor: &str) -> bool {
    actor.len() == 2 * ID_BYTES && actor.bytes().all(|b| b.is_ascii_hexdigit())
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

/// The key's id, of a token that has the form of one.
fn id_of(token: &str) -> Option<&str> {
    let (prefix, rest) = token.split_once('_')?;
    let (id, secret) = rest.split_once('_')?;
    (prefix == PREFIX && secret.len() == 64).then_some(id)
}

/// What the store has of a key. The secret is 256 random bits: a fast hash is as good as a slow one, and nobody waits for it.
fn hash_of(token: &str) -> String {
    format!("{HASH}{}", sha256(token))
}

/// The sha256 of a text, as hexadecimal digits.
pub(crate) fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> NewKey {
        NewKey::new("glue", &[Scope::Triage].into(), CustomerSet::All, None, Timestamp::UNIX_EPOCH).unwrap()
    }

    fn known(keys: &[&KeyRecord], requests_per_second: u32) -> Keys {
        let all = Keys::new(requests_per_second);
        all.known.store(Arc::new(keys.iter().map(|key| (key.id.clone(), (*key).clone())).collect()));
        all
    }

    fn ask(keys: &Keys, token: &str) -> std::result::Result<Caller, u16> {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
        keys.caller(&headers, Timestamp::UNIX_EPOCH).map_err(|problem| problem.status)
    }

    #[test]
    fn a_new_key_can_be_verified_and_prints_nothing() {
        let key = key();
        let token = key.token.expose();
        let secret = token.rsplit('_').next().unwrap();
        assert_eq!(id_of(token), Some(key.record.id.as_str()));
        assert!(key.record.hash == hash_of(token) && !key.record.hash.contains(secret));
        let caller = ask(&known(&[&key.record], 9), token).unwrap();
        assert_eq!((caller.key, caller.name.as_str()), (key.record.id.clone(), "glue"));
        assert!(!format!("{key:?} {:?}", key.token).contains(secret));
    }

    #[test]
    fn wrong_secrets_keep_nobody_from_the_right_one() {
        let (mine, other) = (key(), key());
        let keys = known(&[&mine.record, &other.record], 2);
        let (id, others) = (&mine.record.id, other.token.expose());
        let secret = others.rsplit('_').next().unwrap();
        for wrong in [format!("fl_{id}_{secret}"), format!("fl_{id}_{}", "0".repeat(64)), format!("fl_{id}_")]
        {
            for _ in 0..1_000 {
                assert_eq!(ask(&keys, &wrong).unwrap_err(), 401, "{wrong}");
            }
        }
        // Only requests that were let in count against the key.
        assert!(ask(&keys, mine.token.expose()).is_ok() && ask(&keys, mine.token.expose()).is_ok());
        assert_eq!(ask(&keys, mine.token.expose()).unwrap_err(), 429);
    }

    #[test]
    fn a_key_with_a_slow_hash_no_longer_holds() {
        let mut old = key();
        old.record.hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA".to_owned();
        assert_eq!(ask(&known(&[&old.record], 9), old.token.expose()).unwrap_err(), 401);
    }

    #[test]
    fn a_scope_is_not_another_and_a_held_administrator_is_none_of_all() {
        let caller = |scopes: &[&str], customers| Caller {
            key: "k".to_owned(),
            name: "n".to_owned(),
            person: None,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            customers,
        };
        let triage = caller(&["triage"], CustomerSet::All);
        let allowed = Scope::ALL.into_iter().filter(|scope| triage.may(*scope).is_ok());
        assert_eq!(allowed.collect::<Vec<_>>(), [Scope::Triage]);
        let held = caller(&["admin"], CustomerSet::Only(["acme".to_owned()].into()));
        assert!(Scope::ALL.into_iter().all(|scope| held.may(scope).is_ok()));
        assert_eq!(held.may_for_all(Scope::Admin).unwrap_err().status, 403);
        assert!(caller(&["admin"], CustomerSet::All).may_for_all(Scope::Admin).is_ok());
    }

    #[test]
    fn a_person_sees_their_customers_and_one_who_is_not_known_nobodys() {
        let keys = known(&[], 9);
        let nobody = CustomerSet::Only(BTreeSet::new());
        assert!(keys.is_unknown("user:0a") && !keys.is_unknown("command:users"));
        assert_eq!((keys.customers("user:0a"), keys.customers("command:users")), (nobody, CustomerSet::All));
        keys.people.store(Arc::new([("user:0a".to_owned(), CustomerSet::All)].into()));
        assert!(!keys.is_unknown("user:0a") && keys.customers("user:0a") == CustomerSet::All);
    }

    #[test]
    fn what_is_no_key_has_no_id() {
        for text in ["", "fl", "fl_a", "fl_a_b", "sk_a_0000", "fl__"] {
            assert_eq!(id_of(text), None, "{text}");
        }
    }
}
