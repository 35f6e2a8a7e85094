//! policy diff: two versions of a policy, from files or from the ledger.

use std::path::Path;

use clap::Args;
use replay::{event::PolicyPublished, ids::PolicyId};
use serde_json::json;

use super::super::{EXIT_DIFFERS, common::Common, output::Output};
use crate::{
    error::{Error, Result},
    policy_file::{
        self,
        diff::{Change, Difference, diff},
    },
};

#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The older one: a TOML file, or POLICY@VERSION of the ledger
    #[arg(value_name = "OLD")]
    old: String,
    /// The newer one
    #[arg(value_name = "NEW")]
    new: String,
}

impl DiffArgs {
    /// Differences to stdout; exit 1 when there are any.
    pub fn run(self, common: &Common, out: Output) -> Result<u8> {
        let (old, new) = (load(&self.old, common)?, load(&self.new, common)?);
        let found = diff(&old.body, &new.body);
        let head = json!({ "old": side(&self.old, &old), "new": side(&self.new, &new), "rows": found.len() });
        out.say(&head, || {
            let line = |sign: &str, name: &str, p: &PolicyPublished| {
                format!("{sign} {name}: {} version {}, sha256 {}", p.policy, p.version, p.sha256)
            };
            [line("---", &self.old, &old), line("+++", &self.new, &new)].join("\n")
        })?;
        for difference in &found {
            out.say(difference, || words(difference))?;
        }
        if found.is_empty() {
            if !out.json {
                eprintln!("no differences");
            }
            return Ok(0);
        }
        Ok(EXIT_DIFFERS)
    }
}

fn side(name: &str, p: &PolicyPublished) -> serde_json::Value {
    json!({ "name": name, "policy": p.policy, "version": p.version, "sha256": p.sha256 })
}

/// The title of the row with its clauses, then a line for each field.
fn words(difference: &Difference) -> String {
    let change = match difference.change {
        Change::Added => "added",
        Change::Removed => "removed",
        Change::Changed => "changed",
        Change::Moved => "moved",
    };
    let mut text = format!("{change} {}", difference.row);
    if !difference.cites.is_empty() {
        text.push_str(&format!(" [{}]", difference.cites.join(", ")));
    }
    for field in &difference.fields {
        let words = match difference.change {
            Change::Added => field.words.strip_prefix("(nothing) -> ").unwrap_or(&field.words),
            Change::Removed => field.words.strip_suffix(" -> (nothing)").unwrap_or(&field.words),
            Change::Changed | Change::Moved => &field.words,
        };
        text.push_str(&format!("\n  {}: {words}", field.field));
    }
    text
}

/// A file, or a version that the ledger knows.
fn load(name: &str, common: &Common) -> Result<PolicyPublished> {
    let version = name
        .rsplit_once('@')
        .and_then(|(policy, version)| Some((PolicyId::new(policy).ok()?, version.parse::<u32>().ok()?)));
    let path = Path::new(name);
    match version {
        Some((policy, version)) if !path.exists() => {
            let mut found = crate::answers::policies(&mut common.read()?)?.into_iter().map(|(_, p)| p);
            found.find(|p| p.policy == policy && p.version == version).ok_or_else(|| {
                Error::not_found(format!("no version {version} of policy {policy} is published"))
                    .hint("claims policy list shows what is published")
            })
        }
        _ => policy_file::read(path).map(|file| file.published).map_err(|why| match why.code.as_str() {
            "file_not_found" => why.hint("name a TOML file, or a published version like ACME@2"),
            _ => why,
        }),
    }
}
