//! Running tools, waiting, and asking over HTTP.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::Value;

/// What Debian's packages bring.
pub(crate) const TOOLS: [&str; 4] = ["promtool", "amtool", "prometheus", "prometheus-alertmanager"];

/// One runtime for everything that speaks HTTP here.
pub(crate) static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
});

pub(crate) fn is_there(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// What the tests ran against.
pub(crate) fn versions() -> String {
    let version = |tool: &str| {
        let output = Command::new(tool).arg("--version").output().unwrap();
        // Some write it to standard error.
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let first = text.lines().next().unwrap_or_default().to_owned();
        first.split(" (").next().unwrap_or_default().to_owned()
    };
    format!("{} and {}", version("prometheus"), version("prometheus-alertmanager"))
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The program under test.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_contactwatch"));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("CONTACTWATCH") {
            command.env_remove(variable);
        }
    }
    command
}

/// Runs a tool in a directory.
pub(crate) fn tool(dir: &Path, name: &str, args: &[&str]) -> Output {
    Command::new(name).args(args).current_dir(dir).output().unwrap()
}

/// Both outputs of a tool.
pub(crate) fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs a tool that must be content.
pub(crate) fn content(dir: &Path, name: &str, args: &[&str]) -> String {
    let output = tool(dir, name, args);
    assert!(output.status.success(), "{name} {}: {}", args.join(" "), told(&output));
    told(&output)
}

/// Waits until something is so; panics when it is not in time.
pub(crate) fn eventually(what: &str, seconds: u64, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_secs(seconds), "not within {seconds} s: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The body of an answer, when there is a good one.
pub(crate) fn get(url: &str) -> Option<String> {
    RUNTIME.block_on(async {
        let response = reqwest::get(url).await.ok()?;
        response.status().is_success().then_some(())?;
        response.text().await.ok()
    })
}

/// An answer as JSON; null when there is none.
pub(crate) fn json(url: &str) -> Value {
    get(url).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// What a guarded route answers: its status and JSON.
pub(crate) fn ask(url: &str, token: &str) -> (u16, Value) {
    RUNTIME.block_on(async {
        let response = reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    })
}

/// Posts JSON; the answer must be good.
pub(crate) fn post(url: &str, body: &Value) -> Value {
    RUNTIME.block_on(async {
        let response = reqwest::Client::new().post(url).json(body).send().await.unwrap();
        assert!(response.status().is_success(), "{url}: {}", response.status());
        response.json().await.unwrap_or_default()
    })
}
