//! The whole system in one process: a simulated fleet on an embedded broker.
