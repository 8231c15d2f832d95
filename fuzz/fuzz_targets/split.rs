//! Every text can be cut, and the pieces concatenate to it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rlsctl::script;

#[path = "../../src/script/tests/holds.rs"]
#[allow(dead_code)]
mod holds;

fuzz_target!(|text: &str| {
    if let Err(broken) = holds::split_holds(text) {
        panic!("{broken}");
    }
    if let Err(broken) = holds::normal_form_holds(text) {
        panic!("{broken}");
    }
});
