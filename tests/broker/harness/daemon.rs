//! One daemon: the program as it is shipped, in a process of its own.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::broker::free_port;
use super::{Stage, eventually, signal, text};

/// The token of routes that show text.
pub(crate) const TOKEN: &str = "let-me-in";

/// How a daemon is configured.
#[derive(Clone)]
pub(crate) struct Setup {
    /// Below `kafka:`; `session.timeout.ms` is short anyway.
    pub(crate) kafka: String,
    /// Whole sections.
    pub(crate) more: String,
    /// Addresses of receivers of alerts.
    pub(crate) receivers: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            kafka: "workers: 2".to_owned(),
            more: String::new(),
            receivers: Vec::new(),
            environment: Vec::new(),
        }
    }
}

impl Setup {
    pub(crate) fn kafka(mut self, line: &str) -> Self {
        self.kafka = format!("{}\n  {line}", self.kafka);
        self
    }

    /// A name that stays the same over restarts.
    pub(crate) fn named(self, name: &str) -> Self {
        self.kafka(&format!("instance: {name}"))
    }

    pub(crate) fn more(mut self, section: &str) -> Self {
        self.more = format!("{}\n{section}", self.more);
        self
    }

    pub(crate) fn receiver(mut self, address: &str) -> Self {
        self.receivers.push(address.to_owned());
        self
    }

    /// Dies at a point of the loop, the so-many-th time it comes by.
    pub(crate) fn dies_at(self, point: &str, time: u32) -> Self {
        self.fail_point(format!("{point}:{time}"))
    }

    /// Loses its transaction at a point of the loop, every so-many-th time it comes by.
    pub(crate) fn aborts_at(self, point: &str, every: u32) -> Self {
        self.fail_point(format!("{point}:{every}:abort"))
    }

    /// A call of the library at a point never comes back, every so-many-th time.
    pub(crate) fn hangs_at(self, point: &str, every: u32) -> Self {
        self.fail_point(format!("{point}:{every}:hang"))
    }

    fn fail_point(mut self, what: String) -> Self {
        self.environment.push(("CONTACTWATCH_FAIL_POINT".to_owned(), what));
        self
    }

    /// Writes the configuration; returns its path and the address of HTTP.
    pub(crate) fn write(&self, stage: &Stage) -> (PathBuf, u16) {
        let port = free_port();
        let urls: Vec<String> = self.receivers.iter().map(|url| format!("\"{url}\"")).collect();
        let security = if self.kafka.contains("brokers:") {
            String::new()
        } else {
            format!("  brokers: [\"{}\"]\n", stage.bootstrap)
        };
        let name = &stage.name;
        // A scenario's own properties take the place of these.
        let properties = if self.kafka.contains("properties:") || self.kafka.contains("consumer") {
            String::new()
        } else {
            "  properties: {session.timeout.ms: \"3000\", heartbeat.interval.ms: \"500\"}\n".to_owned()
        };
        let config = format!(
            "kafka:\n{security}  group: {name}\n{properties}  topics:\n    messages: {name}.messages\n    \
             orders: {name}.orders\n    verdicts: {name}.verdicts\n    alerts: {name}.alerts\n    \
             dead_letters: {name}.dead-letters\n    state: {name}.state\n  {}\n\
             http: {{listen: \"127.0.0.1:{port}\", bearer_token_file: token}}\n\
             log: {{level: info, format: json}}\n\
             alertmanager: {{urls: [{}], max_age: 4000d, resend_every: 2s, timeout: 2s}}\n{}\n",
            self.kafka,
            urls.join(", "),
            self.more
        );
        fs::write(stage.dir.join("token"), TOKEN).unwrap();
        let path = stage.dir.join(format!("contactwatch-{port}.yaml"));
        fs::write(&path, config).unwrap();
        (path, port)
    }

    /// Starts a daemon.
    pub(crate) fn start(&self, stage: &Stage) -> Daemon {
        let (config, port) = self.write(stage);
        let log = stage.dir.join(format!("daemon-{port}.log"));
        let out = File::create(&log).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_contactwatch"))
            .args(["run", "--config"])
            .arg(&config)
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        Daemon { child, port, log, config }
    }

    /// Starts a daemon and waits until it judges.
    pub(crate) fn start_ready(&self, stage: &Stage) -> Daemon {
        let mut daemon = self.start(stage);
        daemon.wait_ready();
        daemon
    }
}

/// Runs a command of the program; its exit code, output and errors.
pub(crate) fn command(args: &[&str], config: &std::path::Path) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_contactwatch"))
        .args(args)
        .arg("--config")
        .arg(config)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

pub(crate) struct Daemon {
    child: Child,
    pub(crate) port: u16,
    pub(crate) log: PathBuf,
    pub(crate) config: PathBuf,
}

impl Daemon {
    pub(crate) fn log(&self) -> String {
        text(&self.log)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn wait_ready(&mut self) {
        assert!(self.is_ready_before_its_end(), "the daemon ended before it was ready:\n{}", self.log());
    }

    /// Waits until it is ready, which is true, or has ended.
    pub(crate) fn is_ready_before_its_end(&mut self) -> bool {
        let began = Instant::now();
        while self.get("/readyz").0 != 200 {
            if !self.runs() {
                return false;
            }
            let missing = || self.get("/readyz?verbose").1;
            assert!(began.elapsed() < Duration::from_secs(90), "not ready:\n{}\n{}", missing(), self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        true
    }

    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Ends it as a power failure would.
    pub(crate) fn kill(mut self) {
        signal(self.pid(), "KILL");
        self.child.wait().unwrap();
    }

    /// Asks it to end, and expects that it does, with 0.
    pub(crate) fn terminate(mut self) {
        signal(self.pid(), "TERM");
        let status = self.wait_end(60);
        assert!(status.success(), "asked to end, it ended with {status}:\n{}", self.log());
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait_end(&mut self, seconds: u64) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < Duration::from_secs(seconds), "it does not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until it dies at its fail point.
    pub(crate) fn wait_death(&mut self, seconds: u64) {
        let status = self.wait_end(seconds);
        assert_eq!(status.signal(), Some(6), "{status}:\n{}", self.log());
    }

    /// Waits until it ends with `code`; returns what it said.
    pub(crate) fn wait_code(&mut self, code: i32, seconds: u64) -> String {
        let status = self.wait_end(seconds);
        assert_eq!(status.code(), Some(code), "{status}:\n{}", self.log());
        self.log()
    }

    /// Status and body of a request without a token.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        self.ask("GET", path, None, "")
    }

    /// Status and body of a request with the token.
    pub(crate) fn post(&self, path: &str, body: &str) -> (u16, String) {
        self.ask("POST", path, Some(TOKEN), body)
    }

    pub(crate) fn ask(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> (u16, String) {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return (0, String::new()) };
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let auth = token.map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n{auth}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut answer = String::new();
        if stream.write_all(request.as_bytes()).is_err() || stream.read_to_string(&mut answer).is_err() {
            return (0, String::new());
        }
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (status, body.to_owned())
    }

    /// Sum of the series of a metric whose labels contain `labels`.
    pub(crate) fn metric(&self, name: &str, labels: &str) -> f64 {
        let text = self.get("/metrics").1;
        let series = text.lines().filter(|line| !line.starts_with('#'));
        series
            .filter_map(|line| line.rsplit_once(' '))
            .filter(|(series, _)| {
                let (found, rest) = series.split_once('{').unwrap_or((series, ""));
                found == name && labels.split(',').all(|label| rest.contains(label))
            })
            .map(|(_, value)| value.parse::<f64>().unwrap())
            .sum()
    }

    /// Waits until everything in the inputs is committed.
    pub(crate) fn wait_caught_up(&mut self, stage: &Stage) {
        let client = stage.client();
        let ends: Vec<(String, std::collections::BTreeMap<i32, i64>)> = ["messages", "orders"]
            .map(|name| {
                let topic = stage.topic(name);
                let mut ends = std::collections::BTreeMap::new();
                for record in client.read(&topic, super::client::Sees::Everything) {
                    ends.insert(record.partition, record.offset + 1);
                }
                (topic, ends)
            })
            .into();
        eventually(&format!("everything is committed; see {}", self.log.display()), 120, || {
            assert!(self.runs(), "it ended:\n{}", self.log());
            ends.iter().all(|(topic, ends)| {
                let committed = client.offsets(&stage.name, topic);
                ends.iter().all(|(partition, end)| committed.get(partition).is_some_and(|at| at >= end))
            })
        });
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // A scenario that failed leaves nothing behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
