#![no_main]

#[path = "../checks/frontend.rs"]
mod frontend;

libfuzzer_sys::fuzz_target!(|data: &[u8]| frontend::check(data));
