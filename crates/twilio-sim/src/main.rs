//! The `twilio-sim` program: a simulator on a port, for demos and for tests in any language.

use std::{
    fs,
    io::{self, Write as _},
    net::SocketAddr,
    path::PathBuf,
};

use anyhow::{Context as _, Result};
use clap::{Args, Parser};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use twilio_sim::{Fault, Faults, Sim, World, world_file};

const HELP: &str = concat!(
    "Switches, the default first:\n",
    include_str!("world/switches.txt"),
    "\nFaults, each with optional `operation`, `account`, `method`, `path`, `skip` and `times`:\n",
    include_str!("faults/faults.txt"),
    "\nControl API of the running simulator:\n",
    include_str!("control/control.txt"),
);

/// Simulates Twilio's Accounts and IncomingPhoneNumbers resources in memory.
#[derive(Parser)]
#[command(version, after_long_help = HELP)]
struct Cli {
    /// The address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4010")]
    listen: SocketAddr,

    #[command(flatten)]
    source: Source,

    /// Set a switch, as in suspendedNumbers=empty; listed below
    #[arg(long = "switch", value_name = "NAME=VALUE")]
    switches: Vec<String>,

    /// Add a fault, as JSON: {"operation": "update_number", "times": 1, "fault": {"kind": "reset", "after": true}}
    #[arg(long = "fault", value_name = "JSON", value_parser = fault)]
    faults: Vec<Fault>,

    /// Answer 429 above this number of requests in flight
    #[arg(long, value_name = "N")]
    concurrency_limit: Option<usize>,

    /// Set Twilio's clock ahead by this number of seconds, or behind with a negative number
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    clock_offset: Option<i64>,

    /// Answer without a Date header
    #[arg(long)]
    omit_date: bool,
}

/// The source of the world.
#[derive(Args)]
struct Source {
    /// The world file, in YAML
    #[arg(long, value_name = "FILE", required_unless_present = "accounts")]
    world: Option<PathBuf>,

    /// Generate a world with this number of subaccounts, instead of a file; main account AC00000000000000000000000000000000, token demo-token
    #[arg(long, value_name = "N", conflicts_with = "world")]
    accounts: Option<u64>,

    /// The number of phone numbers of the generated subaccounts
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "world")]
    numbers: u64,
}

fn fault(text: &str) -> Result<Fault, serde_json::Error> {
    serde_json::from_str(text)
}

impl Cli {
    fn prepare(self) -> Result<(World, Faults)> {
        let (mut world, mut faults) = self.source.load()?;
        for assignment in &self.switches {
            let switches =
                world.switches().with(assignment).with_context(|| format!("--switch {assignment}"))?;
            *world.switches_mut() = switches;
        }
        faults.list.extend(self.faults);
        faults.concurrency_limit = self.concurrency_limit.or(faults.concurrency_limit);
        faults.clock_offset_seconds = self.clock_offset.unwrap_or(faults.clock_offset_seconds);
        faults.omit_date |= self.omit_date;
        Ok((world, faults))
    }
}

impl Source {
    fn load(&self) -> Result<(World, Faults)> {
        let Some(path) = &self.world else {
            return Ok((World::generated(self.accounts.unwrap_or(0), self.numbers), Faults::default()));
        };
        let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let loaded = world_file::load(&path.display().to_string(), &text)?;
        Ok((loaded.world, loaded.faults.unwrap_or_default()))
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let listen = cli.listen;
    let (world, faults) = cli.prepare()?;
    let (mut terminated, mut interrupted) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let sim = Sim::serve(listener, world, faults)?;
    announce(&sim)?;
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    sim.stop().await;
    Ok(())
}

/// Prints one line with the address and the main account.
fn announce(sim: &Sim) -> io::Result<()> {
    let world = sim.world();
    let (accounts, numbers) = (world.accounts().count() - 1, world.numbers().count());
    let mut out = io::stdout();
    writeln!(
        out,
        "twilio-sim listens on {} as {}: {accounts} subaccounts, {numbers} numbers",
        sim.url(),
        world.main().sid
    )?;
    out.flush()
}
