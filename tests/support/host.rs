//! The least that can serve the desk to a browser: one thread, one request at a time, the policy that pages must live
//! under. Who is logged in is said by the test.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use claims::{
    door::Door,
    ledger::Ledger,
    store::sqlite::SqliteStore,
    web::{self, Answer, Desk, Viewer, assets::Asset},
};
use replay::ids::{ActorId, Code};

/// What every page of the desk is served with.
pub const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub struct Host {
    pub base: String,
    pub who: Arc<Mutex<Viewer>>,
    /// The size of every page that was served, by address.
    pub sizes: Arc<Mutex<Vec<(String, usize)>>>,
}

pub fn viewer(actor: &str, roles: &[&str]) -> Viewer {
    Viewer {
        actor: ActorId::new(actor).unwrap(),
        roles: roles.iter().map(|role| Code::new(role).unwrap()).collect(),
        csrf: "token-of-the-test".into(),
    }
}

impl Host {
    pub fn start(path: &Path, who: Viewer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let who = Arc::new(Mutex::new(who));
        let sizes = Arc::new(Mutex::new(Vec::new()));
        let host = Host { base, who: who.clone(), sizes: sizes.clone() };
        let path = path.to_owned();
        std::thread::spawn(move || {
            let desk = Desk::default();
            for stream in listener.incoming().map_while(Result::ok) {
                one(stream, &path, &desk, &who, &sizes);
            }
        });
        host
    }
}

fn one(
    mut stream: TcpStream,
    path: &PathBuf,
    desk: &Desk,
    who: &Mutex<Viewer>,
    sizes: &Mutex<Vec<(String, usize)>>,
) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut line, mut long) = (String::new(), 0usize);
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).unwrap_or(0) == 0 || header.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            long = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; long];
    reader.read_exact(&mut body).unwrap();
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (at, query) = target.split_once('?').unwrap_or((target, ""));
    if let Some(asset) = at.strip_prefix("/desk/static/").and_then(Asset::named) {
        return send(&mut stream, "200 OK", asset.media, asset.text, "");
    }
    let viewer = who.lock().unwrap().clone();
    let now = Door::System.now_here();
    let answer = if method == "POST" {
        let form = String::from_utf8(body).unwrap();
        assert!(form.contains("csrf=token-of-the-test"), "a form without its token: {form}");
        let mut ledger = Ledger::new(SqliteStore::open(path).unwrap(), Door::System);
        let mut store = SqliteStore::open_read_only(path).unwrap();
        web::post(&mut store, desk, &viewer, at, &form, now, &mut |batch| ledger.record(batch))
    } else {
        let mut store = SqliteStore::open_read_only(path).unwrap();
        web::get(&mut store, desk, &viewer, at, query, now)
    };
    match answer {
        Answer::Page(kind, page) => {
            sizes.lock().unwrap().push((target.to_owned(), page.len()));
            let status = if kind.is_none() { "200 OK" } else { "409 Conflict" };
            send(&mut stream, status, "text/html; charset=utf-8", &page, "");
        }
        Answer::Redirect(to) => {
            send(&mut stream, "303 See Other", "text/plain", "", &format!("Location: {to}\r\n"));
        }
    }
}

fn send(stream: &mut TcpStream, status: &str, media: &str, body: &str, more: &str) {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {media}\r\nContent-Length: {}\r\nContent-Security-Policy: {POLICY}\r\nConnection: close\r\n{more}\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body.as_bytes());
}
