//! The observer of writes: what it sees, and when.

use std::sync::{Arc, Mutex};

use reqwest::Method;
use twilio_sim::{AccountStatus, Fault, Moment, Operation};

use crate::client::{Twilio, ac, account, fleet, receive};

type Seen = Arc<Mutex<Vec<(Moment, Option<AccountStatus>)>>>;

/// The fleet, and what its observer sees of account 1.
async fn observed() -> (Twilio, Seen) {
    let (twilio, seen) = (Twilio::of(fleet()).await, Seen::default());
    let notes = Arc::clone(&seen);
    twilio.sim.observe_writes(move |write, world| {
        assert_eq!(
            (write.operation, write.account.as_deref()),
            (Some(Operation::UpdateAccount), Some(&*ac(1)))
        );
        assert_eq!(write.param("Status"), Some("suspended"));
        notes.lock().unwrap().push((write.moment, world.status(&ac(1))));
    });
    (twilio, seen)
}

const SUSPEND: &[(&str, &str)] = &[("Status", "suspended")];
const BEFORE: Option<AccountStatus> = Some(AccountStatus::Active);
const AFTER: Option<AccountStatus> = Some(AccountStatus::Suspended);

#[tokio::test]
async fn an_observer_sees_a_write_before_and_after_its_effect() {
    let (twilio, seen) = observed().await;
    twilio.get(&account(1)).await;
    twilio.post(&account(1), SUSPEND).await;
    let ended = Moment::Ended { done: true };
    let answered = Moment::Answered { status: 200 };
    assert_eq!(
        *seen.lock().unwrap(),
        [(Moment::Arrived, BEFORE), (Moment::Begins, BEFORE), (ended, AFTER), (answered, AFTER)]
    );
}

#[tokio::test]
async fn an_observer_sees_what_faults_stop_and_what_is_late() {
    let (twilio, seen) = observed().await;
    twilio.sim.inject(Fault::reset().times(1));
    twilio.sim.inject(Fault::late(1).skip(1).times(1));
    receive(twilio.as_main(Method::POST, &account(1)).form(SUSPEND)).await.unwrap_err();
    assert_eq!(*seen.lock().unwrap(), [(Moment::Arrived, BEFORE), (Moment::Struck, BEFORE)]);
    seen.lock().unwrap().clear();
    receive(twilio.as_main(Method::POST, &account(1)).form(SUSPEND)).await.unwrap_err();
    while twilio.sim.late_writes() > 0 {
        tokio::task::yield_now().await;
    }
    let ended = Moment::Ended { done: true };
    assert_eq!(
        *seen.lock().unwrap(),
        [(Moment::Arrived, BEFORE), (Moment::Struck, BEFORE), (Moment::Begins, BEFORE), (ended, AFTER)]
    );
}
