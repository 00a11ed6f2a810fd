//! The service manager: the messages of `Type=notify` and of the watchdog, as systemd receives them.

use std::{
    os::unix::net::UnixDatagram,
    time::{Duration, Instant},
};

use twilio_sim::{Fault, FaultKind};

use crate::support::{Daemon, Setup, entry, fleet, state};

/// The socket of a service manager.
struct Manager(UnixDatagram);

impl Manager {
    /// Waits for a message with this line.
    fn receives(&self, line: &str) -> Vec<String> {
        let (end, mut received) = (Instant::now() + Duration::from_secs(20), Vec::new());
        while Instant::now() < end {
            let mut message = [0; 4096];
            if let Ok(length) = self.0.recv(&mut message) {
                received.extend(String::from_utf8_lossy(&message[..length]).lines().map(str::to_owned));
                if received.iter().any(|received| received.starts_with(line)) {
                    return received;
                }
            }
        }
        panic!("{line} was not received, but {received:?}");
    }
}

/// A daemon under a service manager whose watchdog asks for a message every 200 ms.
async fn managed(setup: &Setup) -> (Daemon, Manager) {
    let path = setup.dir.path().join(".notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut command = setup.command(&["run", "--interval", "1h"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000");
    (Daemon::start(command, &setup.dir.path().join(".log")).await, Manager(socket))
}

#[tokio::test]
async fn service_manager_is_told_of_the_start_each_pass_and_the_stop() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let (mut daemon, manager) = managed(&setup).await;
    manager.receives("READY=1");
    manager.receives("WATCHDOG=1");
    daemon.settled().await;
    manager.receives("STATUS=enforce mode; last pass succeeded; 0 actions planned, 0 held");
    manager.receives("WATCHDOG=1");
    daemon.signal("TERM");
    manager.receives("STOPPING=1");
    assert_eq!(daemon.ended().await.code(), Some(0));
}

#[tokio::test]
async fn service_manager_is_told_of_the_start_while_twilio_does_not_answer() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    setup.sim.inject(Fault::new(FaultKind::Stall));
    let (mut daemon, manager) = managed(&setup).await;
    manager.receives("READY=1");
    manager.receives("WATCHDOG=1");
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code(), Some(0));
}

#[tokio::test]
async fn watchdog_gets_no_message_from_a_process_that_is_stopped() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let (mut daemon, manager) = managed(&setup).await;
    manager.receives("WATCHDOG=1");
    daemon.settled().await;
    daemon.signal("STOP");
    // What was sent before the signal.
    while manager.0.recv(&mut [0; 4096]).is_ok() {}
    assert!(manager.0.recv(&mut [0; 4096]).is_err());
    daemon.signal("CONT");
    manager.receives("WATCHDOG=1");
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code(), Some(0));
}
