//! The checks of `make fuzz` on what Twilio, or something in its place, answers. Each takes the answers to the requests of
//! one call, in their order; the format is in [`script`]. A check that fails panics.
//!
//! `cargo test` runs them on the inputs in `crates/fuzz/corpus`.

mod script;
#[cfg(test)]
mod tests;
mod writes;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use subaccountd_core::{
    Account, AccountSid, CallSid, LiveStatus, NumberSid,
    remote::{Observe, RemoteError, Tries},
    text::is_plain,
};
use tokio::runtime::Runtime;

use crate::{Client, Config, NoTelemetry, Retry, TokenSource, origin::Origin, simulation::send_over};
use script::{Request, Script};

/// The origin of every request; a loopback host, so that a client needs no certificates.
const ORIGIN: &str = "http://localhost:4010";
const TOKEN: &str = "0b5c9d21e7f64a8390cc17de52ab64f3";
/// The token as a request carries it: `AC0…0:TOKEN` in base64.
const AUTHORIZATION: &str =
    "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDowYjVjOWQyMWU3ZjY0YTgzOTBjYzE3ZGU1MmFiNjRmMw==";
/// The most characters of a message: a task, two answers of at most 300 characters, and the remedies.
const MAX_MESSAGE: usize = 2_000;
/// The most characters of a status that is kept, with its ellipsis.
const MAX_STATUS: usize = 41;

/// Account 0 is the main account.
#[expect(clippy::unwrap_used, reason = "it has the form of a SID")]
fn account(n: u8) -> AccountSid {
    format!("AC{n:032x}").parse().unwrap()
}

#[expect(clippy::unwrap_used, reason = "it has the form of a SID")]
fn number() -> NumberSid {
    format!("PN{:032x}", 1).parse().unwrap()
}

#[expect(clippy::unwrap_used, reason = "it has the form of a SID")]
fn call() -> CallSid {
    format!("CA{:032x}", 1).parse().unwrap()
}

/// A client whose requests [`Script`] answers, and the runtime that it runs on.
struct Bench {
    client: Client,
    script: Arc<Script>,
    runtime: Runtime,
}

thread_local! {
    static BENCH: RefCell<Option<Rc<Bench>>> = const { RefCell::new(None) };
}

impl Bench {
    /// The bench of this thread: making a client takes longer than most calls.
    fn of_this_thread() -> Option<Rc<Self>> {
        BENCH.with_borrow_mut(|bench| {
            if bench.is_none() {
                *bench = Self::new().map(Rc::new);
            }
            bench.clone()
        })
    }

    fn new() -> Option<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().ok()?;
        let script = Arc::new(Script::default());
        send_over(Some(script.clone()));
        let config = Config {
            base_url: ORIGIN.to_owned(),
            account_sid: account(0),
            token: TokenSource::Fixed(TOKEN.into()),
            request_timeout: Duration::from_secs(30),
            max_in_flight: 4,
            // Without pauses, whatever an answer asks for.
            retry: Retry { repeats: 1, base: Duration::ZERO, cap: Duration::ZERO },
        };
        let client = Client::new(config, Arc::new(NoTelemetry)).ok()?;
        send_over(None);
        Some(Self { client, script, runtime })
    }

    /// The result of `call` while `input` answers its requests, and these requests.
    fn run<T>(&self, input: &[u8], call: impl AsyncFnOnce(&Client) -> T) -> (T, Vec<Request>) {
        self.script.begin(input);
        let result = self.runtime.block_on(call(&self.client));
        let requests = self.script.end();
        for request in &requests {
            request.check();
        }
        (result, requests)
    }
}

/// The account list.
///
/// # Panics
/// On a defect.
pub fn accounts(input: &[u8]) {
    let Some(bench) = Bench::of_this_thread() else { return };
    let (listed, requests) = bench.run(input, async |client| client.accounts().await);
    check_pages(&requests, "/2010-04-01/Accounts.json");
    match listed {
        Ok(list) => {
            let sids: BTreeSet<_> = list.accounts.iter().map(|account| account.sid).collect();
            assert_eq!(sids.len(), list.accounts.len(), "an account is listed twice");
            list.accounts.iter().for_each(check_account);
            for row in &list.unreadable {
                check_text(&row.why, input);
                assert!(row.sid.is_none_or(|sid| !sids.contains(&sid)), "{row:?} is also readable");
            }
        }
        Err(error) => check_error(&error, input),
    }
}

/// The number list of an account.
///
/// # Panics
/// On a defect.
pub fn numbers(input: &[u8]) {
    let Some(bench) = Bench::of_this_thread() else { return };
    let owner = account(1);
    for tries in [Tries::Repeated, Tries::Once] {
        let (listed, requests) = bench.run(input, async |client| client.numbers(owner, tries).await);
        let lists: Vec<_> = requests.into_iter().filter(|request| !request.is_of_account()).collect();
        check_pages(&lists, &format!("/2010-04-01/Accounts/{owner}/IncomingPhoneNumbers.json"));
        match listed {
            Ok(list) => {
                let sids: BTreeSet<_> = list.iter().map(|number| number.sid).collect();
                assert_eq!(sids.len(), list.len(), "a number is listed twice");
            }
            Err(error) => check_error(&error, input),
        }
    }
}

/// Single reads and writes: status codes, headers, error bodies.
///
/// # Panics
/// On a defect.
pub fn errors(input: &[u8]) {
    let Some(bench) = Bench::of_this_thread() else { return };
    for sid in [account(0), account(1)] {
        match bench.run(input, async |client| client.account(sid).await).0 {
            Ok(account) => {
                assert_eq!(account.sid, sid, "another account was taken for it");
                check_account(&account);
            }
            Err(error) => check_error(&error, input),
        }
    }
    match bench.run(input, async |client| client.number(account(1), number()).await).0 {
        Ok(found) => {
            assert!(found.is_none_or(|found| found.sid == number()), "another number was taken for it");
        }
        Err(error) => check_error(&error, input),
    }
    writes::check_all(&bench, input);
}

/// A URL that is set as the URL of Twilio.
///
/// # Panics
/// On a defect.
pub fn origin(text: &str) {
    match Origin::parse(text) {
        Ok(origin) => {
            let url = origin.at("Accounts");
            assert!(url.scheme() == "https" || origin.is_plain(), "{url}");
            assert!(url.username().is_empty() && url.password().is_none(), "{url} has credentials");
            assert_eq!(url.path(), "/2010-04-01/Accounts.json");
        }
        // A secret would be after the scheme and before an `@`, or in the path.
        Err(error) => assert!(!error.to_string().contains('@'), "{error}"),
    }
}

/// Checks that every page is one of the list at `path`, and that none is read without end.
fn check_pages(requests: &[Request], path: &str) {
    let mut counts = BTreeMap::new();
    for request in requests {
        assert_eq!(request.uri.path(), path, "{}", request.uri);
        *counts.entry(request.uri.to_string()).or_insert(0) += 1;
    }
    // One retry, and one new start of the list.
    assert!(counts.values().all(|count| *count <= 4), "{counts:?}");
}

fn check_account(account: &Account) {
    if let LiveStatus::Unknown(word) = &account.status {
        assert!(
            word.chars().count() <= MAX_STATUS && word.chars().all(|c| is_plain(c) || c == '\t'),
            "{word:?}"
        );
    }
}

fn check_error(error: &RemoteError, input: &[u8]) {
    check_text(error, input);
}

/// Checks a text that is shown to people.
fn check_text(text: &impl Display, input: &[u8]) {
    let text = text.to_string();
    assert!(!text.is_empty() && text.chars().count() <= MAX_MESSAGE, "{} characters", text.chars().count());
    assert!(text.chars().all(|c| is_plain(c) || c == '\t'), "{text:?}");
    for secret in [TOKEN, AUTHORIZATION] {
        let echoed = input.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(echoed || !text.contains(secret), "{text}");
    }
}
