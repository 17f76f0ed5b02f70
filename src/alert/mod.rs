//! Alerts: what goes into the alerts topic, and its delivery to Alertmanager.
