//! Whether the process lives, and whether it does its work.

use std::fmt::Write;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;

use super::server::App;
use crate::clock;
use crate::time::Span;

/// A thread may be so long in one round: a commit waits for its broker.
const PATIENCE: Span = Span::minutes(3);

/// `/livez`: 200 as long as no thread is stuck. Says nothing about Kafka.
pub(super) async fn live(State(app): State<App>) -> (StatusCode, String) {
    match app.readiness.stuck(clock::now(), PATIENCE) {
        stuck if stuck.is_empty() => (StatusCode::OK, "ok\n".to_owned()),
        stuck => (StatusCode::SERVICE_UNAVAILABLE, format!("stuck: {}\n", stuck.join(", "))),
    }
}

/// `/readyz`: 200 when every part does its work; `?verbose` names what is missing.
pub(super) async fn ready(State(app): State<App>, RawQuery(query): RawQuery) -> (StatusCode, String) {
    let ready = app.readiness.ready();
    let mut text = String::new();
    if query
        .is_some_and(|query| query.split('&').any(|word| word == "verbose" || word.starts_with("verbose=")))
    {
        for (name, state) in app.readiness.report() {
            let _ = match state {
                Ok(()) => writeln!(text, "[+] {name}: ok"),
                Err(missing) => writeln!(text, "[-] {name}: {missing}"),
            };
        }
    }
    text.push_str(if ready { "ready\n" } else { "not ready\n" });
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, text)
}
