//! The catalogue of what can be wrong with a policy file: the name of each fault, its sentence and what to do.

use core::fmt;

use super::{FILE_BYTES_MAX, POLICY_BYTES_MAX};
use crate::error::Error;

/// Why a file is no policy, register or calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    FileIsTooLong,
    NotUtf8,
    NotToml { why: String },
    NumberHasAFraction,
    NumberIsOutOfRange,
    TimeOfDay,
    NestingIsTooDeep { levels: u8 },
    TableIsUnknown { table: String, file: &'static str, known: String },
    FieldIsMissing { field: String },
    TypeIsWrong { due: &'static str, like: &'static str },
    ValueIsWrong { why: String },
    RowHasNoCites { row: String },
    CiteIsUnknown { row: String, cite: String },
    ClauseFieldIsUnknown { field: String, known: String },
    ClauseIsThereTwice { id: String },
    ClauseBelongsToTheHouse { id: String },
    RegisterIsMissing,
    RegisterIsThereTwice,
    RegisterPathIsUnsafe,
    RegisterIsNotGiven,
    RegisterIsNotNamed,
    BodyIsTooLong { bytes: usize },
    YearIsUnsound { year: String },
    YearHasNoDays { year: String },
    DayIsInAnotherYear { day: String, year: u16 },
    DayIsThereTwice { day: String },
}

impl Fault {
    /// A value of another type than the one that is due here, with an example.
    pub(super) fn type_is(due: &'static str, like: &'static str) -> Self {
        Fault::TypeIsWrong { due, like }
    }
    /// A value of the right type that cannot be.
    pub(super) fn value_is(why: impl fmt::Display) -> Self {
        Fault::ValueIsWrong { why: why.to_string() }
    }
    /// The fault as an error of the application, at a line of a file. `field` is the value it was found in.
    pub(super) fn at(self, file: &str, line: usize, field: &str) -> Error {
        let (code, message, hint) = self.words(field);
        Error::unreadable(code, message).hint(hint).at(format_args!("{file}:{line}"))
    }

    /// Its stable name, what went wrong and what to do.
    fn words(self, field: &str) -> (&'static str, String, String) {
        use Fault::*;
        match self {
            FileIsTooLong => (
                "file_is_too_long",
                format!("the file has more than {FILE_BYTES_MAX} bytes"),
                "a policy is rows and short paraphrases; evidence and full documents stay outside".into(),
            ),
            NotUtf8 => ("not_utf8", "the text is not UTF-8".into(), "save the file as UTF-8".into()),
            NotToml { why } => {
                ("not_toml", format!("the text is no TOML: {why}"), "https://toml.io shows the form".into())
            }
            NumberHasAFraction => (
                "number_has_a_fraction",
                format!("{field} is a number with a fraction"),
                "write percentages in basis points (20% = 2000) and amounts in minor units (45.00 = 4500)".into(),
            ),
            NumberIsOutOfRange => (
                "number_is_out_of_range",
                format!("{field} is a number beyond plus or minus 2^53 - 1"),
                "no JSON reader holds a larger one exactly; write it as text if it is a name".into(),
            ),
            TimeOfDay => (
                "time_of_day",
                format!("{field} has a time of day, and a policy knows days only"),
                "write the date alone, like 2024-01-31; the hour of a clock stands in its period: \"1bd@17:00\"".into(),
            ),
            NestingIsTooDeep { levels } => (
                "nesting_is_too_deep",
                format!("more than {levels} tables and lists are open here"),
                "split the condition into several rows".into(),
            ),
            TableIsUnknown { table, file, known } => {
                ("table_is_unknown", format!("{table} is no table of {file}"), format!("known tables: {known}"))
            }
            FieldIsMissing { field } => {
                let hint = match field.as_str() {
                    "policy" => "begin the file with [policy] and id, name, version, effective_from",
                    "policy.id" => "a short name that stays the same in every version, like id = \"ACME\"",
                    "policy.name" => "the merchant's name, like name = \"Acme Ltd\"",
                    "policy.version" => "version = 1 for the first, one more for every later one",
                    "policy.effective_from" => {
                        "the first day of purchases it governs, like effective_from = 2024-01-31"
                    }
                    "clause.id" => "what rows cite, like id = \"ACME-1.1\"",
                    "clause.paraphrase" => "say in your own words what the clause says",
                    "clause.system" => {
                        "say what the system does with it: ENFORCE, REQUIRE, DEADLINE, NEVER, ALLOW or INFORM"
                    }
                    source if source.ends_with(".source") => "say where the holidays come from",
                    "clause" => "write the clauses under [[clause]], each with id, paraphrase and system",
                    _ => "add it",
                };
                ("field_is_missing", format!("{field} is missing"), hint.into())
            }
            TypeIsWrong { due, like } => {
                ("type_is_wrong", format!("{field} has to be {due}"), format!("write it like {like}"))
            }
            ValueIsWrong { why } => {
                ("value_is_wrong", format!("{field} cannot be this: {why}"), "correct the value".into())
            }
            RowHasNoCites { row } => (
                "row_has_no_cites",
                format!("{row} cites no clause"),
                "add cites = [\"...\"] with the clauses it comes from, or with the house rule (H-11: the document is silent)".into(),
            ),
            CiteIsUnknown { row, cite } => (
                "cite_is_unknown",
                format!("{row} cites {cite}, which is neither in the clause register nor a house rule"),
                "correct the id, or add the clause to the register under [[clause]]".into(),
            ),
            ClauseFieldIsUnknown { field, known } => {
                ("clause_field_is_unknown", format!("a clause has no field {field}"), format!("known fields: {known}"))
            }
            ClauseIsThereTwice { id } => (
                "clause_is_there_twice",
                format!("clause {id} is in the register already"),
                "give each clause its own id; ids are never used again".into(),
            ),
            ClauseBelongsToTheHouse { id } => (
                "clause_belongs_to_the_house",
                format!("{id} is the id of a house rule"),
                "begin the ids of a merchant's clauses with the id of its policy, like ACME-1.1".into(),
            ),
            RegisterIsMissing => (
                "register_is_missing",
                "the policy has no clause register".into(),
                "write the clauses under [[clause]] in this file, or name a file beside it: clauses = \"clauses/acme.toml\"".into(),
            ),
            RegisterIsThereTwice => (
                "register_is_there_twice",
                "policy.clauses names a register and there is one in this file too".into(),
                "keep one of them".into(),
            ),
            RegisterPathIsUnsafe => (
                "register_path_is_unsafe",
                "policy.clauses leads out of the policy's folder".into(),
                "name a file in this folder or below it, with forward slashes: clauses = \"clauses/acme.toml\"".into(),
            ),
            RegisterIsNotGiven => (
                "register_is_not_given",
                "policy.clauses names a register that was not handed over".into(),
                "hand over its text, or write the clauses under [[clause]] in the policy itself".into(),
            ),
            RegisterIsNotNamed => (
                "register_is_not_named",
                "a register was handed over that policy.clauses does not name".into(),
                "add clauses = \"clauses/acme.toml\" to [policy]".into(),
            ),
            BodyIsTooLong { bytes } => (
                "body_is_too_long",
                format!("the policy with its register and the house rules has {bytes} bytes, at most {POLICY_BYTES_MAX} go into one event"),
                "shorten the paraphrases; the document itself is named by policy.source and stays outside".into(),
            ),
            YearIsUnsound { year } => (
                "year_is_unsound",
                format!("{year} is neither source nor a year from 1970 to 2255"),
                "a calendar holds source = \"...\" and lists of dates by year, like 2024 = [2024-01-01, 2024-12-25]".into(),
            ),
            YearHasNoDays { year } => (
                "year_has_no_days",
                format!("{year} has no holidays at all"),
                "leave the year out until its holidays are known: then due dates are held, not guessed".into(),
            ),
            DayIsInAnotherYear { day, year } => (
                "day_is_in_another_year",
                format!("{day} does not lie in {year}"),
                "move it to the list of its year".into(),
            ),
            DayIsThereTwice { day } => {
                ("day_is_there_twice", format!("{day} is in the list already"), "write each holiday once".into())
            }
        }
    }
}
