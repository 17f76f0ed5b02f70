//! Found frames into signals: in order, repeats merged.

use crate::text::frames::Found;
use crate::text::{Signal, Signals, Suppressed};

/// What stands goes to the signals, what was taken back beside them.
pub(super) fn frames(found: &[Found], out: &mut Signals) {
    for one in found {
        match one.by {
            Some(by) => {
                out.suppressed.push(Suppressed { id: one.signal, start: one.start, end: one.end, by })
            }
            None => out.signals.push(Signal {
                id: one.signal,
                start: one.start,
                end: one.end,
                via: one.via,
                confidence: one.confidence,
                frame: one.hit,
            }),
        }
    }
}

/// Orders both lists and merges overlapping repeats of one fact.
pub(super) fn settle(out: &mut Signals) {
    out.suppressed.sort_unstable_by_key(|one| (one.id, one.start, one.end, one.by));
    out.suppressed.dedup_by(|next, kept| {
        let same = next.id == kept.id && next.by == kept.by && next.start < kept.end;
        if same {
            kept.end = kept.end.max(next.end);
        }
        same
    });
    out.suppressed.sort_unstable_by_key(|one| (one.start, one.id, one.end));
    out.signals.sort_unstable_by_key(|one| (one.id, one.start, one.end));
    out.signals.dedup_by(|next, kept| {
        let same = next.id == kept.id && next.start < kept.end;
        if same {
            if next.confidence > kept.confidence {
                (kept.confidence, kept.via, kept.frame) = (next.confidence, next.via, next.frame);
            }
            kept.end = kept.end.max(next.end);
            kept.frame = kept.frame.or(next.frame);
        }
        same
    });
    out.signals.sort_unstable_by_key(|one| (one.start, one.id));
}
