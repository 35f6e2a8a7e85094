//! Passwords: argon2id with OWASP's parameters, kept as PHC strings, so that a later program can raise them.

use argon2::{
    Argon2,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};
use std::sync::OnceLock;

use crate::{
    door::Door,
    error::{Error, ErrorKind, Result},
};

/// Shortest password, in characters.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// Longest password, in bytes; more would only cost time.
pub const PASSWORD_BYTES_MAX: usize = 256;

/// Whether a new password is long enough, and not too long.
///
/// # Errors
/// Why not.
pub fn acceptable(password: &str) -> Result<()> {
    let bad = |code: &str, text: String| Err(Error::new(ErrorKind::Usage, code, text));
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return bad(
            "password_too_short",
            format!("a password has at least {PASSWORD_CHARS_MIN} characters; a few words are good"),
        );
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return bad("password_too_long", format!("a password has at most {PASSWORD_BYTES_MAX} bytes"));
    }
    Ok(())
}

/// The hash of a password, with a salt of its own.
///
/// # Errors
/// No randomness.
pub fn hashed(password: &str) -> Result<String> {
    let broken =
        |why: argon2::password_hash::Error| Error::new(ErrorKind::Internal, "no_hash", why.to_string());
    let seed = Door::System.salt()?;
    let salt = SaltString::encode_b64(seed.get(..16).unwrap_or(&seed)).map_err(broken)?;
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt).map_err(broken)?;
    Ok(hash.to_string())
}

/// Whether a password is the one behind a hash. Without a hash it takes as long and is wrong.
pub fn is_right(password: &str, phc: Option<&str>) -> bool {
    static NOBODYS: OnceLock<String> = OnceLock::new();
    if password.len() > PASSWORD_BYTES_MAX {
        return false;
    }
    let nobodys = || NOBODYS.get_or_init(|| hashed("nobody knows this one").unwrap_or_default());
    let known = phc.is_some();
    let phc = phc.unwrap_or_else(|| nobodys());
    let right = PasswordHash::new(phc)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
    right && known
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn only_the_password_is_right() {
        let phc = hashed("correct horse battery").unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(is_right("correct horse battery", Some(&phc)));
        assert!(!is_right("correct horse batterx", Some(&phc)));
        assert!(!is_right("nobody knows this one", None));
        assert!(!is_right("", Some("no hash at all")));
        assert_ne!(phc, hashed("correct horse battery").unwrap(), "each has a salt of its own");
    }
}
