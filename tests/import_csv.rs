//! Credits from CSV: samples with golden proposals, every kind of bad row as a file with its message beside it,
//! and a real data set to the penny. `UPDATE_FIXTURES=1` writes the expected texts anew; read the diff.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    time::Instant,
};

use claims::{
    error::Result,
    import_csv::{self, BadRow, Mapping, Note},
};
use flate2::{Compression, read::GzEncoder};
use proptest::prelude::*;
use replay::{event::Event, ids::Expected, money::Amount};
use rust_decimal::Decimal;
use serde_json::json;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

fn mapping(path: &Path) -> Mapping {
    Mapping::parse(&text(path), &path.display().to_string()).unwrap_or_else(|why| panic!("{why}"))
}

fn good() -> Mapping {
    mapping(&fixtures().join("broken/csv/good.toml"))
}

fn import(bytes: &[u8], name: &str, mapping: &Mapping) -> Result<(Vec<Note>, Vec<BadRow>)> {
    import_csv::read(bytes, name, mapping, &mut |_| {})
}

/// Compares with the text in a file, or writes it.
fn check(path: &Path, actual: &str) {
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        fs::write(path, actual).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    }
    assert_eq!(text(path), actual, "{}", path.display());
}

/// A proposal in the form of a command, one a line.
fn command(note: &Note) -> String {
    let p = &note.proposal;
    assert_eq!(p.expected, Expected::At(None));
    assert!(p.effective_is_given && p.approver.is_none());
    json!({
        "stream": p.stream,
        "expected_revision": 0,
        "kind": p.event.kind().as_str(),
        "effective_at": p.effective,
        "actor": p.actor,
        "role": p.role,
        "source": p.source,
        "external_id": p.external_id,
        "payload": p.event.to_value().unwrap_or_default(),
    })
    .to_string()
}

fn credit(note: &Note) -> &replay::event::HistoricalCreditRecorded {
    match &note.proposal.event {
        Event::HistoricalCreditRecorded(credit) => credit,
        other => panic!("{other:?}"),
    }
}

/// What was imported, what was not, and why.
fn report(outcome: Result<(Vec<Note>, Vec<BadRow>)>) -> String {
    match outcome {
        Err(why) => format!("{why}\n"),
        Ok((notes, bad)) => {
            let imported: Vec<_> = notes.iter().map(|note| credit(note).reference.as_str()).collect();
            let bad: String = bad.iter().map(|row| format!("{row}\n")).collect();
            format!(
                "{bad}imported: {}\n",
                if imported.is_empty() { "nothing".into() } else { imported.join(" ") }
            )
        }
    }
}

#[test]
fn samples_become_these_proposals() {
    for sample in ["sample", "sample_kwd"] {
        let at = |ending: &str| fixtures().join(format!("import/{sample}.{ending}"));
        let (notes, bad) =
            import(&fs::read(at("csv")).unwrap(), "sample.csv", &mapping(&at("toml"))).unwrap();
        assert_eq!(bad, []);
        let lines = notes.iter().map(|note| {
            let remarks: String =
                note.remarks.iter().map(|remark| format!("# line {}: {remark}\n", note.line)).collect();
            format!("{remarks}{}\n", command(note))
        });
        check(&at("expected.jsonl"), &lines.collect::<String>());
    }
}

#[test]
fn bad_files_have_their_message_beside_them() {
    let good = good();
    let mut seen = 0;
    for entry in fs::read_dir(fixtures().join("broken/csv")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let actual = if name.ends_with(".csv") {
            report(import(&fs::read(&path).unwrap(), &name, &good))
        } else if name.starts_with("mapping_") && name.ends_with(".toml") {
            Mapping::parse(&text(&path), &name)
                .map_or_else(|why| format!("{why}\n"), |_| "no fault found\n".into())
        } else {
            continue;
        };
        assert!(actual.contains("hint: "), "{name}: {actual}");
        check(&path.with_extension("txt"), &actual);
        seen += 1;
    }
    assert!(seen > 70, "{seen}");
}

const HEADER: &str = "sku,note,quantity,price,date,customer,country\n";

fn row(note: &str, sku: &str) -> String {
    format!("{sku},{note},-1,1.00,2024-05-01 10:00,7,GB\n")
}

#[test]
fn limits_are_kept_and_their_edges_are_not_cut() {
    let good = good();
    let file =
        |rows: &[String]| report(import([HEADER.into(), rows.concat()].concat().as_bytes(), "t.csv", &good));
    let many = |count: usize, sku: &str| row("C1", sku).repeat(count);

    assert_eq!(file(&[many(600, "A"), row("C2", "A")]), "imported: C1 C2\n");
    let said = file(&[many(1_001, "A"), row("C2", "A"), row("C1", "A")]);
    assert!(
        said.starts_with("t.csv:1002: the note has more than 1000 rows\n  note C1 is left out\n"),
        "{said}"
    );
    assert!(said.ends_with("imported: C2\n"), "{said}");
    let said = file(&[many(1_000, &"S".repeat(100)), row("C2", "A")]);
    assert!(said.contains("t.csv:2: the note has 1000 rows and takes 158421 bytes, an event holds 65535\n  note C1 is left out\n"), "{said}");
    assert!(said.ends_with("imported: C2\n"), "{said}");

    let long = "S".repeat(import_csv::ROW_BYTES_MAX);
    assert!(file(&[row("C1", &long)]).starts_with("t.csv:2: this row has more than 65536 bytes\nhint: "));
    let bad = "A,C1,x,1,2024-05-01 10:00,,\n".repeat(import_csv::BAD_ROWS_MAX + 1);
    let said = file(&[row("C2", "A"), bad]);
    assert!(said.starts_with("t.csv: more than 10000 rows cannot be read; nothing is imported"), "{said}");
    let wide = format!("{}{}", HEADER.trim_end(), ",x".repeat(import_csv::COLUMNS_MAX));
    assert!(
        report(import(wide.as_bytes(), "t.csv", &good))
            .starts_with("t.csv:1: the file has more than 256 columns")
    );
}

#[test]
fn byte_order_mark_crlf_and_gzip_change_nothing() {
    let good = good();
    let plain = format!("{HEADER}{}\n{}", row("C1", "A"), row("C2", "\"A, B\""));
    let expected: Vec<_> = import(plain.as_bytes(), "t.csv", &good).unwrap().0.iter().map(command).collect();
    assert_eq!(expected.len(), 2);
    let gzip = |text: &str| {
        let mut bytes = Vec::new();
        GzEncoder::new(text.as_bytes(), Compression::fast()).read_to_end(&mut bytes).unwrap();
        bytes
    };
    let two_members = [gzip(&plain[..60]), gzip(&plain[60..])].concat();
    for (name, bytes) in [
        ("t.csv", format!("\u{feff}{plain}").into_bytes()),
        ("t.csv", format!("\u{feff}{plain}").replace('\n', "\r\n").into_bytes()),
        ("t.csv", plain.trim_end().into()),
        ("t.csv.gz", gzip(&plain)),
        ("t.csv.gz", two_members),
    ] {
        let (notes, bad) = import(&bytes, name, &good).unwrap();
        assert_eq!(bad, []);
        assert_eq!(notes.iter().map(command).collect::<Vec<_>>(), expected);
        assert_eq!(notes.iter().map(|note| note.line).collect::<Vec<_>>(), [2, 4]);
    }
    let whole = gzip(&plain);
    let cut = report(import(&whole[..whole.len() - 9], "t.csv.gz", &good));
    assert!(cut.contains("the compressed file ends in the middle\nhint: "), "{cut}");
    let not = report(import(plain.as_bytes(), "t.csv.gz", &good));
    assert!(not.starts_with("t.csv.gz: the file is named .gz, but cannot be decompressed"), "{not}");
}

#[test]
fn offsets_in_the_text_and_zones_off_by_seconds() {
    let base = text(&fixtures().join("broken/csv/good.toml"));
    let with = |format: &str, zone: &str| {
        let text = base.replace("%Y-%m-%d %H:%M", format).replace("zone = \"Europe/London\"\n", zone);
        Mapping::parse(&text, "m.toml").unwrap()
    };
    let when = |mapping: &Mapping, date: &str| {
        let text = format!("{HEADER}A,C1,-1,1.00,{date},7,GB\n");
        let (notes, bad) = import(text.as_bytes(), "t.csv", mapping).unwrap();
        notes
            .iter()
            .map(|n| n.proposal.effective.to_string())
            .chain(bad.into_iter().map(|b| b.message))
            .collect::<String>()
    };
    let in_text = with("%Y-%m-%dT%H:%M:%S%z", "");
    assert_eq!(when(&in_text, "2024-05-01T10:00:00-0530"), "2024-05-01T10:00:00-05:30");
    assert_eq!(
        when(&in_text, "2024-05-01T10:00:00-2359"),
        "\"2024-05-01T10:00:00-2359\" cannot be taken: the time lies outside 1970 to 2255"
    );
    let monrovia = with("%Y-%m-%d", "zone = \"Africa/Monrovia\"\ntime = \"12:00\"\n");
    assert_eq!(
        when(&monrovia, "1971-05-01"),
        "\"1971-05-01\" falls where Africa/Monrovia was off by seconds, not whole minutes"
    );
    assert_eq!(when(&monrovia, "1973-05-01"), "1973-05-01T12:00:00Z");
    let long = with("%d %B %y, %l:%M %p", "offset = \"Z\"\n");
    assert_eq!(when(&long, "\"7 June 11,  3:05 pm\""), "2011-06-07T15:05:00Z");
    assert_eq!(when(&long, "+262142-01-01"), "\"+262142-01-01\" is no date of the form %d %B %y, %l:%M %p");
    assert!(
        when(&with("%Y-%m-%d %H:%M", "offset = \"Z\"\n"), "+262142-12-31 23:59")
            .contains("outside 1970 to 2255")
    );
}

#[test]
fn progress_counts_rows() {
    let text = format!("{HEADER}{}", (0..2_500).map(|n| row(&format!("C{n}"), "A")).collect::<String>());
    let mut seen = Vec::new();
    import_csv::read(text.as_bytes(), "t.csv", &good(), &mut |rows| seen.push(rows)).unwrap();
    assert_eq!(seen, [1_024, 2_048, 2_500]);
}

/// UCI Online Retail; its known answers were computed with Python's decimal module.
#[test]
fn real_credit_notes_add_up_to_the_penny() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/online_retail");
    let (file, answers) = (data.join("credit_notes.csv.gz"), data.join("known_answers.json"));
    let (Ok(bytes), Ok(answers)) = (fs::read(&file), fs::read_to_string(&answers)) else {
        println!("skipped: {} is not there", data.display());
        return;
    };
    let answers: serde_json::Value = serde_json::from_str(&answers).unwrap();
    let mapping = mapping(&fixtures().join("import/online_retail.toml"));
    let begin = Instant::now();
    let (notes, bad) = import(&bytes, "credit_notes.csv.gz", &mapping).unwrap();
    let took = begin.elapsed();

    assert_eq!(bad, []);
    let lines: usize = notes.iter().map(|note| credit(note).lines.len()).sum();
    assert_eq!(json!(lines), answers["lines"]);
    assert_eq!(json!(notes.len()), answers["credit_notes"]);
    let mut months = BTreeMap::new();
    let mut countries = BTreeMap::new();
    let mut total = 0;
    for note in &notes {
        let credit = credit(note);
        let minor = credit.amount.minor();
        assert_eq!(json!(credit.amount.currency()), answers["currency"]);
        total += minor;
        *months.entry(note.proposal.effective.local_day().month().to_string()).or_insert(0) += minor;
        *countries.entry(credit.country.clone().map_or(String::new(), String::from)).or_insert(0) += minor;
    }
    let pounds = |minor: u64| Decimal::from_i128_with_scale(minor.into(), 2);
    let known = |value: &serde_json::Value| value.as_str().unwrap_or_default().parse::<Decimal>().unwrap();
    let all = |value: &serde_json::Value| -> BTreeMap<String, Decimal> {
        value.as_object().unwrap().iter().map(|(key, value)| (key.clone(), known(value))).collect()
    };
    let reckoned = |sums: BTreeMap<String, u64>| -> BTreeMap<String, Decimal> {
        sums.into_iter().map(|(key, minor)| (key, pounds(minor))).collect()
    };
    assert_eq!(pounds(total), known(&answers["total_credited"]));
    assert_eq!(reckoned(months), all(&answers["by_month"]));
    assert_eq!(reckoned(countries), all(&answers["by_country"]));
    // What makes this file a good one.
    let without_customer =
        notes.iter().filter(|n| credit(n).customer.is_none()).map(|n| credit(n).lines.len());
    assert_eq!(without_customer.sum::<usize>(), 383);
    assert_eq!(notes.iter().flat_map(|n| &credit(n).lines).map(|line| line.quantity).max(), Some(80_995));
    let remarks: Vec<_> = notes
        .iter()
        .flat_map(|n| n.remarks.iter().map(|r| (credit(n).reference.as_str(), r.as_str())))
        .collect();
    assert_eq!(
        remarks,
        [(
            "C545569",
            "its rows have times from 2011-03-03T16:25:00Z to 2011-03-03T16:26:00Z; the earliest is taken"
        )]
    );
    println!(
        "{lines} lines, {} notes, {} bad rows, {} GBP in {took:?}",
        notes.len(),
        bad.len(),
        pounds(total)
    );
}

/// Anything, but more often than not in the shape of a CSV file.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let cell = prop_oneof![
        "[\\PC]{0,6}".prop_map(String::into_bytes),
        "-?[0-9]{1,30}([.,][0-9]{0,3})?".prop_map(String::into_bytes),
        "[+-]?[0-9]{1,6}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}".prop_map(String::into_bytes),
        "C[0-3]".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..6),
        "[\",;\n\r]{1,4}".prop_map(String::into_bytes),
    ];
    let row = prop::collection::vec(cell, 0..9).prop_map(|cells| cells.join(&b','));
    let file =
        prop::collection::vec(row, 0..20).prop_map(|rows| [HEADER.as_bytes(), &rows.join(&b'\n')].concat());
    prop_oneof![1 => prop::collection::vec(any::<u8>(), 0..2_000), 4 => file]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in bytes(), gzip in any::<bool>()) {
        let outcome = import(&bytes, if gzip { "t.csv.gz" } else { "t.csv" }, &good());
        if let Ok((notes, bad)) = outcome {
            // No note in part: whoever has a bad row is not there, and an unknown owner stops all.
            for row in &bad {
                let left_out = |note: &Note| row.note.as_deref().is_none_or(|bad| bad == credit(note).reference.as_str());
                prop_assert!(!notes.iter().any(left_out), "{row}");
            }
        }
    }

    #[test]
    fn no_text_makes_the_mapping_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0..600_usize, put in any::<char>()) {
        let _ = Mapping::parse(&String::from_utf8_lossy(&bytes), "m.toml");
        let mut text = text(&fixtures().join("broken/csv/good.toml"));
        if text.is_char_boundary(cut) && cut < text.len() {
            text.insert(cut, put);
            let _ = Mapping::parse(&text, "m.toml");
        }
    }

    /// The csv crate as an independent witness: whatever it writes is read as it was meant.
    #[test]
    fn what_the_csv_crate_writes_is_what_we_read(
        rows in prop::collection::vec(("[A-Z]{1,3}", "[ -~äß€]{1,20}", 1..9_999_u32, 0..99_999_u64), 1..30),
        crlf in any::<bool>(),
    ) {
        let mut writer = csv::WriterBuilder::new();
        if crlf {
            writer.terminator(csv::Terminator::CRLF);
        }
        let mut writer = writer.from_writer(Vec::new());
        let mut expected = BTreeMap::<&str, (Vec<_>, u64)>::new();
        writer.write_record(HEADER.trim_end().split(',')).unwrap();
        for (note, sku, quantity, cents) in &rows {
            let price = Decimal::from_i128_with_scale((*cents).into(), 2).to_string();
            writer.write_record([sku, note, &format!("-{quantity}"), &price, "2024-05-01 10:00", "7", "GB"]).unwrap();
            let (lines, sum) = expected.entry(note).or_default();
            lines.push((sku.as_str(), *quantity));
            *sum += u64::from(*quantity) * cents;
        }
        writer.flush().unwrap();
        let text = writer.into_inner().unwrap();
        let (notes, bad) = import(&text, "t.csv", &good()).unwrap();
        prop_assert_eq!(bad, vec![]);
        prop_assert_eq!(notes.len(), expected.len());
        for note in &notes {
            let credit = credit(note);
            let (lines, sum) = &expected[credit.reference.as_str()];
            prop_assert_eq!(credit.amount, Amount::new(*sum, credit.amount.currency()).unwrap());
            prop_assert_eq!(&credit.lines.iter().map(|l| (l.sku.as_str(), l.quantity)).collect::<Vec<_>>(), lines);
            for (ordinal, line) in credit.lines.iter().enumerate() {
                prop_assert_eq!(line.key.as_str(), format!("{}/{}", credit.reference, ordinal + 1));
            }
        }
    }
}
