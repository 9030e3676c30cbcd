//! Key figures.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::{FieldName, Route};

/// The figures of some tickets.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Kpis {
    /// Tickets decided.
    tickets: u64,
    /// Of them, by where the decision went.
    routes: BTreeMap<Route, u64>,
    /// How often people ended with the same label.
    agreement: Agreement,
    /// What became of drafts.
    drafts: Drafts,
    /// Seconds from opening, or intake where that is not known, to the first response.
    first_response: Durations,
    /// Seconds from there to the resolution.
    resolution: Durations,
    /// Seconds of work on a ticket.
    handle: Durations,
    /// Tickets whose end was reported.
    reported: u64,
    /// Tickets of which it is known whether they were opened again, and were.
    reopened: Proportion,
    /// Tickets of which it is known whether they went to a higher tier, and did.
    escalated: Proportion,
    /// Tickets in which a customer is reported to have seen an error, of all that were decided. A ticket that nobody reported on,
    /// and a report that does not mention errors, count as none: glue that only reports errors must not make every ticket one.
    customer_visible_errors: Proportion,
    /// Tickets whose report said whether a customer saw an error, yes or no.
    customer_visible_errors_explicit: u64,
    /// Errors on record as incidents, out of what Firstline did in that time and customers could see.
    incidents: Incidents,
}

/// Incidents that happened in a time.
#[derive(Debug, Serialize, ToSchema)]
struct Incidents {
    /// Confirmed ones, and suspected ones that nobody has decided on for three business days, out of the actions that were done in that
    /// time and that customers could see. There may be more than actions: what was done in one week shows in the next.
    errors: Proportion,
    /// The same of actions that a person had approved.
    approved: Proportion,
    /// The same of those that nobody had.
    autonomous: Proportion,
    /// Those that a person has yet to decide about.
    undecided: u64,
    /// Confirmed ones that the customer gets a credit for.
    sla_credits: u64,
    /// What these come to, as far as anybody has said, in your own currency.
    sla_credit_amount: Option<f64>,
}

/// How often a decision is what people ended with. What a person had set before does not count.
#[derive(Debug, Serialize, ToSchema)]
struct Agreement {
    /// Field by field.
    fields: BTreeMap<FieldName, Proportion>,
    /// Board, type, subtype and priority, as far as known, all the same.
    all: Proportion,
    /// Labels that people ended with and the bundle in service does not know, field by field: they count in none of the shares.
    unknown: BTreeMap<FieldName, u64>,
}

/// What became of drafts.
#[derive(Debug, Serialize, ToSchema)]
struct Drafts {
    /// Drafts that were made.
    made: u64,
    /// Tickets with a draft ready within 60 seconds of intake, of those for which a draft was due: asked for, and not found to be
    /// one that nothing may be sent to. A draft that is still being written, was given up or was overtaken counts as missed.
    within_60_seconds: Proportion,
    /// Seconds from intake to the draft.
    seconds: Durations,
    /// Of those that people decided on: sent as they were.
    verbatim: Proportion,
    /// Sent in other words.
    edited: Proportion,
    /// Not sent.
    rejected: Proportion,
    /// Mean distance of what was sent from the draft, 0 for the same, 1 for nothing in common; where both are known.
    mean_distance: Option<f64>,
    /// How many distances that is the mean of.
    distances: u64,
    /// The share sent as they were that the drafts' confidences promise.
    expected_verbatim: Option<f64>,
}

/// Some durations, in seconds.
#[derive(Debug, Serialize, ToSchema)]
struct Durations {
    /// How many.
    count: u64,
    /// The mean.
    mean: Option<f64>,
    /// The median.
    p50: Option<f64>,
    /// The 95 % quantile: nearest rank.
    p95: Option<f64>,
}

/// `count` of `of`, with Wilson's interval at 95 %.
#[derive(Debug, Serialize, ToSchema)]
struct Proportion {
    /// Those that are counted.
    count: u64,
    /// All of them.
    of: u64,
    /// `count / of`; null of nothing.
    share: Option<f64>,
    /// The interval's lower end.
    low: Option<f64>,
    /// Its upper end.
    high: Option<f64>,
}

impl Kpis {
    /// The figures of a time, with those of its incidents.
    pub(crate) fn of(errors: firstline_rollout::ErrorFigures, kpis: firstline_rollout::Kpis) -> Self {
        let firstline_rollout::Kpis {
            tickets,
            routes,
            agreement,
            drafts,
            first_response,
            resolution,
            handle,
            reported,
            reopened,
            escalated,
            customer_visible_errors,
            customer_visible_errors_explicit,
        } = kpis;
        Self {
            tickets,
            routes: routes.into_iter().map(|(route, n)| (route.into(), n)).collect(),
            agreement: agreement.into(),
            drafts: drafts.into(),
            first_response: first_response.into(),
            resolution: resolution.into(),
            handle: handle.into(),
            reported,
            reopened: reopened.into(),
            escalated: escalated.into(),
            customer_visible_errors: customer_visible_errors.into(),
            customer_visible_errors_explicit,
            incidents: errors.into(),
        }
    }
}

impl From<firstline_rollout::ErrorFigures> for Incidents {
    fn from(errors: firstline_rollout::ErrorFigures) -> Self {
        let firstline_rollout::ErrorFigures {
            all,
            approved,
            alone,
            undecided,
            sla_credits,
            sla_credit_amount,
        } = errors;
        Self {
            errors: all.into(),
            approved: approved.into(),
            autonomous: alone.into(),
            undecided,
            sla_credits,
            sla_credit_amount,
        }
    }
}

impl From<firstline_rollout::Agreement> for Agreement {
    fn from(agreement: firstline_rollout::Agreement) -> Self {
        let firstline_rollout::Agreement { fields, all, unknown } = agreement;
        let fields = fields.into_iter().map(|(field, share)| (field.into(), share.into())).collect();
        let unknown = unknown.into_iter().map(|(field, n)| (field.into(), n)).collect();
        Self { fields, all: all.into(), unknown }
    }
}

impl From<firstline_rollout::Drafts> for Drafts {
    fn from(drafts: firstline_rollout::Drafts) -> Self {
        let firstline_rollout::Drafts {
            made,
            within_60_seconds,
            seconds,
            verbatim,
            edited,
            rejected,
            mean_distance,
            distances,
            expected_verbatim,
        } = drafts;
        Self {
            made,
            within_60_seconds: within_60_seconds.into(),
            seconds: seconds.into(),
            verbatim: verbatim.into(),
            edited: edited.into(),
            rejected: rejected.into(),
            mean_distance,
            distances,
            expected_verbatim,
        }
    }
}

impl From<firstline_rollout::Durations> for Durations {
    fn from(durations: firstline_rollout::Durations) -> Self {
        let firstline_rollout::Durations { count, mean, p50, p95 } = durations;
        Self { count, mean, p50, p95 }
    }
}

impl From<firstline_rollout::Share> for Proportion {
    fn from(share: firstline_rollout::Share) -> Self {
        let firstline_rollout::Share { count, of, share, low, high } = share;
        Self { count, of, share, low, high }
    }
}
