//! Random bytes of the operating system.

/// An array of random bytes.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// A random (version 4) UUID in text form (RFC 9562 §5.4).
pub(crate) fn uuid() -> Result<String, getrandom::Error> {
    let mut b: [u8; 16] = bytes()?;
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut b;
    *version = *version & 0x0f | 0x40;
    *variant = *variant & 0x3f | 0x80;
    let hex: String = b.iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default().to_owned();
    Ok([
        part(0..8),
        part(8..12),
        part(12..16),
        part(16..20),
        part(20..32),
    ]
    .join("-"))
}
