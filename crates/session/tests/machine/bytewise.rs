//! Where bytes are cut makes no difference.

use bytes::BytesMut;
use session::Durability;

use crate::fixture::Who;
use crate::lab::{Lab, NOW, Server};
use crate::model::Model;
use crate::text;

const LINES: &[&str] = &[
    "Q select id, email from customers",
    "P a|select id, email from customers",
    "B |a|b",
    "D P ",
    "E |",
    "S",
    "Q copy customers (id, email) to stdout",
    "Q copy clean from stdin",
    "d 1\\n2\\n",
    "c",
    "Q drop table clean",
    "P |drop table clean",
    "B |",
    "S",
    "Q begin; select 10/(3-id) from customers",
    "Q rollback",
    "Q set search_path to app",
    "Q select email from customers",
    "X",
];

/// What the client and the server are sent when both sides' bytes come in
/// pieces of `size`.
fn run(lines: &[&str], size: usize) -> (Vec<String>, Vec<String>) {
    let mut lab = Lab::new(Who::Alice, Durability::Fast);
    lab.server = Server::Model(Box::new(Model::new(|_| false)));
    let mut wire = BytesMut::new();
    for line in lines {
        text::client(line, &mut wire);
    }
    let (mut input, mut partial) = (BytesMut::new(), BytesMut::new());
    let (mut seen, mut sent) = (BytesMut::new(), BytesMut::new());
    let mut answers = BytesMut::new();
    let mut forwarded = Vec::new();
    let mut idle = 0;
    while idle < 2 {
        let before = (wire.len(), input.len(), forwarded.len(), seen.len());
        input.unsplit(wire.split_to(size.min(wire.len())));
        lab.machine.client(&mut input, &lab.world, NOW);
        sent.unsplit(lab.machine.to_upstream().ready().split());
        for raw in text::frames(&mut sent) {
            forwarded.push(text::show_client(&raw));
            let Server::Model(model) = &mut lab.server else {
                unreachable!()
            };
            model.feed(&raw);
            answers.unsplit(model.sent.split());
        }
        partial.unsplit(answers.split_to(size.min(answers.len())));
        lab.machine.upstream(&mut partial, &lab.world, NOW);
        seen.unsplit(lab.machine.to_client().ready().split());
        let after = (wire.len(), input.len(), forwarded.len(), seen.len());
        let still = before == after && answers.is_empty();
        idle = if still { idle + 1 } else { 0 };
    }
    let seen = text::frames(&mut seen);
    let seen = seen.iter().map(|raw| text::show_server(raw)).collect();
    forwarded.retain(|line| !line.contains("weir_errand") && line != "S" && line != "H");
    (seen, forwarded)
}

#[test]
fn every_piece_size_gives_the_same() {
    let whole = run(LINES, usize::MAX);
    assert!(whole.0.len() > 30, "{whole:#?}");
    for size in [1, 2, 3, 5, 7, 11, 64] {
        assert_eq!(run(LINES, size), whole, "in pieces of {size}");
    }
}

#[test]
fn a_single_cut_at_every_byte_gives_the_same() {
    for line in [
        "Q select id, email from customers",
        "P |select email from customers",
        "B nosuch|nosuch",
        "raw 7e 00000004",
        "raw 51 00000003",
    ] {
        let mut whole = BytesMut::new();
        text::client(line, &mut whole);
        let mut expected = Lab::new(Who::Alice, Durability::Balanced);
        expected.client_bytes(&whole);
        for cut in 1..whole.len() {
            let mut lab = Lab::new(Who::Alice, Durability::Balanced);
            lab.client_bytes(&whole[..cut]);
            lab.client_bytes(&whole[cut..]);
            assert_eq!(lab.client, expected.client, "{line} cut at {cut}");
            assert_eq!(lab.upstream, expected.upstream, "{line} cut at {cut}");
        }
    }
}
