use super::super::{encode, frame};
use super::*;

fn row(values: &[Option<&[u8]>]) -> BytesMut {
    let mut out = BytesMut::new();
    encode::data_row(&mut out, values.iter().copied()).unwrap();
    out
}

#[test]
fn replaces_some_cells_and_keeps_the_rest() {
    let message = row(&[Some(b"a"), Some(b"secret"), None, Some(b""), Some(b"z")]);
    let source = frame(&message, 1000).unwrap().unwrap();
    let mut out = BytesMut::from(&b"before"[..]);
    let row_in = DataRow::new(source.body).unwrap();
    rewrite_row(row_in, &mut out, |column, value, cell| match column {
        1 => {
            assert_eq!(value, Some(&b"secret"[..]));
            cell.replace(b"first thought");
            cell.null();
            cell.replace(b"token");
        }
        2 => cell.replace(b"was null"),
        3 => {
            cell.null();
            cell.keep();
        }
        4 => cell.null(),
        _ => {}
    })
    .unwrap();
    let expected = row(&[
        Some(b"a"),
        Some(b"token"),
        Some(b"was null"),
        Some(b""),
        None,
    ]);
    assert_eq!(out, [&b"before"[..], &expected].concat());
}

#[test]
fn copies_an_untouched_row_as_it_is() {
    for values in [&[][..], &[None], &[Some(&b"x"[..]), None]] {
        let message = row(values);
        let source = frame(&message, 1000).unwrap().unwrap();
        let mut out = BytesMut::new();
        rewrite_row(DataRow::new(source.body).unwrap(), &mut out, |_, _, _| {}).unwrap();
        assert_eq!(out, message);
    }
}
