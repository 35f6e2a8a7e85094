//! Health, and how people come in and go: one-time links, logging in, logging out.

use maud::{Markup, html};
use replay::{
    duty,
    event::RoleGranted,
    ids::{ActorId, Code, Expected, SourceId, Stream},
    seal::Proposal,
};

use super::{answer::Answer, app::App, asked::Asked, desk::page, metrics, principal::SOURCE};
use crate::{
    access::{PASSWORD_CHARS_MIN, SESSION_HOURS_MAX, Secret},
    door::Door,
    error::{Error, ErrorKind, Result},
    store::{Store, sqlite::SqliteStore},
};

/// The name of the cookie, by whether browsers come by TLS: then it is bound to this host and to TLS by its name.
pub fn cookie_name(is_secure: bool) -> &'static str {
    if is_secure { "__Host-claims" } else { "claims_session" }
}

fn cookie(app: &App, secret: &str, seconds: i64) -> String {
    let secure = if app.is_secure { "; Secure" } else { "" };
    let name = cookie_name(app.is_secure);
    format!("{name}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// The service runs.
pub fn healthz(_: &App, _: &Asked) -> Result<Answer> {
    Ok(Answer::text("ok\n"))
}

/// The ledger can be read, and the writer takes commands.
pub fn readyz(app: &App, _: &Asked) -> Result<Answer> {
    app.read(|store| store.tip())?;
    app.record(Vec::new())?;
    Ok(Answer::text("ok\n"))
}

/// What the service counts.
pub fn metrics(app: &App, store: &mut SqliteStore, _: &Asked) -> Result<Answer> {
    let text = app.metrics.text(store.tip()?.position);
    Ok(Answer::of(200, metrics::MEDIA, text.into_bytes()))
}

/// The form behind a one-time link.
pub fn setup_page(app: &App, asked: &Asked) -> Result<Answer> {
    let link = asked.text("link").unwrap_or_default();
    let actor = app.access.invited(link, app.now())?;
    Ok(Answer::page(setup_form(app, link, actor.as_ref(), "", None)?))
}

fn setup_form(
    app: &App,
    link: &str,
    actor: Option<&ActorId>,
    typed: &str,
    why: Option<&Error>,
) -> Result<Markup> {
    let is_governed = app.read(|store| app.registry(store))?.is_governed();
    let body = html! {
        h1 { @if actor.is_some() { "Choose your password" } @else { "Set up the first admin" } }
        @if let Some(why) = why { p class="bad" role="alert" { (why.message) } }
        form method="post" action="/setup" {
            input type="hidden" name="link" value=(link);
            label for="actor" { "Your id in the ledger" }
            @if let Some(actor) = actor {
                input id="actor" name="actor" value=(actor) readonly autocomplete="username";
            } @else {
                input id="actor" name="actor" value=(typed) required maxlength="64" pattern="[A-Za-z0-9._:@+\\-]+"
                    autocomplete="username" autofocus;
                p class="words" {
                    @if is_governed {
                        "Somebody is admin in this ledger already: give the id of an admin. Nothing is granted."
                    } @else {
                        "A pseudonym, no name: it stands in every event for ever. It is granted the role admin, and from "
                        "then on everybody acts only in roles that they hold."
                    }
                }
            }
            label for="password" { "Password, at least " (PASSWORD_CHARS_MIN) " characters" }
            input id="password" name="password" type="password" required minlength=(PASSWORD_CHARS_MIN)
                autocomplete="new-password";
            button { "Choose" }
        }
    };
    Ok(page("Set up", true, &body))
}

/// Uses a one-time link up, and logs in whom it was for.
pub fn setup(app: &App, asked: &Asked) -> Result<Answer> {
    let (link, typed, password) = (asked.field("link"), asked.field("actor"), asked.field("password"));
    let named = app.access.invited(&link, app.now())?;
    match set_up(app, asked, &link, named.as_ref(), &typed, &password) {
        Ok(secret) => Ok(logged_in(app, &secret, "/")),
        // The link still holds: whoever made a mistake gets the form again.
        Err(why) if matches!(why.kind, ErrorKind::Usage | ErrorKind::Refused) => {
            let form = setup_form(app, &link, named.as_ref(), &typed, Some(&why))?;
            Ok(Answer::page(form).status(why.http_status()))
        }
        Err(why) => Err(why),
    }
}

fn set_up(
    app: &App,
    asked: &Asked,
    link: &str,
    named: Option<&ActorId>,
    typed: &str,
    password: &str,
) -> Result<Secret> {
    let usage = |code: &str, why: String| Error::new(ErrorKind::Usage, code, why);
    let actor = ActorId::new(typed.trim()).map_err(|why| usage("bad_actor", why.to_string()))?;
    crate::access::password::acceptable(password)?;
    if named.is_none() {
        first_admin(app, asked, &actor)?;
    }
    app.access.choose(link, &actor, password, app.now())?;
    app.access.log_in(&mut Door::System, actor.as_str(), password)
}

/// The role of the first admin, as an event; or, where there is an admin, whether this is one.
fn first_admin(app: &App, asked: &Asked, actor: &ActorId) -> Result<()> {
    let admin = Code::new(duty::ADMIN).map_err(internal)?;
    let (registry, revision) =
        app.read(|store| Ok((app.registry(store)?, store.revision(&Stream::Ledger)?)))?;
    if registry.is_governed() {
        if registry.roles(actor).is_some_and(|roles| roles.contains(&admin)) {
            return Ok(());
        }
        let text = format!("{actor} is no admin in this ledger");
        return Err(Error::new(ErrorKind::Refused, "not_an_admin", text)
            .hint("claims people shows who is; an admin grants the role"));
    }
    let granted = RoleGranted { actor: actor.clone(), role: admin.clone() };
    let proposal = Proposal {
        stream: Stream::Ledger,
        expected: Expected::at_number(revision),
        event: granted.into(),
        effective: Door::System.now_here(),
        effective_is_given: false,
        actor: actor.clone(),
        role: admin,
        approver: None,
        source: SourceId::new(SOURCE).map_err(internal)?,
        external_id: None,
        event_id: None,
        causation: None,
        correlation: asked.correlation(),
    };
    app.record(vec![proposal]).map(|_| ())
}

fn internal(why: replay::ids::BadText) -> Error {
    Error::new(ErrorKind::Internal, "bad_text", why.to_string())
}

/// What sets the cookie of a new session.
pub fn logged_in_cookie(app: &App, secret: &Secret) -> String {
    cookie(app, secret.reveal(), SESSION_HOURS_MAX * 3_600)
}

fn logged_in(app: &App, secret: &Secret, next: &str) -> Answer {
    Answer::see(next).header("set-cookie", logged_in_cookie(app, secret))
}

/// A path on this service, or its beginning: nobody is sent elsewhere by a link to the login.
fn local(next: &str) -> &str {
    let is_local = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n']);
    if is_local { next } else { "/" }
}

/// The form to log in with.
pub fn login_page(_: &App, asked: &Asked) -> Result<Answer> {
    Ok(Answer::page(login_form(local(asked.text("next").unwrap_or("/")), "", None)))
}

fn login_form(next: &str, typed: &str, why: Option<&Error>) -> Markup {
    let body = html! {
        h1 { "Log in" }
        @if let Some(why) = why {
            p class="bad" role="alert" { (why.message) @if let Some(hint) = &why.hint { "; " (hint) } }
        }
        form method="post" action="/login" {
            input type="hidden" name="next" value=(next);
            label for="actor" { "Your id in the ledger" }
            input id="actor" name="actor" value=(typed) required maxlength="64" autocomplete="username" autofocus;
            label for="password" { "Password" }
            input id="password" name="password" type="password" required autocomplete="current-password";
            button { "Log in" }
        }
    };
    page("Log in", true, &body)
}

/// Logs a person in.
pub fn login(app: &App, asked: &Asked) -> Result<Answer> {
    let (actor, password, next) = (asked.field("actor"), asked.field("password"), asked.field("next"));
    let logged = match ActorId::new(actor.trim()) {
        Ok(actor) => app.access.log_in(&mut Door::System, actor.as_str(), &password),
        Err(_) => {
            Err(Error::new(ErrorKind::Unauthenticated, "wrong_name_or_password", "name or password is wrong"))
        }
    };
    match logged {
        Ok(secret) => Ok(logged_in(app, &secret, local(&next))),
        Err(why) if matches!(why.kind, ErrorKind::Unauthenticated | ErrorKind::Overloaded) => {
            let typed: String = actor.chars().take(64).collect();
            Ok(Answer::page(login_form(local(&next), &typed, Some(&why))).status(why.http_status()))
        }
        Err(why) => Err(why),
    }
}

/// Ends the session.
pub fn logout(app: &App, asked: &Asked) -> Result<Answer> {
    if let Some(secret) = &asked.cookie {
        app.access.log_out(secret)?;
    }
    Ok(Answer::see("/login").header("set-cookie", cookie(app, "", 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for (next, place) in [
            ("/claims/C1?as_of=7", "/claims/C1?as_of=7"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\r\nset-cookie: x", "/"),
            ("", "/"),
        ] {
            assert_eq!(local(next), place, "{next}");
        }
    }
}
