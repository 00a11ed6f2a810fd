//! The daemon as a process of its own, killed and started again on the same journal.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use fastrand::Rng;
use serde_json::Value;
use soak::{Life, MAIN, TOKEN, passes_of, secrets::Secrets};
use tokio::{task::JoinHandle, time::sleep};
use twilio_sim::Sim;

pub(crate) struct Process {
    dir: PathBuf,
    sim: Sim,
    args: Vec<String>,
    child: Option<Child>,
    lives: u32,
    http: reqwest::Client,
    /// The counted passes of this process and of the earlier ones.
    passes: (u64, u64),
    search: Arc<Mutex<Search>>,
    /// Searches the answers of the present process.
    searching: Option<JoinHandle<()>>,
}

/// The search for secrets in what the daemon shows.
#[derive(Default)]
struct Search {
    /// Every secret of the world so far, also of accounts that are gone.
    secrets: Secrets,
    leaks: BTreeSet<String>,
    texts: u64,
    bytes: usize,
}

impl Search {
    fn search(&mut self, sim: &Sim, place: &str, shown: &[u8]) {
        self.secrets.add_world(&sim.world());
        self.leaks.extend(self.secrets.leaks(place, shown));
        self.texts += 1;
        self.bytes += shown.len();
    }
}

impl Process {
    pub(crate) fn new(dir: PathBuf, sim: Sim, args: Vec<String>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]);
        let http = http.timeout(Duration::from_secs(2)).build().unwrap();
        Self {
            dir,
            sim,
            args,
            child: None,
            lives: 0,
            http,
            passes: (0, 0),
            search: Arc::default(),
            searching: None,
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let binary = std::env::var_os("SUBACCOUNTD_TEST_BINARY");
        let mut command = Command::new(binary.unwrap_or_else(|| env!("CARGO_BIN_EXE_subaccountd").into()));
        command
            .args(args)
            .env_clear()
            .env("SUBACCOUNTD_TWILIO_URL", self.sim.url())
            .env("SUBACCOUNTD_JOURNAL_DIR", self.dir.join("journal"))
            .env("TWILIO_ACCOUNT_SID", MAIN)
            .env("TWILIO_AUTH_TOKEN", TOKEN)
            .stdin(Stdio::null());
        command
    }

    fn log_file(&self) -> PathBuf {
        self.dir.join(format!("log-{}", self.lives))
    }

    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        self.passes = (0, self.passes.0 + self.passes.1);
    }

    async fn get(&self, path: &str) -> Option<String> {
        get(&self.http, &self.log_file(), path).await
    }

    fn search(&self, place: &str, shown: &[u8]) {
        self.search.lock().unwrap().search(&self.sim, place, shown);
    }

    /// Searches the answers from time to time, beside the soak: before a kill, it would delay that kill.
    fn search_answers(&mut self) {
        let (http, log, sim) = (self.http.clone(), self.log_file(), self.sim.clone());
        let search = self.search.clone();
        let searching = tokio::spawn(async move {
            loop {
                sleep(Duration::from_millis(700)).await;
                for path in ["/status", "/metrics", "/snapshot", "/"] {
                    if let Some(shown) = get(&http, &log, path).await {
                        search.lock().unwrap().search(&sim, path, shown.as_bytes());
                    }
                }
            }
        });
        if let Some(before) = self.searching.replace(searching) {
            before.abort();
        }
    }

    fn search_log(&self) {
        self.search(&self.log(), &fs::read(self.log_file()).unwrap());
    }
}

impl Life for Process {
    fn start(&mut self, _: bool) {
        if self.lives > 0 {
            self.search_log();
        }
        self.lives += 1;
        let log = fs::File::create(self.log_file()).unwrap();
        let mut command = self.command(&["run", "--log-format", "json"]);
        command.args(["--listen", "127.0.0.1:0", "--status-listen", "127.0.0.1:0"]);
        command.arg("--desired").arg(self.dir.join("state")).args(&self.args);
        self.child = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        self.search_answers();
        // The logs of the last processes are enough for an analysis.
        let old = self.dir.join(format!("log-{}", self.lives.saturating_sub(40)));
        let _ = fs::remove_file(old);
    }

    fn death(&mut self) -> Option<String> {
        let status = self.child.as_mut()?.try_wait().unwrap()?;
        self.child = None;
        Some(format!("the daemon ended by itself: {status}: {}", self.log()))
    }

    fn is_running(&self) -> bool {
        self.child.is_some()
    }

    async fn kill(&mut self, _: &mut Rng) {
        self.end();
    }

    fn kill_somewhere(&mut self, _: &mut Rng) -> bool {
        false
    }

    fn spare(&mut self) {}

    fn was_killed(&mut self, _: &mut Rng) -> bool {
        false
    }

    fn edited(&self) {}

    fn log(&self) -> String {
        self.log_file().display().to_string()
    }

    async fn terminate(&mut self, within: Duration) -> Option<String> {
        let mut child = self.child.take()?;
        self.passes = (0, self.passes.0 + self.passes.1);
        Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status().unwrap();
        let begin = Instant::now();
        while begin.elapsed() < within {
            if let Some(status) = child.try_wait().unwrap() {
                let log = self.log();
                return (!status.success()).then(|| format!("SIGTERM ended it with {status}: {log}"));
            }
            sleep(Duration::from_millis(20)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        Some(format!("SIGTERM did not end it within {within:?}: {}", self.log()))
    }

    async fn count_passes(&mut self) -> u64 {
        if self.child.is_some()
            && let Some(metrics) = self.get("/metrics").await
        {
            self.passes.0 = passes_of(&metrics);
        }
        self.passes.0 + self.passes.1
    }

    async fn status(&self) -> Option<Value> {
        serde_json::from_str(&self.get("/status").await?).ok()
    }

    fn read_journal(&self) -> Option<String> {
        let read = self.command(&["journal", "-o", "json"]).output().unwrap();
        let said = String::from_utf8_lossy(&read.stderr).into_owned();
        if !read.status.success() || !said.is_empty() {
            return Some(format!("the journal does not fold: {said}"));
        }
        self.search("the journal", &read.stdout);
        self.search_log();
        let leaks = std::mem::take(&mut self.search.lock().unwrap().leaks);
        (!leaks.is_empty()).then(|| leaks.into_iter().collect::<Vec<_>>().join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
        if let Some(searching) = self.searching.take() {
            searching.abort();
        }
        let Search { texts, bytes, .. } = &*self.search.lock().unwrap();
        #[expect(clippy::print_stderr, reason = "a soak prints its counts")]
        {
            eprintln!("searched for secrets: {texts} texts of {bytes} bytes");
        }
    }
}

/// The answer of the daemon that writes `log`, if it listens.
async fn get(http: &reqwest::Client, log: &Path, path: &str) -> Option<String> {
    let log = fs::read_to_string(log).ok()?;
    let address = log.split("serving probes and metrics on ").nth(1)?.split('"').next()?;
    http.get(format!("{address}{path}")).send().await.ok()?.text().await.ok()
}
