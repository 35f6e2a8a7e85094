//! How a payload is declared: one readable table per kind, from which the type, its JSON form, its schema
//! and the list of its personal fields follow.

use alloc::{string::String, vec::Vec};
use core::fmt;

use crate::ids::Personal;
use crate::money::Amount;

/// Most entries a list inside one event may have.
pub const LIST_LEN_MAX: usize = 1_000;

/// What an event says. Implemented by [`payload!`](crate::event::payload) only.
pub trait Payload: Personals {
    /// What the type cannot express: positive amounts, unique line ids ...
    ///
    /// # Errors
    /// [`Unsound`] names the field and the rule.
    fn check(&self) -> Result<(), Unsound> {
        Ok(())
    }
}

/// A payload whose fields are well typed but contradict each other or a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsound {
    /// The field, as it is called in JSON.
    pub field: &'static str,
    /// The rule, as the end of a sentence that begins with the field's name.
    pub rule: String,
}
impl fmt::Display for Unsound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.rule)
    }
}

/// Where a personal value stands in its payload, e.g. `lines[0].serials[2]`. Built on the stack.
#[derive(Clone, Copy)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}
#[derive(Clone, Copy)]
enum Step<'a> {
    Field(&'a str),
    Index(usize),
}
impl<'a> Path<'a> {
    /// A field of the payload itself.
    pub fn root(field: &'a str) -> Self {
        Self { parent: None, step: Step::Field(field) }
    }
    fn field(&'a self, name: &'a str) -> Path<'a> {
        Path { parent: Some(self), step: Step::Field(name) }
    }
    fn index(&'a self, index: usize) -> Path<'a> {
        Path { parent: Some(self), step: Step::Index(index) }
    }
    pub(crate) fn child(parent: Option<&'a Path<'a>>, name: &'a str) -> Path<'a> {
        match parent {
            Some(path) => path.field(name),
            None => Path::root(name),
        }
    }
}
impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Field(name) if self.parent.is_some() => write!(f, ".{name}"),
            Step::Field(name) => f.write_str(name),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// Visits every personal value of a payload with its path.
pub trait Personals {
    /// Calls `visit` for each personal value, in a fixed order.
    fn personals(&mut self, at: Option<&Path<'_>>, visit: &mut dyn FnMut(&Path<'_>, &mut Personal));
}
impl Personals for Personal {
    fn personals(&mut self, at: Option<&Path<'_>>, visit: &mut dyn FnMut(&Path<'_>, &mut Personal)) {
        if let Some(path) = at {
            visit(path, self);
        }
    }
}
impl<T: Personals> Personals for Option<T> {
    fn personals(&mut self, at: Option<&Path<'_>>, visit: &mut dyn FnMut(&Path<'_>, &mut Personal)) {
        if let Some(value) = self {
            value.personals(at, visit);
        }
    }
}
impl<T: Personals> Personals for Vec<T> {
    fn personals(&mut self, at: Option<&Path<'_>>, visit: &mut dyn FnMut(&Path<'_>, &mut Personal)) {
        let Some(path) = at else { return };
        for (index, value) in self.iter_mut().enumerate() {
            value.personals(Some(&path.index(index)), visit);
        }
    }
}

/// Declares payload types. `a: T` is required, `a?: T` optional (left out when unknown), `a*: T` a list
/// (left out when empty), `a!` a flag (left out when false). `@personal` names the fields that hold
/// personal values; `@check` adds rules that types cannot express.
macro_rules! payload {
    ($( $(#[$meta:meta])* $name:ident { $($body:tt)* } $(@personal $($personal:ident),+ ;)? $(@check |$this:ident| $check:block)? )*) => {$(
        $crate::event::payload::payload!(@fields [$(#[$meta])* $name] [] $($body)*);
        impl $crate::event::payload::Personals for $name {
            #[allow(unused_variables, reason = "most payloads have no personal field")]
            fn personals(
                &mut self,
                at: Option<&$crate::event::payload::Path<'_>>,
                visit: &mut dyn FnMut(&$crate::event::payload::Path<'_>, &mut $crate::ids::Personal),
            ) {
                $($( self.$personal.personals(Some(&$crate::event::payload::Path::child(at, stringify!($personal))), visit); )+)?
            }
        }
        impl $crate::event::payload::Payload for $name {
            $(fn check(&self) -> Result<(), $crate::event::payload::Unsound> { let $this = self; $check })?
        }
    )*};
    (@fields [$(#[$meta:meta])* $name:ident] [$($done:tt)*]) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct $name { $($done)* }
    };
    (@fields $head:tt [$($done:tt)*] $(#[$m:meta])* $f:ident ? : $t:ty, $($rest:tt)*) => {
        $crate::event::payload::payload!(@fields $head [$($done)* $(#[$m])*
            #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::event::payload::present")]
            pub $f: Option<$t>,] $($rest)*);
    };
    (@fields $head:tt [$($done:tt)*] $(#[$m:meta])* $f:ident * : $t:ty, $($rest:tt)*) => {
        $crate::event::payload::payload!(@fields $head [$($done)* $(#[$m])*
            #[serde(default, skip_serializing_if = "alloc::vec::Vec::is_empty", deserialize_with = "crate::event::payload::list")]
            #[cfg_attr(feature = "schema", schemars(length(max = crate::event::payload::LIST_LEN_MAX)))]
            pub $f: alloc::vec::Vec<$t>,] $($rest)*);
    };
    (@fields $head:tt [$($done:tt)*] $(#[$m:meta])* $f:ident ! , $($rest:tt)*) => {
        $crate::event::payload::payload!(@fields $head [$($done)* $(#[$m])*
            #[serde(default, skip_serializing_if = "core::ops::Not::not")]
            pub $f: bool,] $($rest)*);
    };
    (@fields $head:tt [$($done:tt)*] $(#[$m:meta])* $f:ident : $t:ty, $($rest:tt)*) => {
        $crate::event::payload::payload!(@fields $head [$($done)* $(#[$m])* pub $f: $t,] $($rest)*);
    };
}
pub(crate) use payload;

/// Declares a closed vocabulary: an enum whose JSON form is the word in quotes.
macro_rules! words {
    ($( $(#[doc = $doc:literal])+ $name:ident { $( $(#[$m:meta])* $variant:ident = $word:literal ),+ $(,)? } )*) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $( $(#[$m])* #[doc = $word] #[serde(rename = $word)] $variant ),+ }
        impl $name {
            /// Every word, in the order of its definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The word as it stands in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.as_str())
            }
        }
        impl core::str::FromStr for $name {
            type Err = $crate::ids::BadText;
            fn from_str(text: &str) -> Result<Self, $crate::ids::BadText> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::ids::BadText {
                        what: stringify!($name),
                        rule: alloc::format!("write one of {}", [$($word),+].join(", ")),
                    }),
                }
            }
        }
        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> alloc::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "description": concat!($($doc),+).trim(), "type": "string", "enum": [$($word),+]
                })
            }
        }
    )*};
}
pub(crate) use words;

/// An optional field is left out or has a value; `null` is not a third way to say the same thing.
pub fn present<'de, D, T>(d: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    T::deserialize(d).map(Some)
}

/// A list with at most [`LIST_LEN_MAX`] entries.
pub(crate) fn list<'de, D, T>(d: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    let list: Vec<T> = serde::Deserialize::deserialize(d)?;
    if list.len() > LIST_LEN_MAX {
        return Err(serde::de::Error::custom(alloc::format!(
            "a list has {} entries, at most {LIST_LEN_MAX} are allowed",
            list.len()
        )));
    }
    Ok(list)
}

/// Money that moves is more than nothing.
pub(crate) fn positive(field: &'static str, amount: &Amount) -> Result<(), Unsound> {
    if amount.is_zero() { Err(Unsound { field, rule: "must be more than zero".into() }) } else { Ok(()) }
}

/// A list that may be left out has the same limit as any other.
pub(crate) fn not_too_long<T>(field: &'static str, list: Option<&Vec<T>>) -> Result<(), Unsound> {
    let len = list.map_or(0, Vec::len);
    if len > LIST_LEN_MAX {
        let rule = alloc::format!("has {len} entries, at most {LIST_LEN_MAX} are allowed");
        return Err(Unsound { field, rule });
    }
    Ok(())
}

/// An act on units names at least one.
pub(crate) fn some_units(units: &crate::units::Units) -> Result<(), Unsound> {
    if units.is_empty() {
        return Err(Unsound { field: "units", rule: "must name at least one unit, like [\"L1#1\"]".into() });
    }
    Ok(())
}
