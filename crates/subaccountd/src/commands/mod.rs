//! The commands: a file for each.

mod apply;
mod completions;
mod explain;
mod freeze;
mod import;
mod journal;
mod pin;
mod plan;
mod plan_input;
mod probe;
pub(crate) mod run;
mod schema;
mod snapshot;
mod status;
mod validate;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use validate::faults_json;

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::{Arc, Mutex},
};

use subaccountd_core::{manifest::Diagnostic, report::PlanView};

use crate::{
    cli::{
        Command, ExplicitFlags,
        settings::{ConnectionArgs, JournalArgs, JournalDir, ReconcileArgs, SettingsError},
    },
    daemon::{metrics::Metrics, shutdown::Shutdown},
    desired::{LoadedState, StateReader},
    journal::{FreezeMark, Journal},
    output::{diagnostics, printed::Printed, standard_error, terminal::colour},
    process,
    reconcile::{Reconciler, list_pauses::ListPauses, writer::Writer},
};

/// The exit code of a command; the numbers are public interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    Failed = 1,
    Pending = 2,
    Held = 3,
    Usage = 64,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Runs `command`.
pub(crate) async fn dispatch(command: Command, explicit_flags: &ExplicitFlags) -> anyhow::Result<Exit> {
    if matches!(command, Command::Run { .. } | Command::Apply { .. }) {
        process::begin_to_write();
    }
    match command {
        Command::Run { fleet, daemon, dry_run } => run::run(&fleet, &daemon, &dry_run).await,
        Command::Plan { fleet, output, detailed_exitcode, only, from } => {
            let how =
                plan::PlanArgs { output, detailed_exitcode, only, from: from.from.as_ref(), explicit_flags };
            plan::plan(*fleet, &how).await
        }
        Command::Explain { id, output, fleet, from } => {
            Box::pin(explain::explain(id, output, *fleet, from.from.as_ref(), explicit_flags)).await
        }
        Command::Snapshot { connection, journal, rules, out } => {
            snapshot::snapshot(&connection, &journal, &rules, out.as_deref()).await
        }
        Command::Apply { fleet, dry_run } => apply::apply(&fleet, &dry_run).await,
        Command::Validate { explain: Some(what), .. } => validate::explain(what),
        Command::Validate { paths, output, explain: None } => validate::validate(&paths, output).await,
        Command::Import { options, connection } => import::import(&options, &connection).await,
        Command::Pin { paths, args, connection, journal } => {
            pin::pin_files(&paths, &args, &connection, &journal).await
        }
        Command::Journal { journal, since, account, output } => {
            journal::journal(&journal, since, account, output)
        }
        Command::Status(args) => status::status(&args).await,
        Command::Freeze { reason, journal } => freeze::freeze(&reason, &journal),
        Command::Unfreeze { journal } => freeze::unfreeze(&journal),
        Command::Schema => schema::schema(),
        Command::Completions { shell } => completions::completions(shell),
        Command::Probe { what, url } => probe::probe(what, url.as_ref()).await,
    }
}

/// The reconciler with the settings in `fleet`. A dry run has no writer, and only reads the journal.
fn reconciler(
    fleet: &ReconcileArgs,
    dry_run: bool,
    metrics: &Arc<Metrics>,
    shutdown: Shutdown,
) -> anyhow::Result<Reconciler> {
    let journal =
        if dry_run { read_journal(&fleet.journal, &fleet.connection)? } else { open_journal(fleet)? };
    let client = fleet.connection.client(metrics.clone())?;
    let Shutdown { stopping, writes, reload: _ } = shutdown;
    tokio::spawn({
        let (client, stopping) = (client.clone(), stopping.clone());
        async move {
            stopping.cancelled().await;
            client.stop();
        }
    });
    let writer = (!dry_run).then(|| Writer { client: client.clone(), writes, stopping: stopping.clone() });
    Ok(Reconciler {
        state: StateReader::new(&fleet.desired)
            .with_revision_file(fleet.revision_file.clone())
            .with_freeze_mark(freeze_mark(&fleet.journal)?),
        account_sid: fleet.connection.account()?,
        guardrails: fleet.rules.guardrails(),
        in_flight: fleet.connection.max_in_flight,
        client,
        journal,
        writer,
        lists: ListPauses::default(),
        kept: Mutex::default(),
        recovered: Arc::default(),
        requests: metrics.request_count(),
        stopping,
    })
}

/// Standard output was closed before everything was written, as by `head`.
#[derive(Debug, thiserror::Error)]
#[error("standard output was closed before everything was written")]
pub(crate) struct OutputClosed;

/// Prints a result to standard output, after the messages before it.
///
/// # Errors
/// It could not be written whole.
pub(crate) fn print(text: &Printed) -> anyhow::Result<()> {
    standard_error::drain();
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(OutputClosed.into()),
        Err(error) => Err(anyhow::Error::from(error).context("standard output cannot be written")),
    }
}

/// Prints the faults of `loaded` to standard error.
fn print_faults(loaded: &LoadedState) {
    show_faults(&loaded.reading.faults);
}

/// Prints `faults` to standard error.
fn show_faults(faults: &[Diagnostic]) {
    eprint(&diagnostics::render(faults, colour(&io::stderr())));
}

/// Prints to standard error. A message that cannot be written is lost.
pub(crate) fn eprint(text: &str) {
    standard_error::say(&Printed::text(text));
}

/// Opens the journal for writing. Without one, logs which history is lost.
fn open_journal(fleet: &ReconcileArgs) -> anyhow::Result<Journal> {
    match fleet.journal.dir()? {
        JournalDir::Dir(dir) => Ok(Journal::open(&dir, fleet.connection.account()?)?),
        JournalDir::None => {
            tracing::warn!(
                "no journal is kept: a restart loses the budgets, the rests and the record of suspensions; set \
                 `--journal-dir` to keep them"
            );
            Ok(Journal::in_memory())
        }
    }
}

/// The mark of a freeze, which needs a folder.
fn freeze_mark(journal: &JournalArgs) -> Result<Option<FreezeMark>, SettingsError> {
    Ok(match journal.dir()? {
        JournalDir::Dir(dir) => Some(FreezeMark::new(&dir)),
        JournalDir::None => None,
    })
}

/// The journal, for a command that writes nothing.
fn read_journal(journal: &JournalArgs, connection: &ConnectionArgs) -> anyhow::Result<Journal> {
    match journal.dir()? {
        JournalDir::Dir(dir) => Ok(Journal::read_only(&dir, connection.account()?)?),
        JournalDir::None => Ok(Journal::in_memory()),
    }
}

/// The exit code for the part of the plan that is shown. A fault wins over what is held or not known, and that over pending
/// actions.
fn exit(valid: bool, plan: &PlanView, pending: bool) -> Exit {
    if !valid {
        Exit::Failed
    } else if !plan.held.is_empty() || !plan.not_known.is_empty() {
        Exit::Held
    } else if pending && !plan.actions.is_empty() {
        Exit::Pending
    } else {
        Exit::Done
    }
}
