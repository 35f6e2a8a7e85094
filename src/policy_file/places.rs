//! Where everything in the body of a policy stands in its files: what is wrong with a row is said with its line.

use std::collections::BTreeMap;

use replay::policy::{Place, RowName};

use serde_json::Value;

use super::{TITLE_KEYS, document::Node};
use crate::error::Result;

/// The file and line of every value of a body.
#[derive(Debug, Clone, Default)]
pub struct Places {
    files: Vec<String>,
    /// By the way from the top of the body: the file, as an index, and the line.
    lines: BTreeMap<Vec<String>, (usize, usize)>,
}

impl Places {
    /// Notes a value under its name in the body, and everything in it.
    pub(super) fn note(&mut self, name: &str, node: &Node<'_>) -> Result<()> {
        self.note_below(&mut vec![name.into()], node)
    }
    fn note_below(&mut self, way: &mut Vec<String>, node: &Node<'_>) -> Result<()> {
        let file = self.files.iter().position(|file| file == node.file()).unwrap_or_else(|| {
            self.files.push(node.file().into());
            self.files.len().saturating_sub(1)
        });
        self.lines.insert(way.clone(), (file, node.line()));
        for (index, child) in node.children()?.iter().enumerate() {
            way.push(if node.is_list() { index.to_string() } else { child.key().into() });
            self.note_below(way, child)?;
            way.pop();
        }
        Ok(())
    }
    /// File and line of a place in the rows; what is missing stands where its row begins.
    pub fn of(&self, place: &Place) -> Option<(&str, usize)> {
        let mut way = way(place);
        while !way.is_empty() {
            if let Some((file, line)) = self.lines.get(&way) {
                return Some((self.files.get(*file)?, *line));
            }
            way.pop();
        }
        // A policy without this table.
        let first = self.files.first()?;
        Some((first, 1))
    }
    /// File and line of a clause of the register, by its index.
    pub fn of_clause(&self, index: usize) -> Option<(&str, usize)> {
        let (file, line) = self.lines.get(&["clauses".into(), index.to_string()][..])?;
        Some((self.files.get(*file)?, *line))
    }
}

/// The keys from the top of the body to a place.
pub(super) fn way(place: &Place) -> Vec<String> {
    let mut way = vec![place.table.to_string()];
    match &place.row {
        Some(RowName::Number(index)) => way.push(index.to_string()),
        Some(RowName::Name(name)) => way.push(name.clone()),
        None => {}
    }
    for part in place.field.iter().flat_map(|field| field.split('.')) {
        // Alternatives count from 1 for people, from 0 in the list.
        let index = part.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        way.push(index.map_or_else(|| part.to_string(), |index| index.to_string()));
    }
    way
}

/// What people call a row of a table: `fee 2 (misuse_service)`.
pub(super) fn title(table: &str, index: usize, row: Option<&Value>) -> String {
    let name = TITLE_KEYS.iter().find_map(|key| row?.get(key)?.as_str());
    let number = format!("{table} {}", index.saturating_add(1));
    name.map_or_else(|| number.clone(), |name| format!("{number} ({name})"))
}
