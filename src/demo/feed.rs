//! The producers of the fleet: one thread that writes what happens as simulated time goes by.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::json;

use super::fleet::{Fleet, Topic};
use crate::clock;
use crate::config::{Kafka, Topics};
use crate::event::DispositionLabel;
use crate::kafka::client;
use crate::runtime::shutdown::Shutdown;
use crate::score::Verdict;
use crate::time::{Millis, Span};

/// How often what has happened is written.
const TICK: Duration = Duration::from_millis(50);
/// How long the broker may take for what is under way at the end.
const FAREWELL: Duration = Duration::from_secs(10);

/// Simulated time: an hour in every second.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// When it begins.
    pub begin: Millis,
    /// When it ends.
    pub end: Millis,
}

impl Pace {
    /// How many times faster than the clock simulated time goes by.
    const SPEED: i64 = 3600;

    /// So many seconds, which end now or, counted from now, a little before.
    pub fn of(seconds: u32, now: Millis) -> Self {
        let length = Span::hours(i64::from(seconds));
        Self { begin: now.minus(length), end: now }
    }

    fn at(&self, elapsed: Duration) -> Millis {
        let elapsed = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
        self.begin.plus(Span(elapsed.saturating_mul(Self::SPEED))).min(self.end)
    }
}

/// A reviewer's word on a verdict.
#[derive(Clone, Debug)]
pub struct Review {
    /// What he looked at.
    pub verdict: Verdict,
    /// What he says.
    pub label: DispositionLabel,
}

/// How far the producers are.
#[derive(Debug, Default)]
struct Progress {
    written: AtomicU64,
    simulated: AtomicI64,
    done: AtomicBool,
}

/// Producers at work.
#[derive(Debug)]
pub struct Feed {
    progress: Arc<Progress>,
    reviews: mpsc::Sender<Review>,
    stop: Shutdown,
    thread: JoinHandle<Result<(), KafkaError>>,
}

impl Feed {
    /// Begins to write.
    ///
    /// # Errors
    /// When the client or the thread cannot be made.
    pub fn spawn(fleet: Fleet, kafka: &Kafka, pace: Pace) -> Result<Self, String> {
        let producer: BaseProducer = client::producer(kafka)
            .map_err(|error| error.to_string())?
            .create()
            .map_err(|error| format!("cannot create a producer: {error}"))?;
        let progress = Arc::new(Progress::default());
        let (reviews, reviewed) = mpsc::channel();
        let stop = Shutdown::default();
        let desk = Desk {
            producer,
            topics: kafka.topics.clone(),
            progress: Arc::clone(&progress),
            reviewed,
            stop: stop.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("fleet".to_owned())
            .spawn(move || desk.run(fleet, pace))
            .map_err(|error| format!("cannot start a thread: {error}"))?;
        Ok(Self { progress, reviews, stop, thread })
    }

    /// Records written.
    pub fn written(&self) -> u64 {
        self.progress.written.load(Ordering::Acquire)
    }

    /// How far simulated time is.
    pub fn simulated(&self) -> Millis {
        Millis(self.progress.simulated.load(Ordering::Acquire))
    }

    /// Whether everything is written.
    pub fn is_done(&self) -> bool {
        self.progress.done.load(Ordering::Acquire) || self.thread.is_finished()
    }

    /// A reviewer labels a verdict: his label goes the way of every event.
    pub fn review(&self, review: Review) {
        // When the producers have ended, nobody reviews any more.
        let _ = self.reviews.send(review);
    }

    /// Ends, at once if need be.
    ///
    /// # Errors
    /// When the broker refused a record.
    pub fn end(self) -> Result<(), String> {
        self.stop.begin();
        match self.thread.join() {
            Ok(ended) => ended.map_err(|error| format!("the simulated producers: {error}")),
            Err(_) => Err("the simulated producers failed; please report this".to_owned()),
        }
    }
}

struct Desk {
    producer: BaseProducer,
    topics: Topics,
    progress: Arc<Progress>,
    reviewed: mpsc::Receiver<Review>,
    stop: Shutdown,
}

impl Desk {
    fn run(self, mut fleet: Fleet, pace: Pace) -> Result<(), KafkaError> {
        let began = clock::instant();
        while !self.stop.begun() {
            let now = pace.at(began.elapsed());
            for record in fleet.until(now) {
                let topic = match record.topic {
                    Topic::Messages => &self.topics.messages,
                    Topic::Orders => &self.topics.orders,
                };
                self.write(topic, &record.key, &record.value)?;
            }
            while let Ok(review) = self.reviewed.try_recv() {
                self.label(&review, now)?;
            }
            self.progress.simulated.store(now.0, Ordering::Release);
            if now >= pace.end && !self.progress.done.load(Ordering::Acquire) {
                self.producer.flush(FAREWELL)?;
                self.progress.done.store(true, Ordering::Release);
            }
            self.producer.poll(TICK);
        }
        self.producer.flush(FAREWELL)
    }

    fn write(&self, topic: &str, key: &str, value: &[u8]) -> Result<(), KafkaError> {
        let began: Instant = clock::instant();
        let mut record = BaseRecord::to(topic).key(key).payload(value);
        while let Err((error, back)) = self.producer.send(record) {
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) || began.elapsed() > FAREWELL {
                return Err(error);
            }
            self.producer.poll(TICK);
            record = back;
        }
        self.progress.written.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    fn label(&self, Review { verdict, label }: &Review, at: Millis) -> Result<(), KafkaError> {
        let key = format!("{}/{}", verdict.platform, verdict.store);
        let event = json!({
            "v": 1, "type": "disposition", "event_id": format!("{key}/d/{}", verdict.verdict_id),
            "platform": verdict.platform, "store": verdict.store, "occurred_at": at.to_string(),
            "verdict_id": verdict.verdict_id, "label": label.as_str(), "reviewer": "compliance-lead",
        });
        self.write(&self.topics.messages, &key, event.to_string().as_bytes())
    }
}
