//! `snapshot`: one observation with every number list, and the history, for `plan --from` elsewhere.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use subaccountd_core::{
    Now, NumberList, Observed, Status,
    plan::check_credentials,
    remote::{Observe, RemoteError},
    text::count,
};

use super::{Exit, eprint, print, read_journal};
use crate::{
    cli::settings::{ConnectionArgs, GuardrailArgs, JournalArgs},
    clock,
    daemon::metrics::Metrics,
    output::{
        output_file::{self, Readers},
        printed::Printed,
        progress::while_reading,
    },
    reconcile::{Observation, observing::read_lists},
    snapshot::KeptPass,
};

pub(super) async fn snapshot(
    connection: &ConnectionArgs,
    journal: &JournalArgs,
    rules: &GuardrailArgs,
    out: Option<&Path>,
) -> anyhow::Result<Exit> {
    if let Some(path) = out {
        // It is taken again and again to the same file.
        output_file::check_parent(path)?;
        output_file::check([path], true)?;
    }
    let history = read_journal(journal, connection)?.history();
    let metrics = Arc::new(Metrics::new());
    let (client, main) = (connection.client(metrics.clone())?, connection.account()?);
    let reading = async {
        let list = client.accounts().await?;
        let now = Now::new(clock::now(), list.date);
        let mut observed = Observed::from_list(main, list);
        let open = observed.accounts().filter(|account| account.status.known() != Some(Status::Closed));
        let all = open.map(|account| account.sid).collect();
        read_lists(&client, connection.max_in_flight, &mut observed, all).await?;
        Ok::<_, RemoteError>((now, observed))
    };
    let (now, observed) = while_reading(&metrics.request_count(), reading).await?;
    check_credentials(&observed)?;
    let unread = observed
        .accounts()
        .filter(|account| matches!(observed.number_list(account.sid), NumberList::Unreadable(_)));
    let unread = unread.count();
    if unread > 0 {
        // The document marks each of these lists as well.
        eprint(&format!(
            "{} could not be read: plans on this snapshot hold what depends on them\n",
            count(unread, "number list")
        ));
    }
    let kept = KeptPass::of(Observation { now, observed, history }, rules.words().into());
    let text = serde_json::to_string(&kept.snapshot())? + "\n";
    match out {
        // It names customers and their numbers.
        Some(path) => output_file::write(path, &text, true, Readers::Owner)
            .with_context(|| path.display().to_string())?,
        None => print(&Printed::json(&text))?,
    }
    Ok(Exit::Done)
}
