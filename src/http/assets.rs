//! Files of pages, from memory.

use super::{answer::Answer, asked::Asked};
use crate::{
    assets::served,
    error::{Error, Result},
};

/// One file under its name with hash.
///
/// # Errors
/// No such file.
pub fn asset(asked: &Asked) -> Result<Answer> {
    let name = asked.text("name").unwrap_or_default();
    let found = served().iter().find(|served| served.name == name);
    let found = found.ok_or_else(|| Error::not_found("there is no such file"))?;
    Ok(Answer::of(200, found.asset.media, found.asset.bytes.to_vec())
        .header("cache-control", "public, max-age=31536000, immutable"))
}
