//! The binary `frontdesk`.

fn main() -> std::process::ExitCode {
    frontdesk::command::run()
}
