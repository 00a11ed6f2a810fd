//! System calls that hang while a test wants it.

use std::{fs, path::PathBuf, process::Command};

use crate::support::{Setup, eventually};

/// The switch of the calls that hang, and the library that makes them.
pub(crate) struct Hang {
    library: PathBuf,
    flag: PathBuf,
    reached: PathBuf,
}

impl Hang {
    /// Compiles the library into the folder of `setup`. Nothing hangs yet.
    pub(crate) fn new(setup: &Setup) -> Self {
        let folder = setup.dir.path().join(".hang");
        fs::create_dir(&folder).unwrap();
        let at = |name: &str| folder.join(name);
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/hang.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(at("hang.so")).arg(source).arg("-ldl");
        assert!(compiler.status().unwrap().success());
        Self { library: at("hang.so"), flag: at("hangs"), reached: at("reached") }
    }

    /// Gives `command` the library.
    pub(crate) fn load_into<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("LD_PRELOAD", &self.library)
            .env("HANG_WHILE", &self.flag)
            .env("HANG_REACHED", &self.reached)
    }

    /// Makes the calls hang from now on.
    pub(crate) fn begin(&self) {
        fs::write(&self.flag, "").unwrap();
    }

    /// Lets all calls return.
    pub(crate) fn end(&self) {
        fs::remove_file(&self.flag).unwrap();
    }

    /// Waits until a call hangs.
    pub(crate) async fn reached(&self) {
        eventually("a call hangs", async || self.reached.exists()).await;
    }
}
