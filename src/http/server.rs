//! The listener, and who may ask for what.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;

use super::{health, routes, stores};
use crate::config::Secret;
use crate::daemon::reload::Reloader;
use crate::kafka::dispositions;
use crate::metrics::Metrics;
use crate::runtime::judge::SharedJudge;
use crate::runtime::query::Query;
use crate::runtime::readiness::Readiness;
use crate::runtime::recent::Recent;
use crate::runtime::shutdown::Shutdown;

/// Largest body of a request.
const BODY: usize = 64 * 1024;

/// What routes need.
#[derive(Clone)]
pub struct App {
    /// Shown at `/metrics`.
    pub metrics: Arc<Metrics>,
    /// Shown at `/readyz` and `/livez`.
    pub readiness: Readiness,
    /// Judges drafts of stores that no worker here owns.
    pub judge: SharedJudge,
    /// Workers, who know conversations.
    pub queries: Vec<mpsc::Sender<Query>>,
    /// What was judged lately.
    pub recent: Arc<Recent>,
    /// Wanted by everything that writes or shows text; `None` switches that off.
    pub token: Option<Secret>,
    /// Loads anew.
    pub reloader: Arc<Reloader>,
    /// Takes dispositions; `None` when they cannot be written anywhere.
    pub dispositions: Option<Arc<dispositions::Sink>>,
}

/// The address cannot be listened at.
#[derive(Debug)]
pub struct BindError {
    address: SocketAddr,
    error: std::io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, error } = self;
        write!(f, "http.listen: cannot listen at {address}: {error}")?;
        match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                write!(f, "; another process has it: choose another port, or 0 for any that is free")
            }
            std::io::ErrorKind::AddrNotAvailable => write!(f, "; it is no address of this machine"),
            std::io::ErrorKind::PermissionDenied => write!(f, "; ports below 1024 belong to root"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for BindError {}

/// A listener.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Listens at `address`.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let fault = |error| BindError { address, error };
        let listener = TcpListener::bind(address).await.map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until the process ends.
    pub async fn serve(self, app: App, shutdown: Shutdown) {
        let ended = async move {
            while !shutdown.begun() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        if let Err(error) = axum::serve(self.listener, router(app)).with_graceful_shutdown(ended).await {
            tracing::error!(%error, "HTTP ended");
        }
    }
}

/// Every route.
const ROUTES: [&str; 9] = [
    "GET /metrics",
    "GET /livez",
    "GET /readyz?verbose",
    "GET /version",
    "POST /-/reload",
    "POST /v1/check",
    "GET /v1/stores/{platform}/{store}/verdicts",
    "GET /v1/alerts/{id}",
    "POST /v1/dispositions",
];

fn router(app: App) -> Router {
    let guarded = Router::new()
        .route("/-/reload", post(routes::reload))
        .route("/v1/check", post(routes::check))
        .route("/v1/stores/{platform}/{store}/verdicts", get(stores::verdicts))
        .route("/v1/alerts/{id}", get(routes::alert))
        .route("/v1/dispositions", post(routes::disposition))
        .layer(middleware::from_fn_with_state(app.clone(), guard));
    Router::new()
        .route("/metrics", get(routes::metrics))
        .route("/livez", get(health::live))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/version", get(routes::version))
        .merge(guarded)
        .fallback(async || {
            fault(StatusCode::NOT_FOUND, &format!("no such route; there are {}", ROUTES.join(", ")))
        })
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(app)
}

/// An error as every route tells it.
pub(super) fn fault(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
}

/// Lets in who has the token.
async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(token) = &app.token else {
        let off = "this route is off: it wants a token, and http.bearer_token_file is not set";
        return fault(StatusCode::FORBIDDEN, off);
    };
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    match given {
        Some(given) if same(given.as_bytes(), token.reveal().as_bytes()) => next.run(request).await,
        _ => {
            let mut refused =
                fault(StatusCode::UNAUTHORIZED, "send the header Authorization: Bearer <token>");
            refused
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
            refused
        }
    }
}

/// Compares without telling by its time where the difference is.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

/// A listener for tests of routes.
#[cfg(test)]
pub(super) mod testing {
    use super::*;
    use crate::config::Config;
    use crate::engine::{Emit, Engine};
    use crate::runtime::judge::Judge;
    use crate::time::Millis;

    /// The shipped policies, and no worker.
    pub(in crate::http) fn app(token: Option<&str>) -> App {
        let metrics = Metrics::new(&Config::default()).unwrap();
        let judge = move |generation| Judge {
            engine: Engine::new(crate::shipped::ruleset(), Emit::All),
            seeds: Vec::new(),
            loaded_at: Millis(0),
            generation,
        };
        let shared: SharedJudge = Arc::new(arc_swap::ArcSwap::from_pointee(judge(1)));
        let loader: crate::daemon::reload::Loader = Arc::new(move |generation| Ok(judge(generation)));
        let readiness = Readiness::default();
        readiness.set("policies", Ok(()));
        App {
            reloader: Arc::new(Reloader::new(Arc::clone(&shared), loader, Arc::clone(&metrics))),
            metrics,
            readiness,
            judge: shared,
            queries: Vec::new(),
            recent: Arc::default(),
            token: token.map(Secret::new),
            dispositions: None,
        }
    }

    /// Serves it at an address of its own.
    pub(in crate::http) async fn serve(app: &App) -> String {
        let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let base = format!("http://{}", server.address());
        tokio::spawn(server.serve(app.clone(), Shutdown::default()));
        base
    }

    /// Asks, and expects a status and words in the answer, which it returns.
    pub(in crate::http) async fn ask(
        base: &str,
        line: &str,
        token: Option<&str>,
        body: &str,
        status: u16,
        words: &str,
    ) -> String {
        let (method, path) = line.split_once(' ').unwrap();
        let client = reqwest::Client::new();
        let mut request =
            client.request(method.parse().unwrap(), format!("{base}{path}")).body(body.to_owned());
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.header("content-type", "application/json").send().await.unwrap();
        let found = response.status().as_u16();
        let text = response.text().await.unwrap();
        assert!(
            found == status && text.contains(words),
            "{line} {body}: {found} {text}, expected {status} {words}"
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{app, ask, serve};
    use super::*;
    use crate::time::Millis;

    #[tokio::test]
    async fn routes_answer() {
        let app = app(Some("secret"));
        let base = serve(&app).await;
        let check = r#"{"platform":"ozon","store":"7","text":"Напишите отзыв"}"#;
        let good = Some("secret");
        let large = "x".repeat(BODY + 1);
        for (line, token, body, status, words) in [
            ("GET /metrics", None, "", 200, "contactwatch_build_info"),
            ("GET /livez", None, "", 200, "ok"),
            ("GET /healthz", None, "", 200, "ok"),
            ("GET /readyz", None, "", 200, "ready"),
            ("GET /readyz?verbose", None, "", 200, "[+] policies: ok"),
            ("GET /version", None, "", 200, env!("CARGO_PKG_VERSION")),
            ("GET /nowhere", None, "", 404, "POST /v1/check"),
            ("POST /v1/check", None, check, 401, "Authorization: Bearer"),
            ("POST /v1/check", Some("wrong"), check, 401, "Authorization: Bearer"),
            ("POST /v1/check", good, check, 200, "review-solicitation"),
            ("POST /v1/check", good, check, 200, "\"history\":false"),
            ("POST /v1/check", good, check, 200, "\"store\":\"7\""),
            ("POST /v1/check", good, "{}", 422, "platform"),
            ("POST /v1/check", good, &large, 413, ""),
            ("POST /-/reload", good, "", 200, "\"generation\":2"),
            ("GET /v1/stores/ozon/7/verdicts", good, "", 404, "the verdicts topic"),
            ("GET /v1/alerts/none", good, "", 404, "no such alert"),
            (
                "POST /v1/dispositions",
                good,
                r#"{"platform":"ozon","store":"7","verdict_id":"v","label":"wrong"}"#,
                422,
                "misjudged",
            ),
            (
                "POST /v1/dispositions",
                good,
                r#"{"platform":"ozon","store":"7","verdict_id":"v","label":"misjudged"}"#,
                503,
                "error",
            ),
        ] {
            ask(&base, line, token, body, status, words).await;
        }
        app.readiness.set("worker 0", Err("reads the state of 3 partitions".to_owned()));
        ask(&base, "GET /readyz?verbose", None, "", 503, "[-] worker 0: reads the state of 3 partitions")
            .await;
        app.readiness.beat("worker 0", Millis(0));
        ask(&base, "GET /livez", None, "", 503, "stuck: worker 0").await;
    }

    #[tokio::test]
    async fn without_a_token_nothing_is_shown() {
        let base = serve(&app(None)).await;
        for line in
            ["POST /v1/check", "POST /-/reload", "GET /v1/stores/ozon/7/verdicts", "POST /v1/dispositions"]
        {
            ask(&base, line, Some("any"), "", 403, "http.bearer_token_file").await;
        }
        ask(&base, "GET /metrics", None, "", 200, "contactwatch_").await;
    }

    #[tokio::test]
    async fn a_taken_address_is_told() {
        let first = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let error = Server::bind(first.address()).await.unwrap_err().to_string();
        assert!(error.contains("another process has it"), "{error}");
    }
}
