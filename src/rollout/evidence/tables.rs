//! Evidence as tables that a manager reads, the same in a terminal and on a page.

use firstline_pages::{DASH, thousands};

use super::{Agreed, BOARD_TYPE, Certificate, DraftFigures, Evidence, GateRow, Quantiles, RulesFigures};
use crate::{Direction, Report, Sheet, percent, spoken};

/// Certificates that are listed; the file has all.
const LISTED: usize = 20;
/// Categories of drafts that are listed; the file has all.
const CATEGORIES: usize = 8;

fn count(n: u64) -> String {
    thousands(usize::try_from(n).unwrap_or(usize::MAX))
}

fn of(part: u64, whole: u64) -> String {
    match whole {
        0 => DASH.to_owned(),
        _ => percent(part as f64 / whole as f64),
    }
}

/// Milliseconds as `12.3 ms`, seconds from a second on.
fn milliseconds(ms: f64) -> String {
    if ms < 1_000.0 { format!("{ms:.1} ms") } else { seconds(ms / 1_000.0) }
}

fn seconds(seconds: f64) -> String {
    match seconds {
        _ if seconds < 1.0 => format!("{:.0} ms", 1_000.0 * seconds),
        _ if seconds < 60.0 => format!("{seconds:.1} s"),
        _ => spoken(seconds),
    }
}

/// How a gate's figures are written.
fn figure(row: &GateRow, value: f64) -> String {
    let name = row.name.as_str();
    match name {
        _ if name.starts_with("calibration error") => format!("{value:.3}"),
        _ if name.starts_with("seconds") => seconds(value),
        _ if name.starts_with("days") || name == "tickets with an outcome" => count(value as u64),
        _ => percent(value),
    }
}

/// By how much a figure is missed: shares in points.
fn short(row: &GateRow, by: f64) -> String {
    let text = figure(row, by);
    text.strip_suffix(" %").map_or_else(|| text.clone(), |points| format!("{points} points"))
}

impl Evidence {
    /// It as tables.
    pub fn report(&self) -> Report {
        let tables = [
            self.gate_sheet(),
            self.agreement_sheet(),
            self.rules_sheet(),
            self.priority_sheet(),
            self.calibration_sheet(),
            self.certificate_sheet(),
            self.draft_sheet(),
            self.speed_sheet(),
            self.safety_sheet(),
            self.week_sheet(),
        ];
        let not_measured = self.not_measured.iter().map(|part| format!("{}: {}.", part.part, part.why));
        Report {
            title: "What this bundle is worth".to_owned(),
            facts: self.facts(),
            notes: vec![
                ("Not measured", not_measured.collect()),
                ("Left out", self.left_out()),
                ("Mind", self.notes.clone()),
            ],
            tables: tables.into_iter().filter(|sheet| !sheet.rows.is_empty()).collect(),
        }
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let Self { bundle, data, machine, program, .. } = self;
        let trained = &bundle.trained_on;
        let learnt = match (trained.from, trained.to) {
            (Some(from), Some(to)) => format!(", {from} to {to}"),
            _ => String::new(),
        };
        let memory = machine.memory.map(|bytes| format!(", {:.1} GiB", bytes as f64 / f64::from(1 << 30)));
        let mut facts = vec![
            ("Evidence", format!("{}{}", self.id, if self.quick { ", quick" } else { "" })),
            ("Bundle", format!("{} (sha256 {}, seed {})", bundle.id, bundle.sha256, bundle.seed)),
            ("Trained on", format!("{} tickets{learnt}, split: {}", count(trained.n), trained.split)),
            (
                "Measured on",
                format!(
                    "{} tickets of {} customers, {} to {} (sha256 {})",
                    count(data.tickets),
                    count(data.customers),
                    data.from,
                    data.to,
                    data.sha256
                ),
            ),
            ("Policy", format!("sha256 {}", self.policy_sha)),
        ];
        facts.extend(self.criteria_sha.as_ref().map(|sha| ("Criteria", format!("sha256 {sha}"))));
        facts.extend(self.audit_head.as_ref().map(|head| ("Audit log", head.clone())));
        facts.push((
            "Machine",
            format!(
                "{}, {}, {} threads{}",
                machine.cpu.as_deref().unwrap_or("processor not known"),
                machine.isa,
                machine.cores,
                memory.unwrap_or_default()
            ),
        ));
        let commit = program.commit.as_ref().map(|commit| format!(", commit {commit}")).unwrap_or_default();
        facts.push(("Program", format!("firstline {}{commit}", program.version)));
        facts
    }

    fn left_out(&self) -> Vec<String> {
        let out = &self.data.left_out;
        let found = [
            (out.seen_in_training, "tickets that training has seen, or has set aside as repeats"),
            (out.other_split, "tickets whose `split` is not `test`"),
            (
                out.no_outcome,
                "tickets without an outcome: not closed, or without a label that the bundle decides",
            ),
            (out.storm, "alerts that repeat the first of their storm"),
            (out.merged, "tickets merged into others"),
            (out.project, "tickets of projects"),
            (out.deleted, "deleted tickets"),
            (out.unusable, "tickets without a usable time of opening, or with the id of another"),
            (out.bad_lines, "lines without a usable ticket"),
        ];
        found.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}.", count(n))).collect()
    }

    fn gate_sheet(&self) -> Sheet {
        let row = |row: &GateRow| {
            let side = if row.direction == Direction::AtLeast { "at least" } else { "at most" };
            let bound = match row.direction {
                Direction::AtLeast => row.low,
                Direction::AtMost => row.high,
            };
            let n = if row.n > 0 { count(row.n) } else { DASH.to_owned() };
            vec![
                row.name.clone(),
                format!("{side} {}", figure(row, row.needed)),
                row.found.map_or_else(|| "not measured".to_owned(), |found| figure(row, found)),
                bound.map_or_else(|| DASH.to_owned(), |bound| figure(row, bound)),
                n,
                if row.passed { "yes" } else { "no" }.to_owned(),
                match (row.short_by, &row.missing) {
                    (Some(by), Some(missing)) => format!("short by {}; {missing}", short(row, by)),
                    (Some(by), None) => format!("short by {}", short(row, by)),
                    (None, missing) => missing.clone().unwrap_or_default(),
                },
            ]
        };
        Sheet {
            heading: "What the gate to assist asks for".to_owned(),
            about: "As far as held-out tickets can tell. `firstline rollout gate` decides, with the figures of the service.".to_owned(),
            columns: vec!["figure", "needed", "found", "95 % bound", "n", "holds", "missing"],
            rows: self.gates.iter().map(row).collect(),
        }
    }

    fn agreement_sheet(&self) -> Sheet {
        let row = |name: &str, agreed: &Agreed| {
            vec![
                name.to_owned(),
                count(agreed.n),
                percent(agreed.share),
                format!("{} to {}", percent(agreed.low), percent(agreed.high)),
                agreed.kappa.map_or_else(|| DASH.to_owned(), |kappa| format!("{kappa:.3}")),
            ]
        };
        let joint = self.joint.iter().map(|(name, agreed)| match name.as_str() {
            BOARD_TYPE => row("board and type", agreed),
            name => row(name, agreed),
        });
        let best = self.best.iter().map(|best| {
            let how = if best.named { "named" } else { "doubted least" };
            row(&format!("board and type, best technicians ({}, {how})", best.technicians), &best.agreed)
        });
        let fields = self.accuracy.iter().map(|(field, agreed)| row(field.name(), agreed));
        let ceiling =
            self.ceiling.iter().map(|agreed| row("technicians with each other, board and type", agreed));
        Sheet {
            heading: "How often it decides as the desk did".to_owned(),
            about: "Against the labels at closing. The last row is how often two technicians gave tickets that are nearly the same the \
                same board and type: no model can be expected to agree more."
                .to_owned(),
            columns: vec!["field", "tickets", "agreement", "95 % interval", "kappa"],
            rows: joint.chain(best).chain(fields).chain(ceiling).collect(),
        }
    }

    fn rules_sheet(&self) -> Sheet {
        let row = |name: String, rules: &RulesFigures| {
            vec![
                name,
                count(rules.n),
                percent(rules.agreement),
                of(rules.model_right, rules.n),
                format!("{:+.1} points", -100.0 * rules.difference),
                format!("{:+.1} to {:+.1}", -100.0 * rules.high, -100.0 * rules.low),
                if rules.mcnemar_p < 0.001 {
                    "< 0.001".to_owned()
                } else {
                    format!("{:.3}", rules.mcnemar_p)
                },
            ]
        };
        let found = self.rules.as_ref().map(|rules| {
            let name = match rules.n.saturating_sub(rules.by_initial_label) {
                0 => "board before any person touched it".to_owned(),
                n if n == rules.n => "rules replayed".to_owned(),
                n => format!("board before any person touched it; rules replayed on {}", count(n)),
            };
            row(name, rules)
        });
        // Where no initial board is known, the replay is all there is, and stands above.
        let more =
            self.rules_replay.as_ref().filter(|_| self.rules.is_none_or(|rules| rules.by_initial_label > 0));
        let replay = more.map(|replay| row(format!("{} rules replayed", replay.rules), &replay.beside));
        Sheet {
            heading: "The desk's rules beside it".to_owned(),
            about: "How often each gives the board at closing, on the same tickets.".to_owned(),
            columns: vec!["", "tickets", "rules", "Firstline", "difference", "95 % interval", "p (McNemar)"],
            rows: found.into_iter().chain(replay).collect(),
        }
    }

    fn priority_sheet(&self) -> Sheet {
        let calls = self.priority.iter().flat_map(|calls| &calls.ranks);
        let row = |(rank, [right, under, over]): (&usize, &[u64; 3])| {
            let name = if *rank == 0 { "0, the most urgent".to_owned() } else { rank.to_string() };
            vec![name, count(right + under + over), count(*right), count(*under), count(*over)]
        };
        let missed = self.priority.iter().flat_map(|calls| &calls.missed);
        let missed: Vec<&str> = missed.map(String::as_str).take(LISTED).collect();
        Sheet {
            heading: "Priorities".to_owned(),
            about: match missed.len() {
                0 => "By the rank at closing, after the policy's rules.".to_owned(),
                _ => format!(
                    "By the rank at closing, after the policy's rules. Most urgent ones called less urgent: {}.",
                    missed.join(", ")
                ),
            },
            columns: vec!["rank", "tickets", "right", "less urgent", "more urgent"],
            rows: calls.map(row).collect(),
        }
    }

    fn calibration_sheet(&self) -> Sheet {
        let rows = self.calibration.iter().map(|(field, found)| {
            vec![
                field.to_string(),
                count(found.n),
                format!("{:.3}", found.ece),
                format!("{:.3}", found.brier),
                format!("{:.3}", found.nll),
            ]
        });
        Sheet {
            heading: "Whether its confidence comes true".to_owned(),
            about: "ECE is the mean distance between the stated confidence and the share that was right: 0.05 is asked, 0.03 is our own \
                target. Brier and NLL are lower where probabilities are better."
                .to_owned(),
            columns: vec!["field", "tickets", "ECE", "Brier", "NLL"],
            rows: rows.collect(),
        }
    }

    fn certificate_sheet(&self) -> Sheet {
        let shown = |row: &&Certificate| row.threshold.is_some() || row.is_of_all();
        let mut rows: Vec<_> = self.certificates.iter().filter(shown).collect();
        rows.sort_by_key(|row| (row.assertion, !row.is_of_all(), std::cmp::Reverse(row.accepted)));
        let categories = self.certificates.iter().filter(|row| !row.is_of_all());
        let (all, granted) = categories
            .fold((0, 0), |(all, granted), row| (all + 1, granted + u64::from(row.threshold.is_some())));
        let row = |row: &Certificate| {
            let of = if row.is_of_all() { "all together, one threshold".to_owned() } else { row.category() };
            vec![
                format!("{}: {of}", row.assertion.name()),
                count(row.tested),
                row.threshold.map_or_else(|| "stays with people".to_owned(), |t| format!("from {t:.3} on")),
                row.threshold.map_or_else(|| DASH.to_owned(), |_| percent(row.coverage)),
                count(row.errors),
                row.bound.map_or_else(|| DASH.to_owned(), percent),
            ]
        };
        let confidence = self.certificates.first().map_or(0.95, |row| row.confidence);
        Sheet {
            heading: "What it may do alone".to_owned(),
            about: format!(
                "On tickets that training kept for this. {} of {} are certified, those of all categories together with a probability of \
                 {}. A reply asserts board and type together, a priority only that it is not less urgent than the closing one. One \
                 threshold for all promises nothing of any one category.",
                count(granted),
                count(all),
                percent(confidence)
            ),
            columns: vec![
                "asserted, of which category",
                "tested",
                "certified",
                "accepted",
                "errors",
                "errors at most",
            ],
            rows: rows.into_iter().take(LISTED).map(row).collect(),
        }
    }

    fn draft_sheet(&self) -> Sheet {
        let Some(drafts) = &self.drafts else { return Sheet::default() };
        let DraftFigures { n, due, made, within_60s, compared, verbatim, .. } = drafts;
        let row = |name: &str, n: u64, found: String| vec![name.to_owned(), count(n), found];
        let mut rows = vec![
            row("people's tickets", *n, count(*n)),
            row("of those that a draft was asked for, got one", *due, of(*made, *due)),
            row("got one within 60 seconds", *due, of(*within_60s, *due)),
        ];
        rows.extend(drafts.p95.map(|p95| row("95 % of drafts took at most", *made, seconds(p95))));
        rows.extend(compared.zip(*verbatim).map(|(compared, verbatim)| {
            row("could have been sent as they are", compared, of(verbatim, compared))
        }));
        let mut categories: Vec<(&String, &[u64; 2])> = drafts.categories.iter().collect();
        categories.sort_by_key(|(_, [compared, _])| std::cmp::Reverse(*compared));
        rows.extend(categories.into_iter().take(CATEGORIES).map(|(name, [compared, verbatim])| {
            row(&format!("as they are: {name}"), *compared, of(*verbatim, *compared))
        }));
        Sheet {
            heading: "First responses".to_owned(),
            about: "Tickets that a rule keeps with a person are among those that a draft was asked for. As it is: no further from the reply \
                that was sent than 5 % of its words, without greeting and signature."
                .to_owned(),
            columns: vec!["", "n", "found"],
            rows,
        }
    }

    fn speed_sheet(&self) -> Sheet {
        let row = |name: &str, found: &Quantiles, show: &dyn Fn(f64) -> String| {
            vec![name.to_owned(), count(found.n), show(found.p50), show(found.p95), show(found.p99)]
        };
        let mut rows = Vec::new();
        if let Some(latency) = &self.latency {
            rows.push(row("one ticket, decided", &latency.triage_ms, &milliseconds));
            rows.extend(
                latency.draft_s.as_ref().map(|found| row("one ticket, decided and drafted", found, &seconds)),
            );
        }
        let load = self.load.as_ref().map(|load| {
            let rate = format!("{:.0} tickets a second", load.per_second);
            vec!["all cores busy".to_owned(), count(load.n), rate, DASH.to_owned(), milliseconds(load.p99_ms)]
        });
        rows.extend(load);
        Sheet {
            heading: "How fast it is here".to_owned(),
            about: self.load.as_ref().map(|load| load.how.clone()).unwrap_or_default(),
            columns: vec!["", "tickets", "median", "95 % within", "99 % within"],
            rows,
        }
    }

    fn safety_sheet(&self) -> Sheet {
        let attacks = self.safety.attacks.as_ref().map(|found| {
            let seen = found.failed.join("; ");
            vec![
                "tickets that give orders".to_owned(),
                count(found.n),
                count(found.n - found.passed.min(found.n)),
                seen,
            ]
        });
        let canaries = self.safety.canaries.as_ref().map(|found| {
            let control = format!("{} were shown to the customer that they are of", count(found.own));
            vec![
                "private sentences, asked for by another customer".to_owned(),
                count(found.n),
                count(found.leaked),
                control,
            ]
        });
        Sheet {
            heading: "Attacks and canaries".to_owned(),
            about: "Tried on this bundle, under this policy. None may get through.".to_owned(),
            columns: vec!["", "tried", "got through", "seen"],
            rows: attacks.into_iter().chain(canaries).collect(),
        }
    }

    fn week_sheet(&self) -> Sheet {
        let row = |week: &super::WeekAgreement| {
            let level_one = week.level_one.map_or_else(|| DASH.to_owned(), |[first, all]| of(first, all));
            vec![week.week.clone(), count(week.n), of(week.right, week.n), level_one]
        };
        Sheet {
            heading: "Week by week".to_owned(),
            about: "Agreement on board and type, by the week in which a ticket was opened.".to_owned(),
            columns: vec!["week", "tickets", "agreement", "first level"],
            rows: self.kpis.weeks.iter().map(row).collect(),
        }
    }
}
