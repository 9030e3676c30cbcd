//! `firstline dev psa`: a PSA to test connectors against.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use firstline_fakes::{Certificates, Clock, Fake, FakeOptions, Script, autotask, connectwise, halo};
use firstline_ticket::Ticket;
use jiff::Timestamp;

use crate::arguments::PsaChoice;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::ui::{Ui, print, stopping};

/// Run a PSA to test connectors against, as far as its protocol is known, until Ctrl-C.
///
/// It is not the vendor's: it shows that a connector keeps to what is known of the protocol. Its credentials are public.
#[derive(Debug, Args)]
pub(crate) struct PsaArgs {
    /// Which PSA.
    #[arg(value_enum)]
    psa: PsaChoice,

    /// Port on this machine; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// Serve with TLS, and write the throw-away authority's certificate to this file.
    #[arg(long, value_name = "FILE")]
    tls: Option<PathBuf>,

    /// Play the days of these canonical tickets on it, beginning with the first.
    #[arg(long, value_name = "FILE")]
    tickets: Option<PathBuf>,

    /// Speed of its clock, as a multiple of real time.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
}

pub(super) fn run(args: &PsaArgs, ui: &Ui) -> Result<Exit, Failure> {
    let mut script = match &args.tickets {
        Some(path) => {
            Script::of(&files::tickets(path)?.filter_map(|line| line.ticket.ok()).collect::<Vec<Ticket>>())
        }
        None => Script::default(),
    };
    let first = script.next_at();
    let clock = Clock::new(first.unwrap_or_else(Timestamp::now), args.speed);
    let names = ["127.0.0.1", "localhost"];
    let tls = args.tls.as_ref().map(|path| {
        let made = Certificates::new(&names)?;
        made.write(path)?;
        Ok::<_, firstline_fault::Error>(made)
    });
    let credentials = match args.psa {
        PsaChoice::Connectwise => format!(
            "company {}, public key {}, private key {}, clientId {}",
            connectwise::COMPANY_ID,
            connectwise::PUBLIC_KEY,
            connectwise::PRIVATE_KEY,
            connectwise::CLIENT_ID
        ),
        PsaChoice::Autotask => format!(
            "UserName {}, Secret {}, ApiIntegrationCode {}",
            autotask::API_USER,
            autotask::API_SECRET,
            autotask::INTEGRATION_CODE
        ),
        PsaChoice::Halo => format!("client id {}, client secret {}", halo::CLIENT_ID, halo::CLIENT_SECRET),
    };
    let fake =
        Fake::start(FakeOptions { which: args.psa.into(), clock, port: args.port, tls: tls.transpose()? })?;
    print(fake.url());
    ui.say(format_args!(
        "Credentials, which are public: {credentials}. Writes by ticket: GET {}/_fake/state",
        fake.url()
    ));
    while !stopping() {
        fake.play(&mut script);
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(Exit::Interrupted)
}
