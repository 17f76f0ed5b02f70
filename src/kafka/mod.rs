//! Events in, verdicts out: the worker that owns partitions, its transactions, its state.
