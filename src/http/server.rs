//! Connections: accepted up to a number, cut off when they are slow, ended gracefully when the service ends.

use axum::{
    Router,
    extract::{RawPathParams, Request},
    routing::{MethodFilter, MethodRouter, on},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    signal,
    sync::Semaphore,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use super::{
    app::App,
    door::{self, Peer},
    limits::{
        CONNECTIONS_MAX, HEADER_BYTES_MAX, HEADER_SECONDS_MAX, HEADERS_MAX, SHUTDOWN_SECONDS_MAX,
        TLS_SECONDS_MAX,
    },
    network::{Hosts, Options},
    routes::{self, Verb},
    tls,
};
use crate::{
    access::Secret,
    door::Door,
    error::{Error, ErrorKind, Result},
    ledger::Ledger,
    progress,
    store::sqlite::SqliteStore,
    writer::Writer,
};

/// Where the service listens, for whoever started it.
#[derive(Debug)]
pub struct Listening {
    /// The address, with the port that was chosen.
    pub address: SocketAddr,
    /// Its beginning, for a browser on this machine.
    pub url: String,
    /// The one-time link for the first admin, as long as nobody can log in.
    pub setup: Option<String>,
}

/// Runs the service until it is told to end by Ctrl-C or SIGTERM, and then ends what is in hand. `ready` is told where
/// it listens, once it does.
///
/// # Errors
/// A ledger that cannot be opened, an address that cannot be had, options that are refused.
pub fn serve(options: &Options, ready: impl FnOnce(&Listening) -> Result<()>) -> Result<()> {
    options.check()?;
    let acceptor = options.tls.as_ref().map(|(cert, key)| tls::acceptor(cert, key)).transpose()?;
    // A signal ends the service, not the first long read that would have asked for it.
    progress::signals_are_handled();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|why| Error::new(ErrorKind::Internal, "no_runtime", why.to_string()))?;
    let (writer, thread) = Writer::start(Ledger::new(SqliteStore::open(&options.ledger)?, Door::System));
    let served = runtime.block_on(run(options, acceptor, writer, ready));
    // What still runs is told to stop between two steps; the writer ends with its last handle.
    progress::stop();
    runtime.shutdown_timeout(Duration::from_secs(SHUTDOWN_SECONDS_MAX));
    if thread.join().is_err() {
        return Err(Error::new(ErrorKind::Internal, "writer_broke_off", "the writer broke off"));
    }
    served
}

async fn run(
    options: &Options,
    acceptor: Option<TlsAcceptor>,
    writer: Writer,
    ready: impl FnOnce(&Listening) -> Result<()>,
) -> Result<()> {
    let in_use = |why: std::io::Error| {
        Error::new(ErrorKind::Storage, "cannot_listen", format!("{}: {why}", options.listen))
            .hint("--listen ADDRESS:PORT names another; port 0 takes any that is free")
    };
    let listener = TcpListener::bind(options.listen).await.map_err(in_use)?;
    let address = listener.local_addr().map_err(in_use)?;
    let app = Arc::new(App::new(options, Hosts::of(address, &options.public_hosts), writer)?);
    let scheme = if acceptor.is_some() { "https" } else { "http" };
    let url = match options.public_hosts.first().filter(|_| !address.ip().is_loopback()) {
        Some(host) => format!("{}://{host}/", if options.is_secure() { "https" } else { "http" }),
        None => format!("{scheme}://{address}/"),
    };
    let setup = app.access.setup(&mut Door::System)?;
    let setup = setup.as_ref().map(Secret::reveal).map(|link| format!("{url}setup?link={link}"));
    // Before anybody is told to come: signals from here on end the service gracefully.
    let ended = ended()?;
    ready(&Listening { address, url, setup })?;
    tracing::info!(%address, ledger = %app.origin, "listening");
    // What waits for somebody is worked out before the first one asks; whoever is faster waits for it.
    let warming = app.clone();
    tokio::task::spawn_blocking(move || {
        if let Err(why) = warming.read(|store| warming.desk.warm(store, Door::System.now_here())) {
            tracing::warn!("the inbox is not worked out yet: {why}");
        }
    });
    accept(app.clone(), listener, acceptor, ended).await;
    Ok(())
}

/// Comes when somebody wants the service to end.
fn ended() -> Result<impl Future<Output = ()>> {
    let broken = |why: std::io::Error| Error::new(ErrorKind::Internal, "no_signals", why.to_string());
    #[cfg(unix)]
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate()).map_err(broken)?;
    #[cfg(unix)]
    let mut interrupt = signal::unix::signal(signal::unix::SignalKind::interrupt()).map_err(broken)?;
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = signal::ctrl_c().await;
    })
}

async fn accept(
    app: Arc<App>,
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    ended: impl Future<Output = ()>,
) {
    let router = router(&app);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut ended = std::pin::pin!(ended);
    loop {
        let place = tokio::select! {
            place = places.clone().acquire_owned() => place,
            () = &mut ended => break,
        };
        let Ok(place) = place else { break };
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(why) => {
                    // Too many open files, a connection that was gone at once: neither ends the service.
                    tracing::warn!("a connection could not be taken: {why}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = &mut ended => break,
        };
        let (app, router, acceptor) = (app.clone(), router.clone(), acceptor.clone());
        let watcher = graceful.watcher();
        tokio::spawn(async move {
            app.metrics.connections.fetch_add(1, Ordering::Relaxed);
            connection(router, watcher, acceptor, stream, peer).await;
            app.metrics.connections.fetch_sub(1, Ordering::Relaxed);
            drop(place);
        });
    }
    drop(listener);
    tracing::info!("ending: no new connections, what is in hand is finished");
    app.ending.send_replace(true);
    if timeout(Duration::from_secs(SHUTDOWN_SECONDS_MAX), graceful.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end in {SHUTDOWN_SECONDS_MAX} seconds");
    }
}

async fn connection(
    router: Router,
    watcher: Watcher,
    acceptor: Option<TlsAcceptor>,
    stream: TcpStream,
    peer: SocketAddr,
) {
    // Answers are whole when they are sent; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    match acceptor {
        None => speak(router, watcher, stream, peer).await,
        Some(acceptor) => {
            let shaken = timeout(Duration::from_secs(TLS_SECONDS_MAX), acceptor.accept(stream)).await;
            match shaken {
                Ok(Ok(stream)) => speak(router, watcher, stream, peer).await,
                Ok(Err(why)) => tracing::debug!(%peer, "no TLS: {why}"),
                Err(_) => tracing::debug!(%peer, "the TLS handshake took too long"),
            }
        }
    }
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    router: Router,
    watcher: Watcher,
    stream: S,
    peer: SocketAddr,
) {
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        router.clone().call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(HEADER_SECONDS_MAX))
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADER_BYTES_MAX);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    if let Err(why) = watcher.watch(connection).await {
        tracing::debug!(%peer, "a connection ended early: {why}");
    }
}

/// The router, made from the table.
fn router(app: &Arc<App>) -> Router {
    let mut paths: BTreeMap<&'static str, MethodRouter> = BTreeMap::new();
    for route in routes::all() {
        let filter = match route.method {
            Verb::Get => MethodFilter::GET,
            Verb::Post => MethodFilter::POST,
            Verb::Delete => MethodFilter::DELETE,
        };
        let app = app.clone();
        let handler =
            move |params: RawPathParams, request: Request| door::answer(app, route, params, request);
        let methods = paths.remove(route.path).unwrap_or_default();
        paths.insert(route.path, methods.merge(on(filter, handler)));
    }
    let mut router = Router::new();
    for (path, methods) in paths {
        let allowed: Vec<&str> =
            routes::all().filter(|route| route.path == path).map(|route| route.method.as_str()).collect();
        let (app, allowed) = (app.clone(), allowed.join(", "));
        let no_method = move |request: Request| {
            let text = format!("{} is not for this path", request.method());
            let why = Error::new(ErrorKind::Usage, "no_such_method", text).hint(format!("use {allowed}"));
            let mut response = door::nowhere(&app, request.headers(), &why);
            if let Ok(allowed) = allowed.parse() {
                response.headers_mut().insert("allow", allowed);
            }
            async move { response }
        };
        router = router.route(path, methods.fallback(no_method));
    }
    let app = app.clone();
    router.fallback(move |request: Request| {
        let why = Error::new(ErrorKind::NotFound, "no_such_path", "there is nothing under this path")
            .hint("/v1/openapi.json describes what there is");
        let response = door::nowhere(&app, request.headers(), &why);
        async move { response }
    })
}
