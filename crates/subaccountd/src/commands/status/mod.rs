//! `status`: a running daemon's status as a table, watched, or waited for.

mod document;
mod selection;
mod table;
mod wait;
mod watch;

use std::io;
use subaccountd_core::text::sanitize;

use anyhow::Context;

use super::{Exit, eprint, print};
use crate::{
    cli::{
        StatusArgs, StatusFormat,
        settings::{Listener, SettingsError},
    },
    clock,
    http::client::DaemonClient,
    output::{printed::Printed, terminal::colour},
};
use document::StatusDocument;
use selection::Selection;
use table::TableStyle;

/// The longest part of an answer that is shown, in characters.
const MAX_SAID: usize = 300;

/// A status: the answer, and the document in it.
struct Asked {
    text: String,
    document: StatusDocument,
}

/// The answer of the daemon.
enum Reply {
    Status(Box<Asked>),
    /// The daemon has not read its state yet.
    NotYet,
}

pub(super) async fn status(args: &StatusArgs) -> anyhow::Result<Exit> {
    let url = Listener::Status.url(args.url.as_ref()).map_err(SettingsError::from)?;
    let client = DaemonClient::new(&url, "status")?.with_status_token()?;
    let selection = Selection::new(args);
    let style = TableStyle {
        wide: args.output == StatusFormat::Wide,
        colour: colour(&io::stdout()),
        whole: args.output == StatusFormat::Wide || !selection.is_all(),
    };
    if args.wait {
        return wait::wait(
            &client,
            args.revision.as_deref(),
            args.timeout.unsigned_abs(),
            args.output,
            style,
        )
        .await;
    }
    let Reply::Status(asked) = ask(&client).await? else {
        anyhow::bail!("{}: the daemon has not read its state yet; retry", client.url());
    };
    for id in selection.unknown_ids(&asked.document) {
        eprint(&format!("warning: {id:?} is neither the SID nor the name of a listed account\n"));
    }
    let asked = selection.of(*asked)?;
    if args.watch {
        return watch::watch(&client, asked, args.output, style, &selection).await;
    }
    print(&shown(&asked, args.output, style))?;
    Ok(Exit::Done)
}

/// The status in the format `output`.
fn shown(asked: &Asked, output: StatusFormat, style: TableStyle) -> Printed {
    match output {
        StatusFormat::Json => Printed::json(&format!("{}\n", asked.text.trim_end())),
        StatusFormat::Text | StatusFormat::Wide => Printed::text(&whole(&asked.document, style)),
        StatusFormat::Name => {
            let accounts = selection::troubled_first(&asked.document);
            let name = |account: &document::Account| {
                let name = account.friendly_name.as_deref().filter(|_| account.sid.is_empty());
                sanitize(name.unwrap_or(&account.sid)) + "\n"
            };
            Printed::text(&accounts.into_iter().map(name).collect::<String>())
        }
    }
}

/// The table, the other held items, and the summary.
fn whole(document: &StatusDocument, style: TableStyle) -> String {
    let now = clock::now();
    let (accounts, _) = style.accounts(document, now);
    format!("{accounts}{}\n{}", style.held_besides(document, now), table::summary(document, now))
}

async fn ask(client: &DaemonClient) -> anyhow::Result<Reply> {
    let answer = client.ask().await.context(
        "cannot read the status: check that the daemon runs and that `--url` is the address of its `--status-listen` \
         (in Kubernetes, run `kubectl port-forward deployment/subaccountd 8081`)",
    );
    let answer = answer?;
    let url = client.url();
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    if answer.status == reqwest::StatusCode::SERVICE_UNAVAILABLE {
        return Ok(Reply::NotYet);
    }
    if !answer.status.is_success() {
        let said: String = text.trim().chars().take(MAX_SAID).collect();
        anyhow::bail!(
            "{url} answered {}: give the address of `--status-listen`, not that of `--listen` {}",
            answer.status,
            sanitize(&said)
        );
    }
    let document = serde_json::from_str(&text)
        .with_context(|| format!("{url}: the answer is not the status of a subaccountd: check `--url`"))?;
    Ok(Reply::Status(Box::new(Asked { text, document })))
}
