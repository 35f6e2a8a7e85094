use claims::policy_file;
#[test]
fn first() {
    for p in policy_file::embedded::policies().unwrap() {
        println!("{} {} {}", p.published.policy, p.body_bytes, p.published.sha256);
    }
    println!("{}", policy_file::embedded::calendars().unwrap().len());
    for f in ["atp", "ptk", "cgd", "rne", "amc"] {
        let p = policy_file::read(std::path::Path::new(&format!("fixtures/policies/{f}.toml"))).unwrap();
        println!("{} {} {}", p.published.policy, p.body_bytes, p.published.sha256);
    }
    println!("{}", policy_file::read(std::path::Path::new("fixtures/policies/house.toml")).unwrap_err());
}
