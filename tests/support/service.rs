//! The service as it runs: the program, listening on loopback, and a client that is small enough to do things wrong.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Stdio},
    sync::OnceLock,
    time::Duration,
};

use serde_json::{Value, json};

use crate::program::{PROGRAM, command, ok};

/// The password of everybody in these tests.
pub const PASSWORD: &str = "correct horse battery";
/// Every role that is granted.
pub const ROLES: [&str; 7] = ["agent", "warehouse", "approver", "finance", "auditor", "admin", "system"];

/// A running service over a ledger of its own.
pub struct Service {
    pub dir: tempfile::TempDir,
    pub port: u16,
    pub setup: Option<String>,
    child: Child,
    stdout: BufReader<ChildStdout>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub head: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        let found = self.head.iter().find(|(have, _)| have == name);
        found.map_or("", |(_, value)| value.as_str())
    }
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|why| panic!("{why}: {self:?}"))
    }
    /// Status and code of a problem.
    #[track_caller]
    pub fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        (self.status, problem["code"].as_str().unwrap().into())
    }
}

/// The example ledger, made once for all tests of a program.
fn example() -> &'static Path {
    static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let dir = MADE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        ok(dir.path(), &["demo", "--ledger", "shop.db"]);
        let db = rusqlite::Connection::open(dir.path().join("shop.db")).unwrap();
        db.pragma_update(None, "wal_checkpoint", "TRUNCATE").unwrap();
        dir
    });
    dir.path()
}

impl Service {
    /// Over the example ledger, as at the first start.
    pub fn first() -> Self {
        Self::with(&[])
    }
    pub fn with(options: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::copy(example().join("shop.db"), dir.path().join("shop.db")).unwrap();
        Self::over(dir, options)
    }
    /// Over a folder with a ledger in it.
    pub fn over(dir: tempfile::TempDir, options: &[&str]) -> Self {
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let mut program = command(PROGRAM, dir.path());
        program.args(["serve", "--ledger", "shop.db", "--listen", "127.0.0.1:0", "--json"]).args(options);
        let mut child = program.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("{}", std::fs::read_to_string(dir.path().join("log")).unwrap()));
        let port = said["listening"].as_str().unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
        let setup = said["setup"].as_str().map(|link| link.rsplit_once("link=").unwrap().1.to_string());
        Self { dir, port, setup, child, stdout }
    }
    /// With an admin who is logged in, and who grants roles.
    pub fn governed() -> (Self, Session) {
        Self::governed_with(&[])
    }
    /// As [`Service::governed`], started with these options.
    pub fn governed_with(options: &[&str]) -> (Self, Session) {
        let mut service = Self::with(options);
        let link = service.setup.take().unwrap();
        let reply =
            service.form("/setup", &[("link", &link), ("actor", "root.admin"), ("password", PASSWORD)]);
        assert_eq!((reply.status, reply.header("location")), (303, "/"), "{reply:?}");
        let session = service.session(&reply);
        (service, session)
    }
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("shop.db")
    }
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }
    /// Sends bytes as they are, and reads what comes until the end.
    pub fn raw(&self, request: &str) -> Reply {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        reply(&bytes)
    }
    pub fn send(&self, method: &str, path: &str, head: &[(&str, &str)], body: &str) -> Reply {
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.host());
        for (name, value) in head {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        self.raw(&text)
    }
    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], "")
    }
    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send("POST", path, &[("Content-Type", "application/x-www-form-urlencoded")], &body)
    }
    /// The session that an answer has set.
    pub fn session(&self, reply: &Reply) -> Session {
        let cookie = reply.header("set-cookie").split(';').next().unwrap().to_string();
        let csrf = self.send("GET", "/v1/session", &[("Cookie", &cookie)], "").json();
        Session { cookie, csrf: csrf["csrf"].as_str().unwrap().into() }
    }
    /// As a person with a session.
    pub fn with_session(&self, session: &Session, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let head = [
            ("Cookie", session.cookie.as_str()),
            ("X-CSRF-Token", session.csrf.as_str()),
            ("Content-Type", "application/json"),
        ];
        self.send(method, path, &head, &body.map(Value::to_string).unwrap_or_default())
    }
    /// As a program with a token.
    pub fn with_token(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let bearer = format!("Bearer {token}");
        let head = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        self.send(method, path, &head, &body.map(Value::to_string).unwrap_or_default())
    }
    /// Grants a role by an event.
    #[track_caller]
    pub fn grant(&self, admin: &Session, actor: &str, role: &str) -> Reply {
        let revision = log::revision(&self.path());
        let command = json!({ "stream": "ledger", "expected_revision": revision, "kind": "role_granted",
                              "payload": { "actor": actor, "role": role } });
        let reply = self.with_session(admin, "POST", "/v1/events", Some(&command));
        assert_eq!(reply.status, 201, "{reply:?}");
        reply
    }
    /// A token of a program in a role, or in none.
    pub fn program(&self, admin: &Session, actor: &str, role: Option<&str>, scopes: &str) -> String {
        let scopes: Vec<&str> = scopes.split(' ').collect();
        let asked = json!({ "actor": actor, "scopes": scopes, "days": 1 });
        let reply = self.with_session(admin, "POST", "/v1/access/tokens", Some(&asked));
        assert_eq!(reply.status, 201, "{reply:?}");
        if let Some(role) = role {
            self.grant(admin, actor, role);
        }
        reply.json()["token"].as_str().unwrap().into()
    }
    /// A person in a role, logged in.
    pub fn person(&self, admin: &Session, actor: &str, role: &str) -> Session {
        let reply = self.with_session(admin, "POST", "/v1/access/people", Some(&json!({ "actor": actor })));
        assert_eq!(reply.status, 201, "{reply:?}");
        let link = reply.json()["link"].as_str().unwrap().rsplit_once('=').unwrap().1.to_string();
        self.grant(admin, actor, role);
        let reply = self.form("/setup", &[("link", &link), ("actor", actor), ("password", PASSWORD)]);
        assert_eq!(reply.status, 303, "{reply:?}");
        self.session(&reply)
    }
    /// Asks the service to end.
    pub fn terminate(&self) {
        // The shell's own word: a small machine may have no program of that name.
        let kill = format!("kill {}", self.child.id());
        let done = std::process::Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(done.success());
    }
    /// Waits for its end: the exit code, and the folder that it leaves.
    pub fn ended(mut self) -> (Option<i32>, tempfile::TempDir) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        let code = self.child.wait().unwrap().code();
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap());
        (code, dir)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A person who is logged in.
#[derive(Debug, Clone)]
pub struct Session {
    pub cookie: String,
    pub csrf: String,
}

/// Reads an answer as it came over the wire.
pub fn reply(bytes: &[u8]) -> Reply {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|s| s.parse().ok());
    let head: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_string()))
        .collect();
    let is_chunked = head.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = if is_chunked { unchunked(body) } else { body.to_string() };
    Reply { status: status.unwrap_or(0), head, body }
}

/// The text of a chunked body, as far as it came.
pub fn unchunked(mut text: &str) -> String {
    let mut out = String::new();
    while let Some((size, rest)) = text.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 || rest.len() < size {
            break;
        }
        out.push_str(&rest[..size]);
        text = rest[size..].trim_start_matches("\r\n");
    }
    out
}

mod log {
    use std::path::Path;

    /// The revision of the ledger's own stream.
    pub fn revision(path: &Path) -> u64 {
        let db = rusqlite::Connection::open(path).unwrap();
        let sql = "SELECT max(revision) FROM events WHERE stream = 'ledger'";
        db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap().try_into().unwrap()
    }
}
