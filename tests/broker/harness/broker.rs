//! One Apache Kafka process on loopback.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{eventually, signal};

/// A broker with its own data, in one process with its controller.
pub(crate) struct Broker {
    dir: PathBuf,
    pub(crate) port: u16,
    /// Of the listener with TLS and SASL, when there is one.
    pub(crate) secure_port: Option<u16>,
    child: Option<Child>,
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn java() -> Command {
    let lib = std::env::var("CONTACTWATCH_KAFKA_LIB").unwrap();
    let mut command = Command::new("java");
    command.args(["-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", &format!("{lib}/*")]);
    command
}

impl Broker {
    /// Formats and starts a broker below `dir`.
    pub(crate) fn start(dir: &Path) -> Self {
        Self::start_with(dir, "", &[])
    }

    /// The same, with a listener named `SECURE` that `secure` describes, and further arguments of the formatter.
    pub(crate) fn start_with(dir: &Path, secure: &str, format: &[&str]) -> Self {
        fs::create_dir_all(dir).unwrap();
        let (port, controller, safe) = (free_port(), free_port(), free_port());
        let (listener, map) = match secure {
            "" => (String::new(), ""),
            _ => (format!(",SECURE://127.0.0.1:{safe}"), ",SECURE:SASL_SSL"),
        };
        let data = dir.join("data");
        let properties = format!(
            "process.roles=broker,controller\nnode.id=1\n\
             controller.quorum.bootstrap.servers=127.0.0.1:{controller}\n\
             listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}{listener}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{port}{listener}\n\
             controller.listener.names=CONTROLLER\ninter.broker.listener.name=PLAINTEXT\n\
             listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT{map}\n\
             log.dirs={}\n\
             offsets.topic.replication.factor=1\noffsets.topic.num.partitions=4\n\
             transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n\
             transaction.state.log.num.partitions=4\n\
             group.initial.rebalance.delay.ms=0\ngroup.min.session.timeout.ms=1000\n\
             group.consumer.min.session.timeout.ms=1000\ngroup.consumer.session.timeout.ms=6000\n\
             group.consumer.min.heartbeat.interval.ms=500\ngroup.consumer.heartbeat.interval.ms=1000\n\
             auto.create.topics.enable=false\nlog.cleaner.backoff.ms=200\n\
             log.initial.task.delay.ms=1000\n{secure}\n",
            data.display()
        );
        fs::write(dir.join("server.properties"), properties).unwrap();
        let id = java().args(["kafka.tools.StorageTool", "random-uuid"]).output().unwrap();
        let id = String::from_utf8(id.stdout).unwrap();
        let formatted = java()
            .args(["kafka.tools.StorageTool", "format", "-t", id.trim(), "--standalone", "-c"])
            .arg(dir.join("server.properties"))
            .args(format)
            .output()
            .unwrap();
        assert!(formatted.status.success(), "{}", String::from_utf8_lossy(&formatted.stderr));
        let secure_port = (!secure.is_empty()).then_some(safe);
        let mut broker = Self { dir: dir.to_owned(), port, secure_port, child: None };
        broker.up();
        broker
    }

    /// Starts the process again, with the data it has.
    pub(crate) fn up(&mut self) {
        let log = File::options().create(true).append(true).open(self.dir.join("broker.log")).unwrap();
        let child = java()
            .arg("kafka.Kafka")
            .arg(self.dir.join("server.properties"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let bootstrap = self.bootstrap();
        let client = super::client::Client::new(&bootstrap);
        eventually("the broker answers", 60, || client.brokers() > 0);
    }

    /// Ends the process: in order, or at once.
    pub(crate) fn down(&mut self, at_once: bool) {
        if let Some(mut child) = self.child.take() {
            signal(child.id(), if at_once { "KILL" } else { "TERM" });
            child.wait().unwrap();
        }
    }

    pub(crate) fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.down(true);
    }
}
