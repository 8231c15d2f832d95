//! Start-up, the panic hook and the exit code.

use std::io::Write as _;
use std::process::ExitCode;

use rlsctl::cli;
use rlsctl::exit::Exit;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        // Never the panic's message: it may hold data. If stderr is gone there is nobody to tell.
        let _ = std::io::stderr().write_all(cli::render_panic(panic.location()).as_bytes());
    }));
    let exit = std::panic::catch_unwind(|| cli::main(std::env::args_os())).unwrap_or(Exit::Bug);
    ExitCode::from(exit.code())
}
