//! What scenarios are played with: a broker, daemons, a receiver of alerts, and work for them.

pub(crate) mod broker;
pub(crate) mod client;
pub(crate) mod daemon;
pub(crate) mod receiver;
pub(crate) mod work;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use client::Client;

/// A broker for everybody, and a place of one's own.
pub(crate) struct Stage {
    /// Where the scenario may write.
    pub(crate) dir: PathBuf,
    /// Address of the broker.
    pub(crate) bootstrap: String,
    /// Prefix of topics and name of the group: nobody else's.
    pub(crate) name: String,
}

impl Stage {
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.bootstrap)
    }

    pub(crate) fn topic(&self, name: &str) -> String {
        format!("{}.{name}", self.name)
    }

    /// The same place, with topics and a group of its own.
    pub(crate) fn part(&self, name: &str) -> Self {
        let dir = self.dir.join(name);
        std::fs::create_dir_all(&dir).unwrap();
        Self { dir, bootstrap: self.bootstrap.clone(), name: format!("{}-{name}", self.name) }
    }

    /// The same place at another broker.
    pub(crate) fn at(&self, bootstrap: String) -> Self {
        Self { dir: self.dir.clone(), bootstrap, name: self.name.clone() }
    }
}

/// Waits until something is so; panics when it is not in time.
pub(crate) fn eventually(what: &str, seconds: u64, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_secs(seconds), "not within {seconds} s: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Sends a signal to a process.
pub(crate) fn signal(pid: u32, name: &str) {
    let done = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap();
    assert!(done.success(), "kill -{name} {pid}");
}

/// A file as text; empty when there is none.
pub(crate) fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
