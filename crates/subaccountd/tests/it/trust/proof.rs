//! The time between the proof of a write and its request: waits, slow looks, and changes meanwhile.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
};
use twilio_sim::{AccountStatus, Fault, Operation, RequestRecord};

use super::steps::{arrived, asked, decide, held, intents, move_number, passed};
use crate::{
    hang::Hang,
    support::{Daemon, Setup, TOKEN, ac, code, entry, eventually, fleet, output, phone, state},
};

const EAGER: [&str; 4] = ["--interval", "100ms", "--close-after", "0s"];
const FAST: [&str; 4] = ["--interval", "100ms", "--max-suspends", "100%"];

fn closed() -> String {
    state(&entry(1, "closed", ", close: {confirm: a1}"))
}

fn active() -> String {
    state(&entry(1, "active", ""))
}

/// Account 1 is suspended and empty, and the state closes it; account 2 holds number 2.
async fn closing() -> Setup {
    let world = fleet(2, 0).number("PN00000000000000000000000000000002", &phone(2), &ac(2));
    let setup = Setup::new(world, &closed()).await;
    setup.suspend_elsewhere(1);
    setup
}

/// Waits for the request with which the second look begins: the plan read the list of account 1 once.
async fn second_look(setup: &Setup) {
    eventually("the second look", async || {
        let requests = setup.sim.requests();
        let of_it = |r: &&RequestRecord| {
            r.operation == Some(Operation::ListNumbers) && r.account.as_deref() == Some(&ac(1))
        };
        requests.iter().filter(of_it).count() >= 2
    })
    .await;
}

/// The fault strikes the list of account 1 in the second look of the first close.
fn on_second_list(fault: Fault) -> Fault {
    fault.on(Operation::ListNumbers).account(&ac(1)).skip(1).times(1)
}

// A request that waits: answered 429, refused, or in line.

#[tokio::test]
async fn close_that_was_answered_429_is_not_sent_for_a_state_that_changed_meanwhile() {
    let setup = closing().await;
    let limited = Fault::status(429, 20429).retry_after(2);
    setup.sim.inject(limited.on(Operation::UpdateAccount).times(1));
    let daemon = setup.daemon(&EAGER).await;
    arrived(&setup, Operation::UpdateAccount, 1).await;
    move_number(&setup, 2, &ac(1));
    decide(&setup, &daemon, &active()).await;
    daemon.more_passes(1).await;
    assert_eq!(asked(&setup), ["closed", "active"]);
    assert_eq!(setup.owner(2), ac(1));
}

#[tokio::test]
async fn transfer_that_was_answered_429_is_not_sent_for_a_claim_that_is_gone() {
    let claimed = state(&entry(1, "active", &format!(", numbers: [\"{}\"]", phone(2))));
    let setup = Setup::new(fleet(2, 2), &claimed).await;
    let limited = Fault::status(429, 20429).retry_after(2);
    setup.sim.inject(limited.on(Operation::UpdateNumber).times(1));
    let daemon = setup.daemon(&EAGER).await;
    arrived(&setup, Operation::UpdateNumber, 1).await;
    decide(&setup, &daemon, &active()).await;
    daemon.more_passes(1).await;
    assert_eq!((setup.posts().len(), setup.owner(2)), (1, ac(2)));
}

#[tokio::test]
async fn suspensions_whose_connections_were_refused_are_not_sent_for_a_paused_state() {
    let entries: String = (1..=4).map(|n| entry(n, "suspended", "")).collect();
    let setup = Setup::new(fleet(4, 0), &state(&entries)).await;
    let mut network = Network::new(&setup).await;
    let mut command = setup.command(&[&["run"][..], &FAST].concat());
    command.env("SUBACCOUNTD_TWILIO_URL", network.url());
    setup.sim.inject(Fault::latency(500).on(Operation::ListAccounts).times(1));
    let daemon = Daemon::start(command, &setup.dir.path().join(".log")).await;
    arrived(&setup, Operation::ListAccounts, 1).await;
    network.refuse().await;
    eventually("every write is begun", async || intents(&setup) >= 4).await;
    // All have ended as skipped; a client that repeats requests would still be trying.
    let begin = Instant::now();
    let skipped = "subaccountd_actions_total{kind=\"suspend\",result=\"skipped\"}";
    eventually("given up", async || {
        daemon.metric(skipped).await >= 4.0 || begin.elapsed() > Duration::from_secs(3)
    })
    .await;
    let before = setup.posts().len();
    let paused = state(&entries).replace("subaccounts:", "paused: true\nsubaccounts:");
    setup.write(&paused);
    network.resume();
    passed(&daemon, &paused).await;
    daemon.more_passes(1).await;
    assert_eq!(setup.posts().len(), before);
    assert!(before <= 1, "{before}");
}

/// Answers 429 to the first requests, so that the client lets only one or two requests fly at once.
fn narrow(setup: &Setup) {
    setup.sim.inject(Fault::status(429, 20429).on(Operation::ListAccounts).times(2));
    setup.sim.inject(Fault::latency(700).on(Operation::UpdateAccount));
}

#[tokio::test]
async fn suspensions_in_line_for_a_place_in_flight_are_not_sent_for_a_paused_state() {
    let entries: String = (1..=8).map(|n| entry(n, "suspended", "")).collect();
    let setup = Setup::new(fleet(8, 0), &state(&entries)).await;
    narrow(&setup);
    let daemon = setup.daemon(&FAST).await;
    arrived(&setup, Operation::UpdateAccount, 1).await;
    let paused = state(&entries).replace("subaccounts:", "paused: true\nsubaccounts:");
    decide(&setup, &daemon, &paused).await;
    daemon.more_passes(1).await;
    let posts = setup.posts().len();
    assert!(posts <= 2, "{posts}");
    assert_eq!(intents(&setup), posts, "a write that stands in line has no intent");
}

#[tokio::test]
async fn sigterm_begins_no_write_that_stands_in_line() {
    let entries: String = (1..=8).map(|n| entry(n, "suspended", "")).collect();
    let setup = Setup::new(fleet(8, 0), &state(&entries)).await;
    narrow(&setup);
    let mut daemon = setup.daemon(&FAST).await;
    arrived(&setup, Operation::UpdateAccount, 1).await;
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code(), Some(0));
    let posts = setup.posts().len();
    assert!(posts <= 2, "{posts}");
}

#[tokio::test]
async fn sigterm_does_not_wait_for_what_twilio_asked_to_wait() {
    let setup = closing().await;
    // Longer than the longest wait of a test.
    let limited = Fault::status(429, 20429).retry_after(60);
    setup.sim.inject(limited.on(Operation::UpdateAccount));
    let mut daemon = setup.daemon(&EAGER).await;
    arrived(&setup, Operation::UpdateAccount, 1).await;
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code(), Some(0));
    assert_eq!(asked(&setup), ["closed"]);
}

#[tokio::test]
async fn sigterm_during_the_second_look_of_a_close_sends_no_close() {
    let setup = closing().await;
    setup.sim.inject(on_second_list(Fault::latency(1_000)));
    let mut daemon = setup.daemon(&EAGER).await;
    second_look(&setup).await;
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code(), Some(0));
    assert_eq!(asked(&setup), Vec::<String>::new());
    assert_eq!(setup.status_of(1), AccountStatus::Suspended);
}

#[tokio::test]
async fn close_whose_token_was_rotated_is_not_sent_again_for_a_state_that_changed_meanwhile() {
    let setup = closing().await;
    let token = setup.dir.path().join(".token");
    std::fs::write(&token, TOKEN).unwrap();
    setup.sim.inject(Fault::latency(1_000).on(Operation::UpdateAccount).times(1));
    setup.sim.inject(Fault::status(401, 20003).on(Operation::UpdateAccount).times(1));
    let mut command = setup.command(&[&["run"][..], &EAGER].concat());
    command.env("TWILIO_AUTH_TOKEN_FILE", &token).env_remove("TWILIO_AUTH_TOKEN");
    let daemon = Daemon::start(command, &setup.dir.path().join(".log")).await;
    arrived(&setup, Operation::UpdateAccount, 1).await;
    setup.sim.edit_account(&ac(0), |main| main.auth_token = "a-new-token".to_owned()).unwrap();
    std::fs::write(&token, "a-new-token").unwrap();
    decide(&setup, &daemon, &active()).await;
    daemon.more_passes(1).await;
    assert_eq!(asked(&setup), ["closed", "active"]);
}

#[tokio::test]
async fn close_is_not_sent_when_its_intent_took_too_long_to_be_durable() {
    let setup = closing().await;
    setup.write(&closed().replace("confirm: a1}", "confirm: a1}, paused: true"));
    let hang = Hang::new(&setup);
    let mut command = setup.command(&["run", "--interval", "1h", "--close-after", "0s"]);
    hang.load_into(&mut command).env("HANG_SYNC", "1");
    let daemon = Daemon::start(command, &setup.dir.path().join(".log")).await;
    daemon.first_pass().await;
    // The facts are kept: the next thing to be made durable is the intent.
    hang.begin();
    setup.write(&closed());
    hang.reached().await;
    assert_eq!(setup.posts(), Vec::<String>::new());
    move_number(&setup, 2, &ac(1));
    setup.sim.edit_account(&ac(1), |account| account.status = AccountStatus::Active).unwrap();
    // Longer than the age of a proof, less the time for a connection.
    tokio::time::sleep(Duration::from_millis(3_300)).await;
    setup.write(&active());
    hang.end();
    passed(&daemon, &active()).await;
    assert_eq!(setup.posts(), Vec::<String>::new());
    assert_eq!(setup.owner(2), ac(1));
}

#[tokio::test]
async fn close_is_not_sent_by_a_process_that_stood_still_after_its_look() {
    let setup = closing().await;
    setup.sim.inject(on_second_list(Fault::latency(500)));
    let daemon = setup.daemon(&["--interval", "1h", "--close-after", "0s"]).await;
    second_look(&setup).await;
    daemon.signal("STOP");
    tokio::time::sleep(Duration::from_millis(8_300)).await;
    daemon.signal("CONT");
    daemon.first_pass().await;
    assert_eq!(asked(&setup), Vec::<String>::new());
    assert!(daemon.log().contains("the proof is too old"), "{}", daemon.log());
}

#[tokio::test]
async fn apply_reads_the_state_again_after_what_twilio_asked_to_wait() {
    let setup = closing().await;
    let limited = Fault::status(429, 20429).retry_after(1);
    setup.sim.inject(limited.on(Operation::UpdateAccount).times(1));
    let apply = tokio::spawn(output(setup.command(&["apply", "--close-after", "0s"])));
    arrived(&setup, Operation::UpdateAccount, 1).await;
    setup.write(&active());
    assert_eq!(code(&apply.await.unwrap()), 0);
    assert_eq!(asked(&setup), ["closed", "active"]);
}

// A second look that is old by the time at which the close is sent.

#[tokio::test]
async fn close_is_not_sent_for_an_account_that_was_reactivated_while_its_list_failed() {
    for fault in [Fault::status(503, 20503), Fault::reset()] {
        let setup = closing().await;
        setup.sim.inject(on_second_list(fault));
        let _daemon = setup.daemon(&EAGER).await;
        second_look(&setup).await;
        setup.sim.edit_account(&ac(1), |account| account.status = AccountStatus::Active).unwrap();
        arrived(&setup, Operation::UpdateAccount, 1).await;
        assert_eq!(asked(&setup)[0], "suspended", "an active account was closed");
    }
}

#[tokio::test]
async fn close_is_not_sent_for_an_account_that_was_reactivated_while_its_list_was_read() {
    let setup = closing().await;
    setup.sim.inject(on_second_list(Fault::latency(1_000)));
    let _daemon = setup.daemon(&EAGER).await;
    second_look(&setup).await;
    setup.sim.edit_account(&ac(1), |account| account.status = AccountStatus::Active).unwrap();
    arrived(&setup, Operation::UpdateAccount, 1).await;
    assert_eq!(asked(&setup)[0], "suspended", "an active account was closed");
}

#[tokio::test]
async fn close_is_not_sent_for_an_account_that_was_renamed_while_its_list_was_read() {
    let setup = closing().await;
    setup.sim.inject(on_second_list(Fault::latency(1_000)));
    let daemon = setup.daemon(&EAGER).await;
    second_look(&setup).await;
    setup.sim.edit_account(&ac(1), |account| account.friendly_name = "saved".to_owned()).unwrap();
    eventually("held or closed", async || {
        held(&daemon).await.contains("NameMismatch") || setup.status_of(1) == AccountStatus::Closed
    })
    .await;
    assert_eq!(setup.posts(), Vec::<String>::new());
}

#[tokio::test]
async fn look_right_before_a_close_is_not_repeated_within_the_pass() {
    let setup = closing().await;
    let limited = Fault::status(429, 20429).retry_after(1);
    setup.sim.inject(on_second_list(limited));
    let _daemon = setup.daemon(&EAGER).await;
    eventually("closed", async || setup.status_of(1) == AccountStatus::Closed).await;
    let requests = setup.sim.requests();
    let limited = requests.iter().position(|request| request.status == Some(429)).unwrap();
    let close = requests.iter().position(|request| request.method == "POST").unwrap();
    let planned_again = |request: &RequestRecord| request.operation == Some(Operation::ListAccounts);
    assert!(requests[limited..close].iter().any(planned_again));
}

/// A network between the daemon and the simulator that may refuse new connections and keeps the existing ones.
struct Network {
    address: SocketAddr,
    to: SocketAddr,
    accepting: Option<JoinHandle<()>>,
    refusing: Option<TcpSocket>,
}

impl Network {
    async fn new(setup: &Setup) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, to) = (listener.local_addr().unwrap(), setup.sim.address());
        Self { address, to, accepting: Some(tokio::spawn(forward(listener, to))), refusing: None }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn refuse(&mut self) {
        let accepting = self.accepting.take().unwrap();
        accepting.abort();
        assert!(accepting.await.unwrap_err().is_cancelled());
        // The port stays reserved.
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.address).unwrap();
        self.refusing = Some(socket);
    }

    fn resume(&mut self) {
        let listener = self.refusing.take().unwrap().listen(64).unwrap();
        self.accepting = Some(tokio::spawn(forward(listener, self.to)));
    }
}

async fn forward(listener: TcpListener, to: SocketAddr) {
    while let Ok((mut from, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut to = TcpStream::connect(to).await.unwrap();
            // Either side may end it.
            let _ = copy_bidirectional(&mut from, &mut to).await;
        });
    }
}
