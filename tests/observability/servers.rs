//! Prometheus and Alertmanager as processes of their own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::harness::{eventually, free_port, get, json};

/// A server that ends with this value.
struct Server {
    child: Child,
    log: PathBuf,
}

impl Server {
    fn start(mut command: Command, dir: &Path, name: &str, ready: &str) -> Self {
        let log = dir.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let mut server = Self { child: command.spawn().unwrap(), log };
        eventually(&format!("{name} is ready; see {}", server.log.display()), 30, || {
            let ended = server.child.try_wait().unwrap();
            assert!(ended.is_none(), "{name}: {}", std::fs::read_to_string(&server.log).unwrap());
            get(ready).is_some()
        });
        server
    }

    /// Ends it in order: it writes down what it remembers.
    fn stop(&mut self) {
        let done = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(done.success());
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An Alertmanager.
pub(crate) struct Alertmanager {
    server: Server,
    dir: PathBuf,
    port: u16,
}

impl Alertmanager {
    /// Starts one with the `alertmanager.yml` of `dir`.
    pub(crate) fn start(dir: &Path) -> Self {
        let port = free_port();
        Self { server: Self::launch(dir, port), dir: dir.to_owned(), port }
    }

    fn launch(dir: &Path, port: u16) -> Server {
        let mut command = Command::new("prometheus-alertmanager");
        command
            .arg(format!("--config.file={}", dir.join("alertmanager.yml").display()))
            .arg(format!("--storage.path={}", dir.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--cluster.listen-address=");
        Server::start(command, dir, "alertmanager", &format!("http://127.0.0.1:{port}/-/ready"))
    }

    /// Ends it and starts it anew: it forgets alerts, and keeps silences and what it told.
    pub(crate) fn restart(&mut self) {
        self.server.stop();
        self.server = Self::launch(&self.dir, self.port);
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The alerts that it knows, for which a question is so.
    pub(crate) fn alerts(&self, so: impl Fn(&Value) -> bool) -> Vec<Value> {
        let known = json(&format!("{}/api/v2/alerts", self.url()));
        known.as_array().into_iter().flatten().filter(|alert| so(alert)).cloned().collect()
    }
}

/// A Prometheus.
pub(crate) struct Prometheus {
    _server: Server,
    port: u16,
}

impl Prometheus {
    /// Starts one with the `prometheus.yml` of `dir`.
    pub(crate) fn start(dir: &Path) -> Self {
        let port = free_port();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", dir.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", dir.join("tsdb").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--rules.alert.resend-delay=1s");
        let ready = format!("http://127.0.0.1:{port}/-/ready");
        Self { _server: Server::start(command, dir, "prometheus", &ready), port }
    }

    /// A path of its API.
    pub(crate) fn api(&self, path: &str) -> Value {
        json(&format!("http://127.0.0.1:{}/api/v1/{path}", self.port))["data"].clone()
    }

    /// What an expression is now.
    pub(crate) fn query(&self, expr: &str) -> Vec<Value> {
        let mut url = url::Url::parse(&format!("http://127.0.0.1:{}/api/v1/query", self.port)).unwrap();
        url.query_pairs_mut().append_pair("query", expr);
        json(url.as_str())["data"]["result"].as_array().cloned().unwrap_or_default()
    }
}
