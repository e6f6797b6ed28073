//! Replays the committed fuzz corpus of the analyser on stable.

#[path = "../../../fuzz/checks/analyse.rs"]
mod analyse;

#[test]
fn analyser_corpus_is_replayed() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/analyse");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        analyse::check(&std::fs::read(entry.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files >= 10, "{files} files in {folder}");
}
