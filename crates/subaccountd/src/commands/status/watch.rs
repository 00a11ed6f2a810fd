//! `status --watch`: the table, and then each row that changed, until Ctrl-C. Rows are only appended, so that the output
//! can be kept as a log.

use std::{collections::BTreeMap, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    time::{MissedTickBehavior, interval},
};

use super::{Asked, Exit, Reply, Selection, ask, document::Account, eprint, print, shown, table};
use crate::{cli::StatusFormat, clock, http::client::DaemonClient, output::printed::Printed};

/// The pause between two requests.
const PAUSE: Duration = Duration::from_secs(2);

pub(super) async fn watch(
    client: &DaemonClient,
    first: Asked,
    output: StatusFormat,
    style: table::TableStyle,
    selection: &Selection,
) -> anyhow::Result<Exit> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut looks = interval(PAUSE);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    looks.tick().await;
    print(&shown(&first, output, style))?;
    let (mut last, mut is_away) = (first, false);
    loop {
        let looked = async {
            looks.tick().await;
            ask(client).await
        };
        let next = tokio::select! {
            _ = interrupt.recv() => return Ok(Exit::Done),
            _ = terminate.recv() => return Ok(Exit::Done),
            next = looked => next,
        };
        match next {
            Ok(Reply::Status(next)) => {
                is_away = false;
                let next = selection.of(*next)?;
                let text = match output {
                    StatusFormat::Json if next.text == last.text => Printed::own(String::new()),
                    StatusFormat::Json => shown(&next, output, style),
                    StatusFormat::Text | StatusFormat::Wide => Printed::text(&changes(&last, &next, style)),
                    StatusFormat::Name => {
                        let [before, now] = [&last, &next].map(|asked| shown(asked, output, style));
                        if before.as_bytes() == now.as_bytes() { Printed::own(String::new()) } else { now }
                    }
                };
                print(&text)?;
                last = next;
            }
            Err(error) if !is_away => {
                is_away = true;
                eprint(&format!("subaccountd: {error:#}; retrying\n"));
            }
            Ok(Reply::NotYet) | Err(_) => {}
        }
    }
}

/// The rows that changed, and the summary when it changed.
fn changes(before: &Asked, after: &Asked, style: table::TableStyle) -> String {
    let now = clock::now();
    let (before, after) = (&before.document, &after.document);
    let (_, table) = style.accounts(after, now);
    let known: BTreeMap<&str, &Account> =
        before.accounts.iter().map(|account| (account.sid.as_str(), account)).collect();
    let changed = |account: &&Account| known.get(account.sid.as_str()) != Some(account);
    let mut text: String =
        after.accounts.iter().filter(changed).map(|account| table.row(account, after, now)).collect();
    let besides = before.held_besides() != after.held_besides();
    if besides {
        text += &style.held_besides(after, now);
    }
    let fewer = after.accounts.len() != before.accounts.len();
    let told = |document: &super::StatusDocument| {
        (document.mode.clone(), document.desired_state.clone(), document.last_pass.error.clone())
    };
    if besides || fewer || told(before) != told(after) {
        text.push('\n');
        text += &table::summary(after, now);
    }
    text
}
