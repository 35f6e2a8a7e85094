//! A schema that is added to `schemas/` has to reach the program: `include_dir!` alone sees only the files
//! that were there when it was last compiled.

fn main() {
    println!("cargo::rerun-if-changed=schemas");
}
