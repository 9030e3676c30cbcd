//! Who somebody is whom ConnectWise names: a member, a program, or a contact.
//!
//! Members are read once a day, and again where a name is not known. Must never take a name that is not known for the system's.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use firstline_fault::Result;

use super::client::Client;
use super::look;
use super::wire::Member;

/// How long members are believed.
const HOLDS: Duration = Duration::from_secs(24 * 3_600);
/// How long they are where a name is not among them.
const HOLDS_WITHOUT: Duration = Duration::from_secs(300);
/// Names that the PSA goes by where customers write, folded.
const FOR_CUSTOMERS: [&str; 4] = ["emailconnector", "mailconnector", "portal", "customerportal"];
/// Its other own names, folded.
const OWN: [&str; 7] =
    ["system", "workflow", "workflowrule", "workflowrules", "api", "scheduler", "connectwise"];

/// Who a name is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum By {
    /// A technician, whose name it gives.
    Member(String),
    /// A member that programs sign in as, or the PSA itself.
    Machine,
    /// The PSA on behalf of customers: their mails, their portal.
    Customers,
    /// Nobody that is known.
    Unknown,
}

/// The members of a tenant.
#[derive(Debug)]
pub(super) struct Members {
    read_at: Option<Instant>,
    /// How long they are believed where a name is not among them.
    pub(super) holds_without: Duration,
    /// Names of technicians, by identifier.
    people: BTreeMap<String, String>,
    /// Identifiers of programs.
    programs: BTreeSet<String>,
}

impl Default for Members {
    fn default() -> Self {
        let (people, programs) = (BTreeMap::new(), BTreeSet::new());
        Self { read_at: None, holds_without: HOLDS_WITHOUT, people, programs }
    }
}

impl Members {
    /// Who `name` is.
    pub(super) fn who(&self, name: &str) -> By {
        let key = key(name);
        let folded: String = key.chars().filter(|c| c.is_alphanumeric()).collect();
        match self.people.get(&key) {
            Some(person) => By::Member(person.clone()),
            None if FOR_CUSTOMERS.contains(&folded.as_str()) => By::Customers,
            None if self.programs.contains(&key) || OWN.contains(&folded.as_str()) => By::Machine,
            None => By::Unknown,
        }
    }

    /// Reads them where they are old, or where one of `names` is not known, at most once in a while.
    pub(super) fn renew<'a>(
        &mut self,
        client: &mut Client,
        mut names: impl Iterator<Item = &'a str>,
    ) -> Result<()> {
        let holds = match names.any(|name| self.who(name) == By::Unknown) {
            true => self.holds_without,
            false => HOLDS,
        };
        if self.read_at.is_some_and(|at| at.elapsed() < holds) {
            return Ok(());
        }
        let mut read = Self { holds_without: self.holds_without, ..Self::default() };
        client.each("system/members", &[], &mut |member: Member| {
            read.add(&member);
            Ok(())
        })?;
        *self = Self { read_at: Some(Instant::now()), ..read };
        Ok(())
    }

    pub(super) fn add(&mut self, member: &Member) {
        let Some(identifier) = member.identifier.as_deref().map(key) else { return };
        if member.is_api() {
            self.programs.insert(identifier);
        } else {
            self.people.insert(identifier, look::name(member).unwrap_or_default());
        }
    }

    /// They are read again the next time.
    pub(super) fn forget(&mut self) {
        self.read_at = None;
    }
}

fn key(name: &str) -> String {
    name.trim().to_lowercase()
}
