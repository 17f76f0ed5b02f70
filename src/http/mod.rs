//! Metrics, health, and the routes for people and programs.
//!
//! Everything that writes or shows text wants the bearer token of the configuration; without one configured those routes
//! are off.

mod health;
mod routes;
mod server;
mod stores;

pub use server::{App, BindError, Server};
