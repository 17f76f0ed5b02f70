//! A receiver of alerts that speaks Alertmanager's API, and fails when told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;

/// How it behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// Answers 500.
    Broken,
    /// Answers after longer than anybody waits.
    Slow,
    /// Answers 400 to a batch with such a store in it, and takes the others of the batch, as Alertmanager does.
    Refuses(String),
}

#[derive(Default)]
struct Seen {
    /// Alerts as they were told last, by their labels.
    alerts: BTreeMap<String, Value>,
    posts: u64,
}

#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) address: String,
    seen: Arc<Mutex<Seen>>,
    mood: Arc<Mutex<Mood>>,
    _runtime: Arc<tokio::runtime::Runtime>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        Self::start_at(0)
    }

    /// At a port of one's choice.
    pub(crate) fn start_at(port: u16) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let mood = Arc::new(Mutex::new(Mood::Well));
        let app = axum::Router::new()
            .route("/api/v2/alerts", axum::routing::post(take))
            .with_state((Arc::clone(&seen), Arc::clone(&mood)));
        let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", port))).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, seen, mood, _runtime: Arc::new(runtime) }
    }

    pub(crate) fn be(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Forgets everything, as one that restarts.
    pub(crate) fn forget(&self) {
        self.seen.lock().unwrap().alerts.clear();
    }

    pub(crate) fn posts(&self) -> u64 {
        self.seen.lock().unwrap().posts
    }

    /// Labels, as text, of what it was told; `active` those that had not ended when they were told last.
    pub(crate) fn alerts(&self, active: bool) -> Vec<String> {
        let now = jiff::Timestamp::now();
        let seen = self.seen.lock().unwrap();
        let lasting = |alert: &Value| {
            let ends: jiff::Timestamp = alert["endsAt"].as_str().unwrap().parse().unwrap();
            ends > now
        };
        seen.alerts
            .iter()
            .filter(|(_, alert)| !active || lasting(alert))
            .map(|(labels, _)| labels.clone())
            .collect()
    }

    /// Everything that it was told last.
    pub(crate) fn all(&self) -> Vec<Value> {
        self.seen.lock().unwrap().alerts.values().cloned().collect()
    }
}

type Shared = (Arc<Mutex<Seen>>, Arc<Mutex<Mood>>);

async fn take(State((seen, mood)): State<Shared>, body: Bytes) -> StatusCode {
    let mood = mood.lock().unwrap().clone();
    let alerts: Vec<Value> = serde_json::from_slice(&body).unwrap();
    seen.lock().unwrap().posts += 1;
    let mut status = StatusCode::OK;
    match mood {
        Mood::Well | Mood::Refuses(_) => {}
        Mood::Broken => return StatusCode::INTERNAL_SERVER_ERROR,
        Mood::Slow => tokio::time::sleep(Duration::from_secs(10)).await,
    }
    for alert in alerts {
        if let Mood::Refuses(store) = &mood
            && alert["labels"]["store"] == **store
        {
            status = StatusCode::BAD_REQUEST;
            continue;
        }
        seen.lock().unwrap().alerts.insert(alert["labels"].to_string(), alert);
    }
    status
}
