//! State.
/// State of a task.
#[derive(Debug, Default)]
pub struct TaskState {}
