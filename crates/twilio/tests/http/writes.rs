//! Writes that must not wait: nothing repeats them, and nothing is sent later than it was proved for.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use subaccountd_core::{
    Action,
    outcome::{Outcome, Skip, SkipCause},
    remote::{Apply, ErrorKind, Observe, Tries, WriteSlot},
};
use subaccountd_twilio::{Config, Operation, RequestOutcome, Retry};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::Notify,
    time::timeout,
};

use crate::support::{
    Reply, Server, account_json, accounts_page, client, client_with, close, config, counted_client, error,
    forbidden, main, number_json, numbers_page, ok, outcome, raw, reply, send, sub, words,
};

fn suspend() -> Action {
    Action::Suspend(sub())
}

fn skip(outcome: Outcome) -> Skip {
    let Outcome::Skipped(skip) = outcome else { panic!("{outcome:?}") };
    skip
}

fn suspended() -> Reply {
    ok(&account_json(sub(), "suspended"))
}

#[tokio::test]
async fn a_write_is_skipped_after_a_429_with_the_wait_that_twilio_asked_for() {
    let whole = raw(429, "", "whole");
    for (slow, wait) in [
        (error(429, 20429, "slow"), None),
        (error(400, 20429, "slow"), None),
        (Reply::Whole(raw(429, "Retry-After: 0\r\n", "")), Some(0)),
        (Reply::Whole(raw(429, "Retry-After: 15\r\n", "")), Some(15)),
        (Reply::Whole(raw(429, "Retry-After: Sat, 21 Nov 2026 09:01:00 GMT\r\n", "")), Some(60)),
        (Reply::Whole(raw(429, "Retry-After: 86400\r\n", "")), Some(600)),
        (Reply::Whole(raw(429, "Retry-After: soon\r\n", "")), None),
        (reply(429, "<html>"), None),
        (Reply::BrokenOff(whole[..whole.len() - 1].to_vec()), None),
    ] {
        let server = Server::script([slow.clone(), suspended()]).await;
        let began = Instant::now();
        let Skip { cause, message, retry_after } = skip(outcome(&client(&server), &suspend()).await);
        assert_eq!(
            (cause, retry_after),
            (SkipCause::RateLimited, wait.map(jiff::SignedDuration::from_secs)),
            "{slow:?}"
        );
        assert!(message.contains("Twilio error 20429") || message.contains("HTTP 429"), "{message}");
        assert!(message.ends_with("(Twilio request RQ1)"), "{message}");
        assert_eq!(server.seen().len(), 1);
        assert!(began.elapsed() < Duration::from_secs(10), "it did not wait");
    }
}

#[tokio::test]
async fn a_write_is_skipped_when_no_connection_came_up_and_it_is_not_tried_again() {
    let (listener, address) = forbidden().await;
    drop(listener);
    let (client, counts) = counted_client(&format!("http://{address}"));
    let Skip { cause, message, retry_after } = skip(outcome(&client, &close(sub())).await);
    assert_eq!((cause, retry_after), (SkipCause::ConnectFailed, None));
    let words = format!("no connection to Twilio at {address}: Connection refused");
    assert!(message.contains(&words), "{message}");
    assert_eq!(*counts.ended.lock().unwrap(), [(Operation::UpdateAccount, RequestOutcome::NetworkError)]);
}

/// A listener on whose address no further connection comes up, and the connections that see to that.
async fn blackhole() -> (TcpListener, String, Vec<tokio::task::JoinHandle<std::io::Result<TcpStream>>>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting: Vec<_> = (0..8).map(|_| tokio::spawn(TcpStream::connect(address))).collect();
    // The queue of the listener is full once one of them does not come up.
    while timeout(Duration::from_millis(100), waiting.last_mut().unwrap()).await.is_ok() {
        waiting.pop();
        waiting.extend((0..8).map(|_| tokio::spawn(TcpStream::connect(address))));
    }
    (listener, format!("http://{address}"), waiting)
}

#[tokio::test]
async fn the_connection_of_a_write_is_waited_for_two_seconds_at_most() {
    let (_listener, url, _waiting) = blackhole().await;
    let client = client_with(Config { request_timeout: Duration::from_mins(1), ..config(&url) });
    let began = Instant::now();
    let skip = skip(outcome(&client, &suspend()).await);
    assert_eq!(skip.cause, SkipCause::ConnectFailed);
    assert!((1..4).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_write_uses_a_connection_of_its_own() {
    let kept = Reply::ThenReset(raw(200, "", &account_json(main(), "active")));
    let server = Server::script([kept, suspended()]).await;
    let client = client(&server);
    client.account(main()).await.unwrap();
    for _ in 0..2 {
        assert!(matches!(outcome(&client, &suspend()).await, Outcome::Done(_)));
    }
    let connections: Vec<_> = server.seen().iter().map(|seen| seen.connection).collect();
    assert_eq!(connections, [0, 1, 2]);
}

#[tokio::test]
async fn a_write_on_a_broken_connection_is_sent_once() {
    for broken in [Reply::Reset, Reply::BrokenOff(Vec::new())] {
        let server = Server::script([suspended(), broken, suspended()]).await;
        let client = client(&server);
        assert!(matches!(outcome(&client, &suspend()).await, Outcome::Done(_)));
        assert!(matches!(outcome(&client, &suspend()).await, Outcome::Unknown(_)));
        assert_eq!(server.posts(), 2);
    }
}

#[tokio::test]
async fn nothing_begins_after_the_stop() {
    let server = Server::script([ok(&account_json(main(), "active"))]).await;
    let (client, counts) = counted_client(&server.url);
    client.account(main()).await.unwrap();
    let mut place = client.place().await.unwrap();
    client.clone().stop();
    let errors = [
        client.accounts().await.unwrap_err(),
        client.account(main()).await.unwrap_err(),
        client.numbers(main(), Tries::Repeated).await.unwrap_err(),
        client.numbers(main(), Tries::Once).await.unwrap_err(),
        client.number(main(), format!("PN{:032}", 7).parse().unwrap()).await.unwrap_err(),
        place.account(main()).await.unwrap_err(),
        place.numbers(main()).await.unwrap_err(),
    ];
    assert_eq!(client.place().await.map(drop).unwrap_err().cause, SkipCause::Stopping);
    for error in errors {
        assert_eq!(error.kind, ErrorKind::Unreadable);
        assert!(words(&error).contains("the process is stopping"), "{error}");
    }
    let sent = place.send(&suspend()).await;
    assert_eq!((skip(sent.outcome).cause, sent.stop), (SkipCause::Stopping, None));
    assert_eq!(server.seen().len(), 1);
    assert_eq!(counts.ended.lock().unwrap().len(), 1, "nor was a connection tried");
}

#[tokio::test]
async fn a_write_whose_connection_is_not_up_at_the_stop_is_not_sent() {
    let (_listener, url, _waiting) = blackhole().await;
    let client = client_with(config(&url));
    let action = suspend();
    let began = Instant::now();
    let stop = async {
        tokio::task::yield_now().await;
        client.stop();
    };
    let (outcome, ()) = tokio::join!(outcome(&client, &action), stop);
    assert_eq!(skip(outcome).cause, SkipCause::Stopping);
    assert!(began.elapsed() < Duration::from_secs(1), "it is not waited for");
}

#[tokio::test]
async fn a_write_that_was_sent_before_the_stop_is_waited_for() {
    let (came, answer) = (Arc::new(Notify::new()), Arc::new(tokio::sync::Barrier::new(2)));
    let server = Server::start({
        let (came, answer) = (Arc::clone(&came), Arc::clone(&answer));
        move |_, _| {
            came.notify_one();
            Reply::Together(Arc::clone(&answer), raw(200, "", &account_json(sub(), "suspended")))
        }
    })
    .await;
    let client = client(&server);
    let stop = async {
        came.notified().await;
        client.stop();
        answer.wait().await;
    };
    let action = suspend();
    let (written, ()) = tokio::join!(outcome(&client, &action), stop);
    assert!(matches!(written, Outcome::Done(_)), "{written:?}");
}

#[tokio::test]
async fn a_refused_write_is_skipped_when_the_stop_came_before_the_main_account_was_asked() {
    let answer = Arc::new(tokio::sync::Barrier::new(2));
    let held = Arc::clone(&answer);
    let server =
        Server::start(move |_, _| Reply::Together(Arc::clone(&held), raw(403, "", r#"{"code": 20005}"#)))
            .await;
    let client = client(&server);
    let stop = async {
        while server.posts() == 0 {
            tokio::task::yield_now().await;
        }
        client.stop();
        answer.wait().await;
    };
    let action = suspend();
    let (sent, ()) = tokio::join!(send(&client, &action), stop);
    assert_eq!((skip(sent.outcome).cause, sent.stop), (SkipCause::Stopping, None));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_read_in_flight_ends_at_the_stop_and_so_does_a_pause_before_a_repeat() {
    for answer in [Reply::Stalled(Vec::new()), error(429, 20429, "slow")] {
        let server = Server::script([answer]).await;
        let retry = Retry { repeats: 3, base: Duration::from_mins(5), cap: Duration::from_mins(5) };
        let client =
            client_with(Config { request_timeout: Duration::from_mins(5), retry, ..config(&server.url) });
        let stop = async {
            while server.seen().is_empty() {
                tokio::task::yield_now().await;
            }
            client.stop();
        };
        let (read, ()) = tokio::join!(client.account(main()), stop);
        assert!(words(&read.unwrap_err()).contains("the process is stopping"));
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_place_is_not_waited_for_after_the_stop() {
    let server = Server::script([suspended()]).await;
    let client = client_with(Config { max_in_flight: 1, ..config(&server.url) });
    let held = client.place().await.unwrap();
    let stop = async { client.stop() };
    let (late, ()) = tokio::join!(client.place(), stop);
    assert_eq!(late.map(drop).unwrap_err().cause, SkipCause::Stopping);
    drop(held);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn the_looks_and_the_write_use_one_place() {
    let server = Server::start(|_, request| {
        if request.method == "POST" {
            error(403, 20005, "Account not active")
        } else if request.target.contains("IncomingPhoneNumbers") {
            ok(&numbers_page(&[number_json(7, sub())], None))
        } else if request.target.contains(&main().to_string()) {
            ok(&account_json(main(), "active"))
        } else {
            ok(&account_json(sub(), "suspended"))
        }
    })
    .await;
    let client = client_with(Config { max_in_flight: 1, ..config(&server.url) });
    let mut place = client.place().await.unwrap();
    assert_eq!(place.numbers(sub()).await.unwrap().len(), 1);
    assert_eq!(place.account(sub()).await.unwrap().sid, sub());
    // With the only place taken, a probe that waited for another one would never end.
    let sent = timeout(Duration::from_secs(10), place.send(&close(sub()))).await.unwrap();
    drop(place);
    assert!(matches!(sent.outcome, Outcome::Refused(_)), "{sent:?}");
    assert_eq!(server.seen().len(), 4);
    client.account(sub()).await.unwrap();
}

#[tokio::test]
async fn a_place_that_is_dropped_is_given_back() {
    let server = Server::script([suspended()]).await;
    let client = client_with(Config { max_in_flight: 1, ..config(&server.url) });
    let place = client.place().await.unwrap();
    assert!(timeout(Duration::from_millis(50), client.account(sub())).await.is_err(), "it is taken");
    drop(place);
    assert!(client.account(sub()).await.is_ok());
}

#[tokio::test]
async fn a_look_in_a_place_is_not_repeated() {
    for answer in [
        error(500, 20500, "oops"),
        error(429, 20429, "slow"),
        Reply::Reset,
        ok("not JSON"),
        error(400, 21481, "Invalid PageToken"),
    ] {
        let server = Server::script([answer]).await;
        let client = client(&server);
        let mut place = client.place().await.unwrap();
        assert_eq!(place.account(sub()).await.unwrap_err().kind, ErrorKind::Unreadable);
        assert_eq!(place.numbers(sub()).await.unwrap_err().kind, ErrorKind::Unreadable);
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn a_429_in_a_place_halves_the_limit() {
    let server = Server::script([error(429, 20429, "slow")]).await;
    let (client, counts) = counted_client(&server.url);
    let mut place = client.place().await.unwrap();
    place.account(sub()).await.unwrap_err();
    assert_eq!(client.in_flight_limit(), 4);
    assert_eq!(skip(place.send(&suspend()).await.outcome).cause, SkipCause::RateLimited);
    assert_eq!(*counts.limits.lock().unwrap(), [8, 4, 2]);
}

#[tokio::test]
async fn the_main_account_is_asked_once_after_an_account_error_of_a_write() {
    let server = Server::script([error(403, 20005, "no"), error(500, 20500, "oops")]).await;
    let sent = send(&client(&server), &suspend()).await;
    assert!(matches!(&sent.stop, Some(error) if error.kind == ErrorKind::MainAccount), "{sent:?}");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_list_that_is_read_once_asks_for_each_page_once() {
    for answer in
        [error(500, 20500, "oops"), error(429, 20429, "slow"), Reply::Reset, error(400, 21481, "stale")]
    {
        let server = Server::script([answer]).await;
        client(&server).numbers(sub(), Tries::Once).await.unwrap_err();
        assert_eq!(server.seen().len(), 1);
    }
    let next = format!("/2010-04-01/Accounts/{}/IncomingPhoneNumbers.json?PageSize=1000&Page=1", sub());
    let first = ok(&numbers_page(&[number_json(1, sub())], Some(&next)));
    let server = Server::script([first, ok(&numbers_page(&[number_json(2, sub())], None))]).await;
    assert_eq!(client(&server).numbers(sub(), Tries::Once).await.unwrap().len(), 2);
    assert_eq!(server.seen().len(), 2);
}

/// A dark list costs one time-out; what times out elsewhere is repeated.
#[tokio::test]
async fn a_list_that_timed_out_is_not_asked_for_again() {
    let server = Server::script([Reply::Stalled(Vec::new())]).await;
    let client = client_with(Config { request_timeout: Duration::from_millis(200), ..config(&server.url) });
    client.numbers(sub(), Tries::Repeated).await.unwrap_err();
    assert_eq!(server.seen().len(), 1);
    client.account(sub()).await.unwrap_err();
    assert!(server.seen().len() > 2, "{}", server.seen().len());
}

#[tokio::test]
async fn a_number_is_fetched_where_it_should_be() {
    let sid = format!("PN{:032}", 7).parse().unwrap();
    let server = Server::script([ok(&number_json(7, sub()))]).await;
    let (client, counts) = counted_client(&server.url);
    let number = client.number(sub(), sid).await.unwrap().unwrap();
    assert_eq!((number.sid, number.id().to_string()), (sid, "+15105550007".to_owned()));
    let path = format!("GET /2010-04-01/Accounts/{}/IncomingPhoneNumbers/{sid}.json", sub());
    assert_eq!(server.targets(), [path]);
    assert_eq!(*counts.ended.lock().unwrap(), [(Operation::FetchNumber, RequestOutcome::Ok)]);
}

#[tokio::test]
async fn a_number_that_twilio_does_not_know_or_shows_elsewhere_is_none() {
    let sid = format!("PN{:032}", 7).parse().unwrap();
    for answer in [error(404, 20404, "not found"), ok(&number_json(7, main()))] {
        let server = Server::script([answer]).await;
        assert_eq!(client(&server).number(sub(), sid).await, Ok(None));
    }
}

#[tokio::test]
async fn a_number_that_the_answer_does_not_show_is_unreadable_and_not_none() {
    let sid = format!("PN{:032}", 7).parse().unwrap();
    for (answer, requests) in [
        (reply(404, "<html>"), 1),
        (error(404, 20003, "Authenticate"), 2),
        (error(500, 20404, "oops"), 4),
        (error(429, 20404, "slow"), 4),
        (error(409, 20409, "conflict"), 1),
        (ok(&number_json(8, sub())), 1),
        (ok("{}"), 1),
        (ok(&accounts_page(&[], None)), 1),
        (ok(&format!(r#"{{"sid": "{sid}", "account_sid": "AC1", "phone_number": "+15105550007"}}"#)), 1),
        (Reply::Reset, 4),
    ] {
        let server = Server::start(move |_, request| {
            if request.target.contains(&main().to_string()) {
                ok(&account_json(main(), "active"))
            } else {
                answer.clone()
            }
        })
        .await;
        let error = client(&server).number(sub(), sid).await.unwrap_err();
        assert_eq!((error.kind, server.seen().len()), (ErrorKind::Unreadable, requests), "{error}");
    }
}
