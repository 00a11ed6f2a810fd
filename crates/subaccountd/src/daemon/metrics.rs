//! Metrics, in a registry of their own. No SID, number or error text is a label.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry,
    TextEncoder, core::Collector, process_collector::ProcessCollector,
};
use subaccountd_core::{
    ActionKind, Reason, Report, Status,
    report::{PassResult, PlanView},
};
use subaccountd_twilio::{Operation, RequestOutcome, Telemetry};

mod budgets;
mod health;

use budgets::BudgetGauges;
pub(crate) use health::Health;

use crate::{clock, output::standard_error::DROPPED_LINES, version::VERSION};

/// The results of a write, as label values.
const RESULTS: [&str; 4] = ["done", "refused", "unknown", "skipped"];
const BOOLEANS: [&str; 2] = ["true", "false"];

/// Makes metrics of one registry.
struct Maker<'a>(&'a Registry);

impl Maker<'_> {
    fn gauge(&self, name: &str, help: &str) -> Gauge {
        register(self.0, Gauge::new(format!("subaccountd_{name}"), help))
    }

    /// A family; without labels it has no series until it is set.
    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        register(self.0, GaugeVec::new(Opts::new(format!("subaccountd_{name}"), help), labels))
    }
}

/// Every metric.
pub(crate) struct Metrics {
    registry: Registry,
    desired: GaugeVec,
    observed: GaugeVec,
    numbers: GaugeVec,
    passes: IntCounterVec,
    pass_duration: Histogram,
    last_pass: Gauge,
    last_success: Gauge,
    health: Health,
    next_close: Gauge,
    planned: GaugeVec,
    held: GaugeVec,
    held_oldest: GaugeVec,
    actions: IntCounterVec,
    budgets: BudgetGauges,
    at_risk: Gauge,
    notifications: IntCounterVec,
    requests: IntCounterVec,
    request_duration: HistogramVec,
    in_flight_limit: Gauge,
    request_count: Arc<AtomicU64>,
    started: Instant,
    /// The time at which a pass last began or a request last ended, in milliseconds since the start.
    last_activity: AtomicU64,
}

/// Registers the metric in `made`. Names and labels are constants, so the first test finds any failure.
#[expect(
    clippy::expect_used,
    reason = "names and labels are constants of this file, and a test registers them all"
)]
fn register<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let metric = made.expect("a valid metric");
    registry.register(Box::new(metric.clone())).expect("a metric registered once");
    metric
}

impl Metrics {
    /// All metrics, each series of a finite label set at 0.
    pub(crate) fn new() -> Self {
        let registry = Registry::new();
        let make = Maker(&registry);
        let gauge = |name: &str, help: &str| make.gauge(name, help);
        let gauges = |name: &str, help: &str, labels: &[&str]| make.gauges(name, help, labels);
        let counters = |name: &str, help: &str, labels: &[&str]| {
            register(&registry, IntCounterVec::new(Opts::new(format!("subaccountd_{name}"), help), labels))
        };
        let buckets = |name: &str, help: &str, first: f64, count: usize| {
            let buckets = (0..count).scan(first, |at, _| Some(std::mem::replace(at, *at * 2.0))).collect();
            HistogramOpts::new(format!("subaccountd_{name}"), help).buckets(buckets)
        };
        let build = gauges("build_info", "Version of the program; always 1.", &["version", "revision"]);
        build
            .with_label_values(&[VERSION, option_env!("SUBACCOUNTD_BUILD_REVISION").unwrap_or("unknown")])
            .set(1.0);
        let pass_duration = buckets("pass_duration_seconds", "Duration of passes.", 0.05, 14);
        let request_duration =
            buckets("twilio_request_duration_seconds", "Duration of requests to Twilio.", 0.01, 13);
        let metrics = Self {
            desired: gauges("desired_subaccounts", "Listed subaccounts, by desired status.", &["status"]),
            observed: gauges(
                "observed_subaccounts",
                "Subaccounts at Twilio, by status and by whether the desired state lists them.",
                &["status", "managed"],
            ),
            numbers: gauges("observed_numbers", "Phone numbers in the lists that were read.", &["managed"]),
            passes: counters("passes_total", "Passes that ended, by result.", &["result"]),
            pass_duration: register(&registry, Histogram::with_opts(pass_duration)),
            last_pass: gauge("last_pass_timestamp_seconds", "Time of the end of the last pass."),
            last_success: gauge("last_success_timestamp_seconds", "Time of the last successful pass."),
            health: Health::new(&make),
            budgets: BudgetGauges::new(&make),
            next_close: gauge(
                "next_close_timestamp_seconds",
                "Time at which the first pending close is due; 0 if none.",
            ),
            planned: gauges("planned_actions", "Planned actions that remain, by action kind.", &["kind"]),
            held: gauges("held_items", "Held items, by reason.", &["reason"]),
            held_oldest: gauges(
                "held_oldest_timestamp_seconds",
                "Time since which the oldest item is held, by reason; 0 if none.",
                &["reason"],
            ),
            actions: counters("actions_total", "Writes, by action kind and result.", &["kind", "result"]),
            at_risk: gauge(
                "numbers_at_risk",
                "Numbers that the pending closes and releases would release, less those that a limit keeps back.",
            ),
            notifications: counters("notifications_total", "Notifications, by result.", &["result"]),
            requests: counters("twilio_requests_total", "Requests to Twilio.", &["operation", "outcome"]),
            request_duration: register(&registry, HistogramVec::new(request_duration, &["operation"])),
            in_flight_limit: gauge("twilio_in_flight_limit", "Current limit of requests in flight."),
            request_count: Arc::default(),
            started: Instant::now(),
            last_activity: AtomicU64::default(),
            registry,
        };
        // Without /proc there are no process metrics.
        let _ = metrics.registry.register(Box::new(ProcessCollector::for_self()));
        // Its name is a constant, and it is registered once.
        let _ = metrics.registry.register(Box::new(DROPPED_LINES.clone()));
        metrics.start_at_zero();
        metrics
    }

    fn start_at_zero(&self) {
        for status in Status::ALL {
            self.desired.with_label_values(&[status.as_str()]).set(0.0);
            for managed in BOOLEANS {
                self.observed.with_label_values(&[status.as_str(), managed]).set(0.0);
            }
        }
        for managed in BOOLEANS {
            self.numbers.with_label_values(&[managed]).set(0.0);
        }
        for result in ["success", "failed"] {
            self.passes.with_label_values(&[result]).inc_by(0);
        }
        for result in ["sent", "failed"] {
            self.notifications.with_label_values(&[result]).inc_by(0);
        }
        for kind in ActionKind::ALL {
            self.planned.with_label_values(&[kind.as_str()]).set(0.0);
            for result in RESULTS {
                self.actions.with_label_values(&[kind.as_str(), result]).inc_by(0);
            }
        }
        for reason in Reason::ALL {
            self.held.with_label_values(&[reason.as_str()]).set(0.0);
            self.held_oldest.with_label_values(&[reason.as_str()]).set(0.0);
        }
        for operation in Operation::ALL {
            let _ = self.request_duration.with_label_values(&[operation.as_str()]);
            for outcome in RequestOutcome::ALL {
                self.requests.with_label_values(&[operation.as_str(), outcome.as_str()]).inc_by(0);
            }
        }
    }

    /// The counter of all requests.
    pub(crate) fn request_count(&self) -> Arc<AtomicU64> {
        self.request_count.clone()
    }

    /// Records that a pass begins.
    pub(crate) fn pass_begins(&self) {
        self.active();
    }

    fn active(&self) {
        self.last_activity.store(self.since_start(), Ordering::Relaxed);
    }

    /// The time since a pass last began or a request last ended.
    pub(crate) fn idle(&self) -> Duration {
        Duration::from_millis(self.since_start().saturating_sub(self.last_activity.load(Ordering::Relaxed)))
    }

    fn since_start(&self) -> u64 {
        self.started.elapsed().as_millis().try_into().unwrap_or(u64::MAX)
    }

    /// Counts a notification that was sent, or given up.
    pub(crate) fn notified(&self, is_sent: bool) {
        self.notifications.with_label_values(&[if is_sent { "sent" } else { "failed" }]).inc();
    }

    /// Counts a pass that ended before it could be reported.
    pub(crate) fn pass_failed(&self) {
        self.passes.with_label_values(&["failed"]).inc();
        self.last_pass.set(seconds(clock::now()));
    }

    /// Publishes what a pass found and did.
    pub(crate) fn publish(&self, report: &Report, credentials_valid: Option<bool>) {
        self.publish_state(report);
        let pass = &report.last_pass;
        if let (Some(result), Some(started_at), Some(finished_at)) =
            (pass.result, pass.started_at, pass.finished_at)
        {
            self.pass_duration.observe(finished_at.duration_since(started_at).as_secs_f64());
            self.last_pass.set(seconds(finished_at));
            let result = match result {
                PassResult::Success => {
                    self.last_success.set(seconds(finished_at));
                    "success"
                }
                PassResult::Failed => "failed",
            };
            self.passes.with_label_values(&[result]).inc();
        }
        for executed in &report.executed {
            let kind = executed.planned.action.kind().as_str();
            self.actions.with_label_values(&[kind, executed.outcome.as_str()]).inc();
        }
        self.health.publish(report, credentials_valid);
        self.publish_plan(&report.plan);
        self.publish_next_close(report);
        self.publish_figures(report);
    }

    /// Publishes what was read of the state, and nothing else.
    pub(crate) fn publish_state(&self, report: &Report) {
        self.health.publish_state(report);
    }

    /// The health of the daemon, for what is known between passes.
    pub(crate) const fn health(&self) -> &Health {
        &self.health
    }

    fn publish_plan(&self, plan: &PlanView) {
        for kind in ActionKind::ALL {
            let planned = plan.actions.iter().filter(|action| action.kind == kind).count();
            self.planned.with_label_values(&[kind.as_str()]).set(count(planned));
        }
        for reason in Reason::ALL {
            let held = plan.held.iter().filter(|held| held.reason == reason);
            let oldest = held.clone().map(|held| held.since).min();
            self.held.with_label_values(&[reason.as_str()]).set(count(held.count()));
            self.held_oldest.with_label_values(&[reason.as_str()]).set(oldest.map_or(0.0, seconds));
        }
    }

    fn publish_next_close(&self, report: &Report) {
        let plan = &report.plan;
        let planned = plan.actions.iter().any(|action| action.kind == ActionKind::Close);
        let now = report.last_pass.finished_at.filter(|_| planned);
        let waiting =
            plan.held.iter().filter(|held| held.kind == ActionKind::Close).filter_map(|held| held.due);
        self.next_close.set(now.into_iter().chain(waiting).min().map_or(0.0, seconds));
    }

    fn publish_figures(&self, report: &Report) {
        let figures = &report.figures;
        for status in Status::ALL {
            let desired = figures.desired.get(&status).copied().unwrap_or_default();
            self.desired.with_label_values(&[status.as_str()]).set(count(desired));
            for managed in [true, false] {
                let observed = figures.observed.get(&(status, managed)).copied().unwrap_or_default();
                self.observed.with_label_values(&[status.as_str(), word(managed)]).set(count(observed));
            }
        }
        for managed in [true, false] {
            let numbers = figures.numbers.get(&managed).copied().unwrap_or_default();
            self.numbers.with_label_values(&[word(managed)]).set(count(numbers));
        }
        self.at_risk.set(count(figures.at_risk));
        self.budgets.set(figures);
    }

    /// The text format of Prometheus.
    pub(crate) fn render(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        // The encoder writes `inf`; the text format requires `+Inf`.
        Ok(String::from_utf8_lossy(&text).replace(" inf\n", " +Inf\n").into_bytes())
    }
}

impl Telemetry for Metrics {
    fn request_ended(&self, operation: Operation, outcome: RequestOutcome, took: Duration) {
        self.active();
        self.request_count.fetch_add(1, Ordering::Relaxed);
        self.requests.with_label_values(&[operation.as_str(), outcome.as_str()]).inc();
        self.request_duration.with_label_values(&[operation.as_str()]).observe(took.as_secs_f64());
    }

    fn in_flight_limit(&self, limit: usize) {
        self.in_flight_limit.set(count(limit));
    }
}

const fn word(managed: bool) -> &'static str {
    if managed { "true" } else { "false" }
}

#[expect(clippy::cast_precision_loss, reason = "every count here is below 2^52")]
const fn count(n: usize) -> f64 {
    n as f64
}

fn seconds(time: Timestamp) -> f64 {
    time.as_duration().as_secs_f64()
}
