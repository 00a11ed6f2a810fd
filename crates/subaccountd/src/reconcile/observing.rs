//! Observation: everything that a pass needs, read concurrently, each part with its own deadline.

use std::{collections::BTreeSet, future::ready, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use subaccountd_core::{
    AccountSid, CallList, History, NumberList, Observed, Pass,
    pass::{Answer, Want},
    reads::{entry_digest, has_a_list},
    remote::{Observe, RemoteError, Tries},
};
use subaccountd_twilio::Client;
use tokio::{
    sync::Notify,
    time::{sleep_until, timeout},
};
use tracing::{debug, info, warn};

use crate::reconcile::list_pauses::ListPauses;

/// The longest time for one retry of a failing list, with all its pages.
const MAX_PROBE: Duration = Duration::from_mins(5);
/// The number of places in flight for each one that the retries of failing lists may use.
const PROBE_SHARE: usize = 4;

/// Reads for a pass.
pub(crate) struct Observer<'a> {
    pub(crate) client: &'a Client,
    pub(crate) pauses: &'a ListPauses,
    pub(crate) in_flight: usize,
}

impl Observer<'_> {
    /// Reads everything that `pass` wants; `history` is as it was when the pass began.
    ///
    /// # Errors
    /// An error about the credentials or the main account. What concerns one object alone makes that one unreadable.
    pub(crate) async fn observe(&self, pass: &mut Pass<'_>, history: &History) -> Result<(), RemoteError> {
        self.pauses.keep(|account| has_a_list(pass.observed(), account));
        self.pauses.end_changed(|account| entry_digest(pass.desired(), account));
        // A failing list counts as unreadable, whether or not the pass needs it.
        for (account, why) in self.pauses.failing() {
            pass.see(Answer::Numbers(account, NumberList::Unreadable(why)), history);
        }
        let mut failed: Vec<(AccountSid, String)> = Vec::new();
        let mut wants: Vec<_> = self.pauses.take_ended().into_iter().map(Want::Numbers).collect();
        loop {
            let mut answers =
                stream::iter(wants).map(|want| self.answer(want)).buffer_unordered(self.in_flight.max(1));
            while let Some(answer) = answers.next().await {
                let answer = answer?;
                if let Answer::Numbers(account, NumberList::Unreadable(why)) = &answer {
                    self.pauses.failed(*account, why.clone(), entry_digest(pass.desired(), *account));
                    failed.push((*account, why.clone()));
                }
                pass.see(answer, history);
            }
            wants = pass.wants(history);
            if wants.is_empty() {
                break;
            }
        }
        log_failed(&failed, self.pauses.count());
        log_end(self.pauses);
        Ok(())
    }

    async fn answer(&self, want: Want) -> Result<Answer, RemoteError> {
        match want {
            Want::Account(account) => {
                let read = self.client.account(account).await;
                Ok(Answer::Account(account, bearable(read)?))
            }
            Want::Number(account, number, phone) => {
                let read = self.client.number(account, number).await;
                Ok(Answer::Number(account, phone, bearable(read)?))
            }
            Want::Addresses(account) => {
                let read = self.client.addresses(account).await;
                Ok(Answer::Addresses(account, bearable(read)?))
            }
            Want::Calls(account) => {
                let read = bearable(self.client.calls(account).await)?;
                Ok(Answer::Calls(account, read.map_or_else(CallList::Unreadable, CallList::Known)))
            }
            Want::Numbers(account) => {
                let read = bearable(self.client.numbers(account, Tries::Repeated).await)?;
                Ok(Answer::Numbers(account, read.map_or_else(NumberList::Unreadable, NumberList::Known)))
            }
        }
    }
}

/// Reads the number lists of `accounts` for a command, at most `in_flight` at once, and adds them to `observed`.
///
/// # Errors
/// An error about the credentials or the main account. What concerns one list alone makes that list unreadable.
pub(crate) async fn read_lists(
    observe: &impl Observe,
    in_flight: usize,
    observed: &mut Observed,
    accounts: BTreeSet<AccountSid>,
) -> Result<(), RemoteError> {
    let read = |account| async move { (account, observe.numbers(account, Tries::Repeated).await) };
    let mut lists = stream::iter(accounts).map(read).buffer_unordered(in_flight.max(1));
    let mut failed = Vec::new();
    while let Some((account, list)) = lists.next().await {
        match bearable(list)? {
            Ok(numbers) => observed.add_number_list(account, NumberList::Known(numbers)),
            Err(why) => {
                observed.add_number_list(account, NumberList::Unreadable(why.clone()));
                failed.push((account, why));
            }
        }
    }
    log_failed(&failed, failed.len());
    Ok(())
}

/// An error that concerns one object alone, as its reason; any other ends the pass.
fn bearable<T>(read: Result<T, RemoteError>) -> Result<Result<T, String>, RemoteError> {
    match read {
        Ok(read) => Ok(Ok(read)),
        Err(error) if error.stops_the_pass() => Err(error),
        Err(error) => Ok(Err(error.to_string())),
    }
}

/// Logs one line for all lists that failed in a pass.
fn log_failed(failed: &[(AccountSid, String)], failing: usize) {
    for (account, error) in failed {
        debug!(account.sid = %account, %error, "number list of {account} unreadable");
    }
    if let Some((account, error)) = failed.first() {
        warn!(lists.failed = failed.len(), lists.failing = failing, account.sid = %account, %error, "number lists unreadable: {} new, {failing} in all; the first is that of {account}", failed.len());
    }
}

/// Logs one line when the last list that failed can be read again.
fn log_end(pauses: &ListPauses) {
    if let Some((took, most)) = pauses.take_end() {
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        info!(
            duration_ms,
            lists.recovered = most,
            "number lists readable again: all, of up to {most} that were not"
        );
    }
}

/// Retries each failing list when its pause is over, without end; notifies `recovered_to` when one can be read again.
pub(crate) async fn probe_failing(
    client: Client,
    pauses: ListPauses,
    in_flight: usize,
    recovered_to: Arc<Notify>,
) {
    loop {
        sleep_until(pauses.next_due()).await;
        let recovered = probe_due(&client, &pauses, in_flight).await;
        if recovered > 0 {
            debug!(
                lists.recovered = recovered,
                lists.failing = pauses.count(),
                "number lists readable again: {recovered}"
            );
            log_end(&pauses);
            recovered_to.notify_one();
        }
    }
}

/// Retries the lists whose pause is over, few at a time, and counts those that can be read again.
async fn probe_due(client: &Client, pauses: &ListPauses, in_flight: usize) -> usize {
    let probes = stream::iter(pauses.due()).map(|(account, entry)| async move {
        let why = match timeout(MAX_PROBE, client.numbers(account, Tries::Once)).await {
            Ok(Ok(_)) => {
                pauses.recovered(account);
                return true;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no complete list within {MAX_PROBE:?}"),
        };
        pauses.failed(account, why, entry);
        false
    });
    let probes = probes.buffer_unordered((in_flight / PROBE_SHARE).max(1));
    probes.filter(|readable| ready(*readable)).count().await
}
