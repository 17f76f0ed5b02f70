//! Alerts: what goes into the alerts topic ([`record`]), what is active ([`book`]), and its delivery ([`relay`],
//! [`alertmanager`]).
//!
//! The topic is the record. The relay reads it, keeps what is active in memory, and sends that to every Alertmanager; it
//! commits an offset only when nothing before it is active any more, so that a restart reads again what it has to keep
//! sending. What Alertmanager does with what it is sent was measured with version 0.25.
//!
//! Beside that: who is told ([`contacts`]), and the configuration of Alertmanager that follows from it ([`routing`]).

pub mod alertmanager;
pub mod book;
pub mod contacts;
pub mod record;
pub mod relay;
pub mod routing;

pub use record::{AlertRecord, AlertTerms, Status};
