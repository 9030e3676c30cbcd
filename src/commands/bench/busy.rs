//! Whether other work kept the machine busy while times were measured: Linux says it, elsewhere nothing is said.

use std::path::Path;

/// Share of the processors' time that a hypervisor may take before it is told.
const STOLEN: f64 = 0.02;

/// The machine at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Busy {
    /// Processes that ran or waited, the mean of the last minute.
    load: Option<f64>,
    /// Ticks of all processors, and those that a hypervisor took.
    ticks: Option<(u64, u64)>,
}

impl Busy {
    /// As it is now.
    pub(super) fn now() -> Self {
        let text = |path: &str| std::fs::read_to_string(Path::new(path)).unwrap_or_default();
        Self::parse(&text("/proc/loadavg"), &text("/proc/stat"))
    }

    fn parse(load: &str, stat: &str) -> Self {
        let cpu = stat.lines().next().and_then(|line| line.strip_prefix("cpu "));
        let ticks =
            cpu.map(|line| line.split_whitespace().map_while(|n| n.parse().ok()).collect::<Vec<u64>>());
        Self {
            load: load.split_whitespace().next().and_then(|load| load.parse().ok()),
            // user, nice, system, idle, iowait, irq, softirq, steal; guests' time is among the users'.
            ticks: ticks
                .filter(|ticks| ticks.len() >= 8)
                .map(|ticks| (ticks[..8].iter().fold(0, |sum: u64, n| sum.saturating_add(*n)), ticks[7])),
        }
    }

    /// What to mind about times on a machine of `cores` that were measured between this moment, before the work began, and `end`.
    pub(super) fn notes(&self, end: &Self, cores: u64) -> Vec<String> {
        let busy = self.load.filter(|load| *load > cores as f64 / 2.0).map(|load| {
            format!(
                "The machine was busy before the measurement began: a load of {load:.1} on {cores} threads. Times may be longer than on \
                 an idle one."
            )
        });
        let stolen = self.ticks.zip(end.ticks).and_then(|((all, stolen), (all_then, stolen_then))| {
            let all = all_then.checked_sub(all).filter(|all| *all > 0)?;
            Some(stolen_then.saturating_sub(stolen) as f64 / all as f64)
        });
        let stolen = stolen.filter(|share| *share > STOLEN).map(|share| {
            format!(
                "Other machines on the same host took {:.0} % of the processors' time while it was measured (steal): times may be longer \
                 than on a host of its own.",
                100.0 * share
            )
        });
        busy.into_iter().chain(stolen).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_machine_is_told_and_an_idle_or_unknown_one_is_not() {
        let at = |load: &str, idle: u64, steal: u64| {
            Busy::parse(
                &format!("{load} 0.9 0.5 2/300 4711\n"),
                &format!("cpu  100 0 50 {idle} 0 0 0 {steal} 7 0\ncpu0 1\n"),
            )
        };
        let (idle, later) = (at("0.40", 1_000, 10), at("3.10", 2_000, 15));
        assert_eq!(idle.notes(&later, 2), Vec::<String>::new());
        let busy = at("1.70", 1_000, 10).notes(&at("2.00", 1_500, 510), 2);
        assert!(busy[0].contains("a load of 1.7 on 2 threads") && busy[1].contains("took 50 %"), "{busy:?}");
        assert_eq!(at("1.70", 1_000, 10).notes(&later, 8), Vec::<String>::new());
        for (load, stat) in [("", ""), ("n/a", "cpu 1 2 x"), ("-", "intr 5")] {
            let unknown = Busy::parse(load, stat);
            assert_eq!(unknown, Busy::default());
            assert_eq!(unknown.notes(&later, 1), Vec::<String>::new());
        }
    }
}
