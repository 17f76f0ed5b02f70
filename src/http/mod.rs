//! Metrics, health and the routes for people and programs.
