//! Every committed fuzz input, replayed.

use std::path::Path;

use crate::checks;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut replayed = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        check(&std::fs::read(path).unwrap());
        replayed += 1;
    }
    assert!(replayed > 0, "no corpus in {}", folder.display());
}

#[test]
fn frontend() {
    replay("frontend", checks::frontend::check);
}

#[test]
fn backend() {
    replay("backend", checks::backend::check);
}

#[test]
fn copy() {
    replay("copy", checks::copy::check);
}
