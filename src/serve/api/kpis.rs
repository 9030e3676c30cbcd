//! `GET /v1/kpis`.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use firstline_fault::Code;
use firstline_rollout::{Tally, Week, WeekTallies, weeks};
use firstline_store::CustomerSet;
use firstline_ticket::Field;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::{IntoParams, ToSchema};

use super::requests::customers;
use super::wire::Kpis;
use crate::auth::{Caller, Scope};
use crate::extract::Params;
use crate::problem::Problem;
use crate::rollout::Incidents;
use crate::shared::Shared;

/// Hours of a week.
const WEEK: i64 = 7 * 24;
/// Weeks that figures are given for.
const MOST_WEEKS: i64 = 60;
/// A year's decisions are a lot to go through: for one call at a time.
static ONE: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(1)));
/// How long a call waits for another's.
const PATIENCE: Duration = Duration::from_secs(5);

/// Of which time, and whose.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Window {
    /// From this moment, RFC 3339; by default from the Monday of four weeks ago on.
    #[param(value_type = Option<String>, format = "date-time")]
    from: Option<Timestamp>,
    /// To before this one; now by default.
    #[param(value_type = Option<String>, format = "date-time")]
    to: Option<Timestamp>,
    /// Of one customer.
    customer: Option<String>,
}

/// Figures of a calendar week.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WeekFigures {
    /// The week in ISO 8601, such as `2026-W48`.
    week: String,
    /// When it began: Monday 00:00 in the desk's time zone, or the `from` of the call where that is later.
    #[schema(value_type = String, format = "date-time")]
    from: Timestamp,
    /// When it ended: the next Monday 00:00, or the `to` of the call where that is earlier.
    #[schema(value_type = String, format = "date-time")]
    to: Timestamp,
    #[serde(flatten)]
    figures: Kpis,
}

/// Key figures.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KpiReport {
    #[schema(value_type = String, format = "date-time")]
    from: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    to: Timestamp,
    /// Of all of it.
    total: Kpis,
    /// One entry a calendar week in the time zone of the policy's hours; the first and the last may be cut short.
    weeks: Vec<WeekFigures>,
}

/// Key figures, in total and by calendar week.
///
/// Agreement with what people set, what became of drafts, first-response and resolution times, errors that customers saw and credits for
/// them: each share with its count and 95 % interval. An incident counts in the week in which it happened, whenever it was entered.
#[utoipa::path(
    get, path = "/v1/kpis", tag = "people", security(("key" = ["review"])), params(Window),
    responses(
        (status = 200, description = "Key figures", body = KpiReport),
    )
)]
pub(crate) async fn get_kpis(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Params(window): Params<Window>,
) -> Result<Json<KpiReport>, Problem> {
    caller.may(Scope::Review)?;
    let customers = customers(&caller, window.customer.as_deref())?;
    let to = window.to.unwrap_or_else(Timestamp::now);
    let zone = shared.live.load().zone.clone();
    let early = || {
        let ago = to.to_zoned(zone.clone()).checked_sub(4.weeks())?.timestamp();
        Week::of(ago, &zone).map(|week| week.start)
    };
    let fault = |problem: &str| {
        let next = "Give from before to, at most 60 weeks apart";
        Problem::new(Code::Request, "from, to", problem, next)
    };
    let from = window.from.map_or_else(early, Ok).map_err(|_| fault("no time that can be"))?;
    let long = to.duration_since(from).as_hours();
    if from >= to || long > MOST_WEEKS * WEEK {
        return Err(fault("no such time"));
    }
    let one = one_at_a_time().await?;
    let weeks = weeks(from, to, &zone).map_err(|_| fault("no time that can be"))?;
    let report = shared.blocking(move |shared| {
        // Held as long as it works, whether or not its caller still waits.
        let _one = one;
        let (store, hours, now) = (shared.store.as_ref(), shared.desk()?.hours, shared.clock.now());
        let by_week = tallies(shared, weeks, (from, to), &customers)?;
        let incidents = Incidents::read(store, (from, to), &customers)?;
        let figures = |span: (Timestamp, Timestamp), tally: Tally| {
            Kpis::of(incidents.figures(span, tally.acted(), &hours, now), tally.kpis())
        };
        let total = figures((from, to), by_week.total());
        let weeks = by_week.weeks().into_iter().map(|(week, tally)| {
            let (from, to) = (week.start.max(from), week.end.min(to));
            WeekFigures { week: week.to_string(), from, to, figures: figures((from, to), tally) }
        });
        Ok(KpiReport { from, to, total, weeks: weeks.collect() })
    });
    Ok(Json(report.await?))
}

/// What figures of these weeks are counted from, by the labels that the bundle in service knows.
pub(crate) fn tallies(
    shared: &Shared,
    weeks: Vec<Week>,
    (from, to): (Timestamp, Timestamp),
    customers: &CustomerSet,
) -> Result<WeekTallies, Problem> {
    let live = shared.live.load_full();
    let known = |field: Field, label: &str| {
        let model = live.engine.bundle().fields.get(&field);
        model.is_some_and(|model| model.space.index(label).is_some())
    };
    let mut by_week = WeekTallies::new(weeks);
    shared.store.judged_tickets(from, to, customers, &mut |counted| by_week.add(counted, &known))?;
    Ok(by_week)
}

/// Room for the one call at a time that reads so many decisions.
pub(crate) async fn one_at_a_time() -> Result<OwnedSemaphorePermit, Problem> {
    let one = tokio::time::timeout(PATIENCE, Arc::clone(&ONE).acquire_owned()).await;
    one.map_err(|_| Problem::overload("key figures", 5))?.map_err(Problem::internal)
}
