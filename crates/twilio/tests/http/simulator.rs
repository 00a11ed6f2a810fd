//! The client against the simulator, which enforces Twilio's rules.

use subaccountd_core::{
    AccountSid, Action, LiveStatus, NumberSettings, ResourceRef, ResourceRefs, Status, Transfer,
    TransferResources,
    outcome::Outcome,
    remote::{ErrorKind, Observe, Tries},
};
use subaccountd_twilio::{Client, Config, TokenSource};
use twilio_sim::{
    AccountStatus, AddressRequirements, Fault, FaultKind, NoSid, Operation, Policy, Sim, SuspendedNumbers,
    World,
};

use crate::support::{account_sid, client_with, close, config, outcome, send};

async fn sim(accounts: u64, numbers: u64) -> (Sim, Client) {
    let sim = Sim::start(World::generated(accounts, numbers)).await.unwrap();
    let client = client(&sim, "demo-token");
    (sim, client)
}

fn client(sim: &Sim, token: &str) -> Client {
    let token = TokenSource::Fixed(token.into());
    client_with(Config { token, ..config(&sim.url()) })
}

/// The transfer of number `n`.
fn transfer(n: u64, from: AccountSid, to: AccountSid) -> Action {
    Action::Transfer(Transfer {
        to,
        phone: World::phone_numbered(n).parse().unwrap(),
        from,
        number_sid: format!("PN{n:032}").parse().unwrap(),
        resources: TransferResources::default(),
        settings: NumberSettings::default(),
    })
}

fn owner(sim: &Sim, n: u64) -> AccountSid {
    sim.world().owner_of(&World::phone_numbered(n)).unwrap().as_str().parse().unwrap()
}

/// Suspends an account behind the client's back.
fn suspend(sim: &Sim, account: AccountSid) {
    sim.edit_account(&account.to_string(), |account| account.status = AccountStatus::Suspended).unwrap();
}

#[tokio::test]
async fn a_fleet_of_2501_accounts_takes_three_requests() {
    let (sim, client) = sim(2_500, 0).await;
    let list = client.accounts().await.unwrap();
    assert_eq!((list.accounts.len(), sim.requests().len()), (2_501, 3));
    assert!(list.accounts.iter().all(|account| account.owner == Some(account_sid(0))));
    assert!(list.date.is_some());
}

#[tokio::test]
async fn numbers_are_read_with_their_needs_in_every_form_of_null() {
    for no_sid in [NoSid::AsNull, NoSid::AsBlank] {
        let (sim, client) = sim(1, 1_001).await;
        sim.world().switches_mut().no_sid = no_sid;
        sim.edit_number(&World::phone_numbered(2), |number| {
            number.address_requirements = AddressRequirements::Local;
            number.settings.set("TrunkSid", &format!("TK{:032x}", 1)).unwrap();
        })
        .unwrap();
        let numbers = client.numbers(account_sid(1), Tries::Repeated).await.unwrap();
        assert_eq!((numbers.len(), sim.requests().len()), (1_001, 2));
        let needy: Vec<_> =
            numbers.iter().filter(|number| number.needs_address).filter_map(|number| number.phone).collect();
        assert_eq!(needy, [World::phone_numbered(2).parse().unwrap()]);
        let tied: Vec<_> = numbers.iter().filter(|number| !number.resource_refs.is_empty()).collect();
        assert_eq!(
            (tied.len(), tied[0].phone, tied[0].resource_refs),
            (1, Some(needy[0]), ResourceRefs::from_iter([ResourceRef::Trunk]))
        );
    }
}

#[tokio::test]
async fn an_account_goes_through_its_life() {
    let (sim, client) = sim(1, 0).await;
    let sub = account_sid(1);
    for (action, status) in [
        (Action::Suspend(sub), Status::Suspended),
        (Action::Reactivate(sub), Status::Active),
        (Action::Suspend(sub), Status::Suspended),
        (close(sub), Status::Closed),
        (close(sub), Status::Closed),
    ] {
        let written = outcome(&client, &action).await;
        assert!(matches!(written, Outcome::Done(_)), "{action}: {written:?}");
        assert_eq!(client.account(sub).await.unwrap().status, LiveStatus::Known(status));
    }
    let written = outcome(&client, &Action::Reactivate(sub)).await;
    assert!(matches!(&written, Outcome::Refused(refusal) if refusal.code == Some(21479)), "{written:?}");
    assert_eq!(sim.writes(), 6);
}

#[tokio::test]
async fn a_number_moves_between_any_two_accounts() {
    let (sim, client) = sim(2, 1).await;
    let [main, first, second] = [0, 1, 2].map(account_sid);
    for (from, to) in [(first, second), (second, main), (main, first)] {
        let written = outcome(&client, &transfer(1, from, to)).await;
        assert!(matches!(written, Outcome::Done(_)), "{written:?}");
        assert_eq!(owner(&sim, 1), to);
    }
    let written = outcome(&client, &transfer(1, second, main)).await;
    assert!(matches!(written, Outcome::Unknown(_)), "the path names the wrong owner: {written:?}");
}

#[tokio::test]
async fn a_refusal_is_a_refusal_under_any_4xx() {
    let (sim, client) = sim(2, 1).await;
    suspend(&sim, account_sid(2));
    for status in [None, Some(401), Some(403), Some(404), Some(409)] {
        sim.world().switches_mut().refusal_status = status;
        let written = outcome(&client, &transfer(1, account_sid(1), account_sid(2))).await;
        assert!(matches!(&written, Outcome::Refused(refusal) if refusal.code == Some(21472)), "{written:?}");
    }
}

#[tokio::test]
async fn broken_connection_is_unknown_whether_the_write_happened_or_not() {
    for (fault, happened) in [
        (Fault::reset(), false),
        (Fault::reset_after(), true),
        (Fault::status(503, 20503), false),
        (Fault::status_after(500, 20500), true),
        (Fault::new(FaultKind::Truncate { bytes: 40 }), true),
        (Fault::new(FaultKind::Junk), true),
        (Fault::new(FaultKind::BigBody { bytes: 17 << 20 }), true),
    ] {
        let (sim, client) = sim(2, 1).await;
        sim.inject(fault.clone().on(Operation::UpdateNumber).times(1));
        let written = outcome(&client, &transfer(1, account_sid(1), account_sid(2))).await;
        assert!(matches!(written, Outcome::Unknown(_)), "{fault:?} {written:?}");
        assert_eq!((owner(&sim, 1) == account_sid(2), sim.writes()), (happened, 1), "{fault:?}");
    }
}

#[tokio::test]
async fn a_write_that_twilio_ignores_is_ignored() {
    let (sim, client) = sim(2, 1).await;
    sim.inject(Fault::new(FaultKind::Ignore));
    for action in [Action::Suspend(account_sid(1)), transfer(1, account_sid(1), account_sid(2))] {
        let written = outcome(&client, &action).await;
        assert!(matches!(&written, Outcome::Ignored(refusal) if refusal.code.is_none()), "{written:?}");
    }
}

#[tokio::test]
async fn a_suspended_subaccount_that_hides_its_numbers_is_unreadable_alone() {
    for hides in [SuspendedNumbers::Unauthorized, SuspendedNumbers::Forbidden] {
        let (sim, client) = sim(2, 2).await;
        sim.world().switches_mut().suspended_numbers = hides;
        suspend(&sim, account_sid(1));
        assert_eq!(
            client.numbers(account_sid(1), Tries::Repeated).await.unwrap_err().kind,
            ErrorKind::Unreadable
        );
        assert_eq!(client.numbers(account_sid(2), Tries::Repeated).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_wrong_token_and_a_refused_main_account_are_about_the_credentials() {
    let (sim, right) = sim(1, 0).await;
    assert_eq!(client(&sim, "wrong").accounts().await.unwrap_err().kind, ErrorKind::Credentials);
    sim.world().switches_mut().suspended_main = Policy::Refused;
    suspend(&sim, account_sid(0));
    assert_eq!(right.accounts().await.unwrap_err().kind, ErrorKind::Credentials);
}

#[tokio::test]
async fn under_a_suspended_main_account_a_write_stops_the_pass() {
    let (sim, client) = sim(1, 0).await;
    outcome(&client, &Action::Suspend(account_sid(1))).await;
    suspend(&sim, account_sid(0));
    let sent = send(&client, &Action::Reactivate(account_sid(1))).await;
    assert!(matches!(&sent.stop, Some(error) if error.kind == ErrorKind::MainAccount), "{sent:?}");
}

#[tokio::test]
async fn lists_that_repeat_or_lead_away_fail() {
    let foreign = FaultKind::ForeignNextPage { to: "http://127.0.0.1:9".into() };
    // The first page's own URI has more parameters than the one it was asked with.
    for (kind, requests) in [(FaultKind::RepeatPage, 4), (foreign, 2)] {
        let (sim, client) = sim(1, 1).await;
        sim.inject(Fault::new(kind));
        assert_eq!(client.accounts().await.unwrap_err().kind, ErrorKind::Unreadable);
        assert_eq!(
            client.numbers(account_sid(1), Tries::Repeated).await.unwrap_err().kind,
            ErrorKind::Unreadable
        );
        assert_eq!(sim.requests().len(), requests);
    }
}
