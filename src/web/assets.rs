//! The style sheet and the script of the desk, as files of their own: the content security policy allows nothing inline.

use replay::merkle::sha256;

/// A file that pages name.
#[derive(Debug)]
pub struct Asset {
    /// Its name behind `/desk/static/`.
    pub name: &'static str,
    /// As the browser is told.
    pub media: &'static str,
    /// What is in it.
    pub text: &'static str,
}

/// How everything looks.
pub static STYLE: Asset =
    Asset { name: "desk.css", media: "text/css; charset=utf-8", text: include_str!("desk.css") };
/// What is immediate with JavaScript; without it every form still works.
pub static SCRIPT: Asset =
    Asset { name: "desk.js", media: "text/javascript; charset=utf-8", text: include_str!("desk.js") };

impl Asset {
    /// The address, which changes with the content, so that it may be kept for ever.
    pub fn address(&self) -> String {
        let hash = sha256(self.text.as_bytes()).to_string();
        format!("/desk/static/{}?v={}", self.name, hash.get(..16).unwrap_or_default())
    }
    /// The file with this name.
    pub fn named(name: &str) -> Option<&'static Asset> {
        [&STYLE, &SCRIPT].into_iter().find(|asset| asset.name == name)
    }
}
