//! The clause register, and the check that every row rests on a clause.

use std::collections::BTreeSet;

use replay::ids::Code;
use serde_json::Value;

use super::{document::Node, fault::Fault};
use crate::error::Result;

/// What a clause says about itself; the flag tells whether it has to.
const FIELDS: [(&str, bool); 7] = [
    ("id", true),
    ("source", false),
    ("kind", false),
    ("paraphrase", true),
    ("parameters", false),
    ("system", true),
    ("readings", false),
];

const CITES_LIKE: &str = "[\"ACME-1.1\", \"H-11\"]";

/// The clauses of one merchant, or the house rules in words.
pub(super) struct Register {
    ids: BTreeSet<String>,
    clauses: Vec<Value>,
}

impl Register {
    /// Reads the rows under `[[clause]]`. An id of the house may not be taken by a merchant.
    ///
    /// # Errors
    /// Missing, mistyped and unknown fields, ids that repeat or belong to the house.
    pub(super) fn read(root: &Node<'_>, house: Option<&Register>) -> Result<Self> {
        let mut register = Self { ids: BTreeSet::new(), clauses: Vec::new() };
        for row in root.required("clause")?.rows()? {
            for field in row.entries()? {
                if !FIELDS.iter().any(|(known, _)| *known == field.key()) {
                    let (field_name, known) = (field.key().into(), FIELDS.map(|(known, _)| known).join(", "));
                    return Err(field.fault(Fault::ClauseFieldIsUnknown { field: field_name, known }));
                }
                if field.key() == "readings" {
                    field
                        .list("a list of texts", "[\"R-1\"]")?
                        .iter()
                        .try_for_each(|item| item.text().map(drop))?;
                } else {
                    field.text()?;
                }
            }
            for (field, is_required) in FIELDS {
                if is_required {
                    row.required(field)?;
                }
            }
            register.insert(&row, house)?;
        }
        Ok(register)
    }
    fn insert(&mut self, row: &Node<'_>, house: Option<&Register>) -> Result<()> {
        let id = row.required("id")?;
        let text = id.text()?.to_string();
        // Decisions store cites as codes; an id that is none could never be cited.
        Code::new(text.as_str()).map_err(|why| id.fault(Fault::value_is(why.rule)))?;
        if house.is_some_and(|house| house.ids.contains(&text)) {
            return Err(id.fault(Fault::ClauseBelongsToTheHouse { id: text }));
        }
        if !self.ids.insert(text.clone()) {
            return Err(id.fault(Fault::ClauseIsThereTwice { id: text }));
        }
        self.clauses.push(row.json()?);
        Ok(())
    }
    /// The register as it stands in a body, in the order of the document it paraphrases.
    pub(super) fn json(&self) -> Value {
        Value::Array(self.clauses.clone())
    }
}

/// Checks the cites of a row and of everything inside it: `cites`, and others like `waiver_cites`. A row that must
/// have cites needs at least one of its own.
///
/// # Errors
/// `row_has_no_cites`, `cite_is_unknown`, with the name of the row.
pub(super) fn check_cites(row: &str, node: &Node<'_>, must: bool, registers: &[&Register]) -> Result<()> {
    let cites = node.get("cites")?;
    let is_empty = match &cites {
        Some(cites) => cites.list("a list of clause ids", CITES_LIKE)?.is_empty(),
        None => must,
    };
    if is_empty {
        let place = cites.as_ref().unwrap_or(node);
        return Err(place.fault(Fault::RowHasNoCites { row: row.into() }));
    }
    check_below(row, node, registers)
}

fn check_below(row: &str, node: &Node<'_>, registers: &[&Register]) -> Result<()> {
    let key = node.key();
    if key == "cites" || key.ends_with("_cites") {
        return node.list("a list of clause ids", CITES_LIKE)?.iter().try_for_each(|cite| {
            let id = cite.text()?;
            if registers.iter().any(|register| register.ids.contains(id)) {
                return Ok(());
            }
            Err(cite.fault(Fault::CiteIsUnknown { row: row.into(), cite: id.into() }))
        });
    }
    node.children()?.iter().try_for_each(|child| check_below(row, child, registers))
}
