#![no_main]

#[path = "../checks/copy.rs"]
mod copy;

libfuzzer_sys::fuzz_target!(|data: &[u8]| copy::check(data));
