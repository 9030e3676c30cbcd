//! What the record says: key performance indicators over decisions and how their tickets ended, where a desk stands before it begins,
//! and whether it may go on.
//!
//! Pure functions over recorded facts: no clock, no store, no models. Every share comes with what it was counted over and its
//! interval, since a small desk's week is a small sample. The order in which facts were reported never matters.

mod acceptance;
mod aliases;
mod autonomy;
mod baseline;
mod before;
mod blind;
mod calendar;
mod categories;
mod criteria;
mod day90;
mod direction;
mod errors;
pub mod evidence;
mod expansion;
mod facts;
mod falls;
mod figures;
mod gate;
mod gate_autonomous;
mod handle;
mod hours;
mod known;
mod known_then;
mod kpis;
mod learnt_rules;
mod of_ticket;
mod page;
mod pilots;
mod populations;
mod programmes;
mod renewal;
mod replay;
mod replay_report;
mod report;
mod response;
mod rules;
mod saving;
mod segments;
mod seniors;
mod shadow;
mod share;
mod signing;
mod tiers;
mod times;
mod triggers;

use acceptance::acceptance_check;
pub use aliases::read_aliases;
pub use autonomy::{Autonomy, LevelOne, autonomy, is_provisional};
pub use baseline::{Baseline, WeekFigures, baseline, week_figures, week_groups};
pub use before::{Before, Cell, Waits};
pub use blind::is_blind;
pub use calendar::{Week, weeks};
pub use categories::{
    Automation, Category, LargestCategories, MeasuredCategory, largest_categories, read_automation,
    write_automation,
};
pub use criteria::{Criteria, Criterion, GateEvidence, Known, Kpi, Refusal, Rollback, TwoFalls};
pub use day90::{
    Beside, Capacity, CountedShares, DAY90_FORMAT, Day90, Day90Facts, Day90Outcome, Day90Verdict, Day90Week,
    Hash, Hours, InForce, KpiResult, L1Autonomous, PastHold, ResponseBeside, SeniorsBeside, SignedName,
    Spread, Told, day90,
};
pub use direction::Direction;
pub use errors::{ErrorFigures, Reported, error_figures};
pub use evidence::Evidence;
pub use expansion::{Candidate, CategoryState, Expansion, ExpansionFacts, ExpansionStep, expansion};
pub use facts::{HandleBasis, Reviewed, TicketFacts};
pub use falls::{Series, TwoFallsFound, two_falls, week_times};
pub use figures::{Desk, Figures};
pub use gate::{CEILING, Check, Gate, ShadowEvidence, ShadowThresholds, shadow_gate};
pub use gate_autonomous::FLOOR as AUTONOMY_FLOOR;
pub use gate_autonomous::{CategoryEvidence, CategoryGate, autonomous_gate};
pub use handle::{HandleChange, handle_change};
pub use hours::{OpenHours, Opening};
pub use known::{Grounds, known};
pub use kpis::{Acted, Agreement, Drafts, Durations, KnownLabel, Kpis, Tally, WeekTallies};
pub use learnt_rules::{LearntRules, learn_rules};
pub use pilots::{CustomerNotes, Exclusion, Part, Pilot, PilotSetting, pilots};
pub use populations::{LeftOut, Population, Selected, select};
pub use programmes::{FALLS, Name, Outcomes, Truth, World, simulate};
pub use renewal::{Granted, Renewal, Standing, renewal};
pub use replay::{
    Alike, Alone, Counterfactual, DraftSample, GateLook, Phased, Rehearsal, Replay, ReplayPhase,
    ReplayedWeek, Step, StepKind, Verdict, WeekDecisions, replay,
};
pub use replay_report::ReplaySetting;
pub use report::{BaselineSetting, Report, Sheet, counted, percent, refused, spoken};
pub use response::{Basis, Response, first_response, first_response_by, recurring_texts, shared_basis};
pub use rules::{Condition, Routed, RoutingRule, RuleSet, RuleTicket, RulesBeside, rules_beside};
pub use saving::{
    MinutesPerTicket, Saving, SavingBasis, SignedMinutes, Worked, minutes_per_ticket, saved, saving,
};
pub use segments::{Segment, UNKNOWN};
pub use seniors::{Seniors, seniors, technicians_at_work};
pub use shadow::{
    Aliases, FEWEST_PAIRS, FieldAgreement, Intake, Judged, PriorityCalls, ShadowAgreement, best_technicians,
    intake, priority_calls, shadow_agreement, usable_drafts,
};
pub use share::Share;
pub use signing::{Signature, SignedCriteria, in_force};
pub use tiers::{Tiers, hand_offs, single_touch, suggested_tier};
pub use times::Times;
pub use triggers::{
    ErrorWeek, FEW_ACTIONS, Fired, Incident, IncidentState, Limits, Reaction, Saved, Trigger,
    agreement_triggers, error_triggers, savings_trigger, sla_credit_trigger, strongest,
};
