//! The binary `frontdesk`.

/// A request makes and drops many small things on one thread: cheaper here than with the C library's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    frontdesk::command::run()
}
