//! `--resync`: number lists that are kept, as the daemon's requests, metric and snapshot show.

use serde_json::Value;

use crate::support::{Daemon, Setup, ac, entry, eventually, fleet, phone, state};

const OLDEST: &str = "subaccountd_number_lists_oldest_timestamp_seconds";

/// Ten accounts with a number each, of which the first is listed and claims its own.
async fn setup() -> Setup {
    let claim = entry(1, "active", &format!(", numbers: [\"{}\"]", phone(1)));
    Setup::new(fleet(10, 10), &state(&claim)).await
}

/// The number lists that were requested, by account.
fn lists(setup: &Setup) -> Vec<String> {
    let requests = setup.sim.requests().into_iter().map(|request| request.path);
    requests.filter(|path| path.ends_with("/IncomingPhoneNumbers.json")).collect()
}

async fn snapshot(daemon: &Daemon) -> Value {
    serde_json::from_str(&daemon.get("/snapshot").await.1).unwrap()
}

/// The number of accounts whose list the snapshot lacks.
async fn lacking(daemon: &Daemon) -> usize {
    let snapshot = snapshot(daemon).await;
    let accounts = snapshot["accounts"].as_array().unwrap();
    accounts.iter().filter(|account| account["numbers"] == "notRead").count()
}

#[tokio::test]
async fn list_is_read_once_within_the_resync_and_for_a_write() {
    let setup = setup().await;
    let daemon = setup.daemon(&["--interval", "100ms", "--resync", "1h"]).await;
    daemon.settled().await;
    daemon.more_passes(5).await;
    assert_eq!(lists(&setup).len(), 1, "{:?}", lists(&setup));
    assert!(daemon.metric(OLDEST).await > 1_700_000_000.0);
    setup.write(&state(&entry(2, "active", &format!(", numbers: [\"{}\"]", phone(1)))));
    eventually("moved", async || setup.owner(1) == ac(2)).await;
    let both =
        [ac(1), ac(2)].map(|account| format!("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json"));
    let read = lists(&setup);
    assert!(both.iter().all(|list| read[1..].contains(list)), "{read:?}");
}

#[tokio::test]
async fn snapshot_has_every_list_after_one_resync() {
    let setup = setup().await;
    let daemon = setup.daemon(&["--interval", "100ms", "--resync", "4s"]).await;
    daemon.first_pass().await;
    eventually("every list", async || lacking(&daemon).await == 0).await;
    let oldest = daemon.metric(OLDEST).await;
    eventually("they are read again", async || daemon.metric(OLDEST).await > oldest).await;
}

#[tokio::test]
async fn resync_of_zero_reads_what_the_plan_needs_in_every_pass() {
    let setup = setup().await;
    let daemon = setup.daemon(&["--interval", "100ms", "--resync", "0s"]).await;
    daemon.settled().await;
    daemon.more_passes(3).await;
    let read = lists(&setup);
    assert!(read.len() >= 3 && read.iter().all(|list| list.contains(&ac(1))), "{read:?}");
    assert_eq!(lacking(&daemon).await, 10);
}
