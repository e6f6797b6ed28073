//! Rows pass without touching the allocator: finding, decoding and rewriting
//! them allocates nothing while the output has room.
#![allow(unsafe_code, reason = "a counting allocator")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bytes::BytesMut;
use wire::postgres::copy::{Decoder, Format, Options, Text};
use wire::postgres::{Backend, backend, encode, frame, rewrite_row, run};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn rewriting_rows_allocates_nothing() {
    let mut rows = BytesMut::new();
    for _ in 0..1000 {
        let cells = [
            Some(&b"1"[..]),
            Some(b"ada@example.org"),
            None,
            Some(b"note"),
        ];
        encode::data_row(&mut rows, cells).unwrap();
    }
    let mut out = BytesMut::with_capacity(2 * rows.len());
    let count = allocations(|| {
        assert_eq!(run(&rows, b'D', usize::MAX).messages, 1000);
        let mut rest = &rows[..];
        while let Some(found) = frame(rest, 1 << 20).unwrap() {
            if let Ok(Backend::DataRow(row)) = backend(&found) {
                rewrite_row(row, &mut out, |column, _, cell| match column {
                    1 => cell.replace(b"u_x7@y2.invalid"),
                    3 => cell.null(),
                    _ => {}
                })
                .unwrap();
            }
            rest = rest.get(found.raw.len()..).unwrap_or_default();
        }
    });
    assert_eq!(count, 0);
    assert_eq!(run(&out, b'D', usize::MAX).messages, 1000);
}

#[test]
fn rewriting_copy_rows_allocates_nothing_after_the_first() {
    let options = Options::new(Format::Text(Text::default()), Some(3), 1000).unwrap();
    let mut decoder = Decoder::new(options);
    let mut out = BytesMut::with_capacity(1 << 16);
    let mut mask = |mut chunk: &[u8]| {
        while let Some(row) = decoder.next(&mut chunk).unwrap() {
            row.rewrite(&mut out, |column, _, cell| {
                if column == 1 {
                    cell.replace(b"u_x7@y2.invalid");
                }
            })
            .unwrap();
        }
    };
    mask(b"1\tada@example.org\tnote\n");
    let count = allocations(|| {
        for _ in 0..1000 {
            mask(b"1\tada@example.org\ta\\tnote\n");
        }
    });
    assert_eq!(count, 0);
}
