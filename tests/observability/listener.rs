//! Whoever is told: takes what Alertmanager posts, at any path, and keeps it. Speaks for Telegram as well.

use std::sync::{Arc, Mutex};

use axum::Json;
use axum::body::Bytes;
use axum::http::Uri;
use serde_json::{Value, json};

use crate::harness::RUNTIME;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) path: String,
    pub(crate) body: Value,
}

impl Told {
    /// The alerts of a webhook, for which a question is so.
    pub(crate) fn alerts(&self, so: impl Fn(&Value) -> bool) -> usize {
        self.body["alerts"].as_array().into_iter().flatten().filter(|alert| so(alert)).count()
    }
}

#[derive(Clone)]
pub(crate) struct Listener {
    pub(crate) url: String,
    told: Arc<Mutex<Vec<Told>>>,
}

impl Listener {
    pub(crate) fn start() -> Self {
        let told: Arc<Mutex<Vec<Told>>> = Arc::default();
        let kept = Arc::clone(&told);
        let take = async move |uri: Uri, body: Bytes| {
            let body = serde_json::from_slice(&body).unwrap_or_default();
            kept.lock().unwrap().push(Told { path: uri.path().to_owned(), body });
            // What a bot of Telegram would be answered; webhooks do not care.
            Json(
                json!({ "ok": true, "result": { "message_id": 1, "date": 1, "chat": { "id": 1, "type": "group" } } }),
            )
        };
        let app = axum::Router::new().fallback(take);
        let listener = RUNTIME.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        RUNTIME.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, told }
    }

    /// What came to a path, in order.
    pub(crate) fn at(&self, path: &str) -> Vec<Told> {
        self.told.lock().unwrap().iter().filter(|told| told.path == path).cloned().collect()
    }

    /// How many notifications of a path hold such an alert.
    pub(crate) fn count(&self, path: &str, so: impl Fn(&Value) -> bool) -> usize {
        self.at(path).iter().filter(|told| told.alerts(&so) > 0).count()
    }
}
