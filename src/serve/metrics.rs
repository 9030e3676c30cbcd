//! What is counted, for Prometheus. Labels are closed sets: no customer, no ticket, no text.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Instant;

use firstline_store::Backlog;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

/// Upper bounds of durations, in seconds.
const SECONDS: [f64; 14] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

/// A request, by the route's pattern and its status.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Answered {
    pub(crate) route: String,
    pub(crate) status: u16,
}

/// One label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Kind {
    pub(crate) kind: String,
}

impl From<&str> for Kind {
    fn from(kind: &str) -> Self {
        Self { kind: kind.to_owned() }
    }
}

type Histograms = Family<Kind, Histogram, fn() -> Histogram>;

/// All metrics.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) requests: Family<Answered, Counter>,
    pub(crate) request_seconds: Histograms,
    pub(crate) decisions: Family<Kind, Counter>,
    pub(crate) refused: Family<Kind, Counter>,
    pub(crate) drafts: Family<Kind, Counter>,
    pub(crate) reviews: Family<Kind, Counter>,
    pub(crate) acting: Family<Kind, Counter>,
    pub(crate) stage_seconds: Histograms,
    pub(crate) batch_tickets: Histogram,
    pub(crate) batch_tokens: Histogram,
    pub(crate) queue_tickets: Gauge<i64, AtomicI64>,
    pub(crate) queue_tokens: Gauge<i64, AtomicI64>,
    pub(crate) in_flight: Gauge<i64, AtomicI64>,
    backlog: Family<Kind, Gauge<i64, AtomicI64>>,
    pub(crate) bundle_swaps: Counter<u64, AtomicU64>,
    alarms: Family<Kind, Gauge<i64, AtomicI64>>,
}

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

fn powers() -> Histogram {
    Histogram::new((0..16).map(|power| f64::from(1_u32 << power)))
}

/// Registers a metric, and gives it back to be counted with.
fn known<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("firstline");
        registry.register("build", "The program", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
        let r = &mut registry;
        let by_kind = || Family::new_with_constructor(seconds as fn() -> Histogram);
        Self {
            requests: known(r, "requests", "Requests answered", Family::default()),
            request_seconds: known(r, "request_seconds", "Time to an answer, by route", by_kind()),
            decisions: known(r, "decisions", "Decisions by route", Family::default()),
            refused: known(r, "refused", "Tickets refused, by error code", Family::default()),
            drafts: known(r, "drafts", "Drafts by origin", Family::default()),
            reviews: known(r, "reviews", "Reviews by verdict", Family::default()),
            acting: known(
                r,
                "acting",
                "Decisions that were acted on alone, or left to a person",
                Family::default(),
            ),
            stage_seconds: known(
                r,
                "stage_seconds",
                "Time of a stage: prepare, wait, decide, record, draft",
                by_kind(),
            ),
            batch_tickets: known(r, "batch_tickets", "Tickets decided together", powers()),
            batch_tokens: known(r, "batch_tokens", "Tokens decided together", powers()),
            queue_tickets: known(r, "queue_tickets", "Tickets waiting to be decided", Gauge::default()),
            queue_tokens: known(r, "queue_tokens", "Tokens waiting to be decided", Gauge::default()),
            in_flight: known(r, "requests_in_flight", "Requests being answered", Gauge::default()),
            backlog: known(r, "backlog", "What waits in the store, by kind", Family::default()),
            bundle_swaps: known(
                r,
                "bundle_swaps",
                "Bundles put in service since the start",
                Counter::default(),
            ),
            alarms: known(
                r,
                "alarms",
                "What a person should look at, by kind: 1 while it lasts",
                Family::default(),
            ),
            registry,
        }
    }

    /// A stage that began at `start` is through.
    pub(crate) fn stage(&self, stage: &str, start: Instant) {
        self.stage_seconds.get_or_create(&stage.into()).observe(start.elapsed().as_secs_f64());
    }

    /// Something that a person should look at begins or ends.
    pub(crate) fn alarm(&self, kind: &str, lasts: bool) {
        self.alarms.get_or_create(&kind.into()).set(lasts.into());
    }

    /// What waits in the store.
    pub(crate) fn set_backlog(&self, backlog: &Backlog) {
        let Backlog { triage, drafts, reviews, actions, failed_actions, held_actions } = *backlog;
        let kinds = [
            ("triage", triage),
            ("drafts", drafts),
            ("reviews", reviews),
            ("actions", actions),
            ("failed_actions", failed_actions),
            ("held_actions", held_actions),
        ];
        for (kind, n) in kinds {
            self.backlog.get_or_create(&kind.into()).set(i64::try_from(n).unwrap_or(i64::MAX));
        }
    }

    /// All of it in the text format, and which bundle is in service.
    pub(crate) fn text(&self, bundle: &str) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        // The bundle changes while the process runs, which a registered info can't.
        let end = text.rfind("# EOF").unwrap_or(text.len());
        text.truncate(end);
        writeln!(text, "# HELP firstline_bundle The bundle in service.\n# TYPE firstline_bundle gauge")?;
        writeln!(text, "firstline_bundle{{id=\"{bundle}\"}} 1\n# EOF")?;
        Ok(text)
    }
}
