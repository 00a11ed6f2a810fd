//! What must not be seen: a secret that is shown, credentials on their way to another host, too many requests.

use std::{
    collections::BTreeSet,
    fs, io,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use soak::secrets::{SETTING, Secrets};
use tracing_subscriber::fmt::MakeWriter;
use twilio_sim::Sim;

use crate::lists::Lists;

/// The most requests for each second, and besides: two passes over a few accounts, each read and looked at again.
const REQUESTS_PER_SECOND: u64 = 60;
const MORE_REQUESTS: u64 = 400;
/// The longest journal, in bytes: for a small fleet, and for each account.
const MAX_JOURNAL: u64 = 1024 * 1024;
const MAX_JOURNAL_OF_AN_ACCOUNT: u64 = 8 * 1024;
/// So many secrets are looked for together.
const MANY_SECRETS: usize = 200;

/// The log of a daemon, in memory.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Sees every request, and searches what a daemon shows.
pub(crate) struct Watch {
    sim: Sim,
    log: Log,
    requests: AtomicU64,
    /// The POSTs of this life, and the intents in the journal before it; none without a journal.
    writes: Mutex<Option<(usize, usize)>>,
    lists: Mutex<Lists>,
    complaints: Mutex<BTreeSet<String>>,
}

impl Watch {
    pub(crate) fn new(sim: Sim, log: Log) -> Self {
        Self {
            sim,
            log,
            requests: AtomicU64::new(0),
            writes: Mutex::default(),
            lists: Mutex::default(),
            complaints: Mutex::default(),
        }
    }

    pub(crate) fn complain(&self, what: String) {
        self.complaints.lock().unwrap().insert(what);
    }

    pub(crate) fn request(&self, request: &http::Request<Vec<u8>>, sim: &Sim) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let authority = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        if !sim.url().ends_with(&authority) || authority.is_empty() {
            self.complain(format!("I10: a request to `{authority}`"));
        }
        if let Err(what) = self.lists.lock().unwrap().see(request) {
            self.complain(what);
        }
    }

    /// A daemon starts on this journal.
    pub(crate) fn starts(&self, journal: Option<&Path>) {
        *self.writes.lock().unwrap() = journal.map(|journal| (0, intents(journal)));
    }

    /// A POST arrives: it has an intent of its own in the journal.
    pub(crate) fn write(&self, journal: &Path, ends_a_call: bool) {
        // The calls of one account are ended under one intent.
        if ends_a_call {
            return;
        }
        if let Some((writes, before)) = self.writes.lock().unwrap().as_mut() {
            *writes += 1;
            let intents = intents(journal).saturating_sub(*before);
            if intents < *writes {
                self.complain(format!("I8: {writes} POSTs and {intents} intents"));
            }
        }
    }

    /// Searches a text for every secret of the world.
    pub(crate) fn search(&self, place: &str, text: &str) {
        let mut secrets = Secrets::new();
        secrets.add(SETTING);
        secrets.add_world(&self.sim.world());
        // Most worlds are small, and the texts are many: each secret is looked for alone.
        let is_shown = if secrets.all().count() > MANY_SECRETS {
            !secrets.leaks(place, text.as_bytes()).is_empty()
        } else {
            secrets.all().any(|secret| text.contains(secret))
        };
        if is_shown {
            self.complain(format!("I9: {place} shows a secret"));
        }
    }

    pub(crate) fn search_file(&self, place: &str, path: &Path) {
        if let Ok(text) = fs::read_to_string(path) {
            self.search(place, &text);
        }
    }

    /// All that was seen, in the end.
    pub(crate) fn complaints(&self, lasted: Duration, journal: &Path) -> Vec<String> {
        let log = String::from_utf8_lossy(&self.log.0.lock().unwrap()).into_owned();
        self.search("the log", &log);
        let requests = self.requests.load(Ordering::Relaxed);
        if requests > MORE_REQUESTS + lasted.as_secs() * REQUESTS_PER_SECOND {
            self.complain(format!("I6: {requests} requests in {lasted:?}"));
        }
        let length = fs::metadata(journal).map_or(0, |metadata| metadata.len());
        let accounts = self.sim.world().accounts().count().try_into().unwrap_or(u64::MAX);
        if length > MAX_JOURNAL.max(accounts * MAX_JOURNAL_OF_AN_ACCOUNT) {
            self.complain(format!("I6: a journal of {length} bytes"));
        }
        self.complaints.lock().unwrap().iter().cloned().collect()
    }
}

fn intents(journal: &Path) -> usize {
    let text = fs::read_to_string(journal).unwrap_or_default();
    text.lines().filter(|line| line.contains(r#""event":"intent""#)).count()
}
