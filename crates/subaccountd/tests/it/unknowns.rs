//! The undocumented behaviours of Twilio, in every position: nothing is lost, except what SAFETY.md names.

use twilio_sim::AccountStatus::{Active, Closed, Suspended};

use crate::support::{Setup, ac, code, entry, fleet, phone, state, stderr, stdout};

/// Every switch of the simulator in each of its positions.
const POSITIONS: &[&str] = &[
    "transferFromSuspended=allowed",
    "transferFromSuspended=refused",
    "suspendedNumbers=rows",
    "suspendedNumbers=empty",
    "suspendedNumbers=unauthorized",
    "suspendedNumbers=forbidden",
    "closedNumbers=empty",
    "closedNumbers=notFound",
    "closedNumbers=unauthorized",
    "refusalStatus=403",
    "refusalStatus=409",
    "closeClosed=allowed",
    "closeClosed=refused",
    "suspendSuspended=allowed",
    "suspendSuspended=refused",
    "webhooks=kept",
    "webhooks=cleared",
    "trunk=kept",
    "trunk=cleared",
    "retryAfter=1",
    "noSid=asNull",
    "noSid=asBlank",
];

/// A reactivation, a transfer out of an active and one out of a suspended account, a suspension, a close that is
/// emptied first, and a close of an account that is closed already.
fn everything() -> String {
    let claims = format!(", numbers: [\"{}\", \"{}\"]", phone(2), phone(5));
    state(
        &(entry(1, "active", &claims)
            + &entry(3, "suspended", "")
            + &entry(4, "closed", ", close: {confirm: a4, moveNumbersToMain: true}")
            + &entry(6, "closed", ", close: {confirm: a6}")),
    )
}

#[tokio::test]
async fn no_number_is_lost_under_any_undocumented_behavior() {
    for position in POSITIONS {
        let setup = Setup::new(fleet(6, 5), &everything()).await;
        setup.observed().await;
        setup.suspend_elsewhere(1);
        setup.suspend_elsewhere(5);
        setup.sim.edit_account(&ac(6), |account| account.status = Closed).unwrap();
        let switches = setup.sim.world().switches().clone().with(position).unwrap();
        *setup.sim.world().switches_mut() = switches;
        for _ in 0..2 {
            let applied = setup.run(&["apply", "--close-after", "0s", "--max-suspends", "100%"]).await;
            assert!([0, 3].contains(&code(&applied)), "{position}: {}{}", stdout(&applied), stderr(&applied));
        }
        assert_eq!(setup.sim.world().released().len(), 0, "{position}");
        for n in 1..=5 {
            assert_ne!(setup.owner(n), "", "{position}: number {n}");
        }
        let moved = (setup.owner(2), setup.owner(4));
        assert_eq!(moved, (ac(1), ac(0)), "{position}");
        let statuses = [1, 2, 3, 4].map(|n| setup.status_of(n));
        // An account whose list cannot be read is never closed.
        let unreadable = position.ends_with("unauthorized") || position.ends_with("forbidden");
        let last = if unreadable && position.starts_with("suspended") { Suspended } else { Closed };
        assert_eq!(statuses, [Active, Active, Suspended, last], "{position}");
        let hidden = position.starts_with("suspendedNumbers") && !position.ends_with("rows");
        let stays = hidden || *position == "transferFromSuspended=refused";
        assert_eq!(setup.owner(5) == ac(1), !stays, "{position}");
    }
}

#[tokio::test]
async fn a_suspended_account_whose_list_is_empty_is_closed_only_if_it_was_never_seen_otherwise() {
    for seen_before in [true, false] {
        let setup = Setup::new(fleet(1, 1), &state(&entry(1, "closed", ", close: {confirm: a1}"))).await;
        let switches = setup.sim.world().switches().clone().with("suspendedNumbers=empty").unwrap();
        *setup.sim.world().switches_mut() = switches;
        let args = ["apply", "--close-after", "0s"];
        if seen_before {
            assert_eq!(code(&setup.run(&args).await), 3);
        }
        setup.suspend_elsewhere(1);
        let planned = stdout(&setup.run(&["plan", "--close-after", "0s"]).await);
        assert_eq!(planned.contains("weaker proof"), !seen_before, "{planned}");
        setup.run(&args).await;
        let expected = if seen_before { Suspended } else { Closed };
        assert_eq!(setup.status_of(1), expected, "this is what SAFETY.md says remains");
    }
}
