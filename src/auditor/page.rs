//! The report as one page: no network, no script, readable on paper. Everything that came from a log is escaped.

use super::{
    Report,
    journal::{Found, Hit},
    overrides::{Granted, Overrides},
};
use crate::view::money;
use std::collections::BTreeMap;

/// Most rows of one table of the page; all of them are in the CSV files beside it.
const PAGE_ROWS_MAX: usize = 100;

/// One page of HTML.
pub fn page(report: &Report) -> String {
    let mut html = String::with_capacity(64 * 1024);
    html.push_str("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    html.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html.push_str(&format!("<title>Auditor's report of {}</title>\n", escaped(&report.ledger)));
    html.push_str(&format!("<style>\n{}</style>\n</head>\n<body>\n<header>\n", include_str!("page.css")));
    html.push_str(&head(report));
    html.push_str("</header>\n<main>\n");
    html.push_str(&population(report));
    html.push_str(&entries(report));
    html.push_str(&journal(report));
    html.push_str(&overrides(&report.overrides));
    html.push_str(&duties(report));
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

/// Text that stands between tags or in a quoted attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn head(report: &Report) -> String {
    let from = report.from.map_or("the beginning".into(), |day| day.to_string());
    let to = report.to.map_or("the end".into(), |day| day.to_string());
    let sections = [
        ("population", "Population"),
        ("entries", "Entries"),
        ("journal", "Journal-entry tests"),
        ("overrides", "Overrides"),
        ("duties", "Duties"),
    ];
    let nav: String =
        sections.iter().map(|(id, title)| format!("<li><a href=\"#{id}\">{title}</a></li>")).collect();
    let checks = &report.population.checks;
    let holding = checks.iter().filter(|check| check.holds).count();
    let hits = report.journal_tests.iter().fold(0u64, |sum, found| sum.saturating_add(found.count));
    let (result, class) =
        if holding == checks.len() { ("hold", "ok") } else { ("hold, the others FAIL", "bad") };
    let glance = format!(
        "<p class=\"glance\"><span class=\"{class}\">{holding} of {} completeness checks {result}.</span> Entries in the \
         window: {}. Hits of {} tests: {hits}. Refused acts taken later: {}. Clocks late or met late: {}. Duties to inform \
         missed: {}.</p>\n",
        checks.len(),
        report.subledger.len(),
        report.journal_tests.len(),
        report.overrides.retried.len(),
        report.late.len(),
        report.missed.len()
    );
    let not_proved = if report.not_proved.is_empty() {
        String::new()
    } else {
        let cases: Vec<String> = report.not_proved.iter().map(|case| escaped(case)).collect();
        format!("<p class=\"bad\">Not proved, and in no figure below: {}</p>\n", cases.join(", "))
    };
    format!(
        "<h1>Auditor&#39;s report of {}</h1>\n<p class=\"soft\">Entries from {} to {}, local days of what happened. \
         Clocks are read at <span class=\"day\">{}</span>. Made by {} from the log alone: the same log gives the same report.</p>\n\
         {glance}{not_proved}<nav aria-label=\"Sections\"><ul class=\"nav\">{nav}</ul></nav>\n",
        escaped(&report.ledger),
        from,
        to,
        report.clocks_at,
        report.program
    )
}

/// A column: its heading, and whether figures stand in it.
type Column = (&'static str, bool);

/// Figures stand to the right, days in one line.
fn class(column: &Column) -> &'static str {
    match column {
        (_, true) => " class=\"n\"",
        ("day" | "started" | "due" | "met" | "since" | "age", _) => " class=\"day\"",
        _ => "",
    }
}

/// The beginning of a table that can be scrolled by keyboard where it is wider than the page.
fn wide(caption: &str) -> String {
    let caption = escaped(caption);
    format!(
        "<div class=\"wide\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\"><table>\n<caption>{caption}</caption>\n"
    )
}

fn table(caption: &str, columns: &[Column], rows: &[Vec<String>], file: &str) -> String {
    let mut html = wide(caption);
    html.push_str("<thead><tr>");
    for column in columns {
        html.push_str(&format!("<th scope=\"col\"{}>{}</th>", class(column), escaped(column.0)));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in rows.iter().take(PAGE_ROWS_MAX) {
        html.push_str("<tr>");
        for (index, (cell, column)) in row.iter().zip(columns).enumerate() {
            let cell = escaped(cell);
            html.push_str(&match index {
                0 => format!("<th scope=\"row\"{}>{cell}</th>", class(column)),
                _ => format!("<td{}>{cell}</td>", class(column)),
            });
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table></div>\n");
    let more = rows.len().saturating_sub(PAGE_ROWS_MAX);
    if more > 0 {
        html.push_str(&format!("<p class=\"soft\">and {more} more in <code>{file}</code></p>\n"));
    }
    html
}

fn population(report: &Report) -> String {
    let p = &report.population;
    let mut html = String::from("<section id=\"population\">\n<h2>Population</h2>\n");
    html.push_str("<p>The whole log, whatever the window. Two extracts are of the same log when root and size agree.</p>\n<dl>\n");
    let mut item = |name: &str, value: String| html.push_str(&format!("<dt>{name}</dt><dd>{value}</dd>\n"));
    item("Events", format!("{}, positions {} to {}", p.events, p.first_position, p.last_position));
    if let (Some(first), Some(last)) = (&p.first_recorded_at, &p.last_recorded_at) {
        item("Recorded", format!("{first} to {last}"));
    }
    item("Root (RFC 6962)", format!("<code>{}</code>", p.root));
    item("Checksum of event ids", format!("<code>{}</code>", p.set_checksum));
    html.push_str("</dl>\n");
    let rows = p.checks.iter().map(|check| {
        let (class, word) = if check.holds { ("ok", "holds") } else { ("bad", "FAILS") };
        format!(
            "<tr><th scope=\"row\">{}</th><td class=\"{class}\">{word}</td><td>{}</td></tr>\n",
            escaped(check.what),
            escaped(&check.figure)
        )
    });
    html.push_str(&wide("Completeness"));
    html.push_str("<thead><tr><th scope=\"col\">what</th>");
    html.push_str("<th scope=\"col\">result</th><th scope=\"col\">figure</th></tr></thead>\n<tbody>\n");
    html.push_str(&rows.collect::<String>());
    html.push_str("</tbody>\n</table></div>\n");
    let totals: Vec<Vec<String>> = p
        .control_totals
        .iter()
        .map(|(currency, t)| {
            let sums = [t.credited_minor, t.reversed_minor, t.failed_minor, t.stands_minor];
            let mut row = vec![currency.clone(), t.credits.to_string()];
            row.extend(sums.map(|minor| signed(minor, currency)));
            row
        })
        .collect();
    let columns = [
        ("currency", false),
        ("credits", true),
        ("credited", true),
        ("reversed", true),
        ("failed", true),
        ("stands", true),
    ];
    html.push_str(&table("Control totals", &columns, &totals, "population.csv"));
    html.push_str(&counts("Events per stream", &p.streams));
    html.push_str(&counts("Events per kind", &p.kinds));
    html.push_str("</section>\n");
    html
}

/// A list of names with their counts, in as many columns as fit.
fn counts(title: &str, list: &BTreeMap<&'static str, u64>) -> String {
    let rows = list.iter().map(|(name, n)| format!("<div><dt>{}</dt><dd>{n}</dd></div>\n", escaped(name)));
    format!("<h3>{title}</h3>\n<dl class=\"counts\">\n{}</dl>\n", rows.collect::<String>())
}

/// Minor units that may lie below zero.
fn signed(minor: i64, currency: &str) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}", money(minor.unsigned_abs(), currency))
}

fn entries(report: &Report) -> String {
    let rows: Vec<Vec<String>> = report
        .entries
        .iter()
        .map(|sum| {
            let side = match sum.indicator {
                "D" => "debit",
                "C" => "credit",
                _ => "none",
            };
            vec![
                sum.transaction_type.replace('_', " "),
                side.to_owned(),
                sum.count.to_string(),
                money(sum.amount_minor, &sum.currency),
                sum.currency.clone(),
            ]
        })
        .collect();
    let columns =
        [("type", false), ("account", false), ("entries", true), ("amount", true), ("currency", false)];
    let mut html = String::from("<section id=\"entries\">\n<h2>Entries</h2>\n");
    html.push_str("<p>Money events of the window; each is a line of <code>subledger.csv</code>. A debit is owed by the customer or was paid out, a credit is owed to them or came in.</p>\n");
    html.push_str(&table("Entries per type", &columns, &rows, "subledger.csv"));
    html.push_str("</section>\n");
    html
}

fn journal(report: &Report) -> String {
    let mut html = String::from("<section id=\"journal\">\n<h2>Journal-entry tests</h2>\n");
    html.push_str("<p>Marks that deserve a question, after AS 2401 and AU-C 240. A hit is unusual, not wrong. Acts of the merchant are tested, facts from outside are not.</p>\n");
    let rows: Vec<Vec<String>> = report
        .journal_tests
        .iter()
        .map(|found| {
            vec![
                found.title.into(),
                found.parameter.clone(),
                found.looked_at.to_string(),
                found.count.to_string(),
                totals(found),
            ]
        })
        .collect();
    let columns =
        [("test", false), ("parameter", false), ("looked at", true), ("found", true), ("amounts", false)];
    html.push_str(&table("Summary", &columns, &rows, "journal_tests.csv"));
    for found in report.journal_tests.iter().filter(|found| found.count > 0) {
        let rows: Vec<Vec<String>> = found.rows.iter().map(hit).collect();
        let columns = [
            ("position", true),
            ("day", false),
            ("kind", false),
            ("claim", false),
            ("amount", true),
            ("currency", false),
            ("by", false),
            ("second person", false),
            ("why", false),
        ];
        html.push_str(&format!("<h3>{}</h3>\n", escaped(&capital(found.title))));
        html.push_str(&table(&found.parameter, &columns, &rows, "journal_tests.csv"));
    }
    html.push_str("</section>\n");
    html
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn totals(found: &Found) -> String {
    let sums = found.totals.iter().map(|(currency, minor)| format!("{} {currency}", money(*minor, currency)));
    sums.collect::<Vec<_>>().join(", ")
}

fn hit(row: &Hit) -> Vec<String> {
    let standing = if row.standing == "stands" { String::new() } else { format!(" ({})", row.standing) };
    vec![
        row.position.to_string(),
        row.day.to_string(),
        format!("{}{standing}", row.kind),
        row.claim.clone(),
        money(row.amount_minor, &row.currency),
        row.currency.clone(),
        row.entered_by.clone(),
        row.approved_by.clone(),
        row.why.clone(),
    ]
}

fn overrides(o: &Overrides) -> String {
    let mut html = String::from("<section id=\"overrides\">\n<h2>Overrides</h2>\n");
    html.push_str("<p>Who answered as a second person, decided where the policy leaves room, or paid outside it; what was refused and then taken; what was changed afterwards.</p>\n");
    let columns = [
        ("person", false),
        ("what", false),
        ("reason", false),
        ("times", true),
        ("amount", true),
        ("currency", false),
    ];
    for (caption, list) in
        [("Second persons", &o.approvals), ("Discretion", &o.discretion), ("Goodwill", &o.goodwill)]
    {
        html.push_str(&some(caption, &columns, list.iter().map(granted).collect()));
    }
    let columns = [
        ("refused at", true),
        ("who", false),
        ("what", false),
        ("why", false),
        ("amount", true),
        ("currency", false),
        ("taken at", true),
        ("by", false),
        ("second person", false),
    ];
    let rows = o.retried.iter().map(|r| {
        let currency = r.currency.clone().unwrap_or_default();
        vec![
            r.refused_position.to_string(),
            r.refused_actor.clone(),
            format!("{} on {}", r.kind, r.stream),
            r.reason.clone(),
            r.amount_minor.map(|minor| money(minor, &currency)).unwrap_or_default(),
            currency,
            r.position.to_string(),
            r.actor.clone(),
            r.approver.clone().unwrap_or_default(),
        ]
    });
    html.push_str(&some("Refused, then taken", &columns, rows.collect()));
    let columns = [
        ("position", true),
        ("day", false),
        ("what", false),
        ("of", true),
        ("claim", false),
        ("amount", true),
        ("currency", false),
        ("by", false),
        ("second person", false),
        ("reason", false),
    ];
    let rows = o.amended.iter().map(|a| {
        vec![
            a.position.to_string(),
            a.day.to_string(),
            a.what.to_owned(),
            a.of_position.to_string(),
            a.claim.clone(),
            money(a.amount_minor, &a.currency),
            a.currency.clone(),
            a.person.clone(),
            a.approver.clone(),
            a.reason.clone(),
        ]
    });
    html.push_str(&some("Corrections and reversals of money", &columns, rows.collect()));
    html.push_str("</section>\n");
    html
}

/// A table, or the word that there is nothing to show in it.
fn some(caption: &str, columns: &[Column], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return format!("<p><strong>{}:</strong> none</p>\n", escaped(caption));
    }
    table(caption, columns, &rows, "overrides.csv")
}

fn granted(g: &Granted) -> Vec<String> {
    let amount = if g.currency.is_empty() { String::new() } else { money(g.amount_minor, &g.currency) };
    vec![g.person.clone(), g.what.clone(), g.reason.clone(), g.count.to_string(), amount, g.currency.clone()]
}

fn duties(report: &Report) -> String {
    let mut html = String::from("<section id=\"duties\">\n<h2>Duties</h2>\n");
    html.push_str("<p>Clocks that are late or were met late, and duties to inform that no notice has met. Soft clocks may be late; they are not breached.</p>\n");
    let clauses =
        |cites: &[replay::ids::Code]| cites.iter().map(|c| c.as_str()).collect::<Vec<_>>().join(" ");
    let claim =
        |claim: &Option<replay::ids::ClaimId>| claim.as_ref().map(ToString::to_string).unwrap_or_default();
    let late: Vec<Vec<String>> = report
        .late
        .iter()
        .map(|row| {
            vec![
                row.clock.to_string(),
                row.state.replace('_', " "),
                row.firmness.to_owned(),
                row.order.to_string(),
                claim(&row.claim),
                row.started.local_day().to_string(),
                row.due.clone().unwrap_or_default(),
                row.met.map(|met| met.local_day().to_string()).unwrap_or_default(),
                clauses(&row.cites),
            ]
        })
        .collect();
    let columns = [
        ("clock", false),
        ("state", false),
        ("binds", false),
        ("order", false),
        ("claim", false),
        ("started", false),
        ("due", false),
        ("met", false),
        ("clauses", false),
    ];
    if late.is_empty() {
        html.push_str("<p><strong>Late clocks:</strong> none</p>\n");
    } else {
        html.push_str(&table("Late clocks", &columns, &late, "duties.csv"));
    }
    let missed: Vec<Vec<String>> = report
        .missed
        .iter()
        .map(|row| {
            let (about, order) = (row.about.clone(), row.order.to_string());
            vec![
                about,
                order,
                claim(&row.claim),
                row.since.local_day().to_string(),
                row.by.to_string(),
                clauses(&row.cites),
            ]
        })
        .collect();
    let columns = [
        ("about", false),
        ("order", false),
        ("claim", false),
        ("since", false),
        ("age", false),
        ("clauses", false),
    ];
    if missed.is_empty() {
        html.push_str("<p><strong>Missed duties to inform:</strong> none</p>\n");
    } else {
        html.push_str(&table("Missed duties to inform", &columns, &missed, "duties.csv"));
    }
    html.push_str("</section>\n");
    html
}
