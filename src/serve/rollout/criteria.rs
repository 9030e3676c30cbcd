//! Criteria on record, their signatures, and which version is in force.

use firstline_fault::{Code, Result, UserError};
use firstline_rollout::{Criteria, Signature, SignedCriteria, in_force};
use firstline_store::{CriteriaRecord, NewSignature, Signing, Store};
use firstline_triage::sha256_hex;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::text::{self, FIRSTLINE};
use crate::auth::{Person, Scope};

/// Longest criteria, in bytes.
const MOST_BYTES: usize = 64 << 10;

/// All versions of the criteria.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CriteriaList {
    /// The version in force; null where enough persons have signed none.
    pub in_force: Option<u32>,
    /// The versions, the oldest first.
    pub versions: Vec<CriteriaVersion>,
}

/// A version of the criteria.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CriteriaVersion {
    /// Its number, counted from 1.
    pub version: u32,
    /// The criteria, TOML.
    pub text: String,
    /// Their sha256, hexadecimal: what is signed.
    pub sha256: String,
    /// When it was put on record.
    #[schema(value_type = String, format = "date-time")]
    pub at: Timestamp,
    /// Who did.
    pub by: String,
    /// Persons who have to sign.
    pub needed: u8,
    /// Who has signed.
    pub signatures: Vec<SignedBy>,
}

/// That somebody has signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SignedBy {
    /// The person, by the key that they signed with.
    pub person: String,
    /// The name that they typed.
    pub typed_name: String,
    /// As what they signed.
    pub role: String,
    /// When.
    #[schema(value_type = String, format = "date-time")]
    pub at: Timestamp,
}

/// Puts criteria on record: a new version, which needs signatures of its own. Until it has them the one before holds.
///
/// # Errors
/// [`Code::Scope`] without the right to manage; [`Code::Config`] where they are no criteria.
pub fn add_criteria(
    store: &dyn Store,
    text: &str,
    person: &Person,
    now: Timestamp,
) -> Result<CriteriaVersion> {
    person.may(Scope::Manage)?;
    if text.len() > MOST_BYTES {
        let next = "`firstline rollout criteria --example` prints a file that is all right";
        return Err(UserError::new(Code::Limit, "the criteria", "longer than 64 KiB", next).into());
    }
    Criteria::parse(text, "the criteria")?;
    let version = store.add_criteria(text, &sha256_hex(text.as_bytes()), &person.author(), now)?;
    version_of(store, version, now)
}

/// All versions, and which is in force at `now`.
///
/// # Errors
/// As for [`Programmes::criteria`](firstline_store::Programmes::criteria).
pub fn criteria(store: &dyn Store, now: Timestamp) -> Result<CriteriaList> {
    let standing = standing(store, now)?;
    let versions = store.criteria()?.into_iter().map(|record| view(record, standing.as_ref()));
    let versions = versions.collect::<Result<_>>()?;
    Ok(CriteriaList { in_force: standing.map(|(record, _)| record.version), versions })
}

/// A version, with the signatures that it needs: to replace the one in force, no fewer than that one.
fn view(record: CriteriaRecord, standing: Option<&(CriteriaRecord, Criteria)>) -> Result<CriteriaVersion> {
    let replaced = standing.filter(|(standing, _)| standing.version < record.version);
    let needed = read(&record)?.signatures.max(replaced.map_or(0, |(_, criteria)| criteria.signatures));
    let CriteriaRecord { version, text, sha, at, by, signatures } = record;
    let signatures = signatures.into_iter().map(|signature| SignedBy {
        person: signature.person,
        typed_name: signature.typed_name,
        role: signature.role,
        at: signature.at,
    });
    Ok(CriteriaVersion { version, text, sha256: sha, at, by, needed, signatures: signatures.collect() })
}

fn version_of(store: &dyn Store, version: u32, now: Timestamp) -> Result<CriteriaVersion> {
    let found = store.criteria()?.into_iter().find(|record| record.version == version).ok_or_else(missing)?;
    view(found, standing(store, now)?.as_ref())
}

fn missing() -> UserError {
    let next =
        "Put criteria on record first: firstline rollout sign --criteria FILE, or POST /v1/rollout/criteria";
    UserError::new(Code::NotFound, "the criteria", "no such version is on record", next)
}

fn read(record: &CriteriaRecord) -> Result<Criteria> {
    Criteria::parse(&record.text, &format!("the criteria, version {}", record.version))
}

/// All versions that are on record, and when triggers fired: what is in force at any time.
pub(super) struct History {
    records: Vec<CriteriaRecord>,
    signed: Vec<SignedCriteria>,
    fired: Vec<Timestamp>,
}

impl History {
    pub(super) fn read(store: &dyn Store) -> Result<Self> {
        let records = store.criteria()?;
        let signed = records.iter().map(|record| {
            let signatures = record.signatures.iter();
            let signatures = signatures.map(|one| Signature { person: one.person.clone(), at: one.at });
            let (version, criteria) = (record.version, read(record)?);
            Ok(SignedCriteria { version, criteria, signatures: signatures.collect() })
        });
        let signed = signed.collect::<Result<_>>()?;
        let fired = store.holds(false)?.into_iter().filter(|hold| hold.by == FIRSTLINE).map(|hold| hold.at);
        Ok(Self { records, signed, fired: fired.collect() })
    }

    /// The version in force at `at`, and its criteria.
    pub(super) fn at(&self, at: Timestamp) -> Option<(u32, &Criteria)> {
        in_force(&self.signed, at, &self.fired).map(|holds| (holds.version, &holds.criteria))
    }
}

/// The criteria in force at `at`, with their record.
pub(super) fn standing(store: &dyn Store, at: Timestamp) -> Result<Option<(CriteriaRecord, Criteria)>> {
    let history = History::read(store)?;
    let Some((version, criteria)) = history.at(at).map(|(version, of)| (version, of.clone())) else {
        return Ok(None);
    };
    let record = history.records.into_iter().find(|record| record.version == version);
    Ok(record.map(|record| (record, criteria)))
}

/// A signature, as a person gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignRequest {
    /// The version; the newest where there is none.
    pub version: Option<u32>,
    /// The sha256 of what the person has read, where they say.
    pub sha256: Option<String>,
    /// The name that they type.
    pub typed_name: String,
    /// As what they sign.
    pub role: String,
}

/// A version that was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Signed {
    /// The version, this signature included.
    pub criteria: CriteriaVersion,
    /// Signatures that it still needs, each of another person.
    pub missing: usize,
    /// Whether it is in force now.
    pub in_force: bool,
}

/// Signs a version: a person once, whatever name they type.
///
/// # Errors
/// [`Code::Scope`] without the right to manage or to approve the rollout, of all customers; [`Code::NotFound`] where there is no such version; [`Code::Conflict`] where it says something else than what was read, or the person
/// has signed it before.
pub fn sign(store: &dyn Store, request: &SignRequest, person: &Person, now: Timestamp) -> Result<Signed> {
    person.may(Scope::Manage).or_else(|_| person.may(Scope::ApproveRollout))?;
    let (typed_name, role) =
        (text::name("typed_name", &request.typed_name)?, text::name("role", &request.role)?);
    let records = store.criteria()?;
    let of = |record: &&CriteriaRecord| request.version.is_none_or(|version| version == record.version);
    let record = records.iter().rev().find(of).ok_or_else(missing)?;
    let conflict = |problem: String, next: &str| {
        Err(UserError::new(
            Code::Conflict,
            format!("the criteria, version {}", record.version),
            problem,
            next,
        )
        .into())
    };
    if request.sha256.as_ref().is_some_and(|sha| !sha.eq_ignore_ascii_case(&record.sha)) {
        return conflict(
            "its sha256 is not what was read".to_owned(),
            "Read that version, and sign it again",
        );
    }
    let (version, sha) = (record.version, record.sha.clone());
    let signature = NewSignature { version, sha, by: person.author(), typed_name, role };
    match store.sign(&signature, now)? {
        Signing::Signed => {}
        Signing::Already => {
            let next = "Have another person sign it, with a key of their own";
            return conflict(format!("{} has signed it already", person.name), next);
        }
        Signing::Missing => return Err(missing().into()),
    }
    let criteria = version_of(store, version, now)?;
    let missing = usize::from(criteria.needed).saturating_sub(criteria.signatures.len());
    let in_force = standing(store, now)?.is_some_and(|(record, _)| record.version == version);
    Ok(Signed { criteria, missing, in_force })
}
