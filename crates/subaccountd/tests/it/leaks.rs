//! The search for secrets (I9) in everything that the program shows. Each test that runs the program makes it: in the
//! output of each command, in each answer of an endpoint, and in the last answers, the log and the journal of each daemon.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use soak::secrets::Secrets;
use twilio_sim::{AccountStatus, World};

use crate::support::{Setup, TOKEN, ac, code, entry, eventually, output, phone, state, world};

/// The password and the key in the webhook URL of each number of [`crate::support::fleet`].
const HOOK_PASSWORD: &str = "hook-password-that-nobody-may-see";
const HOOK_KEY: &str = "hook-key-that-nobody-may-see";
/// The paths of both listeners.
const PATHS: [&str; 6] = ["/status", "/metrics", "/snapshot", "/", "/readyz", "/livez"];

/// The secrets of all worlds of this process.
static SECRETS: Mutex<Secrets> = Mutex::new(Secrets::new());

fn secrets() -> MutexGuard<'static, Secrets> {
    SECRETS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A webhook URL with credentials in its user information and in its query.
pub(crate) fn hook() -> String {
    format!("https://hook:{HOOK_PASSWORD}@hooks.example/voice?key={HOOK_KEY}")
}

/// Makes every secret of `world` known.
pub(crate) fn know_world(world: &World) {
    let mut secrets = secrets();
    secrets.add_world(world);
    secrets.add(HOOK_PASSWORD);
    secrets.add(HOOK_KEY);
}

/// Makes a token of the main account known.
pub(crate) fn know_token(token: &str) {
    secrets().add_token(&ac(0), token);
}

/// Makes another secret known.
pub(crate) fn know(secret: &str) {
    secrets().add(secret);
}

fn leaks(place: &str, shown: &[u8]) -> BTreeSet<String> {
    secrets().leaks(place, shown)
}

/// Fails when `shown` has a secret.
pub(crate) fn assert_none(place: &str, shown: &[u8]) {
    let leaks = leaks(place, shown);
    assert!(leaks.is_empty(), "{leaks:#?}");
}

/// The same for a value that is dropped, perhaps by a test that failed already.
pub(crate) fn assert_none_at_the_end(leaks: &BTreeSet<String>) {
    assert!(leaks.is_empty() || std::thread::panicking(), "{leaks:#?}");
}

/// The leaks of the endpoints at `url`, as far as they still answer.
pub(crate) fn of_endpoints(url: &str) -> BTreeSet<String> {
    let mut leaks = BTreeSet::new();
    for path in PATHS {
        // A daemon that stands still answers none.
        let Ok(answer) = get(url, path) else { break };
        leaks.extend(self::leaks(path, &answer));
    }
    leaks
}

/// Asks without a runtime and as HTTP/1.0, so that no answer comes in chunks.
fn get(url: &str, path: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://"))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

/// The leaks of the files in `folder`, such as the journal and its archives. Webhook URLs may be there and nowhere else.
pub(crate) fn of_files(folder: &Path) -> BTreeSet<String> {
    let Ok(files) = fs::read_dir(folder) else { return BTreeSet::new() };
    let mut leaks = BTreeSet::new();
    for file in files.map(|file| file.unwrap().path()).filter(|path| path.is_file()) {
        leaks.extend(of_file(&file));
    }
    leaks.retain(|leak| !leak.contains(HOOK_PASSWORD) && !leak.contains(HOOK_KEY));
    leaks
}

/// The leaks of the file at `path`.
pub(crate) fn of_file(path: &Path) -> BTreeSet<String> {
    fs::read(path).map_or_else(|_| BTreeSet::new(), |bytes| leaks(&path.display().to_string(), &bytes))
}

/// A secret that the program shows, for it stands in a friendly name, is found in every place.
#[tokio::test]
async fn search_finds_a_secret_in_every_place_that_shows_it() {
    let leaked = "a-planted-token-that-is-shown";
    let world = world().account(&ac(1), leaked, AccountStatus::Active);
    let world = world.number("PN00000000000000000000000000000001", &phone(1), &ac(1));
    let setup = Setup::new(world, &state(&entry(1, "suspended", &format!(", reason: {leaked}")))).await;
    let daemon = setup.daemon(&["--interval", "100ms"]).await;
    daemon.settled().await;
    eventually("the journal names it", async || {
        fs::read_to_string(setup.journal_dir().join("journal.jsonl")).unwrap().contains(leaked)
    })
    .await;
    let plan = setup.run(&["plan"]).await;
    let explained = setup.run(&["explain", &ac(1)]).await;
    assert_eq!((code(&plan), code(&explained)), (0, 0));
    assert_eq!(leaks("here", TOKEN.as_bytes()).len(), 1, "the main token is known to the search");
    let places = known_for_a_while(leaked, || {
        let mut places = of_endpoints(daemon.url());
        places.extend(of_files(&setup.journal_dir()));
        places.extend(leaks("the log", daemon.log().as_bytes()));
        places.extend(leaks("explain", &explained.stdout));
        places
    });
    for place in ["/status", "/snapshot", "/ ", "journal.jsonl", "the log", "explain"] {
        assert!(places.iter().any(|leak| leak.contains(place)), "{place}: {places:?}");
    }
}

/// What `search` finds while `secret` is known.
fn known_for_a_while(secret: &str, search: impl FnOnce() -> BTreeSet<String>) -> BTreeSet<String> {
    secrets().add(secret);
    let found = search();
    secrets().remove(secret);
    found
}

/// Output is searched as well: a test cannot show a secret unnoticed.
#[tokio::test]
async fn secret_in_the_output_of_a_command_fails_its_test() {
    let mut command = std::process::Command::new("echo");
    command.arg(format!("token: {TOKEN}."));
    know_token(TOKEN);
    let ended = tokio::spawn(output(command)).await;
    assert!(ended.unwrap_err().is_panic());
}
