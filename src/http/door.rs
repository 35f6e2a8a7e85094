//! The door: what is asked of every request before a route sees it, and what every answer gets on its way out.

use axum::{
    body::Body,
    extract::{RawPathParams, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header},
};
use http_body_util::{BodyExt, Limited};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use replay::history::Cut;

use super::{
    answer::Answer,
    app::App,
    asked::Asked,
    desk,
    limits::{
        ANSWER_SECONDS_MAX, BODY_BYTES_MAX, BODY_SECONDS_MAX, PARAM_BYTES_MAX, QUERY_BYTES_MAX,
        REQUEST_ID_CHARS_MAX, WAIT_SECONDS_MAX,
    },
    login::cookie_name,
    param::{bad, read_query},
    principal::{Credential, Principal, in_scope, principal},
    problem,
    routes::{Gives, May, Route, Run, Takes, Verb},
    stream,
};
use crate::{
    access::is_same,
    door::Door,
    error::{Error, ErrorKind, Result},
};

/// What a page may load and do: only what comes from here, and no script in the page.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// From whom a request comes, as the connection knows it.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Answers one request on one route.
pub async fn answer(
    app: Arc<App>,
    route: &'static Route,
    params: RawPathParams,
    request: Request,
) -> Response<Body> {
    let started = Door::System.now();
    let request_id = request_id(request.headers());
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_string();
    let last_seen = one(request.headers(), stream::LAST_EVENT_ID).map(String::from);
    let checked = checked(&app, route, params, request, &path, &request_id).await;
    let mut who = String::new();
    let answer = match checked {
        Ok((asked, credential, body)) => {
            if let Some(principal) = &asked.principal {
                who = principal.actor.to_string();
            }
            match route.run {
                Run::Bulk => begin(&app.bulk).map(|place| stream::bulk(app.clone(), asked, body, place)),
                Run::Feed => match begin(&app.feeds) {
                    Ok(place) => stream::feed(app.clone(), route, asked, credential, last_seen, place).await,
                    Err(why) => Err(why),
                },
                _ => run(&app, route, asked).await,
            }
        }
        Err(why) => Err(why),
    };
    let answer = answer.unwrap_or_else(|why| refused(route, &why, &path, &request_id));
    finish(&app, route, answer, &request_id, &who, started.micros())
}

/// An answer that no route gives: an unknown path, a method that is not there.
pub fn nowhere(app: &App, headers: &HeaderMap, why: &Error) -> Response<Body> {
    let request_id = request_id(headers);
    let why = match host(app, headers) {
        Ok(()) => why,
        Err(wrong) => &wrong.clone(),
    };
    let answer = problem::answer(why, &request_id);
    app.metrics.answered("nowhere", answer.status, 0);
    response(app, answer, &request_id)
}

fn refused(route: &Route, why: &Error, path: &str, request_id: &str) -> Answer {
    if why.http_status() >= 500 {
        tracing::error!(request_id, route = route.name, code = why.code, "{why}");
    }
    match route.gives {
        // Whoever only lacks a session gets to where they wanted once they have one.
        Gives::Page if why.code == "not_logged_in" && route.method == Verb::Get => {
            let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
            Answer::see(format!("/login?next={next}"))
        }
        Gives::Page => desk::error_page(why, request_id),
        _ => problem::answer(why, request_id),
    }
}

fn finish(
    app: &App,
    route: &Route,
    answer: Answer,
    request_id: &str,
    who: &str,
    started: i64,
) -> Response<Body> {
    let took_us = u64::try_from(app.now().micros().saturating_sub(started)).unwrap_or(0);
    app.metrics.answered(route.name, answer.status, took_us);
    tracing::info!(
        request_id,
        route = route.name,
        method = route.method.as_str(),
        status = answer.status,
        took_us,
        who,
        "answered"
    );
    response(app, answer, request_id)
}

/// The head that every answer has.
pub fn response(app: &App, answer: Answer, request_id: &str) -> Response<Body> {
    let mut response = Response::new(answer.stream.unwrap_or_else(|| Body::from(answer.body)));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let fixed = [
        ("content-security-policy", CONTENT_SECURITY_POLICY),
        ("x-content-type-options", "nosniff"),
        // Under "no-referrer" a browser sends forms with the origin "null", and our own pages would look like another's.
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
        ("x-request-id", request_id),
    ];
    let tls = app.is_secure.then_some(("strict-transport-security", "max-age=31536000"));
    let media = answer.media.map(|media| ("content-type", media));
    let own = answer.headers.iter().map(|(name, value)| (*name, value.as_str()));
    for (name, value) in fixed.into_iter().chain(tls).chain(media).chain(own) {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// The name of a request: the caller's, if it is sane, else one of ours.
fn request_id(headers: &HeaderMap) -> String {
    let is_sane = |id: &&str| {
        (1..=REQUEST_ID_CHARS_MAX).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    if let Some(id) = one(headers, "x-request-id").filter(is_sane) {
        return id.into();
    }
    let mut door = Door::System;
    let now = door.now();
    door.event_id(now).map_or_else(|_| now.micros().to_string(), |id| id.to_string())
}

/// A header that is there once and is text.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A header that decides what is recorded: taken as it is meant, or refused; never passed over.
fn given(headers: &HeaderMap, name: &'static str) -> Result<Option<String>> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let is_plain = |text: &&str| {
        (1..=PARAM_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
    };
    match (value.to_str().ok().filter(is_plain), values.next()) {
        (Some(text), None) => Ok(Some(text.into())),
        // An empty one says nothing, and no revision is ever left open.
        _ if name == "if-match" && value.is_empty() => Ok(None),
        _ => Err(Error::new(
            ErrorKind::Usage,
            "bad_header",
            format!("{name} is to be there once, in printable ASCII"),
        )
        .at(name)),
    }
}

/// Everything that is asked before a route sees a request.
async fn checked(
    app: &Arc<App>,
    route: &'static Route,
    params: RawPathParams,
    request: Request,
    path: &str,
    request_id: &str,
) -> Result<(Asked, Credential, Body)> {
    host(app, request.headers())?;
    through_the_proxy(app, &request)?;
    let peer = peer(app, &request);
    let credential = credential(app, request.headers())?;
    let asking = {
        let (app, credential) = (app.clone(), credential.clone());
        blocking(move || principal(&app, &credential)).await?
    };
    let name = match (&asking, peer) {
        (Some(principal), _) => principal.actor.to_string(),
        (None, Some(address)) => address.to_string(),
        (None, None) => String::new(),
    };
    app.rates.take(&name, app.now())?;
    let cookie = match &credential {
        Credential::Cookie(secret) => Some(secret.clone()),
        _ => None,
    };
    may(route, asking.as_ref())?;
    let params = read_params(route, &params, request.uri().query().unwrap_or_default())?;
    let headers = request.headers().clone();
    media(route, &headers)?;
    let (body, rest) = match route.takes {
        Takes::Lines => (Vec::new(), request.into_body()),
        Takes::Nothing => (read_body(request.into_body(), 0).await?, Body::empty()),
        Takes::Form | Takes::Json(_) => {
            (read_body(request.into_body(), BODY_BYTES_MAX).await?, Body::empty())
        }
    };
    let asked = Asked {
        principal: asking,
        params,
        body,
        key: given(&headers, "idempotency-key")?,
        if_match: given(&headers, "if-match")?,
        cookie,
        request_id: request_id.into(),
        path: path.into(),
    };
    if route.method != Verb::Get {
        own_page(app, route, &headers, &asked)?;
    }
    Ok((asked, credential, rest))
}

/// A place among those that go on; nobody waits for one, because they may last.
fn begin(places: &Arc<Semaphore>) -> Result<tokio::sync::OwnedSemaphorePermit> {
    places.clone().try_acquire_owned().map_err(|_| {
        Error::new(ErrorKind::Busy, "feed_is_full", "as many as may are connected already")
            .hint("end another one, or try again later")
    })
}

/// The service answers under its own names only.
fn host(app: &App, headers: &HeaderMap) -> Result<()> {
    match one(headers, "host") {
        Some(host) if app.hosts.has(host) => Ok(()),
        _ => {
            Err(Error::new(ErrorKind::Usage, "not_this_host", "the service does not answer under this name")
                .hint("claims serve --public-host NAME adds a name"))
        }
    }
}

/// Where a proxy speaks TLS for the service, nobody on the network goes past it.
fn through_the_proxy(app: &App, request: &Request) -> Result<()> {
    let Some(proxy) = app.trusted_proxy else { return Ok(()) };
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    match peer {
        Some(peer) if peer == proxy || peer.is_loopback() => Ok(()),
        _ => {
            Err(Error::new(ErrorKind::Forbidden, "not_the_proxy", "this service is asked through its proxy")
                .hint("--trusted-proxy names it"))
        }
    }
}

/// Who is at the other end: the peer, or whom a trusted proxy says it asks for.
fn peer(app: &App, request: &Request) -> Option<IpAddr> {
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip())?;
    if app.trusted_proxy != Some(peer) {
        return Some(peer);
    }
    let last = one(request.headers(), "x-forwarded-for").and_then(|list| list.rsplit(',').next());
    last.and_then(|address| address.trim().parse().ok()).or(Some(peer))
}

fn credential(app: &App, headers: &HeaderMap) -> Result<Credential> {
    if let Some(value) = one(headers, "authorization") {
        let token = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, token)) = token else {
            let text = "only bearer tokens are taken";
            return Err(Error::new(ErrorKind::Unauthenticated, "not_a_bearer_token", text)
                .hint("Authorization: Bearer clm_..."));
        };
        return Ok(Credential::Bearer(token.trim().into()));
    }
    let name = cookie_name(app.is_secure);
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let found = pairs.find(|(have, _)| *have == name).map(|(_, secret)| secret.to_string());
    Ok(found.filter(|secret| !secret.is_empty()).map_or(Credential::None, Credential::Cookie))
}

/// Whether the principal may ask this route at all. What is recorded is judged by the ledger besides.
pub fn may(route: &Route, asking: Option<&Principal>) -> Result<()> {
    if route.may == May::Anybody {
        return Ok(());
    }
    let Some(principal) = asking else {
        return Err(Error::new(ErrorKind::Unauthenticated, "not_logged_in", "nobody is logged in")
            .hint("log in at /login, or send Authorization: Bearer TOKEN"));
    };
    if let Some(scope) = route.scope {
        in_scope(principal, scope)?;
    }
    let May::Roles(roles) = route.may else { return Ok(()) };
    if principal.holds_one_of(roles) {
        return Ok(());
    }
    let text = format!("{} holds none of the roles {}", principal.actor, roles.join(", "));
    Err(Error::new(ErrorKind::Forbidden, "role_is_not_held", text).hint("an admin grants roles"))
}

fn read_params(
    route: &'static Route,
    raw: &RawPathParams,
    query: &str,
) -> Result<Vec<(&'static str, String)>> {
    if query.len() > QUERY_BYTES_MAX {
        let text = format!("the query has more than {QUERY_BYTES_MAX} bytes");
        return Err(Error::new(ErrorKind::Usage, "query_too_long", text));
    }
    let mut found = read_query(route.params, query)?;
    for (name, value) in raw {
        if let Some(param) = route.params.iter().find(|param| param.name == name) {
            param.is.check(value).map_err(|why| bad(param.name, why))?;
            found.push((param.name, value.into()));
        }
    }
    Ok(found)
}

fn media(route: &Route, headers: &HeaderMap) -> Result<()> {
    let due = match route.takes {
        Takes::Nothing => return Ok(()),
        Takes::Form => "application/x-www-form-urlencoded",
        Takes::Json(_) => "application/json",
        Takes::Lines => "application/x-ndjson",
    };
    let sent = one(headers, "content-type").map(|value| value.split(';').next().unwrap_or_default().trim());
    match sent {
        Some(sent) if sent.eq_ignore_ascii_case(due) => Ok(()),
        _ => Err(Error::new(ErrorKind::Usage, "not_this_media_type", format!("the body is to be {due}"))
            .hint(format!("Content-Type: {due}"))),
    }
}

async fn read_body(body: Body, limit: usize) -> Result<Vec<u8>> {
    let whole = timeout(Duration::from_secs(BODY_SECONDS_MAX), Limited::new(body, limit).collect()).await;
    match whole {
        Ok(Ok(body)) => Ok(body.to_bytes().into()),
        Ok(Err(why)) if why.is::<http_body_util::LengthLimitError>() => {
            let text = format!("the body has more than {limit} bytes");
            Err(Error::new(ErrorKind::Usage, "body_too_large", text)
                .hint("POST /v1/events/bulk takes many commands"))
        }
        Ok(Err(why)) => Err(Error::new(ErrorKind::Usage, "body_broken_off", why.to_string())),
        Err(_) => {
            let text = format!("the body took more than {BODY_SECONDS_MAX} seconds");
            Err(Error::new(ErrorKind::Usage, "body_too_slow", text))
        }
    }
}

/// What changes something comes from a page of ours: its origin says so, and with a session it carries the secret that
/// only our pages know. Tokens are in no browser's keeping.
fn own_page(app: &App, route: &Route, headers: &HeaderMap, asked: &Asked) -> Result<()> {
    let foreign = |why: &str| {
        Err(Error::new(ErrorKind::Forbidden, "not_our_page", why)
            .hint("reload the page and try again; programs use a token"))
    };
    if one(headers, "origin").is_some_and(|origin| !app.hosts.has_origin(origin)) {
        return foreign("the request comes from a page of another site");
    }
    if one(headers, "sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return foreign("the request comes from a page of another site");
    }
    let Some(csrf) = asked.principal.as_ref().and_then(|principal| principal.csrf.as_ref()) else {
        return Ok(());
    };
    if route.may == May::Anybody {
        return Ok(());
    }
    let sent = match one(headers, "x-csrf-token") {
        Some(sent) => sent.to_string(),
        None if route.takes == Takes::Form => asked.field("csrf"),
        None => String::new(),
    };
    if is_same(&sent, csrf) {
        Ok(())
    } else {
        foreign("the request does not carry what our pages carry (csrf)")
    }
}

/// Runs what answers, on a thread that may block.
async fn run(app: &Arc<App>, route: &'static Route, asked: Asked) -> Result<Answer> {
    let of_all = wait(&app.requests).await?;
    let own = match route.run {
        Run::Read(_) => vec![wait(&app.reading).await?],
        Run::ReadNow(_) if asked.cut()? == Cut::default() => vec![wait(&app.reading).await?],
        Run::Fold(_) | Run::ReadNow(_) | Run::Whole(_) => {
            vec![wait(&app.heavy).await?, wait(&app.reading).await?]
        }
        Run::Work(_) => vec![wait(&app.heavy).await?],
        Run::LogIn(_) => vec![wait(&app.logins).await?],
        Run::Act(_) | Run::Bulk | Run::Feed => Vec::new(),
    };
    let app = app.clone();
    let work = blocking(move || {
        // Held by the work, not by who waits for it: whoever goes away frees nothing that is still in use.
        let _held = (of_all, own);
        match route.run {
            Run::Read(read) | Run::ReadNow(read) | Run::Fold(read) => {
                app.read(|store| read(&app, store, &asked))
            }
            Run::Whole(read) => app.readers.lend(|store| read(&app, store, &asked)),
            Run::Act(act) | Run::LogIn(act) | Run::Work(act) => act(&app, &asked),
            Run::Bulk | Run::Feed => {
                Err(Error::new(ErrorKind::Internal, "not_a_whole_answer", "this answer goes on"))
            }
        }
    });
    timeout(Duration::from_secs(ANSWER_SECONDS_MAX), work).await.unwrap_or_else(|_| {
        let text = format!("the answer took more than {ANSWER_SECONDS_MAX} seconds");
        Err(Error::new(ErrorKind::Busy, "timed_out", text).hint("ask for less, or use the command line"))
    })
}

/// A place among those that are worked on.
async fn wait(places: &Arc<Semaphore>) -> Result<tokio::sync::OwnedSemaphorePermit> {
    let wait = timeout(Duration::from_secs(WAIT_SECONDS_MAX), places.clone().acquire_owned());
    match wait.await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(Error::new(ErrorKind::Busy, "service_is_busy", "too many others are being answered")
            .hint("try again in a moment")),
    }
}

/// Work on a thread that may block.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|why| {
        Err(Error::new(ErrorKind::Internal, "work_broke_off", format!("an answer broke off: {why}")))
    })
}
