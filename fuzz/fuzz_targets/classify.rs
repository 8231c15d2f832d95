//! Nothing makes the classifier panic, and triage never contradicts it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rlsctl::script;

#[path = "../../src/script/tests/holds.rs"]
#[allow(dead_code)]
mod holds;

fuzz_target!(|text: &str| {
    if let Err(broken) = holds::triage_holds(text) {
        panic!("{broken}");
    }
});
