//! The daemon: roles put together in one process.

pub mod judge;
pub mod query;
pub mod readiness;
pub mod shutdown;
