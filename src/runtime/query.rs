//! What HTTP asks of workers: each owns its state, so it answers itself.

use tokio::sync::oneshot;

use crate::event::Event;
use crate::score::Verdict;

/// A question, put to every worker; the one that owns the store answers, the others drop it.
#[derive(Debug)]
pub enum Query {
    /// Would this draft pass, with the conversation and order as they are now? Nothing is remembered.
    Check(Box<Event<'static>>, oneshot::Sender<Verdict>),
    /// Is this store yours?
    Owns {
        /// Its platform.
        platform: String,
        /// Its id.
        store: String,
        /// Told when it is.
        reply: oneshot::Sender<()>,
    },
}
