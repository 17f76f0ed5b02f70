//! What the threads of one process share: what judges now, questions to workers, how far everybody is, what was found
//! lately, and the request to end.

pub mod brief;
pub mod judge;
pub mod query;
pub mod readiness;
pub mod recent;
pub mod shutdown;
