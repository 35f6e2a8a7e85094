//! Files that pages are made of: compiled in, served from memory under a name with their hash in it, so that a browser
//! may keep them for ever and never has an old one.

use replay::merkle::sha256;
use std::sync::OnceLock;

/// A file as it is compiled in.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Its name, e.g. `base.css`.
    pub name: &'static str,
    /// Its media type.
    pub media: &'static str,
    /// Its bytes.
    pub bytes: &'static [u8],
}

/// A file with the name it is served under.
#[derive(Debug, Clone)]
pub struct Served {
    /// The file.
    pub asset: Asset,
    /// e.g. `base-1f2e3d4c5b6a7988.css`.
    pub name: String,
}

/// Every file there is.
const ASSETS: &[Asset] = &[
    Asset { name: "base.css", media: CSS, bytes: include_bytes!("assets/base.css") },
    Asset { name: "desk.css", media: CSS, bytes: include_bytes!("assets/desk.css") },
    Asset {
        name: "desk.js",
        media: "text/javascript; charset=utf-8",
        bytes: include_bytes!("assets/desk.js"),
    },
    Asset { name: "icon.svg", media: "image/svg+xml", bytes: include_bytes!("assets/icon.svg") },
];
const CSS: &str = "text/css; charset=utf-8";

/// Every file with the name it is served under.
pub fn served() -> &'static [Served] {
    static SERVED: OnceLock<Vec<Served>> = OnceLock::new();
    SERVED.get_or_init(|| {
        let named = |asset: &Asset| {
            let hash: String = sha256(asset.bytes).to_string().chars().take(16).collect();
            let (stem, extension) = asset.name.rsplit_once('.').unwrap_or((asset.name, "bin"));
            Served { asset: *asset, name: format!("{stem}-{hash}.{extension}") }
        };
        ASSETS.iter().map(named).collect()
    })
}

/// Where a page finds a file, e.g. `/assets/base-1f2e3d4c5b6a7988.css`; `/assets/` alone for a name that is none.
pub fn href(name: &str) -> String {
    let found = served().iter().find(|served| served.asset.name == name);
    format!("/assets/{}", found.map_or("", |served| &served.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_hash_of_its_bytes() {
        for served in served() {
            let href = href(served.asset.name);
            assert_eq!(href, format!("/assets/{}", served.name));
            let hash: String = sha256(served.asset.bytes).to_string().chars().take(16).collect();
            assert!(href.contains(&hash), "{href}");
        }
    }
}
