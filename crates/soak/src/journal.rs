//! What people and machines do to the journal of a daemon: it is lost, or restored from a backup.

use std::fs;

use tokio::time::Instant;

use crate::{Life, Soak};

/// A copy of the journal.
pub(crate) struct Backup {
    bytes: Vec<u8>,
    made: Instant,
}

impl<L: Life> Soak<L> {
    /// Makes a backup while it is in use.
    pub(crate) fn handle_the_journal(&mut self) {
        if let Ok(bytes) = fs::read(self.process.journal()) {
            self.count("backups of the journal");
            self.backup = Some(Backup { bytes, made: Instant::now() });
        }
    }

    /// While no daemon runs, its journal is lost at times, or an older one is put in its place.
    pub(crate) fn lose_the_journal(&mut self) {
        match self.rng.u8(0..30) {
            0 => {
                if let Some(dir) = self.process.journal().parent()
                    && fs::remove_dir_all(dir).is_ok()
                {
                    self.count("lost journals");
                    self.backup = None;
                    self.judge.book().journal_lost(None);
                }
            }
            1..5 => {
                if let Some(Backup { bytes, made }) = self.backup.take() {
                    fs::write(self.process.journal(), bytes).unwrap();
                    self.count("restored backups of the journal");
                    self.judge.book().journal_lost(Some(made));
                }
            }
            _ => {}
        }
    }
}
