//! Start-up, signals and the exit code.

fn main() {}
