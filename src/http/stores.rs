//! What a store was caught at: which rules fire there, and in which messages.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query as Params, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::routes::ask_workers;
use super::server::{App, fault};
use crate::runtime::query::Query;
use crate::runtime::recent::StoreView;

/// How many verdicts are wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limit {
    #[serde(default = "hundred")]
    limit: usize,
}

fn hundred() -> usize {
    100
}

/// A store and what is remembered of it.
#[derive(Debug, Serialize)]
struct Answer {
    platform: String,
    store: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    agency: Option<String>,
    /// Whether a worker of this process judges it now: if not, its verdicts of late may be in another process.
    owned: bool,
    #[serde(flatten)]
    view: StoreView,
}

/// `GET /v1/stores/{platform}/{store}/verdicts`: verdicts with findings, newest first, and how often each rule fired.
pub(super) async fn verdicts(
    State(app): State<App>,
    Path((platform, store)): Path<(String, String)>,
    limit: Result<Params<Limit>, QueryRejection>,
) -> Response {
    let limit = match limit {
        Ok(Params(Limit { limit })) => limit,
        Err(rejection) => {
            return fault(rejection.status(), &format!("{}; ?limit= is a number", rejection.body_text()));
        }
    };
    let owned =
        ask_workers(&app, |reply| Query::Owns { platform: platform.clone(), store: store.clone(), reply });
    let owned = owned.await.is_some();
    let judge = app.judge.load();
    let seed = judge.seeds.iter().find(|seed| *seed.platform == *platform && *seed.store == *store);
    let view = app.recent.store(&platform, &store, limit);
    if !owned && seed.is_none() && view.kept == 0 {
        let mut platforms: Vec<&str> = judge.engine.ruleset().platforms().collect();
        platforms.sort_unstable();
        let unknown = format!(
            "no store {store} of {platform} is known here: no event of it came to a worker of this process, and the file \
             of stores does not name it. Ask the other processes of the group, or read the verdicts topic, which has \
             everything; platforms are {}",
            platforms.join(", ")
        );
        return fault(StatusCode::NOT_FOUND, &unknown);
    }
    let agency = seed.and_then(|seed| seed.agency.as_deref()).map(str::to_owned);
    Json(Answer { platform, store, agency, owned, view }).into_response()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use serde_json::{Value, json};

    use super::super::server::testing::{self, ask};
    use super::*;
    use crate::engine::{Around, BareText};
    use crate::event::Surface;
    use crate::time::Millis;

    const TOKEN: Option<&str> = Some("secret");
    const PHONE: &str = "+7 916 123-45-67";

    /// A worker that owns one store and judges nothing.
    fn worker(owned: &'static str) -> mpsc::Sender<Query> {
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for query in receiver {
                if let Query::Owns { store, reply, .. } = query
                    && store == owned
                {
                    let _ = reply.send(());
                }
            }
        });
        sender
    }

    fn judge(app: &App, store: &str, number: u32, text: &str) {
        let at = Millis::parse(&format!("2026-10-01T09:00:0{number}Z")).unwrap();
        let id = format!("ozon/{store}/m/{number}/sent");
        let bare = BareText {
            platform: "ozon",
            store: Some(store),
            surface: Surface::Chat,
            text,
            id: &id,
            at,
            around: Around::default(),
        };
        app.recent.verdict(&app.judge.load().engine.check_text(&bare, None));
    }

    #[tokio::test]
    async fn rules_are_counted_and_no_words_are_told() {
        let mut app = testing::app(TOKEN);
        app.queries = vec![worker("8"), worker("9")];
        let base = testing::serve(&app).await;
        judge(&app, "7", 1, "Дарим скидку 10 % на следующий заказ");
        judge(&app, "7", 2, &format!("Дарим скидку 10 % на следующий заказ, звоните {PHONE}"));
        judge(&app, "9", 3, "Напишите отзыв");

        let path = "GET /v1/stores/ozon/7/verdicts?limit=1";
        let text = ask(&base, path, TOKEN, "", 200, "").await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&answer["kept"], &answer["owned"]), (&2.into(), &false.into()), "{text}");
        assert_eq!(answer["since"], "2026-10-01T09:00:01.000Z");
        let rule = |name: &str| {
            let rules = answer["rules"].as_array().unwrap();
            rules.iter().find(|rule| rule["rule"] == name).unwrap_or_else(|| panic!("{name}: {text}"))
        };
        assert_eq!(
            *rule("promo"),
            json!({ "rule": "promo", "verdicts": 2, "certain": 2, "shadow": 0, "last": "2026-10-01T09:00:02.000Z" })
        );
        assert_eq!(rule("off-platform-contact")["verdicts"], 1);
        let verdicts = answer["verdicts"].as_array().unwrap();
        assert_eq!(verdicts.len(), 1);
        assert_eq!(verdicts[0]["event_id"], "ozon/7/m/2/sent");
        let finding = verdicts[0]["findings"].as_array().unwrap();
        let promo = finding.iter().find(|finding| finding["rule"] == "promo").unwrap();
        assert!(promo["signals"].as_array().is_some_and(|signals| !signals.is_empty()), "{promo}");
        assert!(promo["clause"].is_string() && promo["severity"] == "warning", "{promo}");
        for words in ["скидку", "звоните", PHONE, "-67", "excerpt", "evidence", "\"buyer\""] {
            assert!(!text.contains(words), "{words} in {text}");
        }

        ask(&base, "GET /v1/stores/ozon/9/verdicts", TOKEN, "", 200, "\"owned\":true").await;
        // Only clean messages so far.
        ask(&base, "GET /v1/stores/ozon/8/verdicts", TOKEN, "", 200, "\"rules\":[],\"verdicts\":[]").await;
        ask(&base, "GET /v1/stores/ozon/10/verdicts", TOKEN, "", 404, "no store 10 of ozon").await;
        ask(&base, "GET /v1/stores/ozone/7/verdicts", TOKEN, "", 404, "platforms are ozon, ").await;
        ask(&base, "GET /v1/stores/ozon/7/verdicts?limit=all", TOKEN, "", 400, "?limit= is a number").await;
        ask(&base, "GET /v1/stores/ozon/7/verdicts", None, "", 401, "Bearer").await;
    }
}
