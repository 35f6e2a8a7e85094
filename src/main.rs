//! The binary: everything it does is in the library.

fn main() -> std::process::ExitCode {
    claims::cli::run(std::env::args_os()).into()
}
