//! Who asks: a person with a session, or a program with a token. Their roles are those of the ledger at this moment.

use replay::{
    duty::{self, Area},
    event::Kind,
    ids::{ActorId, Code, SourceId},
};

use super::app::App;
use crate::{
    access::{Scope, Scopes},
    error::{Error, ErrorKind, Result},
};

/// The system that events come from which people record here.
pub const SOURCE: &str = "api";

/// Somebody who is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The actor of every event that comes of it.
    pub actor: ActorId,
    /// The roles that the ledger says the actor holds.
    pub roles: Vec<Code>,
    /// What may be done at all: everything for people, what the token says for programs.
    pub scopes: Scopes,
    /// What forms and unsafe requests must carry along; `None` for programs.
    pub csrf: Option<String>,
    /// The system that events come from.
    pub source: SourceId,
    /// The public name of the token, for programs.
    pub token: Option<String>,
}

impl Principal {
    /// Whether one of these roles is held.
    pub fn holds_one_of(&self, roles: &[&str]) -> bool {
        self.roles.iter().any(|held| roles.contains(&held.as_str()))
    }
    /// The role to act in where nothing is known of the act.
    ///
    /// # Errors
    /// Several are held and none was named.
    pub fn acting_role(&self, asked: Option<Code>) -> Result<Code> {
        if let Some(asked) = asked {
            return Ok(asked);
        }
        match self.roles.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(Error::new(ErrorKind::Forbidden, "no_role", format!("{} holds no role", self.actor))
                .hint("an admin grants roles")),
            _ => Err(ambiguous(&self.roles)),
        }
    }
    /// The role to act in: the one that was asked for, else the one of those that are held whose duty the act is.
    /// Whether it may be done is asked later, by the ledger.
    ///
    /// # Errors
    /// Several would do, or nobody can say, and none was named.
    pub fn role_for(&self, asked: Option<Code>, kind: Kind) -> Result<Code> {
        if asked.is_some() || self.roles.len() < 2 {
            return self.acting_role(asked);
        }
        let area = duty::area(kind);
        let does = |role: &&Code| duty::role(role.as_str()).is_some_and(|role| role.may.contains(&area));
        let mut fit = self.roles.iter().filter(does);
        match (area, fit.next(), fit.next()) {
            // Whose duty an amendment is, only what it amends can say.
            (Area::Amendments, ..) | (_, Some(_), Some(_)) => Err(ambiguous(&self.roles)),
            (_, Some(role), None) => Ok(role.clone()),
            // None: the refusal of the ledger says why.
            (_, None, _) => self.roles.first().cloned().ok_or_else(|| ambiguous(&self.roles)),
        }
    }
}

fn ambiguous(roles: &[Code]) -> Error {
    let roles: Vec<&str> = roles.iter().map(Code::as_str).collect();
    Error::new(ErrorKind::Usage, "role_is_ambiguous", "several roles are held; in which one is this done?")
        .hint(format!("name it in \"role\": {}", roles.join(", ")))
}

/// How somebody says who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// Not at all.
    None,
    /// The cookie of a session.
    Cookie(String),
    /// A token.
    Bearer(String),
}

/// Finds out who asks.
///
/// # Errors
/// A token that does not hold, storage errors. A cookie that does not hold is nobody: the browser keeps it for a while.
pub fn principal(app: &App, credential: &Credential) -> Result<Option<Principal>> {
    let now = app.now();
    match credential {
        Credential::None => Ok(None),
        Credential::Cookie(secret) => {
            let Some(session) = app.access.session(secret, now)? else { return Ok(None) };
            let roles = app.roles(&session.actor)?;
            let source = SourceId::new(SOURCE)
                .map_err(|why| Error::new(ErrorKind::Internal, "bad_source", why.to_string()))?;
            Ok(Some(Principal {
                actor: session.actor,
                roles,
                scopes: Scopes::all(),
                csrf: Some(session.csrf),
                source,
                token: None,
            }))
        }
        Credential::Bearer(token) => {
            let Some(program) = app.access.program(token, now)? else {
                let text = "this token is unknown, was taken back, or is past its end";
                return Err(Error::new(ErrorKind::Unauthenticated, "token_does_not_hold", text)
                    .hint("claims access token issue makes another"));
            };
            let roles = app.roles(&program.actor)?;
            Ok(Some(Principal {
                actor: program.actor,
                roles,
                scopes: program.scopes,
                csrf: None,
                source: program.source,
                token: Some(program.token),
            }))
        }
    }
}

/// Whether a principal may use a scope.
pub fn in_scope(principal: &Principal, scope: Scope) -> Result<()> {
    if principal.scopes.has(scope) {
        return Ok(());
    }
    let text = format!("this token is not for '{}'", scope.as_str());
    Err(Error::new(ErrorKind::Forbidden, "out_of_scope", text)
        .hint("an admin issues tokens with their scopes"))
}
