//! Starts the shop on 127.0.0.1 and ends it on `SIGTERM`, on Ctrl-C or, where
//! `SHOP_EXIT_ON_STDIN_EOF=1`, when what started it is gone.

use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use tidegate_shop::settings::Settings;
use tidegate_shop::{Shop, router};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// How long requests that are under way may take to end.
const LAST_REQUESTS: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shop: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let settings = Settings::read(|name| std::env::var(name).ok())?;
    let listener = TcpListener::bind(("127.0.0.1", settings.port))
        .await
        .map_err(|error| format!("port {}: {error}", settings.port))?;
    let shop = Shop::new(settings)?;
    let mut end = end_asked_for()?;
    println!("shop listening on http://{}", listener.local_addr()?);
    let (drain, drained) = oneshot::channel::<()>();
    let server = axum::serve(listener, router(shop)).with_graceful_shutdown(async {
        // An error means that the sender is gone, which says the same.
        let _ = drained.await;
    });
    let mut server = tokio::spawn(server.into_future());
    tokio::select! {
        ended = &mut server => ended??,
        _ = &mut end => {
            drop(drain);
            // Those who are not done by then are cut off.
            let _ = tokio::time::timeout(LAST_REQUESTS, server).await;
        }
    }
    Ok(())
}

/// Resolves once the shop is to end.
fn end_asked_for() -> io::Result<oneshot::Receiver<()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stdin_ended = watched_stdin();
    let (end, ended) = oneshot::channel();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            Ok(()) = stdin_ended => {}
        }
        // An error means that the shop has ended already.
        let _ = end.send(());
    });
    Ok(ended)
}

/// Resolves once stdin is at its end, where that is wanted, and else never to `Ok`.
fn watched_stdin() -> oneshot::Receiver<()> {
    let (ended, at_end) = oneshot::channel();
    if std::env::var("SHOP_EXIT_ON_STDIN_EOF").is_ok_and(|value| value == "1") {
        // A thread of its own: it sits in a read that nothing can interrupt.
        std::thread::spawn(move || {
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            let _ = ended.send(());
        });
    }
    at_end
}
