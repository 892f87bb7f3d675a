//! Signals that end the process.

/// Waits until the process is asked to end (SIGTERM, SIGINT) and returns the signal's name. Works as process 1 of a container,
/// where a signal without a handler is ignored.
pub(crate) async fn asked_to_end() -> &'static str {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).expect("a handler can be set");
        let mut interrupt = signal(SignalKind::interrupt()).expect("a handler can be set");
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    }
    #[cfg(not(unix))]
    {
        let _ = tokio::signal::ctrl_c().await;
        "SIGINT"
    }
}
