//! NIST's own sample vectors, and the `fpe` crate as a second opinion.

use super::*;
use aes::{Aes128Enc, Aes192Enc};
use fpe::ff1::{BinaryNumeralString, FF1, FlexibleNumeralString};
use proptest::prelude::*;

const KEY: &str = "2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94";

/// Key bytes, radix, tweak, plaintext, ciphertext: NIST, "Example values: FF1samples", 1 to 9.
const SAMPLES: &[(usize, u32, &str, &str, &str)] = &[
    (16, 10, "", "0123456789", "2433477484"),
    (16, 10, "39383736353433323130", "0123456789", "6124200773"),
    (
        16,
        36,
        "3737373770717273373737",
        "0123456789abcdefghi",
        "a9tv40mll9kdu509eum",
    ),
    (24, 10, "", "0123456789", "2830668132"),
    (24, 10, "39383736353433323130", "0123456789", "2496655549"),
    (
        24,
        36,
        "3737373770717273373737",
        "0123456789abcdefghi",
        "xbj3kv35jrawxv32ysr",
    ),
    (32, 10, "", "0123456789", "6657667009"),
    (32, 10, "39383736353433323130", "0123456789", "1001623463"),
    (
        32,
        36,
        "3737373770717273373737",
        "0123456789abcdefghi",
        "xs8a0azh2avyalyzuwd",
    ),
];

fn bytes_of(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn numerals_of(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| c.to_digit(36).unwrap() as u8)
        .collect()
}

fn check<C: Cipher>(cipher: Ff1<C>, radix: u32, tweak: &[u8], plain: &str, sealed: &str) {
    let mut numerals = numerals_of(plain);
    cipher
        .numerals(Direction::Encrypt, radix, tweak, &mut numerals)
        .unwrap();
    assert_eq!(numerals, numerals_of(sealed), "{plain}");
    cipher
        .numerals(Direction::Decrypt, radix, tweak, &mut numerals)
        .unwrap();
    assert_eq!(numerals, numerals_of(plain));
}

#[test]
fn nist_sample_vectors_hold() {
    for (length, radix, tweak, plain, sealed) in SAMPLES {
        let (key, tweak) = (&bytes_of(KEY)[..*length], bytes_of(tweak));
        match length {
            16 => check(
                Ff1(Aes128Enc::new_from_slice(key).unwrap()),
                *radix,
                &tweak,
                plain,
                sealed,
            ),
            24 => check(
                Ff1(Aes192Enc::new_from_slice(key).unwrap()),
                *radix,
                &tweak,
                plain,
                sealed,
            ),
            _ => check(
                Ff1(Aes256Enc::new_from_slice(key).unwrap()),
                *radix,
                &tweak,
                plain,
                sealed,
            ),
        }
    }
}

#[test]
fn small_domains_and_wrong_numerals_are_refused() {
    let cipher = Ff1::new(&[1; 32]);
    let refused = |radix: u32, numerals: &[u8]| {
        let mut changed = numerals.to_vec();
        let done = cipher.numerals(Direction::Encrypt, radix, b"", &mut changed);
        assert!(changed == numerals || done.is_some());
        done.is_none()
    };
    assert!(refused(10, &[0; 5]) && !refused(10, &[0; 6]));
    assert!(refused(2, &[0; 19]) && !refused(2, &[0; 20]));
    assert!(refused(36, &[0; 3]) && !refused(36, &[0; 4]));
    assert!(refused(10, &[10; 8]) && refused(1, &[0; 40]) && refused(257, &[0; 8]));
    assert!(refused(10, &[]) && refused(10, &[1]));
    // Half of it would be above 2⁹⁶.
    assert!(!refused(10, &[0; 56]) && refused(10, &[0; 58]));
    assert!(!refused(2, &[0; 192]) && refused(2, &[0; 194]));
    for length in [0, 1, 2, 1025] {
        assert_eq!(
            cipher.bytes(Direction::Encrypt, b"", &mut vec![0; length]),
            None
        );
    }
}

proptest! {
    #[test]
    fn agrees_with_another_implementation(
        key in any::<[u8; 32]>(), radix in 2u32..=256, tweak in prop::collection::vec(any::<u8>(), 0..40),
        seed in prop::collection::vec(any::<u8>(), 20..192), length in any::<prop::sample::Index>(),
    ) {
        // Strings whose domain is neither too small nor too large.
        let bits = f64::from(radix).log2();
        let (least, most) = ((20.0 / bits).ceil() as usize, ((95.0 / bits) as usize * 2).min(seed.len()));
        let length = least + length.index(most.saturating_sub(least) + 1);
        prop_assume!(length <= seed.len());
        let plain: Vec<u8> = seed[..length].iter().map(|n| (u32::from(*n) % radix) as u8).collect();
        let cipher = Ff1::new(&key);
        let mut ours = plain.clone();
        cipher.numerals(Direction::Encrypt, radix, &tweak, &mut ours).unwrap();
        let theirs = FF1::<aes::Aes256>::new(&key, radix).unwrap();
        let numerals = FlexibleNumeralString::from(plain.iter().map(|n| u16::from(*n)).collect::<Vec<_>>());
        let theirs: Vec<u16> = theirs.encrypt(&tweak, &numerals).unwrap().into();
        prop_assert_eq!(ours.iter().map(|n| u16::from(*n)).collect::<Vec<_>>(), theirs);
        cipher.numerals(Direction::Decrypt, radix, &tweak, &mut ours).unwrap();
        prop_assert_eq!(ours, plain);
    }

    #[test]
    fn byte_strings_of_any_length_agree_with_another_implementation(
        key in any::<[u8; 32]>(), tweak in prop::collection::vec(any::<u8>(), 0..40), plain in prop::collection::vec(any::<u8>(), 3..200),
    ) {
        let cipher = Ff1::new(&key);
        let mut ours = plain.clone();
        cipher.bytes(Direction::Encrypt, &tweak, &mut ours).unwrap();
        let theirs = FF1::<aes::Aes256>::new(&key, 256).unwrap();
        let numerals = FlexibleNumeralString::from(plain.iter().map(|n| u16::from(*n)).collect::<Vec<_>>());
        let theirs: Vec<u16> = theirs.encrypt(&tweak, &numerals).unwrap().into();
        prop_assert_eq!(ours.iter().map(|n| u16::from(*n)).collect::<Vec<_>>(), theirs);
        cipher.bytes(Direction::Decrypt, &tweak, &mut ours).unwrap();
        prop_assert_eq!(ours, plain);
    }

    #[test]
    fn binary_strings_agree_with_another_implementation(key in any::<[u8; 32]>(), plain in prop::collection::vec(any::<u8>(), 3..24)) {
        let mut bits: Vec<u8> = plain.iter().flat_map(|byte| (0..8).map(move |at| byte >> at & 1)).collect();
        Ff1::new(&key).numerals(Direction::Encrypt, 2, b"t", &mut bits).unwrap();
        let theirs = FF1::<aes::Aes256>::new(&key, 2).unwrap();
        let sealed = theirs.encrypt(b"t", &BinaryNumeralString::from_bytes_le(&plain)).unwrap().to_bytes_le();
        let theirs: Vec<u8> = sealed.iter().flat_map(|byte| (0..8).map(move |at| byte >> at & 1)).collect();
        prop_assert_eq!(bits, theirs);
    }
}
