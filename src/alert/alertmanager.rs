//! Delivery to one Alertmanager, by `POST /api/v2/alerts`.
//!
//! A batch with one bad alert is answered 400 although the good ones were taken (measured with Alertmanager 0.25): so a
//! refused batch is halved until the bad ones stand alone, and those are given up. Everything else is tried again.

use std::collections::VecDeque;
use std::time::Duration;

use reqwest::{Certificate, Client, StatusCode};

use super::book::Postable;
use crate::config::{self, Secret};

/// Alerts in one request, at most, unless one store alone has more.
const BATCH: usize = 500;

/// One Alertmanager.
#[derive(Clone, Debug)]
pub struct Sink {
    client: Client,
    address: String,
    auth: Auth,
}

#[derive(Clone, Debug)]
enum Auth {
    None,
    Bearer(Secret),
    Basic(String, Option<Secret>),
}

/// What became of alerts that were sent. Indices into what was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Taken.
    pub taken: Vec<usize>,
    /// Refused for good.
    pub rejected: Vec<usize>,
    /// Why the rest has to be tried again.
    pub failure: Option<String>,
}

/// How one request ended.
enum Answer {
    Taken,
    Refused,
    Failed(String),
}

impl Sink {
    /// The sinks of the configuration.
    ///
    /// # Errors
    /// What the operator has to mend: a file that cannot be read, or holds no certificate.
    pub fn all(config: &config::Alertmanager) -> Result<Vec<Self>, String> {
        let token = Secret::of(
            "alertmanager.bearer_token",
            config.bearer_token.as_ref(),
            config.bearer_token_file.as_deref(),
        )?;
        let password =
            Secret::of("alertmanager.password", config.password.as_ref(), config.password_file.as_deref())?;
        let auth = match (token, &config.username) {
            (Some(token), _) => Auth::Bearer(token),
            (None, Some(username)) => Auth::Basic(username.clone(), password),
            (None, None) => Auth::None,
        };
        let timeout = Duration::from_millis(config.timeout.0.max(1).unsigned_abs());
        let mut builder = Client::builder().timeout(timeout).redirect(reqwest::redirect::Policy::none());
        if let Some(file) = &config.ca_file {
            let fault =
                |error: &dyn std::fmt::Display| format!("alertmanager.ca_file {}: {error}", file.display());
            let pem = std::fs::read(file).map_err(|error| fault(&error))?;
            for certificate in Certificate::from_pem_bundle(&pem).map_err(|error| fault(&error))? {
                builder = builder.add_root_certificate(certificate);
            }
        }
        let client = builder.build().map_err(|error| format!("cannot make an HTTP client: {error}"))?;
        let sink = |url: &String| Self {
            client: client.clone(),
            address: format!("{}/api/v2/alerts", url.trim_end_matches('/')),
            auth: auth.clone(),
        };
        Ok(config.urls.iter().map(sink).collect())
    }

    /// Sends alerts, those of one store together. Ends at the first failure: what is left is tried again later.
    pub async fn deliver(&self, alerts: &[Postable]) -> Delivery {
        let mut delivery = Delivery::default();
        let mut left: VecDeque<std::ops::Range<usize>> = batches(alerts).into();
        while let Some(range) = left.pop_front() {
            match self.post(&alerts[range.clone()]).await {
                Answer::Taken => delivery.taken.extend(range),
                Answer::Refused if range.len() == 1 => delivery.rejected.extend(range),
                Answer::Refused => {
                    let middle = range.start + range.len() / 2;
                    left.push_front(middle..range.end);
                    left.push_front(range.start..middle);
                }
                Answer::Failed(reason) => {
                    delivery.failure = Some(reason);
                    break;
                }
            }
        }
        delivery
    }

    async fn post(&self, alerts: &[Postable]) -> Answer {
        let request = self.client.post(&self.address).json(alerts);
        let request = match &self.auth {
            Auth::None => request,
            Auth::Bearer(token) => request.bearer_auth(token.reveal()),
            Auth::Basic(username, password) => {
                request.basic_auth(username, password.as_ref().map(Secret::reveal))
            }
        };
        match request.send().await {
            Ok(response) => match response.status() {
                status if status.is_success() => Answer::Taken,
                // Somebody has to mend the configuration, or wait: the alerts are not at fault.
                status @ (StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
                | StatusCode::NOT_FOUND
                | StatusCode::METHOD_NOT_ALLOWED
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::TOO_MANY_REQUESTS) => Answer::Failed(format!("answered {status}")),
                status if status.is_client_error() => Answer::Refused,
                status => Answer::Failed(format!("answered {status}")),
            },
            // The address may hold a password: only the kind of the error is told.
            Err(error) if error.is_timeout() => Answer::Failed("does not answer in time".to_owned()),
            Err(error) if error.is_connect() => {
                Answer::Failed(format!("cannot be reached: {}", cause(&error)))
            }
            Err(error) => Answer::Failed(cause(&error)),
        }
    }
}

fn cause(error: &reqwest::Error) -> String {
    let mut source: &dyn std::error::Error = error;
    while let Some(deeper) = source.source() {
        source = deeper;
    }
    source.to_string()
}

/// Cuts alerts, sorted by store, into batches that split no store.
fn batches(alerts: &[Postable]) -> Vec<std::ops::Range<usize>> {
    let store =
        |alert: &Postable| (alert.labels.get("platform").cloned(), alert.labels.get("store").cloned());
    let mut batches: Vec<std::ops::Range<usize>> = Vec::new();
    let mut start = 0;
    for group in alerts.chunk_by(|a, b| store(a) == store(b)) {
        let end = start + group.len();
        match batches.last_mut() {
            Some(batch) if batch.len() + group.len() <= BATCH => batch.end = end,
            _ => batches.push(start..end),
        }
        start = end;
    }
    batches
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    use axum::body::Bytes;
    use axum::http::HeaderMap;

    use super::*;

    fn alert(store: &str, name: &str) -> Postable {
        Postable {
            labels: BTreeMap::from([
                ("store".to_owned(), store.to_owned()),
                ("name".to_owned(), name.to_owned()),
            ]),
            annotations: BTreeMap::new(),
            starts_at: String::new(),
            ends_at: String::new(),
            generator_url: None,
            revision: 0,
        }
    }

    #[test]
    fn batches_split_no_store() {
        for (stores, expected) in [
            (vec![], vec![]),
            (vec![3, 4], vec![7]),
            (vec![300, 300, 100], vec![300, 700]),
            (vec![600, 1], vec![600, 601]),
        ] {
            let alerts: Vec<Postable> = stores
                .iter()
                .enumerate()
                .flat_map(|(store, count)| vec![alert(&store.to_string(), "a"); *count])
                .collect();
            let ends: Vec<usize> = batches(&alerts).iter().map(|batch| batch.end).collect();
            assert_eq!(ends, expected, "{stores:?}");
        }
    }

    /// A server that answers as told by the names in the batch: `bad` 400, `broken` 500, `slow` never.
    async fn server() -> (String, Arc<Mutex<Vec<String>>>) {
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&log);
        let handler = async move |headers: HeaderMap, body: Bytes| {
            let text = String::from_utf8(body.to_vec()).unwrap();
            let auth = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
            let kind = headers["content-type"].to_str().unwrap().to_owned();
            seen.lock().unwrap().push(format!("{kind} {}", auth.unwrap_or_default()));
            if text.contains("slow") {
                std::future::pending::<()>().await;
            }
            match (text.contains("bad"), text.contains("broken")) {
                (true, _) => StatusCode::BAD_REQUEST,
                (_, true) => StatusCode::INTERNAL_SERVER_ERROR,
                _ => StatusCode::OK,
            }
        };
        let app = axum::Router::new().route("/am/api/v2/alerts", axum::routing::post(handler));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/am/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        (address, log)
    }

    #[tokio::test]
    async fn bad_alerts_are_given_up_and_failures_tried_again() {
        let (address, log) = server().await;
        let mut config = config::Config::default().alertmanager;
        config.urls = vec![address];
        config.timeout = crate::time::Span(300);
        config.bearer_token = Some(Secret::new("t"));
        let sink = Sink::all(&config).unwrap().remove(0);
        for (names, taken, rejected, failure) in [
            (vec!["a", "b"], vec![0, 1], vec![], None),
            (vec!["a", "bad", "c"], vec![0, 2], vec![1], None),
            (vec!["bad", "bad"], vec![], vec![0, 1], None),
            (vec!["a", "broken"], vec![], vec![], Some("answered 500 Internal Server Error")),
            (vec!["slow"], vec![], vec![], Some("does not answer in time")),
        ] {
            let alerts: Vec<Postable> = names.iter().map(|name| alert("7", name)).collect();
            let delivery = sink.deliver(&alerts).await;
            let expected = Delivery { taken, rejected, failure: failure.map(str::to_owned) };
            assert_eq!(delivery, expected, "{names:?}");
        }
        assert!(log.lock().unwrap().iter().all(|seen| seen == "application/json Bearer t"));
        config.urls = vec!["http://127.0.0.1:1".to_owned()];
        let refused = Sink::all(&config).unwrap().remove(0).deliver(&[alert("7", "a")]).await;
        assert!(refused.failure.unwrap().starts_with("cannot be reached: "));
    }
}
