//! A stand-in for Alertmanager: takes what the relay delivers and counts it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;

use crate::clock;
use crate::time::Millis;

/// An alert as it is posted (`POST /api/v2/alerts`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    labels: BTreeMap<String, String>,
    ends_at: String,
}

/// What was received: when every alert is over, by its labels.
#[derive(Clone, Debug, Default)]
struct Received(Arc<Mutex<BTreeMap<BTreeMap<String, String>, Millis>>>);

impl Received {
    fn with<T>(&self, f: impl FnOnce(&mut BTreeMap<BTreeMap<String, String>, Millis>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A receiver that listens.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    received: Received,
}

/// Alerts that were received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alerts {
    /// Not over yet.
    pub active: usize,
    /// Over.
    pub resolved: usize,
}

impl Receiver {
    /// Listens on a free port of the loopback.
    ///
    /// # Errors
    /// When there is none.
    pub async fn bind() -> std::io::Result<Self> {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let received = Received::default();
        let app = Router::new().route("/api/v2/alerts", post(take)).with_state(received.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { address, received })
    }

    /// Base URL, as `alertmanager.urls` has it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was received up to now.
    pub fn alerts(&self) -> Alerts {
        let now = clock::now();
        self.received.with(|received| {
            let active = received.values().filter(|ends| **ends > now).count();
            Alerts { active, resolved: received.len() - active }
        })
    }
}

async fn take(State(received): State<Received>, Json(alerts): Json<Vec<Posted>>) -> StatusCode {
    received.with(|received| {
        for Posted { labels, ends_at } in alerts {
            let Ok(ends) = Millis::parse(&ends_at) else { return StatusCode::BAD_REQUEST };
            received.insert(labels, ends);
        }
        StatusCode::OK
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn alerts_are_counted_by_their_labels() {
        let receiver = Receiver::bind().await.unwrap();
        let client = reqwest::Client::new();
        for (store, ends, expected) in [
            ("1", "2099-01-01T00:00:00Z", Alerts { active: 1, resolved: 0 }),
            ("1", "2099-01-01T00:00:00Z", Alerts { active: 1, resolved: 0 }),
            ("2", "2099-01-01T00:00:00Z", Alerts { active: 2, resolved: 0 }),
            ("1", "2020-01-01T00:00:00Z", Alerts { active: 1, resolved: 1 }),
        ] {
            let body = serde_json::json!([{
                "labels": { "store": store }, "annotations": {}, "startsAt": "2020-01-01T00:00:00Z", "endsAt": ends,
            }]);
            let answer =
                client.post(format!("{}/api/v2/alerts", receiver.url())).json(&body).send().await.unwrap();
            assert!(answer.status().is_success());
            assert_eq!(receiver.alerts(), expected);
        }
    }
}
