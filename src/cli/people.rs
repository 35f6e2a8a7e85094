//! people: who holds which roles, and up to how much.

use clap::Args;
use replay::duty::ONE_PERSON;

use super::{
    common::Common,
    output::{Output, table},
};
use crate::{answers, error::Result, judging::registry};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims people
  claims people --json")]
pub struct PeopleArgs {}

impl PeopleArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        let registry = registry(&mut common.read()?)?;
        if out.json {
            return out.lines(&answers::people(&registry)?);
        }
        let actors: Vec<Vec<String>> = registry
            .actors()
            .map(|(actor, roles)| {
                let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
                vec![actor.to_string(), if roles.is_empty() { "none".into() } else { roles.join(", ") }]
            })
            .collect();
        let limits: Vec<Vec<String>> = registry
            .limits()
            .map(|(role, act, amount)| {
                let role = if role.as_str() == ONE_PERSON { "one person alone" } else { role.as_str() };
                vec![role.into(), act.to_string(), amount.to_string()]
            })
            .collect();
        let state = match registry.is_governed() {
            true => "roles are held: everybody acts only in a role of theirs",
            false => "open: nobody is admin, so a role is what people say of themselves",
        };
        out.say(&(), || {
            let mut text = format!("{state}\n\n{}", table(&["who", "roles"], &actors));
            if !limits.is_empty() {
                text.push_str(&format!("\n{}", table(&["role", "act", "at most>"], &limits)));
            }
            text.trim_end().into()
        })
    }
}
