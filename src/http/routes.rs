//! What the routes do.

use std::borrow::Cow;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::oneshot;

use super::server::{App, fault};
use crate::clock;
use crate::engine::{Around, BareText};
use crate::event::{
    Author, Body, Channel, ConversationType, DispositionLabel, Event, Message, OrderRef, Origin, Surface,
    TimeSource,
};
use crate::runtime::query::Query;
use crate::score::Verdict;

/// How long workers may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// `/metrics`. Rendering ten thousand stores takes a while: not on the threads that answer.
pub(super) async fn metrics(State(app): State<App>) -> Response {
    match tokio::task::spawn_blocking(move || app.metrics.render()).await {
        Ok(text) => {
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
        }
        Err(_) => fault(StatusCode::INTERNAL_SERVER_ERROR, "metrics cannot be rendered"),
    }
}

/// `/version`.
pub(super) async fn version(State(app): State<App>) -> Response {
    let judge = app.judge.load();
    let packs: Vec<_> = judge
        .engine
        .ruleset()
        .packs()
        .map(|pack| json!({ "pack": pack.id, "version": pack.version, "hash": pack.hash, "mode": pack.mode }))
        .collect();
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "generation": judge.generation,
        "loaded_at": judge.loaded_at.to_string(),
        "packs": packs,
    }))
    .into_response()
}

/// `POST /-/reload`.
pub(super) async fn reload(State(app): State<App>) -> Response {
    match tokio::task::spawn_blocking(move || app.reloader.reload("POST /-/reload")).await {
        Ok(Ok(generation)) => Json(json!({ "generation": generation })).into_response(),
        Ok(Err(faults)) => {
            let body = json!({ "error": "nothing was loaded; what judged before goes on judging", "faults": faults });
            (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
        }
        Err(_) => fault(StatusCode::INTERNAL_SERVER_ERROR, "loading failed; see the log"),
    }
}

/// A draft of a seller.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Draft {
    platform: String,
    store: String,
    conversation: Option<String>,
    order: Option<String>,
    template: Option<String>,
    #[serde(default)]
    surface: Surface,
    text: String,
}

/// `POST /v1/check`: would this draft pass, now?
pub(super) async fn check(State(app): State<App>, draft: Result<Json<Draft>, JsonRejection>) -> Response {
    let draft = match draft {
        Ok(Json(draft)) => draft,
        Err(rejection) => return fault(rejection.status(), &rejection.body_text()),
    };
    let (verdict, history) = match with_history(&app, &draft).await {
        Some(verdict) => (verdict, true),
        None => {
            let judge = app.judge.load();
            let Draft { platform, store, surface, text, .. } = &draft;
            let seed = judge.seeds.iter().find(|seed| *seed.platform == *platform && *seed.store == *store);
            let at = clock::now();
            let bare = BareText {
                platform,
                store: Some(store),
                surface: *surface,
                text,
                id: "draft",
                at,
                around: Around::default(),
            };
            let verdict = judge.engine.check_text(&bare, seed);
            (verdict, false)
        }
    };
    Json(json!({ "history": history, "verdict": verdict })).into_response()
}

/// Asks the workers: the one that owns the store knows the conversation. Only chat has one.
async fn with_history(app: &App, draft: &Draft) -> Option<Verdict> {
    if draft.surface != Surface::Chat {
        return None;
    }
    ask_workers(app, |reply| Query::Check(Box::new(event(draft)), reply)).await
}

/// Puts a question to every worker; the one that owns the store answers, the others drop it.
pub(super) async fn ask_workers<T>(app: &App, question: impl Fn(oneshot::Sender<T>) -> Query) -> Option<T> {
    let mut answers = Vec::new();
    for worker in &app.queries {
        let (reply, answer) = oneshot::channel();
        if worker.send(question(reply)).is_ok() {
            answers.push(answer);
        }
    }
    let answered = async {
        for answer in answers {
            if let Ok(answer) = answer.await {
                return Some(answer);
            }
        }
        None
    };
    tokio::time::timeout(PATIENCE, answered).await.ok().flatten()
}

fn event(draft: &Draft) -> Event<'static> {
    let text = |text: &Option<String>| text.clone().map(Cow::Owned);
    Event {
        event_id: Cow::Borrowed("draft"),
        platform: Cow::Owned(draft.platform.clone()),
        store: Cow::Owned(draft.store.clone()),
        agency: None,
        occurred_at: clock::now(),
        time_source: TimeSource::Native,
        observed_at: None,
        body: Body::Message(Message {
            conversation: text(&draft.conversation),
            conversation_type: ConversationType::Buyer,
            author: Author::Seller,
            origin: if draft.template.is_some() { Origin::Template } else { Origin::Human },
            channel: Channel::PlatformChat,
            text: Some(Cow::Owned(draft.text.clone())),
            order: OrderRef { order: text(&draft.order), ..OrderRef::default() },
            template: text(&draft.template),
            ..Message::default()
        }),
    }
}

/// `GET /v1/alerts/{id}`.
pub(super) async fn alert(State(app): State<App>, Path(id): Path<String>) -> Response {
    match app.recent.alert_by_id(&id) {
        Some(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        None => fault(
            StatusCode::NOT_FOUND,
            "no such alert of late in this process; older ones, and those of other processes, are in the alerts topic",
        ),
    }
}

/// A reviewer's word on a verdict.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Label {
    platform: String,
    store: String,
    verdict_id: String,
    label: String,
    reviewer: Option<String>,
    note: Option<String>,
}

/// `POST /v1/dispositions`: becomes an event of the messages topic.
pub(super) async fn disposition(
    State(app): State<App>,
    label: Result<Json<Label>, JsonRejection>,
) -> Response {
    let label = match label {
        Ok(Json(label)) => label,
        Err(rejection) => return fault(rejection.status(), &rejection.body_text()),
    };
    if DispositionLabel::from_word(&label.label).is_none() {
        let words = "label is one of confirmed, misjudged, missed, accepted_risk";
        return fault(StatusCode::UNPROCESSABLE_ENTITY, words);
    }
    let Some(sink) = app.dispositions.clone() else {
        return fault(StatusCode::SERVICE_UNAVAILABLE, "this process writes no events");
    };
    let Label { platform, store, verdict_id, label, reviewer, note } = label;
    let now = clock::now().to_string();
    let event_id = format!("{platform}/{store}/d/{verdict_id}/{label}/{now}");
    let event = json!({
        "v": 1, "type": "disposition", "event_id": event_id, "platform": platform, "store": store,
        "occurred_at": now, "verdict_id": verdict_id, "label": label, "reviewer": reviewer, "note": note,
    });
    let key = format!("{platform}/{store}");
    let written = tokio::task::spawn_blocking(move || sink.write(&key, event.to_string().as_bytes())).await;
    match written {
        Ok(Ok(())) => (StatusCode::ACCEPTED, Json(json!({ "event_id": event_id }))).into_response(),
        Ok(Err(error)) => fault(StatusCode::SERVICE_UNAVAILABLE, &format!("Kafka does not take it: {error}")),
        Err(_) => fault(StatusCode::INTERNAL_SERVER_ERROR, "writing failed; see the log"),
    }
}
