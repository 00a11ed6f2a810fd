//! `import`: the live accounts as a desired state whose plan is empty.

use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use subaccountd_core::{
    AccountSid, Desired, Guardrails, History, Now, Observed, Pass, Plan,
    manifest::{
        self, Source,
        export::{Export, ExportFilter, MAIN_FILE},
    },
    plan::{check_credentials, check_main_account},
    reads::first_lists,
    remote::Observe,
    text::first_of,
};

use super::{Exit, eprint, print, show_faults};
use crate::{
    cli::{ImportOptions, Numbers, SplitBy, settings::ConnectionArgs},
    clock,
    daemon::metrics::Metrics,
    desired as state,
    desired::{MAX_FILE_SIZE, MAX_FILES},
    output::{
        output_file::{self, Readers},
        printed::Printed,
        progress::while_reading,
    },
    reconcile::observing::read_lists,
};

/// The most remarks on standard error; the text has them all.
const MAX_REMARKS: usize = 20;

pub(super) async fn import(options: &ImportOptions, connection: &ConnectionArgs) -> anyhow::Result<Exit> {
    let choice = choice(options);
    let there = ExistingFiles::read(options).await?;
    check_out(options, &there)?;
    let metrics = Arc::new(Metrics::new());
    let client = connection.client(metrics.clone())?;
    let look = look(&client, connection, &choice, &there);
    let seen = while_reading(&metrics.request_count(), look).await?;
    check_lists(&seen.observed, options.skip_unreadable)?;
    let draft = Export::new(&seen.observed, &choice, there.state.as_ref().map(|state| &state.desired));
    let files = files(&draft, options);
    check_sizes(&files, options.split_by)?;
    seen.check(&files, there.state.as_ref())?;
    if let Some(out) = &options.out {
        check_files(&files, out, options, &there, &seen)?;
        write(&files, out, options)?;
    } else {
        files.iter().try_for_each(|file| print(&Printed::text(&file.text)))?;
    }
    tell(&draft, options);
    Ok(Exit::Done)
}

/// Checks the destination before the first request, as far as that is possible.
fn check_out(options: &ImportOptions, there: &ExistingFiles) -> anyhow::Result<()> {
    match (options.split_by, &options.out) {
        (SplitBy::Account, Some(folder)) => {
            output_file::check_folder(folder)?;
            // The names of the other files depend on the accounts, which are not known yet.
            let main = Some(folder.join(MAIN_FILE)).filter(|_| !options.missing);
            output_file::check(main.as_deref(), options.force)
        }
        (SplitBy::None, Some(out)) => {
            output_file::check_parent(out)?;
            let file = File { path: out.clone(), text: String::new() };
            there.check_apart(&[file])?;
            output_file::check([out.as_path()], options.force)
        }
        (_, None) => Ok(()),
    }
}

fn choice(options: &ImportOptions) -> ExportFilter {
    ExportFilter {
        statuses: options.status.iter().copied().collect(),
        name_prefix: options.name_prefix.clone().unwrap_or_default(),
        sids: options.sid.iter().copied().collect(),
        numbers: options.numbers == Numbers::All,
        number_settings: options.number_settings,
        check_names: options.check_names,
    }
}

/// The existing files.
struct ExistingFiles {
    /// The state that `--missing` compares with.
    state: Option<ExistingState>,
    /// The folder of `--out`, when the import is a complete state.
    folder: Option<ExistingState>,
}

/// Files of a state, and the state that they describe.
struct ExistingState {
    sources: Arc<Vec<Source>>,
    desired: Desired,
}

impl ExistingFiles {
    async fn read(options: &ImportOptions) -> anyhow::Result<Self> {
        let known = async |path: &PathBuf| {
            let (sources, reading) = state::read_all(std::slice::from_ref(path)).await?;
            Ok::<_, state::ReadError>((reading.faults, ExistingState { sources, desired: reading.desired }))
        };
        if options.missing {
            let (faults, state) = known(&options.desired).await?;
            show_faults(&faults);
            anyhow::ensure!(
                faults.is_empty(),
                "the state at {} has faults, so the missing accounts cannot be determined: fix the faults first",
                options.desired.display()
            );
            return Ok(Self { state: Some(state), folder: None });
        }
        let folder = options.out.as_ref().filter(|out| options.split_by == SplitBy::Account && out.is_dir());
        let folder = match folder {
            Some(out) => Some(known(out).await?.1),
            None => None,
        };
        Ok(Self { state: None, folder })
    }

    /// Refuses to overwrite a file of the state that `--missing` compares with: its content would be lost.
    fn check_apart(&self, files: &[File]) -> anyhow::Result<()> {
        let Some(state) = &self.state else { return Ok(()) };
        let real = |path: &Path| path.canonicalize().ok();
        let own: BTreeSet<_> =
            state.sources.iter().filter_map(|source| real(Path::new(&source.name))).collect();
        let is_own = |file: &&File| real(&file.path).is_some_and(|path| own.contains(&path));
        if let Some(file) = files.iter().find(is_own) {
            anyhow::bail!(
                "{} is part of the state, and `--missing` writes only what the state does not list: name a new file",
                file.path.display()
            );
        }
        Ok(())
    }
}

/// A file to be written.
struct File {
    path: PathBuf,
    text: String,
}

impl File {
    fn source(&self) -> Source {
        Source { name: self.path.display().to_string(), content: Ok(self.text.clone().into_bytes()) }
    }
}

/// The observation, and its time.
struct Seen {
    observed: Observed,
    now: Now,
}

/// Reads what `choice` needs, through the port that only reads.
async fn look(
    observe: &impl Observe,
    connection: &ConnectionArgs,
    choice: &ExportFilter,
    there: &ExistingFiles,
) -> anyhow::Result<Seen> {
    let main = connection.account()?;
    let list = observe.accounts().await?;
    let now = Now::new(clock::now(), list.date);
    let mut observed = Observed::from_list(main, list);
    match &there.state {
        Some(state) => check_main_account(&state.desired, &observed)?,
        None => check_credentials(&observed)?,
    }
    if let Some(unknown) = choice.sids.iter().find(|sid| observed.account(**sid).is_none()) {
        anyhow::bail!("{unknown} is not among the accounts of {main}: check `--sid`");
    }
    let mut lists = choice.lists(&observed);
    if let Some(folder) = &there.folder {
        lists.extend(first_lists(&folder.desired, &observed, &History::default()));
    }
    read_lists(observe, connection.max_in_flight, &mut observed, lists).await?;
    Ok(Seen { observed, now })
}

/// Fails when an account or its numbers could not be read: a state without them would look complete.
fn check_lists(observed: &Observed, skip: bool) -> anyhow::Result<()> {
    if let Some((account, why)) = observed.any_unreadable_account().filter(|_| !skip) {
        let account = account.map_or_else(|| "an account".to_owned(), |account| account.to_string());
        anyhow::bail!(
            "nothing was written: {account} could not be read ({why}); retry, or leave the account out with \
             `--skip-unreadable`"
        );
    }
    let Some((_, why, _)) = observed.unreadable_list().filter(|_| !skip) else { return Ok(()) };
    let unreadable =
        |sid: &AccountSid| matches!(observed.number_list(*sid), subaccountd_core::NumberList::Unreadable(_));
    let sids = observed.accounts().map(|account| account.sid).filter(unreadable);
    let sids: Vec<_> = sids.map(|sid| sid.to_string()).collect();
    anyhow::bail!(
        "nothing was written: the numbers of {} could not be read ({why}); retry, or leave these numbers out with \
         `--skip-unreadable`, or all numbers with `--numbers none`",
        first_of(&sids)
    )
}

fn files(draft: &Export, options: &ImportOptions) -> Vec<File> {
    let out = options.out.clone().unwrap_or_else(|| PathBuf::from("standard output"));
    match options.split_by {
        SplitBy::None => vec![File { path: out, text: draft.whole() }],
        SplitBy::Account => {
            draft.split().into_iter().map(|(name, text)| File { path: out.join(name), text }).collect()
        }
    }
}

fn check_sizes(files: &[File], split_by: SplitBy) -> anyhow::Result<()> {
    let Some(large) = files.iter().find(|file| file.text.len() as u64 > MAX_FILE_SIZE) else { return Ok(()) };
    let help = match split_by {
        SplitBy::None => "write a folder with `--split-by account --out FOLDER`",
        SplitBy::Account => "leave the numbers out with `--numbers none`",
    };
    anyhow::bail!(
        "{} would have {} bytes, and the limit for a file is {MAX_FILE_SIZE}: {help}",
        large.path.display(),
        large.text.len()
    )
}

impl Seen {
    /// Parses and plans `files`, alone or beside the state that they complete: they must have no fault and change
    /// nothing.
    fn check(&self, files: &[File], state: Option<&ExistingState>) -> anyhow::Result<()> {
        let before = state.map_or_else(|| Ok(Plan::default()), |state| self.plan(&state.desired))?;
        let beside = state.map_or(&[][..], |state| state.sources.as_slice());
        let sources: Vec<_> = beside.iter().cloned().chain(files.iter().map(File::source)).collect();
        let reading = manifest::parse(&sources);
        show_faults(&reading.faults);
        let is_sound = reading.faults.is_empty() && self.plan(&reading.desired)?.digest() == before.digest();
        anyhow::ensure!(
            is_sound,
            "nothing was written: the plan of the imported state is not empty; report this as a bug in subaccountd"
        );
        Ok(())
    }

    /// Does the same with the `others` in `folder`.
    fn check_beside(&self, files: &[File], others: Vec<Source>, folder: &Path) -> anyhow::Result<()> {
        let reading =
            manifest::parse(&others.into_iter().chain(files.iter().map(File::source)).collect::<Vec<_>>());
        show_faults(&reading.faults);
        anyhow::ensure!(
            reading.faults.is_empty(),
            "nothing was written: other files in {} contradict the imported ones; remove them, or name another folder",
            folder.display()
        );
        let plan = self.plan(&reading.desired)?;
        let held = plan.held.iter().map(|held| format!("{} ({})", held.account, held.reason));
        let actions = plan.actions.iter().map(|planned| planned.action.to_string());
        let changes: Vec<_> = actions.chain(held).collect();
        anyhow::ensure!(
            changes.is_empty(),
            "nothing was written: with the other files in {} the plan would not be empty ({}); remove the files of an \
             earlier import, or name another folder",
            folder.display(),
            first_of(&changes)
        );
        Ok(())
    }

    fn plan(&self, desired: &Desired) -> anyhow::Result<Plan> {
        let (guardrails, mut history) = (Guardrails::unlimited(), History::default());
        let (mut pass, facts) = Pass::begin(desired, &guardrails, self.observed.main(), &history, self.now);
        history.apply_all(facts);
        pass.recall(self.observed.clone(), &history)?;
        history.apply_all(pass.facts(&history, self.now));
        Ok(pass.plan(&history)?.plan().clone())
    }
}

/// Checks that all of `files` may be written to `out`, and that they form one state with the existing files.
fn check_files(
    files: &[File],
    out: &Path,
    options: &ImportOptions,
    there: &ExistingFiles,
    seen: &Seen,
) -> anyhow::Result<()> {
    there.check_apart(files)?;
    output_file::check(files.iter().map(|file| file.path.as_path()), options.force)?;
    let mut beside = there.state.as_ref().map_or(0, |state| state.sources.len());
    if let Some(folder) = &there.folder {
        let new: BTreeSet<_> = files.iter().map(|file| file.path.display().to_string()).collect();
        let stays = |source: &&Source| !new.contains(&source.name);
        let others: Vec<_> = folder.sources.iter().filter(stays).cloned().collect();
        beside = others.len();
        seen.check_beside(files, others, out)?;
    }
    let count = files.len() + beside;
    anyhow::ensure!(
        count <= MAX_FILES,
        "nothing was written: the state would have {count} files, and the limit is {MAX_FILES}; write one file, \
         without `--split-by account`"
    );
    Ok(())
}

/// Writes `files`. The file of the main account comes last, by its name: without it, the files of a new folder change
/// nothing.
fn write(files: &[File], out: &Path, options: &ImportOptions) -> anyhow::Result<()> {
    if options.split_by == SplitBy::Account {
        fs::create_dir_all(out).with_context(|| format!("cannot create the folder {}", out.display()))?;
    }
    for file in files {
        output_file::write(&file.path, &file.text, options.force, Readers::ByUmask)
            .with_context(|| format!("cannot write {}", file.path.display()))?;
    }
    Ok(())
}

/// Prints to standard error what was imported, and what was left out.
fn tell(draft: &Export, options: &ImportOptions) {
    let mut words = if options.missing && draft.accounts() == 0 {
        "nothing is missing: every selected account is listed\n".to_owned()
    } else {
        format!("imported: {} subaccounts, {} numbers\n", draft.accounts(), draft.numbers())
    };
    let closed = draft.closed_left_out();
    if closed > 0 {
        let _ = writeln!(
            words,
            "left out: {closed} closed; include them with `--status active,suspended,closed`"
        );
    }
    let left_out = draft.left_out();
    for line in left_out.iter().take(MAX_REMARKS) {
        let _ = writeln!(words, "{line}");
    }
    if let more @ 1.. = left_out.len().saturating_sub(MAX_REMARKS) {
        let _ = writeln!(
            words,
            "and {more} more: import into one file, without `--split-by account`, to see each as a comment"
        );
    }
    if let (Some(out), false) = (&options.out, options.missing) {
        let _ = writeln!(words, "next: subaccountd plan --desired {}", out.display());
    }
    eprint(&words);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_over_the_size_limit_is_not_written() {
        let of = |size: u64| {
            [File { path: "all.yaml".into(), text: "#".repeat(usize::try_from(size).unwrap_or_default()) }]
        };
        assert!(check_sizes(&of(MAX_FILE_SIZE), SplitBy::None).is_ok());
        let why = |split_by| check_sizes(&of(MAX_FILE_SIZE + 1), split_by).unwrap_err().to_string();
        assert!(why(SplitBy::None).contains("--split-by account"), "{}", why(SplitBy::None));
        assert!(why(SplitBy::Account).contains("--numbers none"), "{}", why(SplitBy::Account));
    }
}
