//! What is counted, for Prometheus. Labels are closed sets: no customer, no ticket, no text.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64};

use firstline_store::Backlog;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

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
    pub(crate) stage_seconds: Histograms,
    pub(crate) batch_tickets: Histogram,
    pub(crate) batch_tokens: Histogram,
    pub(crate) queue_tickets: Gauge<i64, AtomicI64>,
    pub(crate) queue_tokens: Gauge<i64, AtomicI64>,
    pub(crate) in_flight: Gauge<i64, AtomicI64>,
    backlog: Family<Kind, Gauge<i64, AtomicI64>>,
    pub(crate) bundle_swaps: Counter<u64, AtomicU64>,
}

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

fn powers() -> Histogram {
    Histogram::new((0..16).map(|power| f64::from(1_u32 << power)))
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut r = Registry::with_prefix("firstline");
        let metrics = Self {
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(seconds as fn() -> Histogram),
            decisions: Family::default(),
            refused: Family::default(),
            drafts: Family::default(),
            reviews: Family::default(),
            stage_seconds: Family::new_with_constructor(seconds as fn() -> Histogram),
            batch_tickets: powers(),
            batch_tokens: powers(),
            queue_tickets: Gauge::default(),
            queue_tokens: Gauge::default(),
            in_flight: Gauge::default(),
            backlog: Family::default(),
            bundle_swaps: Counter::default(),
            registry: Registry::default(),
        };
        let m = &metrics;
        r.register("requests", "Requests answered", m.requests.clone());
        r.register("request_seconds", "Time to an answer, by route", m.request_seconds.clone());
        r.register("decisions", "Decisions by route", m.decisions.clone());
        r.register("refused", "Tickets refused, by error code", m.refused.clone());
        r.register("drafts", "Drafts by origin", m.drafts.clone());
        r.register("reviews", "Reviews by verdict", m.reviews.clone());
        r.register(
            "stage_seconds",
            "Time of a stage: prepare, wait, decide, record, draft",
            m.stage_seconds.clone(),
        );
        r.register("batch_tickets", "Tickets decided together", m.batch_tickets.clone());
        r.register("batch_tokens", "Tokens decided together", m.batch_tokens.clone());
        r.register("queue_tickets", "Tickets waiting to be decided", m.queue_tickets.clone());
        r.register("queue_tokens", "Tokens waiting to be decided", m.queue_tokens.clone());
        r.register("requests_in_flight", "Requests being answered", m.in_flight.clone());
        r.register("backlog", "What waits in the store, by kind", m.backlog.clone());
        r.register("bundle_swaps", "Bundles put in service since the start", m.bundle_swaps.clone());
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        r.register("build", "The program", build);
        Self { registry: r, ..metrics }
    }

    /// What waits in the store.
    pub(crate) fn set_backlog(&self, backlog: &Backlog) {
        let Backlog { triage, drafts, reviews, actions, failed_actions } = *backlog;
        let kinds = [
            ("triage", triage),
            ("drafts", drafts),
            ("reviews", reviews),
            ("actions", actions),
            ("failed_actions", failed_actions),
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
