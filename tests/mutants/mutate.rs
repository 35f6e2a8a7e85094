//! Every policy that differs from a policy in one place: a figure, a word, a condition, a clause, a row.

use replay::{canonical, event::PolicyPublished, merkle::sha256};
use serde_json::{Value, json};

/// One change.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// What kind of change it is.
    pub kind: &'static str,
    /// `AMC fee 1 (restocking): percent_bp 1000 -> 1001`
    pub name: String,
    /// The clauses of the row it changes: where to look first.
    pub cites: Vec<String>,
    edit: Edit,
}

#[derive(Debug, Clone)]
enum Edit {
    /// The value at a JSON pointer.
    Set(String, Value),
    /// What stands at a JSON pointer goes.
    Remove(String),
}

impl Mutant {
    /// The policy with this change.
    pub fn of(&self, policy: &PolicyPublished) -> PolicyPublished {
        let mut body = policy.body.clone();
        match &self.edit {
            Edit::Set(at, value) => put(&mut body, at, Some(value.clone())),
            Edit::Remove(at) => put(&mut body, at, None),
        }
        let sha256 = sha256(&canonical::to_bytes(&body).unwrap());
        PolicyPublished { body, sha256, ..policy.clone() }
    }
}

fn put(body: &mut Value, at: &str, value: Option<Value>) {
    let (parent, key) = at.rsplit_once('/').unwrap();
    match (body.pointer_mut(parent).unwrap(), value) {
        (Value::Object(map), Some(value)) => drop(map.insert(key.into(), value)),
        (Value::Object(map), None) => drop(map.remove(key)),
        (Value::Array(list), Some(value)) => list[key.parse::<usize>().unwrap()] = value,
        (Value::Array(list), None) => drop(list.remove(key.parse().unwrap())),
        _ => panic!("{at} is nowhere"),
    }
}

/// The tables whose rows are counted, and those whose rows have names.
const COUNTED: [&str; 12] = [
    "entitlement",
    "requirement",
    "variant",
    "fee",
    "component",
    "cost",
    "never",
    "payout",
    "sla",
    "notice",
    "discretion",
    "info",
];
const NAMED: [&str; 2] = ["regions", "windows"];
const SINGLE: [&str; 3] = ["authorization", "risk", "refund_trace"];

/// Words that may stand in the place of one another.
const WORDS: [(&str, &str, &[&str]); 12] = [
    ("chooser", "chooser", &["customer", "merchant"]),
    ("inbound_until_received", "risk", &["merchant", "customer"]),
    ("after_received", "risk", &["merchant", "customer"]),
    ("collect", "collect", &["deduct", "charge", "deduct_or_charge"]),
    (
        "on_fail",
        "on_fail",
        &["deny", "hold", "discretion", "partial", "note", "refuse_parcel", "refuse_item"],
    ),
    ("stage", "stage", &["authorize", "receive", "settle"]),
    ("act", "act", &["contact", "return_dispatched", "authorized_in_writing"]),
    ("after", "anchor", &["delivery", "shipment", "purchase", "invoice"]),
    ("pass", "variant", &["new", "refurbished"]),
    ("fail", "variant", &["new", "refurbished"]),
    ("replacement_anchor", "replacement anchor", &["original", "latest_unit"]),
    ("calendar", "calendar", &["US", "CA-ON", "AU-VIC"]),
];
const FLAGS: [&str; 7] =
    ["reimburse", "refundable", "required", "number_on_parcel", "items_exact", "cause_ok", "no_discretion"];
const PAYOUTS: [&str; 3] = ["original_method", "original_method:giver", "gift_credit:recipient"];

/// Every change of a policy.
pub fn mutants(policy: &PolicyPublished) -> Vec<Mutant> {
    let body = &policy.body;
    let mut all = Mutants {
        policy: policy.policy.to_string(),
        place: String::new(),
        cites: Vec::new(),
        has_point: false,
        out: Vec::new(),
    };
    all.head(&body["policy"]);
    for table in NAMED {
        for (name, row) in body[table].as_object().into_iter().flatten() {
            all.row(&format!("/{table}/{name}"), &format!("{table}.{name}"), row);
        }
    }
    for table in COUNTED {
        let rows = body[table].as_array().map_or(&[][..], Vec::as_slice);
        for (at, row) in rows.iter().enumerate() {
            let title = ["id", "point", "cost", "component", "on", "to", "remedy", "stage"];
            let title = title.iter().find_map(|key| row.get(key)?.as_str()).unwrap_or("");
            all.row(&format!("/{table}/{at}"), &format!("{table} {} ({title})", at + 1), row);
        }
        all.priorities(table, rows);
    }
    for table in SINGLE {
        if let Some(row) = body.get(table) {
            all.row(&format!("/{table}"), table, row);
        }
    }
    all.out
}

struct Mutants {
    policy: String,
    place: String,
    cites: Vec<String>,
    /// Whether the row names a discretion point.
    has_point: bool,
    out: Vec<Mutant>,
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(String::from).collect()
}

impl Mutants {
    fn add(&mut self, kind: &'static str, what: String, edit: Edit) {
        let name = format!("{} {}: {what}", self.policy, self.place);
        self.out.push(Mutant { kind, name, cites: self.cites.clone(), edit });
    }
    fn set(&mut self, kind: &'static str, at: &str, field: &str, old: &Value, new: Value) {
        let what = format!("{field} {old} -> {new}").replace('"', "");
        self.add(kind, what, Edit::Set(at.into(), new));
    }
    fn remove(&mut self, kind: &'static str, at: &str, what: &str) {
        self.add(kind, format!("without {what}").replace('"', ""), Edit::Remove(at.into()));
    }

    fn head(&mut self, head: &Value) {
        for field in ["replacement_anchor", "calendar"] {
            if let Some(value) = head.get(field) {
                (self.place, self.cites) = ("policy".into(), vec![]);
                self.word(&format!("/policy/{field}"), field, value);
            }
        }
        if let Some(row) = head.get("no_fault") {
            (self.place, self.cites) = ("policy.no_fault".into(), texts(row.get("cites")));
            for other in ["none", "return_to_customer", "repair"] {
                if row["remedy"] != other {
                    self.set("no_fault", "/policy/no_fault/remedy", "remedy", &row["remedy"], json!(other));
                }
            }
            self.remove("row", "/policy/no_fault", "the row");
        }
    }

    fn row(&mut self, at: &str, place: &str, row: &Value) {
        self.place = place.into();
        self.has_point = row.get("point").is_some();
        self.cites = texts(row.get("cites"));
        self.cites.extend(texts(row.get("waiver_cites")));
        self.remove("row", at, "the row");
        let Some(fields) = row.as_object() else { return };
        let is_cost = place.starts_with("cost");
        let is_payout = place.starts_with("payout");
        for (field, value) in fields {
            let at = format!("{at}/{field}");
            match field.as_str() {
                "cites" | "waiver_cites" if texts(Some(value)).len() > 1 => {
                    self.entries("cites", &at, field, value)
                }
                "scope" => self.scope(&at, value),
                "needs" | "when" | "waive_when" => {
                    self.set("negation", &at, field, &json!("so"), json!(["not", value]));
                    if field != "needs" {
                        self.remove("condition", &at, field);
                    }
                    self.parts(&at, field, value);
                }
                "percent_bp" | "valid_days" => self.number(&at, field, value),
                "fixed" => self.number(&format!("{at}/amount"), "amount", &value["amount"]),
                "bounds" => self.bounds(&at, value),
                "within" | "expect" => self.limit(&at, field, value),
                "any" => self.alternatives(&at, value),
                "remedies" => self.remedies(&at, value),
                "windows" | "windows_any" => self.entries("window", &at, field, value),
                "options" if value.as_array().unwrap().len() < 2 => {}
                "include" if value.as_array().unwrap().len() < 2 => {}
                "include" | "exclude" => self.entries("region", &at, field, value),
                "options" => self.entries("option", &at, field, value),
                "closes_on" => self.entries("authorization", &at, field, value),
                "attest" => self.entries("attest", &at, field, value),
                "then"
                | "needs_discretion"
                | "reimburse_after"
                | "written_counts_for"
                | "separate_process_outside"
                | "alternative" => self.remove(removal(field), &at, field),
                "after" if is_payout => self.remove("payout", &at, field),
                "to" if is_payout => {
                    for other in PAYOUTS {
                        if value != other {
                            self.set("payout", &at, field, value, json!(other));
                        }
                    }
                }
                "payer" => self.payer(at.rsplit_once('/').unwrap().0, row),
                flag if FLAGS.contains(&flag) => self.flag(&at, flag, value),
                _ => self.word(&at, field, value),
            }
        }
        if is_cost {
            if fields.get("reimburse").is_none() && row["payer"] == "merchant" {
                self.set("reimburse", &format!("{at}/reimburse"), "reimburse", &json!(false), json!(true));
            }
            if row["reimburse"] == true && fields.get("reimburse_after").is_none() {
                let at = format!("{at}/reimburse_after");
                self.set("reimburse", &at, "reimburse_after", &Value::Null, json!("parcel_received"));
            }
        }
    }

    /// The other party, with the fields that only it has.
    fn payer(&mut self, at: &str, row: &Value) {
        let mut other = row.clone();
        let fields = other.as_object_mut().unwrap();
        for field in ["reimburse", "reimburse_after", "collect"] {
            fields.remove(field);
        }
        let (old, new) = match row["payer"] == "merchant" {
            true => ("merchant", "customer"),
            false => ("customer", "merchant"),
        };
        fields.insert("payer".into(), json!(new));
        match new {
            "customer" => fields.insert("collect".into(), json!("deduct_or_charge")),
            _ => fields.insert("reimburse".into(), json!(true)),
        };
        self.add("payer", format!("payer {old} -> {new}"), Edit::Set(at.into(), other));
    }

    fn flag(&mut self, at: &str, field: &str, value: &Value) {
        let kind = match field {
            "reimburse" => "reimburse",
            "refundable" => "refundable",
            "no_discretion" => "no_discretion",
            _ => "authorization",
        };
        self.set(kind, at, field, value, json!(!value.as_bool().unwrap()));
    }

    fn word(&mut self, at: &str, field: &str, value: &Value) {
        let Some((_, kind, words)) = WORDS.iter().find(|(name, ..)| *name == field) else { return };
        for other in words.iter().filter(|other| value != **other) {
            // Only what the dock knows can refuse a parcel: for every other fact that is a note.
            let at_dock = |word: &str| word.starts_with("refuse_");
            if field == "on_fail" && at_dock(other) && !at_dock(value.as_str().unwrap()) {
                continue;
            }
            if matches!(*other, "discretion" | "partial") && !self.has_point {
                continue;
            }
            // Both are asked before goods are looked at: the word only says for whom.
            if field == "stage" && value == "open" && *other == "authorize" {
                continue;
            }
            self.set(kind, at, field, value, json!(other));
        }
    }

    fn number(&mut self, at: &str, field: &str, value: &Value) {
        let Some(n) = value.as_u64() else { return };
        for other in [n.checked_sub(1), n.checked_add(1)].into_iter().flatten() {
            self.set("number", at, field, value, json!(other));
        }
    }

    fn bounds(&mut self, whole: &str, bounds: &Value) {
        for (field, value) in bounds.as_object().into_iter().flatten() {
            let at = format!("{whole}/{field}");
            self.number(&at, field, value);
            let alone = bounds.as_object().unwrap().len() == 1;
            self.remove("bound", if alone { whole } else { &at }, field);
            if let Some(word) = value.as_str() {
                let other = if word == "captured" { "unit_net" } else { "captured" };
                self.set("bound", &at, field, value, json!(other));
            }
        }
    }

    /// One more and one less; of months and years, a few days.
    fn limit(&mut self, at: &str, field: &str, value: &Value) {
        let Some(text) = value.as_str() else { return };
        let kind = if field == "expect" { "expect" } else { "number" };
        let others: Vec<String> = match text {
            "P1Y" => vec!["P364D".into(), "P367D".into()],
            "P6M" => vec!["P180D".into(), "P185D".into()],
            "unit.warranty_term" => vec!["P1Y".into(), "P2Y".into()],
            _ => {
                let start = text.find(|c: char| c.is_ascii_digit()).unwrap();
                let end = start + text[start..].find(|c: char| !c.is_ascii_digit()).unwrap();
                let n: u32 = text[start..end].parse().unwrap();
                let put = |n: u32| format!("{}{n}{}", &text[..start], &text[end..]);
                let mut others = vec![put(n - 1), put(n + 1)];
                if let Some((days, _)) = text.split_once('@') {
                    others.extend([format!("{days}@16:59"), format!("{days}@17:01"), days.into()]);
                }
                others
            }
        };
        for other in others {
            self.set(kind, at, field, value, json!(other));
        }
    }

    fn alternatives(&mut self, at: &str, any: &Value) {
        let list = any.as_array().unwrap();
        for (n, alternative) in list.iter().enumerate() {
            let at = format!("{at}/{n}");
            if list.len() > 1 {
                self.remove("window", &at, &format!("alternative {}", n + 1));
            }
            let row = self.place.clone();
            if list.len() > 1 {
                self.place = format!("{row} any {}", n + 1);
            }
            for field in ["act", "after"] {
                self.word(&format!("{at}/{field}"), field, &alternative[field]);
            }
            self.limit(&format!("{at}/within"), "within", &alternative["within"]);
            self.place = row;
        }
    }

    fn remedies(&mut self, at: &str, remedies: &Value) {
        let list = remedies.as_array().unwrap();
        if list.len() > 1 {
            self.entries("remedy", at, "remedies", remedies);
            for n in 1..list.len() {
                let mut swapped = list.clone();
                swapped.swap(n - 1, n);
                self.set("remedy order", at, "remedies", remedies, json!(swapped));
            }
        }
    }

    /// Takes out one entry after the other.
    fn entries(&mut self, kind: &'static str, at: &str, field: &str, list: &Value) {
        for (n, entry) in list.as_array().into_iter().flatten().enumerate() {
            self.remove(kind, &format!("{at}/{n}"), &format!("{field} {entry}"));
        }
    }

    fn scope(&mut self, at: &str, scope: &Value) {
        let alone = scope.as_object().is_some_and(|fields| fields.len() == 1);
        for (field, value) in scope.as_object().into_iter().flatten() {
            let inner = format!("{at}/{field}");
            // A scope that says nothing is left out.
            let whole = if alone { at.to_string() } else { inner.clone() };
            match value {
                Value::Array(list) => {
                    if list.len() > 1 {
                        self.entries("scope", &inner, &format!("scope.{field}"), value);
                    }
                    self.remove("scope", &whole, &format!("scope.{field}"));
                }
                Value::String(region) if field == "region" => {
                    let other = region.strip_prefix('!').map_or_else(|| format!("!{region}"), String::from);
                    self.set("scope", &inner, "scope.region", value, json!(other));
                    self.remove("scope", &whole, "scope.region");
                }
                Value::Bool(flag) => {
                    self.set("scope", &inner, &format!("scope.{field}"), value, json!(!flag));
                    self.remove("scope", &whole, &format!("scope.{field}"));
                }
                _ => self.remove("scope", &whole, &format!("scope.{field}")),
            }
        }
    }

    /// Takes out one part of a condition after the other.
    fn parts(&mut self, at: &str, field: &str, condition: &Value) {
        let Some(list) = condition.as_array() else { return };
        match list.first().and_then(Value::as_str) {
            Some("all" | "any") => {
                for (n, part) in list.iter().enumerate().skip(1) {
                    let at = format!("{at}/{n}");
                    if list.len() > 2 {
                        self.remove("condition", &at, &format!("{field} {part}"));
                    }
                    self.parts(&at, field, part);
                }
            }
            Some("not") => self.parts(&format!("{at}/1"), field, &list[1]),
            Some("in") if list[2].as_array().unwrap().len() > 1 => {
                self.entries("condition", &format!("{at}/2"), &format!("{field} {}", list[1]), &list[2]);
            }
            _ => {}
        }
    }

    /// A row of one cost is put above the highest of that cost, or below the lowest.
    fn priorities(&mut self, table: &str, rows: &[Value]) {
        let of = |row: &Value| row.get("priority").and_then(Value::as_i64).unwrap_or(0);
        for (n, row) in rows.iter().enumerate().filter(|_| table == "cost") {
            let others: Vec<i64> = rows
                .iter()
                .enumerate()
                .filter(|(m, r)| *m != n && r["cost"] == row["cost"])
                .map(|(_, r)| of(r))
                .collect();
            let (Some(high), Some(low)) = (others.iter().max(), others.iter().min()) else { continue };
            self.place = format!("cost {} ({})", n + 1, row["cost"].as_str().unwrap());
            self.cites = texts(row.get("cites"));
            let at = format!("/cost/{n}/priority");
            let old = of(row);
            if old < *high {
                self.set("priority", &at, "priority", &json!(old), json!(high + 1));
            }
            if old > *low && *low > 0 {
                self.set("priority", &at, "priority", &json!(old), json!(low - 1));
            }
        }
    }
}

fn removal(field: &str) -> &'static str {
    match field {
        "then" => "on_fail",
        "needs_discretion" => "discretion",
        "reimburse_after" => "reimburse",
        "alternative" => "alternative",
        _ => "authorization",
    }
}
