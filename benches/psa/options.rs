//! The command line. Must take nothing that it does not know: a promise that was not looked at is not kept.

use firstline_fakes::Which;

/// Tells how it is used.
const USAGE: &str = "\
cargo bench -p firstline-benches --bench psa -- [connectwise|autotask|halo]... [--day] [--webhook] [--kill] [--outage]
    [--pull] [OPTIONS]

  Without a PSA: all three. Without a scenario: all five.

  --tickets N     tickets of the day [800]
  --minutes M     minutes in which the day is played [7]
  --poll S        poll_seconds of the connection; --webhook sets its own [5]
  --kills N       times that connect is killed [100]
  --down S        seconds for which the PSA is down [300]
  --settle S      seconds allowed for finishing pending work after the day ends [1200]
  --pulled N      closed tickets that are pulled [4000]
  --sample N      of them, tickets that are pulled at the pace of the settings [200]
  --seed N        [1]
  --json          print one JSON object last";

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    Day,
    Webhook,
    Kill,
    Outage,
    Pull,
}

/// The parsed command line.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) psas: Vec<Which>,
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) tickets: usize,
    pub(crate) minutes: f64,
    pub(crate) poll: u32,
    pub(crate) kills: usize,
    pub(crate) down: u64,
    pub(crate) settle: u64,
    pub(crate) pulled: usize,
    pub(crate) sample: usize,
    pub(crate) seed: u64,
    pub(crate) json: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            psas: Vec::new(),
            scenarios: Vec::new(),
            tickets: 800,
            minutes: 7.0,
            poll: 5,
            kills: 100,
            down: 300,
            settle: 1_200,
            pulled: 4_000,
            sample: 200,
            seed: 1,
            json: false,
        }
    }
}

impl Options {
    /// Reads them; else how they are written.
    pub(crate) fn read(args: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut options, mut args) = (Self::default(), args);
        while let Some(arg) = args.next() {
            options.take(&arg, &mut args).map_err(|why| format!("{arg}: {why}\n\n{USAGE}"))?;
        }
        if options.psas.is_empty() {
            options.psas = vec![Which::Connectwise, Which::Autotask, Which::Halo];
        }
        if options.scenarios.is_empty() {
            options.scenarios =
                vec![Scenario::Day, Scenario::Webhook, Scenario::Kill, Scenario::Outage, Scenario::Pull];
        }
        Ok(options)
    }

    fn take(&mut self, arg: &str, rest: &mut dyn Iterator<Item = String>) -> Result<(), String> {
        let mut text = || rest.next().ok_or_else(|| "it needs a value".to_owned());
        match arg {
            // Cargo's own.
            "--bench" => {}
            "connectwise" => self.psas.push(Which::Connectwise),
            "autotask" => self.psas.push(Which::Autotask),
            "halo" => self.psas.push(Which::Halo),
            "--day" => self.scenarios.push(Scenario::Day),
            "--webhook" => self.scenarios.push(Scenario::Webhook),
            "--kill" => self.scenarios.push(Scenario::Kill),
            "--outage" => self.scenarios.push(Scenario::Outage),
            "--pull" => self.scenarios.push(Scenario::Pull),
            "--tickets" => self.tickets = number(&text()?)?,
            "--minutes" => self.minutes = number(&text()?)?,
            "--poll" => self.poll = number(&text()?)?,
            "--kills" => self.kills = number(&text()?)?,
            "--down" => self.down = number(&text()?)?,
            "--settle" => self.settle = number(&text()?)?,
            "--pulled" => self.pulled = number(&text()?)?,
            "--sample" => self.sample = number(&text()?)?,
            "--seed" => self.seed = number(&text()?)?,
            "--json" => self.json = true,
            _ => return Err("unknown".to_owned()),
        }
        Ok(())
    }
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}
