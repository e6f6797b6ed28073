//! Random bytes for salts and nonces, without a system call for each entry.

use std::cell::RefCell;

use ledger::Unavailable;
use zeroize::Zeroize;

const POOL_BYTES: usize = 4096;

struct Pool {
    bytes: [u8; POOL_BYTES],
    /// Where unused bytes begin.
    next: usize,
}

thread_local! {
    static POOL: RefCell<Pool> =
        const { RefCell::new(Pool { bytes: [0; POOL_BYTES], next: POOL_BYTES }) };
}

/// Fills `out` with bytes of the operating system's generator, drawn ahead for this
/// thread; each is given once and wiped.
pub(crate) fn fill(out: &mut [u8]) -> Result<(), Unavailable> {
    POOL.with_borrow_mut(|pool| {
        for chunk in out.chunks_mut(POOL_BYTES) {
            if POOL_BYTES.saturating_sub(pool.next) < chunk.len() {
                getrandom::fill(&mut pool.bytes).map_err(|_| Unavailable::NoRandomness)?;
                pool.next = 0;
            }
            let end = pool.next.saturating_add(chunk.len());
            let given = pool
                .bytes
                .get_mut(pool.next..end)
                .ok_or(Unavailable::NoRandomness)?;
            chunk.copy_from_slice(given);
            given.zeroize();
            pool.next = end;
        }
        Ok(())
    })
}

/// An array of random bytes.
pub(crate) fn array<const N: usize>() -> Result<[u8; N], Unavailable> {
    let mut out = [0; N];
    fill(&mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_byte_is_given_twice() {
        let mut seen = std::collections::HashSet::new();
        for _ in 0..2000 {
            assert!(seen.insert(super::array::<16>().unwrap()));
        }
        let mut long = vec![0; 20_000];
        super::fill(&mut long).unwrap();
        assert!(
            long.chunks(64)
                .all(|chunk| chunk.iter().any(|byte| *byte != 0))
        );
    }
}
