//! Runs inputs through artifacts: scheduler, outcomes, events.
