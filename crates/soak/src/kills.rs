//! Kills and starts of the daemon.

use std::time::Duration;

use tokio::time::Instant;

use crate::{Life, Soak};

/// The times at which it is killed, and started again.
#[derive(Default)]
pub(crate) struct Kills {
    starts_at: Option<Instant>,
    at: Option<Instant>,
    /// Kill it so long after the next write arrived.
    on_write: Option<(u64, Duration)>,
    /// It will be killed at a moment of its own choice.
    by_itself: bool,
}

impl<L: Life> Soak<L> {
    pub(crate) fn start(&mut self, dry_run: bool) {
        self.is_dry_run = dry_run;
        self.judge.book().starts(dry_run);
        self.process.start(dry_run);
    }

    pub(crate) fn kill_soon(&mut self) {
        let kills = &mut self.kills;
        if kills.at.is_some() || kills.on_write.is_some() || kills.by_itself || !self.process.is_running() {
            return;
        }
        let after = Duration::from_millis(self.rng.u64(0..80));
        if self.rng.bool() && self.process.kill_somewhere(&mut self.rng) {
            kills.by_itself = true;
        } else if self.rng.bool() {
            kills.on_write = Some((self.judge.book().arrivals, after));
        } else {
            kills.at = Some(Instant::now() + after);
        }
    }

    /// Kills and starts the daemon when it is time to.
    pub(crate) async fn live(&mut self) {
        if let Some(death) = self.process.death() {
            self.violation(&death);
            self.kills.starts_at = Some(Instant::now());
        }
        let arrivals = self.judge.book().arrivals;
        let kills = &mut self.kills;
        if let Some((_, after)) = kills.on_write.take_if(|(seen, _)| arrivals > *seen) {
            kills.at = Some(Instant::now() + after);
        }
        // A daemon that writes nothing is killed as well: it trusts no clock for an hour after one that jumped.
        if kills.on_write.is_some() && self.rng.u8(0..60) == 0 {
            (kills.on_write, kills.at) = (None, Some(Instant::now()));
        }
        if kills.at.take_if(|at| *at <= Instant::now()).is_some() && self.process.is_running() {
            self.kill().await;
            self.is_away();
        }
        if self.kills.by_itself && self.process.was_killed(&mut self.rng) {
            self.kills.by_itself = false;
            self.count("kills: anywhere");
            self.ended();
            self.is_away();
        }
        if self.kills.starts_at.take_if(|at| *at <= Instant::now()).is_some() {
            let dry_run = self.process.is_simulated() && !self.is_undisturbed() && self.rng.u8(0..12) == 0;
            self.count(if dry_run { "starts of a dry run" } else { "starts again" });
            self.start(dry_run);
        }
    }

    async fn kill(&mut self) {
        self.process.count_passes().await;
        if self.rng.u8(0..5) == 0 {
            self.count("kills: SIGTERM");
            // The request time-out and 5 s, and what a busy machine adds.
            if let Some(what) = self.process.terminate(Duration::from_secs(9)).await {
                self.violation(&what);
            }
            self.judge.book().ends();
            if !self.keeps_a_journal() {
                self.judge.book().journal_lost(None);
            }
        } else {
            self.count("kills: SIGKILL");
            self.process.kill(&mut self.rng).await;
            self.ended();
        }
    }

    /// It was killed.
    pub(crate) fn ended(&mut self) {
        let mut book = self.judge.book();
        book.killed();
        if !self.keeps_a_journal() {
            book.journal_lost(None);
        }
    }

    /// Some time passes before it is started again.
    fn is_away(&mut self) {
        let away = if self.rng.u8(0..6) == 0 { self.rng.u64(2_000..9_000) } else { self.rng.u64(0..600) };
        self.kills.starts_at = Some(Instant::now() + Duration::from_millis(away));
        if self.process.is_simulated() && !self.is_undisturbed() && self.keeps_a_journal() {
            self.lose_the_journal();
        }
        if self.rng.u8(0..5) == 0
            && self.keeps_a_journal()
            && let Some(what) = self.process.read_journal()
        {
            self.violation(&what);
        }
    }
}
