use super::*;

#[test]
fn waits_until_the_message_is_whole() {
    let message = b"Q\0\0\0\x07hi\0";
    for end in 0..message.len() {
        assert_eq!(frame(&message[..end], 100), Ok(None));
    }
    let found = frame(message, 100).unwrap().unwrap();
    assert_eq!(
        (found.tag, found.raw, found.body),
        (b'Q', &message[..], &b"hi\0"[..])
    );
}

#[test]
fn refuses_a_lying_length_at_five_bytes() {
    let gigabyte = [b'Q', 0x40, 0, 0, 0];
    assert_eq!(
        frame(&gigabyte, 1000),
        Err(Error::TooLarge {
            declared_bytes: 1 << 30,
            limit_bytes: 1000
        })
    );
    assert_eq!(header(&gigabyte), Some((b'Q', (1 << 30) + 1)));
    for length in [[0, 0, 0, 0], [0, 0, 0, 3], [0x80, 0, 0, 0], [0xff; 4]] {
        let mut message = vec![b'Q'];
        message.extend(length);
        assert!(
            matches!(frame(&message, 1000), Err(Error::Malformed(_))),
            "{length:?}"
        );
        assert_eq!(header(&message), None);
    }
    assert_eq!(header(b"Q\0\0\0"), None);
}

#[test]
fn measures_runs_of_one_tag() {
    let row = b"D\0\0\0\x06\0\0";
    let done = b"C\0\0\0\x05\0";
    let mut buffer = [&row[..], row, row, done].concat();
    assert_eq!(
        run(&buffer, b'D', usize::MAX),
        Run {
            bytes: 21,
            messages: 3
        }
    );
    assert_eq!(
        run(&buffer, b'D', 2),
        Run {
            bytes: 14,
            messages: 2
        }
    );
    assert_eq!(run(&buffer, b'C', 9), Run::default());
    buffer.truncate(20);
    assert_eq!(
        run(&buffer, b'D', usize::MAX),
        Run {
            bytes: 14,
            messages: 2
        }
    );
}
