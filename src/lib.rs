//! contactwatch judges what sellers write to buyers on marketplaces.
//!
//! The way of one event is a straight line: [`event`] decodes it, [`text`] finds signals in its words, [`state`]
//! remembers what rules need, [`policy`] holds the rules, [`score`] turns what they find into a verdict, and
//! [`engine`] is the line itself. These modules are the core: pure functions over plain data, no I/O, no clock.
//! The shell around it (feature `daemon`) reads files, arguments and configuration: [`cli`], [`config`].

#[cfg(feature = "daemon")]
pub mod alert;
#[cfg(feature = "daemon")]
pub mod backtest;
#[cfg(feature = "daemon")]
pub mod cli;
#[cfg(feature = "daemon")]
mod clock;
#[cfg(feature = "daemon")]
pub mod config;
#[cfg(feature = "daemon")]
pub mod daemon;
#[cfg(feature = "daemon")]
pub mod demo;
pub mod engine;
pub mod event;
mod hash;
#[cfg(feature = "daemon")]
pub mod http;
#[cfg(feature = "daemon")]
pub mod kafka;
#[cfg(feature = "daemon")]
pub mod metrics;
pub mod policy;
#[cfg(feature = "daemon")]
pub mod runtime;
pub mod score;
pub mod shipped;
pub mod state;
pub mod text;
pub mod time;
pub mod trial;
