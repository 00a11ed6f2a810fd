//! The parts of the tests: a simulator, a state on disk, and the binary.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use twilio_sim::{AccountStatus, Sim, World, WorldBuilder};

use crate::leaks;

pub(crate) const TOKEN: &str = "a-main-token-that-nobody-may-see";
/// The longest wait of a test.
const PATIENCE: Duration = Duration::from_secs(30);

/// The n-th account SID; 0 is the main account.
pub(crate) fn ac(n: u64) -> String {
    format!("AC{n:032x}")
}

/// The n-th phone number.
pub(crate) fn phone(n: u64) -> String {
    World::phone_numbered(n)
}

pub(crate) fn world() -> WorldBuilder {
    World::builder(&ac(0), TOKEN)
}

/// A world of `n` active accounts, named a1, a2, …, of which the first `numbers` hold the number of their own index.
pub(crate) fn fleet(n: u64, numbers: u64) -> WorldBuilder {
    let accounts =
        (1..=n).fold(world(), |world, i| world.account(&ac(i), &format!("a{i}"), AccountStatus::Active));
    (1..=numbers).fold(accounts, |world, i| {
        world.number_with(&format!("PN{i:032x}"), &phone(i), &ac(i), |number| {
            number.settings.set("VoiceUrl", &leaks::hook()).unwrap();
        })
    })
}

/// A state with these entries under `subaccounts`.
pub(crate) fn state(entries: &str) -> String {
    format!(
        "apiVersion: subaccountd/v1\nkind: DesiredState\nmainAccount: {{sid: {}}}\nsubaccounts:\n{entries}",
        ac(0)
    )
}

/// An entry of account `n`, with more keys in flow style.
pub(crate) fn entry(n: u64, status: &str, more: &str) -> String {
    format!("  - {{sid: {}, status: {status}{more}}}\n", ac(n))
}

/// A simulator and a folder with a state.
pub(crate) struct Setup {
    pub(crate) sim: Sim,
    pub(crate) dir: TempDir,
}

impl Setup {
    pub(crate) async fn new(world: WorldBuilder, state: &str) -> Self {
        let setup = Self { sim: Sim::start(world.build()).await.unwrap(), dir: TempDir::new().unwrap() };
        leaks::know_world(&setup.sim.world());
        setup.write(state);
        setup
    }

    pub(crate) fn state_path(&self) -> PathBuf {
        self.dir.path().join("desired.yaml")
    }

    pub(crate) fn journal_dir(&self) -> PathBuf {
        self.dir.path().join(".journal")
    }

    /// Replaces the state as editors do.
    pub(crate) fn write(&self, state: &str) {
        let new = self.dir.path().join(".new");
        fs::write(&new, state).unwrap();
        fs::rename(new, self.state_path()).unwrap();
    }

    /// A command with this simulator and this state, without the environment of the machine.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = bare(args);
        command
            .env("SUBACCOUNTD_TWILIO_URL", self.sim.url())
            .env("TWILIO_ACCOUNT_SID", ac(0))
            .env("TWILIO_AUTH_TOKEN", TOKEN)
            .env("SUBACCOUNTD_JOURNAL_DIR", self.journal_dir())
            .env("SUBACCOUNTD_DESIRED", self.state_path());
        command
    }

    /// Runs the binary to its end.
    pub(crate) async fn run(&self, args: &[&str]) -> Output {
        output(self.command(args)).await
    }

    /// Starts the daemon and waits for it to listen.
    pub(crate) async fn daemon(&self, args: &[&str]) -> Daemon {
        Daemon::start(self.command(&[&["run"], args].concat()), &self.dir.path().join(".log")).await
    }

    /// Lets a pass observe the fleet, so that the journal knows every account as it is now.
    pub(crate) async fn observed(&self) {
        let desired = fs::read_to_string(self.state_path()).unwrap();
        self.write(&state("  []\n"));
        assert_eq!(code(&self.run(&["apply"]).await), 0);
        self.write(&desired);
    }

    /// Suspends account `n` as a person in the Console does.
    pub(crate) fn suspend_elsewhere(&self, n: u64) {
        self.sim.edit_account(&ac(n), |account| account.status = AccountStatus::Suspended).unwrap();
    }

    /// The writes that reached the simulator: method and path.
    pub(crate) fn posts(&self) -> Vec<String> {
        self.sim
            .requests()
            .into_iter()
            .filter(|request| request.method != "GET")
            .map(|request| request.path)
            .collect()
    }

    pub(crate) fn status_of(&self, n: u64) -> AccountStatus {
        self.sim.world().status(&ac(n)).unwrap()
    }

    pub(crate) fn owner(&self, number: u64) -> String {
        self.sim.world().owner_of(&phone(number)).map(ToString::to_string).unwrap_or_default()
    }
}

impl Drop for Setup {
    fn drop(&mut self) {
        leaks::assert_none_at_the_end(&leaks::of_files(&self.journal_dir()));
    }
}

/// The binary without the environment of the machine.
pub(crate) fn bare(args: &[&str]) -> Command {
    // The tests can run another build of the program.
    let binary = std::env::var_os("SUBACCOUNTD_TEST_BINARY");
    let mut command = Command::new(binary.unwrap_or_else(|| env!("CARGO_BIN_EXE_subaccountd").into()));
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

/// Runs `command` to its end, off the runtime that serves the simulator. Its output has no secret.
pub(crate) async fn output(mut command: Command) -> Output {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    leaks::assert_none("standard output", &output.stdout);
    leaks::assert_none("standard error", &output.stderr);
    output
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The output, with a space for each line end and indent.
pub(crate) fn flat(output: &Output) -> String {
    stdout(output).split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A running daemon, searched for secrets and killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
    url: String,
    http: reqwest::Client,
}

impl Daemon {
    pub(crate) async fn start(mut command: Command, log: &Path) -> Self {
        command.env("SUBACCOUNTD_LISTEN", "127.0.0.1:0").env("SUBACCOUNTD_STATUS_LISTEN", "127.0.0.1:0");
        command.env("SUBACCOUNTD_LOG_FORMAT", "json");
        Self::start_as_is(command, log).await
    }

    /// The same, with the addresses of `command`.
    pub(crate) async fn start_as_is(mut command: Command, log: &Path) -> Self {
        for (name, value) in command.get_envs() {
            if let ("TWILIO_AUTH_TOKEN", Some(token)) = (name.to_str().unwrap(), value) {
                leaks::know_token(token.to_str().unwrap());
            }
        }
        // An earlier daemon may have had the same log.
        leaks::assert_none_at_the_end(&leaks::of_file(log));
        let file = fs::File::create(log).unwrap();
        // It prints nothing; what it printed would be searched.
        let child = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let mut daemon = Self { child, log: log.to_owned(), url: String::new(), http };
        let address = "serving probes and metrics on ";
        eventually("the daemon listens", async || daemon.log().contains(address)).await;
        let log = daemon.log();
        let url = log.split(address).nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        daemon.url = url.to_owned();
        daemon
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// The answer of `path`: status code and body.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        let (code, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        leaks::assert_none(path, text.as_bytes());
        (code, text)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub(crate) async fn status(&self) -> Value {
        serde_json::from_str(&self.get("/status").await.1).unwrap()
    }

    /// The value of a series in the notation of Prometheus.
    pub(crate) async fn metric(&self, series: &str) -> f64 {
        let text = self.get("/metrics").await.1;
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no series {series}")).parse().unwrap()
    }

    /// Waits until a pass ended.
    pub(crate) async fn first_pass(&self) {
        let ended = async || {
            let (code, text) = self.get("/status").await;
            code == 200 && !text.contains(r#""result":null"#)
        };
        eventually("a pass", ended).await;
    }

    /// Waits until the last pass saw this state and left nothing to do.
    pub(crate) async fn settled(&self) {
        eventually("settled", async || {
            let status = self.status().await;
            status["plan"]["actions"].as_array().is_some_and(Vec::is_empty)
                && status["plan"]["held"].as_array().is_some_and(Vec::is_empty)
                && status["lastPass"]["result"] == "success"
                && time(&status["lastPass"]["startedAt"]) >= time(&status["desiredState"]["loadedAt"])
        })
        .await;
    }

    /// Waits until `passes` more passes ended.
    pub(crate) async fn more_passes(&self, passes: u32) {
        let ended = async || {
            self.metric("subaccountd_passes_total{result=\"success\"}").await
                + self.metric("subaccountd_passes_total{result=\"failed\"}").await
        };
        let before = ended().await;
        eventually("more passes", async || ended().await >= before + f64::from(passes)).await;
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the daemon ends", async || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let mut leaks = leaks::of_file(&self.log);
        if self.runs() && !self.url.is_empty() {
            leaks.extend(leaks::of_endpoints(&self.url));
        }
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        leaks::assert_none_at_the_end(&leaks);
    }
}

/// A time as `/status` shows it.
pub(crate) fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

/// Waits until `holds`.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !holds().await {
        assert!(begin.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
