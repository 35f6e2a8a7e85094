//! Room on a disk, asked for before anything large is written: what fills a disk takes the room of whoever writes beside.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// Whether so many bytes may be written beside a file; `what` needs them.
///
/// # Errors
/// Fewer are free.
pub fn asked_for(what: &str, beside: &Path, bytes: u64) -> Result<()> {
    let folder = beside.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A disk that does not say how much is free is found out by writing.
    let Ok(free) = fs4::available_space(folder) else { return Ok(()) };
    if free >= bytes {
        return Ok(());
    }
    let text = format!("{what} needs {bytes} bytes, and {free} are free");
    Err(Error::new(ErrorKind::Storage, "too_little_room", text)
        .at(folder.display())
        .hint("make room, or use another disk; nothing was written"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_is_said_before() {
        let here = Path::new("copy.db");
        assert_eq!(asked_for("the copy", here, 1), Ok(()));
        let why = asked_for("the copy", here, u64::MAX).err();
        assert_eq!(why.map(|why| why.code), Some("too_little_room".into()));
    }
}
