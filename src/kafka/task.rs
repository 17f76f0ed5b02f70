//! One task: partition n of every input topic, and the state of the stores in it.
//!
//! Records wait here until it is known which of them is the oldest: a message and its order arrive by different topics,
//! and are taken in the order of their event times. Nothing here talks to Kafka.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use crate::event::{DecodeError, Decoded, Event, decode};
use crate::state::TaskState;
use crate::time::{Millis, Span};

use super::dead_letter::Limits;
use crate::clock::Moment;

/// How long a task waits for an input that neither has records nor says that it has none, before it goes on without:
/// the leader of a partition may be away for long.
const PATIENCE: Duration = Duration::from_secs(10);
/// A record whose event is older than this is a backlog: what belongs before it may be on its way by another input …
const BACKLOG: Span = Span::minutes(1);
/// … so it waits for so long, even when the other inputs seem to have ended. Younger ones need not: a message waits for
/// its order in the engine for longer than that.
const SETTLE: Duration = Duration::from_millis(250);
/// An event so far ahead of the clock would fire every deadline before it: it is a fault of its producer.
const AHEAD: Span = Span::days(1);
/// An input with so many records waiting is paused …
const MANY: usize = 10_000;
/// … until it has so few.
const FEW: usize = 2_000;
/// While the state is read, so many are enough: many tasks may read theirs at once.
const EARLY: usize = 500;

/// What the events of one record are.
pub(super) type Events<'a> = SmallVec<[Event<'a>; 1]>;

/// One record of an input, decoded.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every record is an event, and it lives where it is made"
)]
pub(super) enum Content<'a> {
    /// What it says: one event, or a page of them.
    Events(Events<'a>),
    /// Well formed, and of no concern.
    Skipped,
    /// It cannot be read.
    Unreadable(DecodeError),
}

impl<'a> Content<'a> {
    /// Decodes the value of a record. A record without a value (a tombstone) says nothing.
    pub(super) fn of(value: Option<&'a [u8]>) -> Self {
        let Some(value) = value else { return Self::Skipped };
        match decode(value) {
            Ok(Decoded::One(event)) => Self::Events(smallvec::smallvec![event]),
            Ok(Decoded::Many(events)) => Self::Events(events.into()),
            Ok(Decoded::Skipped(_)) => Self::Skipped,
            Err(error) => Self::Unreadable(error),
        }
    }

    /// Why it goes to the dead letters: a code, and what is wrong.
    pub(super) fn fault(&self, clock: Millis) -> Option<(&'static str, String)> {
        let events = match self {
            Self::Skipped => return None,
            Self::Unreadable(error) => return Some((error.code.word(), error.message.clone())),
            Self::Events(events) => events,
        };
        let latest = events.iter().map(|event| event.occurred_at).max()?;
        (latest > clock.plus(AHEAD)).then(|| {
            let told = format!("occurred_at is {latest}, more than a day ahead of the clock of this machine");
            ("invalid_time", told)
        })
    }

    /// Time of its first event.
    fn first_at(&self) -> Option<Millis> {
        match self {
            Self::Events(events) => events.iter().map(|event| event.occurred_at).min(),
            Self::Skipped | Self::Unreadable(_) => None,
        }
    }

    fn is_backlog(&self, clock: Millis) -> bool {
        self.first_at().is_some_and(|at| clock.since(at) > BACKLOG)
    }

    fn into_owned(self) -> Content<'static> {
        match self {
            Self::Events(events) => Content::Events(events.into_iter().map(Event::into_owned).collect()),
            Self::Skipped => Content::Skipped,
            Self::Unreadable(error) => Content::Unreadable(error),
        }
    }
}

/// Where a record stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: i64,
    /// The broker's or the producer's time.
    pub(super) timestamp: Option<i64>,
}

/// A record that waits for its turn.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) place: Place,
    pub(super) content: Content<'static>,
    /// Key and value as they came, for the dead letters: what can be read may still be refused.
    key: Option<Box<[u8]>>,
    value: Box<[u8]>,
    /// Event time; that of the record before it when it has none.
    at: Millis,
    /// It may be taken then, when other inputs are silent.
    settled_at: Instant,
}

impl Waiting {
    /// Key and value as they came.
    pub(super) fn raw(&self) -> Raw<'_> {
        (self.key.as_deref(), &self.value)
    }
}

/// Key and value of a record.
pub(super) type Raw<'a> = (Option<&'a [u8]>, &'a [u8]);

/// One input topic of a task.
#[derive(Debug)]
pub(super) struct Input {
    /// Offset of the next record to take; those below were taken. `None` until something was taken.
    pub(super) next: Option<i64>,
    /// Records that wait, by offset.
    waiting: VecDeque<Waiting>,
    /// Everything that the topic holds has arrived here.
    pub(super) at_end: bool,
    /// No more is fetched for now.
    pub(super) paused: bool,
    /// Watches over unreadable records.
    pub(super) limits: Limits,
    /// Event time of the last event taken.
    pub(super) taken_at: Option<Millis>,
    /// Event time of the last record that waits.
    last_at: Millis,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its state is being read; records wait.
    Restoring,
    /// It judges.
    Running,
}

/// One task.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) partition: i32,
    pub(super) phase: Phase,
    pub(super) state: TaskState,
    pub(super) inputs: Vec<Input>,
    /// Something changed since the last commit.
    pub(super) changed: bool,
    /// A transaction was lost: its consumer must go back to where its state ends.
    pub(super) rewinds: bool,
    /// Since when it waits for an input that is silent.
    blocked_since: Option<Instant>,
}

/// What to do about the flow of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// Fetch no more.
    Pause,
    /// Go on fetching.
    Resume,
}

impl Task {
    pub(super) fn new(partition: i32, state: TaskState, inputs: usize, limits: &Limits) -> Self {
        let input = || Input {
            next: None,
            waiting: VecDeque::new(),
            at_end: false,
            paused: false,
            limits: limits.clone(),
            taken_at: None,
            last_at: Millis(i64::MIN),
        };
        Self {
            partition,
            phase: Phase::Restoring,
            state,
            inputs: (0..inputs).map(|_| input()).collect(),
            changed: false,
            rewinds: false,
            blocked_since: None,
        }
    }

    /// Whether the record at `offset` was taken before, or waits already.
    pub(super) fn has(&self, input: usize, offset: i64) -> bool {
        let input = &self.inputs[input];
        input.next.is_some_and(|next| offset < next)
            || input.waiting.back().is_some_and(|last| offset <= last.place.offset)
    }

    /// Whether a record of `input` may be taken at once: nothing that waits, or may be under way, can be older.
    pub(super) fn takes_directly(&self, input: usize, content: &Content<'_>, clock: Millis) -> bool {
        self.phase == Phase::Running
            && !content.is_backlog(clock)
            && self
                .inputs
                .iter()
                .enumerate()
                .all(|(index, other)| other.waiting.is_empty() && (index == input || other.at_end))
    }

    /// Has a record wait for its turn.
    pub(super) fn wait(
        &mut self,
        input: usize,
        place: Place,
        content: Content<'_>,
        raw: Raw<'_>,
        now: Moment,
    ) {
        let input = &mut self.inputs[input];
        input.last_at = content.first_at().unwrap_or(input.last_at);
        let settles = if content.is_backlog(now.clock) { SETTLE } else { Duration::ZERO };
        let (key, value) = raw;
        input.waiting.push_back(Waiting {
            place,
            content: content.into_owned(),
            key: key.map(Into::into),
            value: value.into(),
            at: input.last_at,
            settled_at: now.instant + settles,
        });
    }

    /// The oldest record that may be taken now, with its input.
    pub(super) fn take(&mut self, now: Instant) -> Option<(usize, Waiting)> {
        if self.phase != Phase::Running {
            return None;
        }
        let heads = self
            .inputs
            .iter()
            .enumerate()
            .filter_map(|(index, input)| input.waiting.front().map(|head| (head.at, index)));
        let (_, oldest) = heads.min()?;
        let silent = |input: &Input| input.waiting.is_empty() && !input.at_end;
        if self.inputs.iter().any(silent) {
            let since = *self.blocked_since.get_or_insert(now);
            if now.duration_since(since) < PATIENCE {
                return None;
            }
        } else {
            self.blocked_since = None;
            let settled = self.inputs[oldest].waiting.front().is_some_and(|head| head.settled_at <= now);
            if !settled && self.inputs.iter().any(|input| input.waiting.is_empty()) {
                return None;
            }
        }
        self.inputs[oldest].waiting.pop_front().map(|waiting| (oldest, waiting))
    }

    /// Whether every record that the broker has was taken, as far as is known here.
    pub(super) fn caught_up(&self) -> bool {
        self.phase == Phase::Running
            && self.inputs.iter().all(|input| input.at_end && input.waiting.is_empty())
    }

    /// Drops waiting records that the restored state has taken before.
    pub(super) fn drop_taken(&mut self) {
        for input in &mut self.inputs {
            let next = input.next.unwrap_or(0);
            while input.waiting.front().is_some_and(|head| head.place.offset < next) {
                input.waiting.pop_front();
            }
        }
    }

    /// Whether the flow of an input must change; remembers that it does.
    pub(super) fn flow(&mut self, input: usize) -> Option<Flow> {
        let (many, few) = match self.phase {
            Phase::Restoring => (EARLY, None),
            Phase::Running => (MANY, Some(FEW)),
        };
        let input = &mut self.inputs[input];
        let waiting = input.waiting.len();
        if !input.paused && waiting >= many {
            input.paused = true;
            Some(Flow::Pause)
        } else if input.paused && few.is_some_and(|few| waiting <= few) {
            input.paused = false;
            Some(Flow::Resume)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn wait(task: &mut Task, input: usize, offset: i64, value: &[u8], now: Moment) {
        task.wait(input, Place { offset, timestamp: None }, Content::of(Some(value)), (None, value), now);
    }

    /// A moment at which the events of these tests have just happened.
    fn live() -> Moment {
        Moment { clock: Millis::parse("2026-10-01T09:30:00Z").unwrap(), instant: clock::instant() }
    }

    fn order(at: &str, id: &str) -> Vec<u8> {
        format!(
            r#"{{"v":1,"type":"order","event_id":"{id}","platform":"p","store":"s","occurred_at":"{at}","kind":"created","order":"1"}}"#
        )
        .into_bytes()
    }

    fn task() -> Task {
        let mut task = Task::new(0, TaskState::default(), 2, &Limits::new(100, 0.5));
        task.phase = Phase::Running;
        task
    }

    /// Steps: `m 10` a message of minute 10 arrives, `o 10` an order, `m.`/`o.` the end of an input, `t` everything
    /// that may be taken is.
    fn check(steps: &str, expected: &str) {
        let mut task = task();
        let now = live();
        let mut offsets = [0, 0];
        let mut taken = Vec::new();
        for step in steps.split(", ") {
            let input = usize::from(step.starts_with('o'));
            match step.split_once(' ') {
                Some((_, minute)) => {
                    let value = if minute == "x" {
                        b"{".to_vec()
                    } else {
                        order(&format!("2026-10-01T09:{minute}:00Z"), &format!("{}{minute}", &step[..1]))
                    };
                    task.inputs[input].at_end = false;
                    wait(&mut task, input, offsets[input], &value, now);
                    offsets[input] += 1;
                }
                None if step == "t" => {
                    while let Some((input, waiting)) = task.take(now.instant + SETTLE) {
                        taken.push(match &waiting.content {
                            Content::Events(events) => events[0].event_id.to_string(),
                            _ => format!("{}x", ["m", "o"][input]),
                        });
                    }
                    taken.push("|".to_owned());
                }
                None => task.inputs[input].at_end = true,
            }
        }
        assert_eq!(taken.join(" "), expected, "{steps}");
    }

    #[test]
    fn records_are_taken_by_event_time_when_no_older_one_can_come() {
        for (steps, expected) in [
            // Nothing is known of the orders: they may hold an older one.
            ("m 10, t", "|"),
            ("m 10, o., t", "m10 |"),
            ("m 10, o 05, t", "o05 |"),
            ("m 10, o 05, o., t", "o05 m10 |"),
            ("m 10, m 12, o 11, o 13, t", "m10 o11 m12 |"),
            ("m 10, m 12, o 11, o 13, t, m., t", "m10 o11 m12 | o13 |"),
            // At one instant the first input goes first.
            ("o 10, m 10, m., o., t", "m10 o10 |"),
            // Within an input the order of the topic stands, whatever the times say.
            ("m 12, m 10, o 11, o., m., t", "o11 m12 m10 |"),
            // What cannot be read keeps its place.
            ("m 10, m x, m 14, o 12, o., m., t", "m10 mx o12 m14 |"),
            // An input that had ended goes on.
            ("m., o., m 10, t, o 09, t", "m10 | |"),
        ] {
            check(steps, expected);
        }
    }

    #[test]
    fn a_silent_input_is_not_waited_for_for_ever() {
        let mut task = task();
        let now = live();
        wait(&mut task, 0, 0, &order("2026-10-01T09:00:00Z", "m"), now);
        let now = now.instant;
        assert!(task.take(now).is_none());
        assert!(task.take(now + PATIENCE / 2).is_none());
        assert!(task.take(now + PATIENCE).is_some());
    }

    #[test]
    fn a_record_is_taken_directly_when_nothing_can_come_before_it() {
        let mut task = task();
        let value = order("2026-10-01T09:29:30Z", "m");
        let (content, now) = (Content::of(Some(&value)), live());
        let takes = |task: &Task, input| task.takes_directly(input, &content, now.clock);
        assert!(!takes(&task, 0), "the orders may hold an older one");
        task.inputs[1].at_end = true;
        assert!(takes(&task, 0));
        assert!(!takes(&task, 1));
        let later = now.clock.plus(BACKLOG);
        assert!(!task.takes_directly(0, &content, later), "a backlog may have more than one part");
        wait(&mut task, 0, 0, &value, now);
        assert!(!takes(&task, 0), "another one waits already");
    }

    #[test]
    fn a_backlog_waits_for_its_other_part() {
        let now = live();
        for (at, arrives, waits) in
            [("09:29:30", false, false), ("09:10:00", false, true), ("09:10:00", true, false)]
        {
            let mut task = task();
            task.inputs[1].at_end = true;
            wait(&mut task, 0, 0, &order(&format!("2026-10-01T{at}Z"), "m"), now);
            if arrives {
                wait(&mut task, 1, 0, &order("2026-10-01T09:20:00Z", "o"), now);
            }
            assert_eq!(task.take(now.instant).is_none(), waits, "{at} {arrives}");
            assert!(!waits || task.take(now.instant + SETTLE).is_some(), "{at} {arrives}");
        }
    }

    #[test]
    fn what_was_taken_is_not_taken_again() {
        let mut task = task();
        for offset in 3..6 {
            wait(&mut task, 0, offset, b"{}", live());
        }
        for (offset, expected) in [(2, true), (5, true), (6, false)] {
            assert_eq!(task.has(0, offset), expected, "offset {offset}");
        }
        task.inputs[0].next = Some(5);
        task.drop_taken();
        task.inputs[1].at_end = true;
        assert_eq!(task.take(clock::instant()).map(|(_, waiting)| waiting.place.offset), Some(5));
    }

    #[test]
    fn an_input_that_runs_ahead_of_its_state_is_paused_until_the_state_is_read() {
        let mut task = task();
        task.phase = Phase::Restoring;
        for offset in 0..EARLY {
            assert_eq!(task.flow(0), None, "offset {offset}");
            wait(&mut task, 0, offset as i64, b"", live());
        }
        assert_eq!((task.flow(0), task.flow(0), task.flow(1)), (Some(Flow::Pause), None, None));
        task.phase = Phase::Running;
        assert_eq!((task.flow(0), task.flow(0)), (Some(Flow::Resume), None));
    }

    #[test]
    fn an_input_that_runs_ahead_is_paused_until_it_was_caught_up_with() {
        let mut task = task();
        for offset in 0..MANY {
            assert_eq!(task.flow(0), None, "offset {offset}");
            wait(&mut task, 0, offset as i64, b"", live());
        }
        assert_eq!((task.flow(0), task.flow(0)), (Some(Flow::Pause), None));
        task.inputs[1].at_end = true;
        while task.inputs[0].waiting.len() > FEW {
            assert_eq!(task.flow(0), None);
            let _ = task.take(clock::instant());
        }
        assert_eq!((task.flow(0), task.flow(0)), (Some(Flow::Resume), None));
    }
}
