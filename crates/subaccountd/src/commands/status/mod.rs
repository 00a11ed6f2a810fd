//! `status`: a running daemon's status as a table, watched, or waited for.

mod document;
mod table;
mod wait;
mod watch;

use std::io;
use subaccountd_core::text::sanitize;

use anyhow::Context;

use super::{Exit, colour, eprint, print};
use crate::{
    cli::{StatusArgs, StatusFormat},
    clock,
    http::client::DaemonClient,
};
use document::StatusDocument;
use table::TableStyle;

/// The most of an answer that is repeated, in characters.
const MAX_SAID: usize = 300;

/// A status as it was answered.
struct Asked {
    text: String,
    document: StatusDocument,
}

/// The answer of the daemon.
enum Reply {
    Status(Box<Asked>),
    /// The daemon runs and has nothing to show yet.
    NotYet,
}

pub(super) async fn status(args: &StatusArgs) -> anyhow::Result<Exit> {
    let client = DaemonClient::new(&args.url, "status")?;
    let style = TableStyle { wide: args.output == StatusFormat::Wide, colour: colour(&io::stdout()) };
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
        anyhow::bail!("{} has nothing to show yet: it has not read its state; ask again", client.url());
    };
    if args.watch {
        return watch::watch(&client, *asked, args.output, style).await;
    }
    print(&shown(&asked, args.output, style))?;
    Ok(Exit::Done)
}

/// A status in its format.
fn shown(asked: &Asked, output: StatusFormat, style: TableStyle) -> String {
    match output {
        StatusFormat::Json => format!("{}\n", asked.text.trim_end()),
        StatusFormat::Text | StatusFormat::Wide => whole(&asked.document, style),
    }
}

/// The table, what is held besides, and how it stands.
fn whole(document: &StatusDocument, style: TableStyle) -> String {
    let now = clock::now();
    let (accounts, _) = style.accounts(document, now);
    format!("{accounts}{}\n{}", style.held_besides(document, now), table::summary(document, now))
}

async fn ask(client: &DaemonClient) -> anyhow::Result<Reply> {
    let answer = client.ask().await.context(
        "is the daemon running, and does its --status-listen serve this address? In Kubernetes: \
         kubectl port-forward deployment/subaccountd 8081",
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
            "{url} answered {}: give the address of --status-listen, not that of --listen {}",
            answer.status,
            sanitize(&said)
        );
    }
    let document = serde_json::from_str(&text).with_context(|| {
        format!("{url} answered with something else than the status of a subaccountd: check --url")
    })?;
    Ok(Reply::Status(Box::new(Asked { text, document })))
}
