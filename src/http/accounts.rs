//! Sessions by JSON, and people and tokens for admins.

use replay::{
    event::misread,
    ids::{ActorId, SourceId},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    answer::Answer,
    app::App,
    asked::Asked,
    login::logged_in_cookie,
    param::Is,
    routes::{ADMIN, Gives, LIMIT, May, Route, Run, Takes, Verb, path},
};
use crate::{
    access::{Scope, Scopes, Secret, token, told},
    answers::Lines,
    door::Door,
    error::{Error, Result},
};

/// The routes.
pub const ROUTES: &[Route] = &[
    Route {
        name: "session",
        method: Verb::Get,
        path: "/v1/session",
        says: "Who asks: actor, roles, scopes, and what unsafe requests of a browser carry as X-CSRF-Token",
        may: May::Known,
        scope: None,
        params: &[],
        takes: Takes::Nothing,
        gives: Gives::Json("Session"),
        run: Run::Act(session),
    },
    Route {
        name: "log_in",
        method: Verb::Post,
        path: "/v1/session",
        says: "Logs a person in: the answer sets the cookie of a session",
        may: May::Anybody,
        scope: None,
        params: &[],
        takes: Takes::Json("Login"),
        gives: Gives::Json("LoggedIn"),
        run: Run::LogIn(log_in),
    },
    Route {
        name: "log_out",
        method: Verb::Delete,
        path: "/v1/session",
        says: "Ends the session",
        may: May::Known,
        scope: None,
        params: &[],
        takes: Takes::Nothing,
        gives: Gives::Json("LoggedOut"),
        run: Run::Act(log_out),
    },
    admin(
        Verb::Get,
        "access_people",
        "/v1/access/people",
        "Everybody who may log in",
        &[],
        Takes::Nothing,
        Gives::Rows("Person"),
        Run::Act(people),
    ),
    admin(
        Verb::Post,
        "invite_person",
        "/v1/access/people",
        "Lets a person in: gives a one-time link on which a password is chosen; roles are granted by events",
        &[],
        Takes::Json("Invitation"),
        Gives::Json("Invited"),
        Run::Act(invite),
    ),
    admin(
        Verb::Delete,
        "disable_person",
        "/v1/access/people/{actor}",
        "Lets a person in no longer, and ends their sessions",
        &[path("actor", Is::Actor, "The person")],
        Takes::Nothing,
        Gives::Json("Disabled"),
        Run::Act(disable),
    ),
    admin(
        Verb::Get,
        "access_tokens",
        "/v1/access/tokens",
        "Every token, without its secret",
        &[],
        Takes::Nothing,
        Gives::Rows("Token"),
        Run::Act(tokens),
    ),
    admin(
        Verb::Post,
        "issue_token",
        "/v1/access/tokens",
        "Makes a token for a program; it is shown this once",
        &[],
        Takes::Json("TokenAsked"),
        Gives::Json("TokenIssued"),
        Run::Act(issue),
    ),
    admin(
        Verb::Delete,
        "revoke_token",
        "/v1/access/tokens/{token}",
        "Takes a token back",
        &[path("token", Is::Text(64), "Its public name")],
        Takes::Nothing,
        Gives::Json("Revoked"),
        Run::Act(revoke),
    ),
    admin(
        Verb::Get,
        "access_acts",
        "/v1/access/acts",
        "What was done to people and tokens, the newest first",
        &[LIMIT],
        Takes::Nothing,
        Gives::Rows("AccessAct"),
        Run::Act(acts),
    ),
];

#[allow(clippy::too_many_arguments, reason = "a row of the table, whose columns have names there")]
const fn admin(
    method: Verb,
    name: &'static str,
    path: &'static str,
    says: &'static str,
    params: &'static [super::param::Param],
    takes: Takes,
    gives: Gives,
    run: Run,
) -> Route {
    Route { name, method, path, says, may: ADMIN, scope: Some(Scope::Access), params, takes, gives, run }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    actor: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invitation {
    actor: ActorId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenAsked {
    actor: ActorId,
    #[serde(default)]
    source: Option<SourceId>,
    scopes: Vec<String>,
    days: u32,
}

/// A JSON body as its type.
fn body<T: serde::de::DeserializeOwned>(asked: &Asked) -> Result<T> {
    let value = asked.json()?;
    misread::from_value(value)
        .map_err(|why| Error::unreadable("bad_body", why).hint("/v1/openapi.json describes the body"))
}

fn session(_: &App, asked: &Asked) -> Result<Answer> {
    let who = asked.who()?;
    let mut answer =
        json!({ "actor": who.actor, "roles": who.roles, "scopes": who.scopes, "source": who.source });
    if let (Some(fields), Some(csrf)) = (answer.as_object_mut(), &who.csrf) {
        fields.insert("csrf".into(), json!(csrf));
    }
    Answer::json(&answer)
}

fn log_in(app: &App, asked: &Asked) -> Result<Answer> {
    let Login { actor, password } = body(asked)?;
    let wrong = |_| {
        Error::new(
            crate::error::ErrorKind::Unauthenticated,
            "wrong_name_or_password",
            "name or password is wrong",
        )
    };
    let actor = ActorId::new(&actor).map_err(wrong)?;
    let secret: Secret = app.access.log_in(&mut Door::System, actor.as_str(), &password)?;
    let csrf = app.access.session(secret.reveal(), app.now())?.map(|session| session.csrf);
    Ok(Answer::json(&json!({ "actor": actor, "roles": app.roles(&actor)?, "csrf": csrf }))?
        .header("set-cookie", logged_in_cookie(app, &secret)))
}

fn log_out(app: &App, asked: &Asked) -> Result<Answer> {
    if let Some(secret) = &asked.cookie {
        app.access.log_out(secret)?;
    }
    Answer::json(&json!({ "logged_out": asked.cookie.is_some() }))
}

fn people(app: &App, _: &Asked) -> Result<Answer> {
    let told: Vec<told::Person> = app.access.people()?.iter().map(told::person).collect();
    Ok(Answer::rows(&Lines::of(&told)?.0, None))
}

fn invite(app: &App, asked: &Asked) -> Result<Answer> {
    let Invitation { actor } = body(asked)?;
    let link = app.access.invite(&mut Door::System, &actor, asked.who()?.actor.as_str())?;
    Ok(Answer::json(&json!({ "actor": actor, "link": format!("/setup?link={}", link.reveal()) }))?
        .status(201))
}

fn disable(app: &App, asked: &Asked) -> Result<Answer> {
    let actor = asked.needed("actor", ActorId::new)?;
    app.access.disable(&actor, asked.who()?.actor.as_str(), app.now())?;
    Answer::json(&json!({ "actor": actor, "disabled": true }))
}

fn tokens(app: &App, _: &Asked) -> Result<Answer> {
    let now = app.now();
    let told: Vec<told::Token> = app.access.tokens()?.iter().map(|row| told::token(row, now)).collect();
    Ok(Answer::rows(&Lines::of(&told)?.0, None))
}

fn issue(app: &App, asked: &Asked) -> Result<Answer> {
    let TokenAsked { actor, source, scopes, days } = body(asked)?;
    let bad = |why: String| Error::unreadable("bad_body", why).hint("/v1/openapi.json describes the body");
    let scopes = scopes.iter().map(|word| word.parse::<Scope>()).collect::<std::result::Result<Vec<_>, _>>();
    let source = match source {
        Some(source) => source,
        None => SourceId::new(actor.as_str()).map_err(|why| bad(why.to_string()))?,
    };
    let wanted = token::Asked { actor, source, scopes: Scopes::of(scopes.map_err(bad)?), days };
    let (id, secret) = app.access.issue(&mut Door::System, &wanted, asked.who()?.actor.as_str())?;
    Ok(Answer::json(
        &json!({ "id": id, "actor": wanted.actor, "source": wanted.source, "scopes": wanted.scopes,
                             "days": days, "token": secret.reveal() }),
    )?
    .status(201))
}

fn revoke(app: &App, asked: &Asked) -> Result<Answer> {
    let id = asked.text("token").unwrap_or_default();
    app.access.revoke(id, asked.who()?.actor.as_str(), app.now())?;
    Answer::json(&json!({ "id": id, "revoked": true }))
}

fn acts(app: &App, asked: &Asked) -> Result<Answer> {
    let limit = u32::try_from(asked.rows()).unwrap_or(u32::MAX);
    let mut lines = Lines::default();
    for (at, who, what, about) in app.access.store().acts(limit)? {
        lines.add(&json!({ "at": told::time(at), "who": who, "what": what, "about": about }))?;
    }
    Ok(Answer::rows(&lines.0, None))
}
