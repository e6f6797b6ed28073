#![no_main]

#[path = "../checks/analyse.rs"]
mod analyse;

libfuzzer_sys::fuzz_target!(|data: &[u8]| analyse::check(data));
