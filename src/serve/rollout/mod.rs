//! The programme of 90 days on top of the store: signing, starting, the gate, holds, weeks, coverage. One way for the service's
//! calls and for commands alike.
//!
//! Every change is made by a [`Person`](crate::Person), has a reason, and is a row and an entry in the audit log in one transaction.
//! Must know nothing of HTTP, and look at no clock: callers say what time it is.

mod acting;
mod autonomous;
mod baselines;
mod corrections;
mod coverage;
mod criteria;
mod day90;
mod desk;
mod expansion;
mod figures;
mod gate;
mod holds;
mod in_service;
mod incidents;
mod phase;
mod scopes;
mod shadow;
mod start;
mod status;
mod text;
mod watch;
mod weeks;
mod work;

#[cfg(test)]
mod tests;

pub(crate) use acting::{Certified, Doing, look};
pub use autonomous::{AutonomousVerdict, Categories, CategoryVerdict, gate_autonomous};
pub use baselines::{BaselineOnRecord, baseline_on_record};
pub(crate) use corrections::{Written, may_correct, note_correction, written};
pub use coverage::{Coverage, Listed, ListedTicket, coverage};
pub use criteria::{
    CriteriaList, CriteriaVersion, SignRequest, Signed, SignedBy, add_criteria, criteria, sign,
};
pub use day90::{report_day90, saved_so_far};
pub use desk::DeskRules;
pub(crate) use expansion::RANKED_DAYS;
pub use expansion::{NextRequest, next, pilot_ranking, step_in_words};
pub use figures::{Figure, WeekSheet};
pub use gate::{CleanupPlan, GateCheck, GateRequest, GateVerdict, gate};
pub(crate) use holds::to_check;
pub use holds::{HoldLevel, HoldRequest, HoldView, Scoped, barred_bundle, hold, resume};
pub use in_service::{InServiceNow, trained_on};
pub(crate) use incidents::Incidents;
pub use incidents::{
    CustomerErrors, IncidentKind, IncidentReport, IncidentRuling, IncidentSeverity, IncidentState,
    IncidentView, WeekErrors, decide_incident,
};
pub use phase::{Allowed, allowed, installation_phase};
pub use shadow::{ByPriority, MissedPriority, Shadow, ShadowWindow, shadow};
pub use start::{StartRequest, Started, start};
pub use status::{GrantView, LastVerdict, ProgrammeView, Rollbacks, Status, WorkView, status, week_errors};
pub use watch::{WatchReport, Watcher, watch};
pub use weeks::{CloseReport, WeekView, close_weeks, weeks};
