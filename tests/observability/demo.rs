//! The daemon, as the demo runs it: broker, fleet, workers, relay and HTTP in one process.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Stdio};

use crate::harness::{eventually, free_port, get, program};

/// What the demo asks for at routes that name messages.
pub(crate) const TOKEN: &str = "demo";

/// Ends with this value.
pub(crate) struct Demo {
    child: Child,
    pub(crate) port: u16,
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Demo {
    /// Starts one in `dir` with a file of stores, and further arguments.
    pub(crate) fn start(dir: &Path, stores: &str, configuration: &str, args: &[&str]) -> Self {
        let port = free_port();
        let log = File::create(dir.join("demo.log")).unwrap();
        fs::write(dir.join("stores.yaml"), stores).unwrap();
        fs::write(dir.join("contactwatch.yaml"), format!("stores: stores.yaml\n{configuration}")).unwrap();
        let child = program()
            .arg("demo")
            .args(args)
            .arg("--config")
            .arg(dir.join("contactwatch.yaml"))
            .arg("--listen")
            .arg(format!("127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        let mut demo = Self { child: child.unwrap(), port };
        eventually("the demo answers", 90, || {
            let ended = demo.child.try_wait().unwrap();
            assert!(ended.is_none(), "{}", fs::read_to_string(dir.join("demo.log")).unwrap());
            demo.metrics().is_some()
        });
        demo
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn metrics(&self) -> Option<String> {
        get(&format!("{}/metrics", self.url()))
    }
}
