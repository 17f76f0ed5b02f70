//! Events that outlive the record that carried them (held back until a missing fact arrives).
