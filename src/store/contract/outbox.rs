//! What is to be done in the PSA, each thing once.

use firstline_fault::Result;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CustomerSet, Paged};

/// Actions that people approved. One is claimed by one owner at a time, and a ticket's actions one after another.
///
/// Attempts are counted for each key: one that fails all it claims takes nothing from the others. Where a ticket moves to
/// another customer, its open actions are void, claimed or not.
///
/// # Errors
/// Every call can fail with [`Code::Store`](firstline_fault::Code::Store), where the engine can't be reached or written; then
/// nothing of it was done.
#[expect(clippy::missing_errors_doc, reason = "the same for all calls, told above")]
pub trait Outbox {
    /// Claims actions, oldest first and one of a ticket at a time. An action whose lease has ended may have been done: the
    /// next to claim it has its idempotency key to ask by.
    ///
    /// What was decided before a grant, hold or release that concerns it is held back and not claimed: of actions that nobody
    /// approved any of these, of those that a person approved only a hold at [`Hold::BackOut`](crate::Hold::BackOut) or above, or a
    /// grant of more than a day later. Where there are grants, what stands in a customer or category below assist is held back as
    /// well. Nothing is claimed that follows from a decision that is [hidden](crate::DecisionRecord::is_hidden).
    fn claim_actions(&self, claim: &ActionClaim<'_>) -> Result<Vec<Action>>;

    /// An action was done, or could not be. Saying twice that it was done is no fault.
    fn settle_action(
        &self,
        id: i64,
        holder: &Holder<'_>,
        report: &ActionReport<'_>,
        now: Timestamp,
    ) -> Result<Settlement>;

    /// Puts an action that was given up, or is held back for less than a day, back: every key may claim it again. Of one that is held
    /// back, a person says so, and its scope may no longer be on hold for what people approve, nor a grant be more than a day newer. Gives
    /// `false` where there is no
    /// such action of `customers`.
    fn retry_action(&self, id: i64, customers: &CustomerSet, actor: &str, now: Timestamp) -> Result<bool>;

    /// Makes the actions void that are held back since before `before`: nothing stale is ever sent. Gives how many.
    fn drop_held(&self, before: Timestamp, now: Timestamp) -> Result<u64>;

    /// An action, where it is one of `holder`'s customers', or held by it.
    fn action(&self, id: i64, holder: &Holder<'_>) -> Result<Option<Action>>;

    /// Actions in the outbox, those in `state` or all, the newest first. A page of `limit` of them, or of
    /// [`PAGE_BYTES`](crate::PAGE_BYTES), of those before the action `before`.
    fn actions(
        &self,
        state: Option<ActionState>,
        customers: &CustomerSet,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Paged<Action>>;
}

/// Who holds actions, or wants to.
#[derive(Debug, Clone, Copy)]
pub struct Holder<'a> {
    /// The API key: attempts are counted by it.
    pub key: &'a str,
    /// Who claims, among those that use the key.
    pub owner: &'a str,
    /// Whose tickets' actions it may have.
    pub customers: &'a CustomerSet,
}

/// Who claims which actions, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct ActionClaim<'a> {
    /// Who claims.
    pub holder: Holder<'a>,
    /// How many actions at most.
    pub limit: usize,
    /// Claims of one key after which it may not claim the action again.
    pub most: i64,
    /// When this is.
    pub now: Timestamp,
    /// Until when the claim holds.
    pub until: Timestamp,
    /// The bundle in service, where the settings let Firstline act alone: what nobody approved is claimed only if that bundle decided it.
    pub alone: Option<&'a str>,
}

/// What a holder says of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionReport<'a> {
    /// It was done.
    Done {
        /// The PSA's id of what came of it, such as a note's.
        psa_ref: Option<&'a str>,
        /// What an automation answered.
        result: Option<&'a serde_json::Value>,
    },
    /// It could not be done.
    Failed {
        /// Why.
        why: &'a str,
        /// Until when it waits then.
        retry_at: Timestamp,
    },
    /// It must not be done, since a person has changed the ticket meanwhile: a person decides, within a day.
    Returned {
        /// What was changed.
        why: &'a str,
    },
}

/// What became of a report about an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// It is on record.
    Settled,
    /// The claim is not this owner's, or no longer, or the action is none of its customers'.
    NotHeld,
    /// The action became void while it was claimed: its ticket moved to another customer. What was done by then is in the audit
    /// log.
    Void,
}

/// What is to be done in the PSA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// Send `payload.text` to the customer.
    Reply,
    /// Set the labels in `payload.fields`.
    SetFields,
    /// Close the ticket: the customer has confirmed that it is done.
    Close,
    /// Open the ticket again, and assign it to `payload.technician` where nobody owns it.
    Reopen,
    /// Have the desk's own automation run, with `payload` as its input.
    Run,
}

/// On whose word something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionOrigin {
    /// A person approved it.
    Person,
    /// Nobody did: a grant allows it.
    Auto,
}

/// How an action stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionState {
    /// Nobody has claimed it.
    Waiting,
    /// Somebody is at it.
    Claimed,
    /// It was done.
    Done,
    /// A key has given it up after too many attempts; a person has to look. Other keys may still claim it.
    Failed,
    /// Its ticket moved to another customer before it was done, it was held back for a day, or it was approved more than a day before
    /// a grant that concerns it: it must not be done any more.
    Void,
    /// Its scope was put on hold, what is granted there has changed, or a person has changed its ticket: it waits for a person.
    Held,
}

/// An action in the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Its id.
    pub id: i64,
    /// What kind it is.
    pub kind: ActionKind,
    /// In which ticket it is done, as its senders call it.
    pub ticket_id: String,
    /// Whose that ticket was when it was approved.
    pub customer: String,
    /// The decision it follows from.
    pub decision_id: String,
    /// What is sent or set.
    pub payload: serde_json::Value,
    /// Never the same for two actions, always the same for one: what the PSA is to know it by.
    pub idempotency_key: String,
    /// How it stands.
    pub state: ActionState,
    /// How often it was claimed, this time included.
    pub attempts: i64,
    /// Until when the claim holds.
    pub lease_until: Option<Timestamp>,
    /// Why the last attempt failed.
    pub fault: Option<String>,
    /// On whose word it is done.
    pub origin: ActionOrigin,
    /// [`Effective::epoch`](crate::Effective::epoch) in view of which it was decided.
    pub epoch: i64,
    /// When it was reported done; `None` also for those that were done before that was kept.
    pub done_at: Option<Timestamp>,
    /// The PSA's id of what came of it.
    pub psa_ref: Option<String>,
    /// What an automation answered; `None` too once it is purged with the payload.
    pub result: Option<serde_json::Value>,
}
