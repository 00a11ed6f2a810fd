//! The daemon as a process of its own, killed and started again on the same journal.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use fastrand::Rng;
use serde_json::Value;
use soak::{Life, MAIN, TOKEN, passes_of, secrets::Secrets};
use tokio::time::sleep;
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
    /// Every secret of the world so far, also of accounts that are gone.
    secrets: RefCell<Secrets>,
    /// What showed a secret.
    leaks: RefCell<BTreeSet<String>>,
    /// The number of texts that were searched for secrets, and of their bytes.
    searched: RefCell<(u64, u64)>,
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
            secrets: RefCell::default(),
            leaks: RefCell::default(),
            searched: RefCell::default(),
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
        let log = fs::read_to_string(self.log_file()).ok()?;
        let address = log.split("serving probes and metrics on ").nth(1)?.split('"').next()?;
        let answer = self.http.get(format!("{address}{path}")).send().await.ok()?;
        let text = answer.text().await.ok()?;
        self.search(path, text.as_bytes());
        Some(text)
    }

    /// Searches what the daemon showed for secrets.
    fn search(&self, place: &str, shown: &[u8]) {
        let mut secrets = self.secrets.borrow_mut();
        secrets.add_world(&self.sim.world());
        self.leaks.borrow_mut().extend(secrets.leaks(place, shown));
        let mut searched = self.searched.borrow_mut();
        *searched = (searched.0 + 1, searched.1 + u64::try_from(shown.len()).unwrap());
    }

    fn search_log(&self) {
        self.search(&self.log(), &fs::read(self.log_file()).unwrap());
    }
}

impl Life for Process {
    fn start(&mut self) {
        if self.lives > 0 {
            self.search_log();
        }
        self.lives += 1;
        let log = fs::File::create(self.log_file()).unwrap();
        let mut command = self.command(&["run", "--log-format", "json"]);
        command.args(["--listen", "127.0.0.1:0", "--status-listen", "127.0.0.1:0"]);
        command.arg("--desired").arg(self.dir.join("state")).args(&self.args);
        self.child = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
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
            // It is about to be killed: these are the last answers.
            for path in ["/status", "/snapshot", "/"] {
                self.get(path).await;
            }
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
        let leaks = self.leaks.take();
        (!leaks.is_empty()).then(|| leaks.into_iter().collect::<Vec<_>>().join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
        let (texts, bytes) = self.searched.take();
        #[expect(clippy::print_stderr, reason = "a soak prints its counts")]
        {
            eprintln!("searched for secrets: {texts} texts of {bytes} bytes");
        }
    }
}
