//! A browser that pages are looked at with: headless Chromium over its debugging pipe (Chrome DevTools Protocol), so that
//! no driver, no socket and no port is needed. What the page says on the console and what it asks of the network is
//! kept. `axe-core` judges accessibility. Both come by `tests/oracles/install.sh chromium axe`.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};

use super::oracle;

/// Longest wait for one answer of the browser.
const PATIENCE: Duration = Duration::from_secs(60);

/// One page in a browser of its own.
pub struct Browser {
    child: Child,
    ask: ChildStdin,
    answers: Receiver<Value>,
    next: u64,
    session: Option<String>,
    loaded: bool,
    axe: PathBuf,
    /// Errors, exceptions and violations of the content security policy since the page was opened.
    pub complaints: Vec<String>,
    /// Every address that the page asked for, without what its content security policy held back, by request.
    pub requests: BTreeMap<String, String>,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts one; `None` = it cannot be had here, and that was said.
    pub fn start() -> Option<Self> {
        let chromium = oracle::find("chromium", "chromium")?;
        let axe = oracle::find("axe", "axe.min.js")?;
        let profile = tempfile::tempdir().unwrap();
        // The shell gives the browser the two ends that it expects at 3 and 4.
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null"]).arg(chromium);
        command.args([
            "--headless",
            "--remote-debugging-pipe",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ]);
        command.arg(format!("--user-data-dir={}", profile.path().display())).arg("about:blank");
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (ask, out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (send, answers) = channel();
        std::thread::spawn(move || {
            for message in BufReader::new(out).split(0).map_while(Result::ok) {
                if send.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    break;
                }
            }
        });
        let mut browser = Self {
            child,
            ask,
            answers,
            next: 0,
            session: None,
            loaded: false,
            axe,
            complaints: Vec::new(),
            requests: BTreeMap::new(),
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = attached["sessionId"].as_str().map(Into::into);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Asks the browser for something and waits for the answer.
    #[track_caller]
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let mut message = json!({ "id": self.next, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = serde_json::to_vec(&message).unwrap();
        bytes.push(0);
        self.ask.write_all(&bytes).unwrap();
        loop {
            let answer = self.hear(method);
            if answer["id"] == json!(self.next) {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
        }
    }

    /// The next message; what is no answer is kept.
    #[track_caller]
    fn hear(&mut self, waiting_for: &str) -> Value {
        let message = self.answers.recv_timeout(PATIENCE);
        let message = message.unwrap_or_else(|why| panic!("no answer to {waiting_for}: {why}"));
        let params = &message["params"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match message["method"].as_str() {
            Some("Runtime.consoleAPICalled") if params["type"] == "error" || params["type"] == "warning" => {
                self.complaints.push(format!("console: {}", params["args"]));
            }
            Some("Runtime.exceptionThrown") => {
                self.complaints.push(format!("exception: {}", params["exceptionDetails"]));
            }
            Some("Log.entryAdded") => {
                self.complaints.push(format!("log: {}", text(&params["entry"]["text"])))
            }
            Some("Page.loadEventFired") => self.loaded = true,
            Some("Network.requestWillBeSent") => {
                self.requests.insert(text(&params["requestId"]), text(&params["request"]["url"]));
            }
            Some("Network.loadingFailed") if params["blockedReason"] == "csp" => {
                self.requests.remove(&text(&params["requestId"]));
            }
            _ => {}
        }
        message
    }

    /// Opens a file and waits until it is loaded.
    #[track_caller]
    pub fn open(&mut self, file: &Path) {
        self.visit(&format!("file://{}", file.canonicalize().unwrap().display()));
    }

    /// Opens an address and waits until it is loaded.
    #[track_caller]
    pub fn visit(&mut self, url: &str) {
        self.complaints.clear();
        self.requests.clear();
        self.loaded = false;
        let went = self.call("Page.navigate", json!({ "url": url }));
        assert!(went["errorText"].is_null(), "{url}: {}", went["errorText"]);
        while !self.loaded {
            self.hear("Page.loadEventFired");
        }
    }

    /// Does something that leads to another page, and waits until that is loaded.
    #[track_caller]
    pub fn follow(&mut self, script: &str) {
        self.loaded = false;
        self.eval(script);
        while !self.loaded {
            self.hear("Page.loadEventFired");
        }
    }

    /// What a script in the page comes to; promises are waited for.
    #[track_caller]
    pub fn eval(&mut self, script: &str) -> Value {
        let params = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        let answer = self.call("Runtime.evaluate", params);
        assert!(answer["exceptionDetails"].is_null(), "{script}\n{}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// Waits until a condition of the page holds.
    #[track_caller]
    pub fn until(&mut self, condition: &str) {
        self.eval(&format!(
            "new Promise((done) => {{ const look = () => ({condition}) ? done() : setTimeout(look, 10); look(); }})"
        ));
    }

    /// Runs a script before those of every page that is opened from now on.
    pub fn before_every_page(&mut self, script: &str) {
        self.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script }));
    }

    /// Switches the scripts of pages on or off.
    pub fn scripts(&mut self, on: bool) {
        self.call("Emulation.setScriptExecutionDisabled", json!({ "value": !on }));
    }

    /// The size of the window, in CSS pixels.
    pub fn size(&mut self, width: u32, height: u32) {
        let mobile = width < 600;
        let params = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        self.call("Emulation.setDeviceMetricsOverride", params);
    }

    /// Light or dark.
    pub fn scheme(&mut self, name: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": name }]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// What axe-core objects to, in its strictest form: every rule, best practices included.
    #[track_caller]
    pub fn axe(&mut self) -> Vec<String> {
        let source = fs::read_to_string(&self.axe).unwrap();
        self.eval(&source);
        let found = self.eval(
            "axe.run(document, { resultTypes: ['violations'] }).then((r) => ({ passes: r.passes.length, \
             violations: r.violations.map((v) => v.id + ': ' + v.help + ' ' + v.nodes.slice(0, 3).map((n) => n.html + ' ' + n.failureSummary).join(' | ')) }))",
        );
        assert!(found["passes"].as_u64().is_some_and(|passes| passes > 15), "axe looked at nothing: {found}");
        found["violations"].as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
    }

    /// Writes a picture of the whole page.
    pub fn screenshot(&mut self, file: &Path) {
        let params = json!({ "captureBeyondViewport": true, "format": "png" });
        let picture = self.call("Page.captureScreenshot", params);
        fs::write(file, BASE64.decode(picture["data"].as_str().unwrap()).unwrap()).unwrap();
    }

    /// The page on A4, as a PDF.
    pub fn print(&mut self) -> Vec<u8> {
        let params = json!({ "paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": false });
        let pdf = self.call("Page.printToPDF", params);
        BASE64.decode(pdf["data"].as_str().unwrap()).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
