//! Events in, verdicts out: workers that own partitions, their transactions, their state.
//!
//! [`worker`] is the loop. What it owns is in [`tasks`], and how that comes and goes in [`handover`]; [`task`] puts the inputs of one partition into the order of
//! their times; [`desk`] judges a record and writes what follows from it; [`transaction`] commits; [`changelog`] reads
//! state back; [`rebalance`] is called when partitions come and go. [`topics`] looks that everything is there before,
//! [`dead_letter`] keeps what cannot be read, [`letters`] puts it back once it can. [`embedded`] is a broker for the demo.

mod changelog;
pub mod client;
pub mod dead_letter;
mod desk;
pub mod dispositions;
pub mod embedded;
mod failpoint;
mod handover;
pub mod letters;
mod rebalance;
mod receipts;
mod stop;
mod task;
mod tasks;
pub mod topics;
mod transaction;
pub mod worker;

pub use stop::Stop;
pub use transaction::instance;
