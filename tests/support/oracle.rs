//! Programs of others that check ours. A tool that is missing is installed by `tests/oracles/install.sh`; where that
//! is impossible, its tests say so on stderr and do nothing, unless `CLAIMS_ORACLES=required`, which makes them fail.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
};

/// Tools that take minutes to install: asked for only when all of them are required.
const SLOW: [&str; 1] = ["tackler"];

/// Account and currency -> minor units.
pub type Balances = BTreeMap<(String, String), i128>;

/// What a tool answered.
pub struct Answer {
    pub ok: bool,
    pub stdout: String,
    pub stderr: String,
}

/// Where the tool is; `None` = it cannot be had here, and that was said.
pub fn find(tool: &str, program: &str) -> Option<PathBuf> {
    static ASKED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut asked = ASKED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(path) = look(program) {
        return Some(path);
    }
    let required = std::env::var("CLAIMS_ORACLES").is_ok_and(|word| word == "required");
    let first = !asked.iter().any(|name| name == tool);
    if first {
        asked.push(tool.into());
    }
    let mut why = String::from("it takes minutes to install: tests/oracles/install.sh tackler");
    if first && (required || !SLOW.contains(&tool)) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracles/install.sh");
        let answer = answer(Command::new("sh").arg(script).arg(tool));
        if let Some(path) = look(program) {
            return Some(path);
        }
        why = answer.stderr;
    }
    assert!(!required, "{tool} is required (CLAIMS_ORACLES) and missing: {why}");
    if first {
        // Not eprintln!, which a passing test swallows.
        let _ = writeln!(std::io::stderr(), "\nNOT CHECKED BY {tool}: {}\n", why.trim());
    }
    None
}

fn look(program: &str) -> Option<PathBuf> {
    let home = match std::env::var_os("CLAIMS_ORACLES_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/root".into()))
            .join(".cache/claims-oracles"),
    };
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::iter::once(home.join("bin")).chain(std::env::split_paths(&paths));
    folders.find_map(|folder| Some(folder.join(program)).filter(|path| path.is_file()))
}

/// Runs a command to its end.
pub fn answer(command: &mut Command) -> Answer {
    let output = command.stdin(Stdio::null()).env("LC_ALL", "C.UTF-8").output();
    let output = output.unwrap_or_else(|why| panic!("{command:?}: {why}"));
    Answer {
        ok: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Minor units of a decimal with exactly the digits of the currency, or fewer where a tool drops zeros.
fn minor(text: &str, currency: &str) -> i128 {
    let digits = replay::money::Currency::parse(currency).unwrap().exponent() as usize;
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    assert!(rest.len() <= digits, "{text} {currency} has too many digits");
    format!("{whole}{rest:0<digits$}").parse().unwrap_or_else(|why| panic!("{text}: {why}"))
}

fn put(balances: &mut Balances, account: &str, currency: &str, amount: &str) {
    let minor = minor(amount, currency);
    if minor != 0 {
        assert_eq!(
            balances.insert((account.into(), currency.into()), minor),
            None,
            "{account} {currency} twice"
        );
    }
}

/// The four programs that read a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    Hledger,
    Ledger,
    Beancount,
    Tackler,
}

impl Reader {
    pub const ALL: [Reader; 4] = [Reader::Hledger, Reader::Ledger, Reader::Beancount, Reader::Tackler];
    pub fn name(self) -> &'static str {
        match self {
            Reader::Hledger => "hledger",
            Reader::Ledger => "ledger",
            Reader::Beancount => "beancount",
            Reader::Tackler => "tackler",
        }
    }
    /// Whether it is here, or could be brought here.
    pub fn is_there(self) -> bool {
        let programs: &[&str] = match self {
            Reader::Beancount => &["bean-check", "bean-query"],
            _ => &[self.name()],
        };
        programs.iter().all(|program| find(self.name(), program).is_some())
    }
    fn command(self, program: &str) -> Command {
        Command::new(find(self.name(), program).unwrap())
    }
    /// Reads a file as strictly as it can: the balances it arrives at, or why it refuses.
    pub fn read(self, file: &Path) -> Result<Balances, String> {
        match self {
            Reader::Hledger => self.hledger(file),
            Reader::Ledger => self.ledger(file),
            Reader::Beancount => self.beancount(file),
            Reader::Tackler => self.tackler(file).map(|(balances, _)| balances),
        }
    }

    fn hledger(self, file: &Path) -> Result<Balances, String> {
        let checked = answer(self.command("hledger").arg("-f").arg(file).args(["check", "--strict"]));
        if !checked.ok || !checked.stderr.is_empty() {
            return Err(checked.stderr);
        }
        let told = answer(
            self.command("hledger").arg("-f").arg(file).args(["balance", "-N", "--flat", "-O", "json"]),
        );
        assert!(told.ok, "{}", told.stderr);
        let json: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
        let mut balances = Balances::new();
        for row in json[0].as_array().unwrap() {
            for amount in row[3].as_array().unwrap() {
                let (quantity, currency) = (&amount["aquantity"], amount["acommodity"].as_str().unwrap());
                let places = quantity["decimalPlaces"].as_u64().unwrap() as usize;
                let digits = quantity["decimalMantissa"].as_i64().unwrap();
                let (sign, digits) = (if digits < 0 { "-" } else { "" }, digits.unsigned_abs());
                let text = format!("{digits:0width$}", width = places + 1);
                let (whole, rest) = text.split_at(text.len() - places);
                put(&mut balances, row[0].as_str().unwrap(), currency, &format!("{sign}{whole}.{rest}"));
            }
        }
        Ok(balances)
    }

    /// Its exit code is the number of errors modulo 256; a word on stderr is what counts.
    fn ledger(self, file: &Path) -> Result<Balances, String> {
        let mut command = self.command("ledger");
        command.args(["--args-only", "-f"]).arg(file);
        let told = answer(command.args(["--strict", "--pedantic", "balance", "--flat", "--no-total"]));
        if !told.ok || !told.stderr.is_empty() {
            return Err(told.stderr);
        }
        let (mut balances, mut amounts) = (Balances::new(), Vec::new());
        for line in told.stdout.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            amounts.push((words[0], words[1]));
            // The account stands beside the last of its amounts.
            if let Some(account) = words.get(2) {
                amounts
                    .drain(..)
                    .for_each(|(amount, currency)| put(&mut balances, account, currency, amount));
            }
        }
        assert!(amounts.is_empty());
        Ok(balances)
    }

    fn beancount(self, file: &Path) -> Result<Balances, String> {
        let checked = answer(self.command("bean-check").arg(file));
        if !checked.ok || !checked.stderr.is_empty() || !checked.stdout.is_empty() {
            return Err(format!("{}{}", checked.stdout, checked.stderr));
        }
        let query = "SELECT account, currency, sum(number) GROUP BY account, currency";
        let told = answer(self.command("bean-query").args(["-f", "csv"]).arg(file).arg(query));
        assert!(told.ok, "{}", told.stderr);
        let mut balances = Balances::new();
        for line in told.stdout.lines().skip(1) {
            let cells: Vec<&str> = line.split(',').map(str::trim).collect();
            put(&mut balances, cells[0], cells[1], cells[2]);
        }
        Ok(balances)
    }

    /// The configuration lies beside the file, in `conf`. Also gives what it says of the set of entries: checksum and
    /// size.
    pub fn tackler(self, file: &Path) -> Result<(Balances, (String, u64)), String> {
        let configuration = file.with_file_name("conf").join("tackler.toml");
        let mut command = self.command("tackler");
        let told = answer(command.arg("--config").arg(configuration).arg("--input.file").arg(file));
        if !told.ok || !told.stderr.is_empty() {
            return Err(format!("{}{}", told.stdout, told.stderr));
        }
        let after = |word: &str| told.stdout.lines().find_map(|line| line.trim().strip_prefix(word)).unwrap();
        let set = (after("SHA-256 : ").into(), after("set size : ").parse().unwrap());
        let mut balances = Balances::new();
        let report = told.stdout.lines().skip_while(|line| *line != "Balances").skip(2);
        for line in report.take_while(|line| !line.starts_with('=')) {
            let words: Vec<&str> = line.split_whitespace().collect();
            put(&mut balances, words[2], words[1], words[0]);
        }
        Ok((balances, set))
    }
}
