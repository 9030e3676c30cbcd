//! People who sign in: by a password, by a link that sets one, or by the word of a proxy that the settings name.
//!
//! A session is a random token of which the store has a hash. Who it is is looked up for every request, so that what ends a session or
//! disables a person holds at once. Must never tell a name that is not known from a password that is wrong, nor let those who
//! guess keep the service from its work.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use firstline_fault::{Code, Result, UserError};
use firstline_store::{CustomerSet, Link, NewSession, NewUser, Proof, SessionRecord, UserRecord};
use firstline_ticket::{has_unseen, is_same_person};
use jiff::{Timestamp, ToSpan};
use subtle::ConstantTimeEq;

use crate::auth::{Caller, Keys, Scope, hex, random, sha256};
use crate::cookie;
use crate::origin;
use crate::passwords;
use crate::problem::Problem;
use crate::settings::Secret;
use crate::shared::Shared;

/// Hours without a request after which a session ends.
pub(crate) const IDLE_HOURS: i64 = 12;
/// Hours after which it ends in any case.
pub(crate) const MOST_HOURS: i64 = 7 * 24;
/// Hours for which a link holds.
const LINK_HOURS: i64 = 24;
/// Seconds after which a session's use is noted again.
const SEEN_SECONDS: i64 = 60;
/// Longest name, in bytes.
const MOST_NAME: usize = 256;
/// Characters that are kept of a browser's own name.
const MOST_AGENT: usize = 120;
/// The actor where a proxy's word adds somebody.
const PROXY: &str = "login:header";

/// A link with which a person sets a password, once: what is stored of it, and what is shown once.
pub struct NewLink {
    /// For the store.
    pub link: Link,
    /// For the person: a path on the service. The code is in its fragment, which browsers never send.
    pub path: Secret,
}

impl fmt::Debug for NewLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewLink").field("until", &self.link.until).finish_non_exhaustive()
    }
}

impl NewLink {
    /// Makes a link that holds for a day.
    ///
    /// # Errors
    /// An internal error where the system gives no random numbers.
    pub fn new(now: Timestamp) -> Result<Self> {
        let code = hex(&random::<32>()?);
        let until = now.checked_add(LINK_HOURS.hours()).unwrap_or(now);
        let link = Link { hash: sha256(&code), until };
        Ok(Self { link, path: format!("/password#{code}").into() })
    }
}

/// A person's name, where it is fit for the record.
///
/// # Errors
/// [`Code::Config`] where it is not.
pub fn person_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() || name.len() > MOST_NAME || has_unseen(name) || is_same_person(name, "firstline") {
        let problem = "it is empty, longer than 256 bytes, has characters that nobody sees, or reads as Firstline's own";
        return Err(UserError::new(Code::Config, "the name", problem, "Give the person's name").into());
    }
    Ok(name.to_owned())
}

/// A person who has signed in.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    pub(crate) caller: Caller,
    pub(crate) user: UserRecord,
    /// `None` where a proxy's word stands for it.
    pub(crate) session: Option<SessionRecord>,
}

/// Who makes a request without a key: `None` where nobody has signed in, or no longer.
///
/// # Errors
/// [`Code::Origin`] where another site may have sent it, or others may read along; [`Code::Auth`] and [`Code::Scope`] where a proxy
/// names somebody who is not let in.
pub(crate) async fn signed_in(
    shared: &Arc<Shared>,
    parts: &Parts,
) -> std::result::Result<Option<SignedIn>, Problem> {
    if Keys::has_key(&parts.headers) {
        return Ok(None);
    }
    let named = shared.signing_in.peers.person(parts)?;
    let token = cookie::token(&parts.headers).map(sha256);
    if named.is_none() && token.is_none() {
        return Ok(None);
    }
    shared.signing_in.peers.private(parts)?;
    origin::check(&parts.method, &parts.headers)?;
    let look_up = move |shared: &Shared| match (named, token) {
        (Some(name), _) => by_name(shared, &name).map(|user| Some((user, None))),
        (None, Some(token)) => by_session(shared, &token),
        (None, None) => Ok(None),
    };
    let found = shared.with_place(&shared.signing_in.looking_up, look_up).await?;
    let Some((user, session)) = found else { return Ok(None) };
    let caller = Caller::of_user(&user);
    shared.keys.count(&caller.key)?;
    Ok(Some(SignedIn { caller, user, session }))
}

type Found = (UserRecord, Option<SessionRecord>);

/// Whose session this is, where it still holds.
fn by_session(shared: &Shared, token: &str) -> std::result::Result<Option<Found>, Problem> {
    let now = shared.clock.now();
    let Some((session, user)) = shared.store.session(token)? else { return Ok(None) };
    if !user.is_enabled() || !holds(&session, now) {
        return Ok(None);
    }
    if session.seen_at.checked_add(SEEN_SECONDS.seconds()).is_ok_and(|next| next <= now) {
        shared.store.touch_session(&session.id, now)?;
    }
    Ok(Some((user, Some(session))))
}

/// Whether a session has neither been idle for too long nor lasted too long.
pub(crate) fn holds(session: &SessionRecord, now: Timestamp) -> bool {
    let idle_end = session.seen_at.checked_add(IDLE_HOURS.hours()).unwrap_or(Timestamp::MAX);
    now < session.expires_at && now < idle_end
}

/// The person whom a proxy names, by the very name: names that look the same may be somebody else's there.
fn by_name(shared: &Shared, name: &str) -> std::result::Result<UserRecord, Problem> {
    let known = |shared: &Shared| -> std::result::Result<_, Problem> {
        Ok(shared.store.users()?.into_iter().find(|user| user.name == name))
    };
    let refused = |problem: &str, next: &str| Err(Problem::new(Code::Scope, "the person", problem, next));
    match known(shared)? {
        Some(user) if user.is_enabled() => return Ok(user),
        Some(_) => return refused("the account is disabled", "Have an administrator add the person again"),
        None if !shared.settings.login.auto_create => {
            return refused(
                "nobody has added this person",
                "Have an administrator do it: firstline users add",
            );
        }
        None => {}
    }
    let name = person_name(name)?;
    let user = NewUser {
        display: name.clone(),
        name: name.clone(),
        rights: vec![Scope::Review.name().to_owned()],
        customers: CustomerSet::All,
        link: None,
    };
    shared.store.add_user(&user, None, PROXY, shared.clock.now())?;
    known(shared)?.ok_or_else(|| Problem::internal("a person is gone who was just added"))
}

/// Where a request to sign in comes from.
pub(crate) struct Sender {
    address: Option<std::net::IpAddr>,
    agent: String,
    /// The session that the browser had before.
    before: Option<String>,
}

impl Sender {
    /// Of a request over a line that nobody reads along.
    ///
    /// # Errors
    /// [`Code::Origin`] where somebody may.
    pub(crate) fn new(shared: &Shared, parts: &Parts) -> std::result::Result<Self, Problem> {
        let peers = &shared.signing_in.peers;
        peers.private(parts)?;
        Ok(Self {
            address: peers.address(parts),
            agent: agent(&parts.headers),
            before: cookie::token(&parts.headers).map(sha256),
        })
    }
}

/// A browser's own name, shortened, without characters that nobody sees.
fn agent(headers: &HeaderMap) -> String {
    let text = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.chars().filter(|c| !c.is_control()).take(MOST_AGENT).collect()
}

/// Signs a person in by their password, and gives the new session's token and who it is.
///
/// # Errors
/// [`Code::Auth`] where name or password is wrong; [`Code::Overload`] after too many tries.
pub(crate) async fn sign_in(
    shared: &Arc<Shared>,
    from: Sender,
    (name, password): (String, String),
) -> std::result::Result<(String, UserRecord), Problem> {
    shared.signing_in.attempts.count(Some(&name), from.address)?;
    let verify = move |shared: &Shared| {
        let user = named(shared.store.users()?, &name);
        let hash = user.as_ref().and_then(|user| user.hash.as_deref());
        let is_right = passwords::is_right(&password, hash);
        let Some((user, hash)) = user.as_ref().zip(hash).filter(|_| is_right) else {
            tracing::warn!(address = ?from.address, "a sign-in was refused");
            return Err(wrong());
        };
        let token = open(shared, user, hash, &from)?;
        Ok((token, user.clone()))
    };
    shared.with_place(&shared.signing_in.hashing, verify).await
}

fn wrong() -> Problem {
    let next = "Try again, or ask an administrator for a new link";
    Problem::new(Code::Auth, "name and password", "one of them is wrong", next)
}

/// The enabled person of this name, however it is capitalised: of two enabled people no name looks like the other's.
fn named(users: Vec<UserRecord>, name: &str) -> Option<UserRecord> {
    let mut users: Vec<UserRecord> = users
        .into_iter()
        .filter(|user| {
            user.is_enabled() && name.len() <= MOST_NAME && is_same_person(&user.name, name.trim())
        })
        .collect();
    // Earlier versions allowed such names.
    let exact = users.iter().position(|user| user.name == name.trim());
    match (exact, users.len()) {
        (Some(i), _) => Some(users.swap_remove(i)),
        (None, 1) => users.pop(),
        (None, _) => None,
    }
}

/// Opens a session of a person whose password has the hash `verified`, and ends the one that the browser had.
fn open(
    shared: &Shared,
    user: &UserRecord,
    verified: &str,
    from: &Sender,
) -> std::result::Result<String, Problem> {
    let now = shared.clock.now();
    shared.signing_in.attempts.succeeded(&user.name, from.address);
    let token = hex(&random::<32>()?);
    let expires_at = now.checked_add(MOST_HOURS.hours()).unwrap_or(now);
    let session = NewSession { hash: &sha256(&token), user: &user.id, expires_at, agent: &from.agent };
    let opened = shared.store.add_session(&session, verified, now)?;
    // Disabled, or another password set, between the look and now.
    opened.ok_or_else(wrong)?;
    if let Some(before) = &from.before
        && let Some((old, owner)) = shared.store.session(before)?
    {
        shared.store.end_session(&owner.id, &old.id, &Caller::actor_of(&owner.id), now)?;
    }
    Ok(token)
}

/// Sets a password by a link's code, and signs the person in: gives the new session's token and who it is.
///
/// # Errors
/// [`Code::Auth`] where the code does not hold; [`Code::Input`] where the password is refused; [`Code::Overload`] after too many tries.
pub(crate) async fn set_password(
    shared: &Arc<Shared>,
    from: Sender,
    (code, password): (String, String),
) -> std::result::Result<(String, UserRecord), Problem> {
    shared.signing_in.attempts.count(None, from.address)?;
    let unknown = || {
        let problem = "it is not known, was used, or is older than a day";
        Problem::new(Code::Auth, "the code", problem, "Ask an administrator for a new link")
    };
    let set = move |shared: &Shared| {
        let (now, given) = (shared.clock.now(), sha256(code.trim().trim_start_matches("/password#")));
        let is_theirs = |user: &UserRecord| {
            let link = user.link.as_ref().filter(|link| user.is_enabled() && now < link.until);
            link.is_some_and(|link| bool::from(link.hash.as_bytes().ct_eq(given.as_bytes())))
        };
        let user = shared.store.users()?.into_iter().find(is_theirs).ok_or_else(unknown)?;
        let hash = passwords::hash(&password, &user.name)?;
        match shared.store.set_password(&user.id, &hash, Proof::Link(&given), now)? {
            true => Ok((open(shared, &user, &hash, &from)?, user)),
            false => Err(unknown()),
        }
    };
    shared.with_place(&shared.signing_in.hashing, set).await
}

/// Changes the password of a person who knows the one of before. All their sessions end, and a new one begins: gives its token.
///
/// # Errors
/// As for [`set_password`].
pub(crate) async fn change_password(
    shared: &Arc<Shared>,
    from: Sender,
    user: UserRecord,
    (current, password): (String, String),
) -> std::result::Result<String, Problem> {
    shared.signing_in.attempts.count(Some(&user.name), from.address)?;
    let wrong = || {
        let next = "Type the password with which you sign in; without one, ask an administrator for a link";
        Problem::new(Code::Auth, "the current password", "it is another one", next)
    };
    let change = move |shared: &Shared| {
        let is_right = passwords::is_right(&current, user.hash.as_deref());
        let verified = user.hash.as_deref().filter(|_| is_right).ok_or_else(wrong)?;
        let hash = passwords::hash(&password, &user.name)?;
        match shared.store.set_password(&user.id, &hash, Proof::Password(verified), shared.clock.now())? {
            true => open(shared, &user, &hash, &from),
            false => Err(wrong()),
        }
    };
    shared.with_place(&shared.signing_in.hashing, change).await
}

/// Adds a person with a link to set their password, and gives that.
///
/// # Errors
/// [`Code::Config`] for a name that is not fit for the record; [`Code::Conflict`] where it is taken.
pub(crate) fn add(
    shared: &Shared,
    (name, display): (&str, &str),
    (rights, customers): (&BTreeSet<Scope>, CustomerSet),
    actor: &str,
) -> std::result::Result<NewLink, Problem> {
    let now = shared.clock.now();
    let (name, link) = (person_name(name)?, NewLink::new(now)?);
    let display = if display.trim().is_empty() { name.clone() } else { person_name(display)? };
    let user = NewUser {
        name,
        display,
        rights: rights.iter().map(|right| right.name().to_owned()).collect(),
        customers,
        link: Some(link.link.clone()),
    };
    shared.store.add_user(&user, None, actor, now)?;
    Ok(link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_when_it_is_idle_and_when_it_is_old() {
        let at = |hours: i64| Timestamp::UNIX_EPOCH.checked_add(hours.hours()).unwrap();
        let session = |seen: i64| SessionRecord {
            id: "s".to_owned(),
            user: "u".to_owned(),
            created_at: at(0),
            expires_at: at(MOST_HOURS),
            seen_at: at(seen),
            agent: String::new(),
        };
        assert!(holds(&session(0), at(11)) && !holds(&session(0), at(12)));
        assert!(holds(&session(20), at(31)) && !holds(&session(20), at(32)));
        assert!(holds(&session(167), at(167)) && !holds(&session(167), at(168)));
    }

    #[test]
    fn a_link_is_a_path_without_a_secret_before_the_fragment() {
        let link = NewLink::new(Timestamp::UNIX_EPOCH).unwrap();
        let (path, code) = link.path.expose().split_once('#').unwrap();
        assert_eq!((path, code.len(), link.link.hash.len()), ("/password", 64, 64));
        assert!(link.link.hash == sha256(code) && !format!("{link:?}").contains(code));
        assert_eq!(link.link.until, "1970-01-02T00:00:00Z".parse().unwrap());
    }

    #[test]
    fn a_name_is_found_however_it_is_typed_and_never_guessed_between_two() {
        let user = |name: &str| UserRecord {
            id: name.to_owned(),
            name: name.to_owned(),
            display: name.to_owned(),
            hash: None,
            rights: Vec::new(),
            customers: CustomerSet::All,
            created_at: Timestamp::UNIX_EPOCH,
            disabled_at: None,
            link: None,
            altered: false,
        };
        let found =
            |all: &[&str], name: &str| named(all.iter().map(|name| user(name)).collect(), name).map(|u| u.id);
        assert_eq!(found(&["ada", "ben"], " Ada ").as_deref(), Some("ada"));
        assert_eq!(found(&["ada", "Ada"], "Ada").as_deref(), Some("Ada"));
        assert_eq!(found(&["ada", "Ada"], "ADA"), None);
        assert_eq!(found(&["ada"], "ida"), None);
        let gone = UserRecord { disabled_at: Some(Timestamp::UNIX_EPOCH), ..user("ada") };
        assert!(named(vec![gone], "ada").is_none());
        assert!(named(vec![UserRecord { altered: true, ..user("ada") }], "ada").is_none());
    }

    #[test]
    fn a_browsers_name_is_kept_short_and_plain() {
        let mut headers = HeaderMap::new();
        assert_eq!(agent(&headers), "");
        headers.insert(header::USER_AGENT, "a\tb".parse().unwrap());
        assert_eq!(agent(&headers), "ab");
        headers.insert(header::USER_AGENT, "x".repeat(999).parse().unwrap());
        assert_eq!(agent(&headers).len(), MOST_AGENT);
    }
}
