use claims::{judging, policy_file::embedded, scenario};
use replay::ids::OrderId;
fn main() {
    let policies = embedded::policies().unwrap();
    let (mut n, mut ok) = (0, 0);
    for file in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&file).unwrap();
        let order = OrderId::new(scenario::ORDER).unwrap();
        let found = scenario::run(&file, &text, &policies, &|ledger, claim, cut| {
            judging::outcome(ledger.store(), &order, claim, cut)
        });
        match found {
            Err(why) => println!("{why}"),
            Ok(found) => {
                for c in found {
                    n += 1;
                    if c.pass {
                        ok += 1;
                    } else {
                        println!("## {} {:?} {:?}", c.id, c.as_of, c.claim);
                        for d in &c.differences {
                            println!("   {d}");
                        }
                    }
                }
            }
        }
    }
    println!("{ok} of {n}");
}
