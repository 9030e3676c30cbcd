//! What a scenario has shown, as a table and as JSON. Only a promise that is broken fails the run: how long things take depends on the
//! machine.

use std::fmt::Display;

use firstline_stats::{quantile, wilson95};
use serde_json::{Value, json};

/// What was found, row by row.
#[derive(Debug)]
pub(crate) struct Score {
    title: String,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    what: String,
    found: String,
    value: Value,
    verdict: Verdict,
}

#[derive(Debug, PartialEq)]
enum Verdict {
    /// Something to know.
    Fact,
    /// A time that is aimed at.
    Aim(bool),
    /// What must hold on any machine.
    Promise(bool),
}

impl Score {
    pub(crate) fn new(title: String) -> Self {
        Self { title, rows: Vec::new() }
    }

    fn row(&mut self, what: &str, found: &dyn Display, value: Value, verdict: Verdict) {
        self.rows.push(Row { what: what.to_owned(), found: found.to_string(), value, verdict });
    }

    /// A figure.
    pub(crate) fn fact(&mut self, what: &str, found: impl Into<Value>) {
        let value: Value = found.into();
        let found = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.row(what, &found, value, Verdict::Fact);
    }

    /// A count that must be `wanted`.
    pub(crate) fn must_be(&mut self, what: &str, found: usize, wanted: usize) {
        let told = if wanted == 0 { found.to_string() } else { format!("{found} of {wanted}") };
        self.row(what, &told, found.into(), Verdict::Promise(found == wanted));
    }

    /// Things of which there must be none: how many, and the first few.
    pub(crate) fn none(&mut self, what: &str, found: &[String]) {
        let few: Vec<&str> = found.iter().take(5).map(String::as_str).collect();
        let told =
            if found.is_empty() { "0".to_owned() } else { format!("{}: {}", found.len(), few.join("; ")) };
        let value = json!({"n": found.len(), "first": few});
        self.row(what, &told, value, Verdict::Promise(found.is_empty()));
    }

    /// A share that is to be at least `wanted`, with its 95 % interval.
    pub(crate) fn share(&mut self, what: &str, (part, all): (usize, usize), wanted: Option<f64>) {
        let share = firstline_stats::share(part, all);
        let interval = wilson95(part, all);
        let told = format!(
            "{part} of {all}, {:.1} % [{:.1}, {:.1}]",
            100.0 * share,
            100.0 * interval.lo,
            100.0 * interval.hi
        );
        let value = json!({"part": part, "all": all, "interval": interval});
        let verdict =
            wanted.filter(|_| all > 0).map_or(Verdict::Fact, |wanted| Verdict::Aim(share >= wanted));
        self.row(what, &told, value, verdict);
    }

    /// Seconds, of which the p95 is to be at most `wanted`.
    pub(crate) fn seconds(&mut self, what: &str, mut times: Vec<f64>, wanted: Option<f64>) {
        times.sort_by(f64::total_cmp);
        let at = |share| quantile(&times, share);
        let (Some(p50), Some(p95), Some(&most)) = (at(0.5), at(0.95), times.last()) else {
            return self.fact(what, "none");
        };
        let told = format!("p50 {p50:.1} s, p95 {p95:.1} s, longest {most:.1} s");
        let value = json!({"n": times.len(), "p50": p50, "p95": p95, "longest": most});
        self.row(what, &told, value, wanted.map_or(Verdict::Fact, |wanted| Verdict::Aim(p95 <= wanted)));
    }

    /// A figure that is aimed at, and whether it is met.
    pub(crate) fn aim(&mut self, what: &str, found: &dyn Display, met: bool) {
        self.row(what, found, found.to_string().into(), Verdict::Aim(met));
    }

    /// Seconds that are to be at most `wanted`.
    pub(crate) fn at_most(&mut self, what: &str, seconds: f64, wanted: f64) {
        self.row(
            what,
            &format!("{seconds:.0} s of {wanted:.0}"),
            seconds.into(),
            Verdict::Aim(seconds <= wanted),
        );
    }

    /// Whether no promise was broken.
    pub(crate) fn is_kept(&self) -> bool {
        self.rows.iter().all(|row| row.verdict != Verdict::Promise(false))
    }

    pub(crate) fn print(&self) {
        println!("\n{}", self.title);
        for Row { what, found, verdict, .. } in &self.rows {
            let word = match verdict {
                Verdict::Fact => "",
                Verdict::Aim(true) => "met",
                Verdict::Aim(false) => "MISSED",
                Verdict::Promise(true) => "kept",
                Verdict::Promise(false) => "BROKEN",
            };
            println!("  {what:<58} {word:<6} {found}");
        }
    }

    pub(crate) fn json(&self) -> Value {
        let row = |row: &Row| {
            let mut of = json!({"what": row.what.trim(), "found": row.value});
            match row.verdict {
                Verdict::Fact => {}
                Verdict::Aim(met) => of["met"] = met.into(),
                Verdict::Promise(kept) => of["kept"] = kept.into(),
            }
            of
        };
        let rows: Vec<Value> = self.rows.iter().map(row).collect();
        json!({"title": self.title, "kept": self.is_kept(), "rows": rows})
    }
}
