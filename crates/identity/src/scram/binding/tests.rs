use super::*;

/// ecdsa-with-SHA384; PostgreSQL 15 accepted the binding made from it.
const CERTIFICATE: &str = "3082017d30820123a0030201020214634cd483c6cfbcc4fe742c57960d26ac6b1c5be1300a06082a8648ce3d04030330143112301006035504030c096c6f63616c686f7374301e170d3236313132313031313432375a170d3336313131383031313432375a30143112301006035504030c096c6f63616c686f73743059301306072a8648ce3d020106082a8648ce3d030107034200047aa5c004ed134f3ecd9ab071c329b8d46e7ebf2f756a6a55ef96a64b02af400c44ff85c55da1f2b37baec6c0ac2fd2ddb0e05172ece1fd1231e742c405a8fe2ca3533051301d0603551d0e04160414f0c21ff6dc5fea48c95bb3c7c953e2d325340ead301f0603551d23041830168014f0c21ff6dc5fea48c95bb3c7c953e2d325340ead300f0603551d130101ff040530030101ff300a06082a8648ce3d04030303480030450220190425d0a357640d79e62cf63f8ad671fb6ac506c0b120c5074526943af9d7e10221009cb51aac6f360c1faa02f6ac3b8898ccbea802ecd39a1a8d0cfa024e253b3cd8";

pub(crate) fn certificate() -> Vec<u8> {
    let digit = |b: u8| (b as char).to_digit(16).unwrap() as u8;
    CERTIFICATE
        .as_bytes()
        .chunks(2)
        .map(|pair| digit(pair[0]) * 16 + digit(pair[1]))
        .collect()
}

fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut out = vec![tag, 0x82];
    out.extend((contents.len() as u16).to_be_bytes());
    out.extend(contents);
    out
}

/// A certificate of which only the signature algorithm is real.
fn signed_with(oid: &[u8], parameters: &[u8]) -> Vec<u8> {
    let algorithm = der(
        SEQUENCE,
        &[der(OBJECT_IDENTIFIER, oid), parameters.to_vec()].concat(),
    );
    der(
        SEQUENCE,
        &[der(SEQUENCE, &[2, 1, 5]), algorithm, der(3, &[0])].concat(),
    )
}

#[test]
fn the_digest_is_that_of_the_certificates_signature() {
    assert_eq!(
        ChannelBinding::of_certificate(&certificate())
            .unwrap()
            .as_bytes()
            .len(),
        48
    );
    for (oid, hash) in SIGNATURES {
        let bytes = ChannelBinding::of_certificate(&signed_with(oid, &[]))
            .unwrap()
            .as_bytes()
            .len();
        let expected = match hash {
            Hash::Sha256 => 32,
            Hash::Sha384 => 48,
            Hash::Sha512 => 64,
        };
        assert_eq!(bytes, expected);
    }
    for (oid, expected) in [
        (DIGESTS[0].0, 32),
        (DIGESTS[1].0, 32),
        (DIGESTS[2].0, 48),
        (DIGESTS[3].0, 64),
    ] {
        let hash = der(CONTEXT_0, &der(SEQUENCE, &der(OBJECT_IDENTIFIER, oid)));
        let pss = signed_with(RSASSA_PSS, &der(SEQUENCE, &hash));
        assert_eq!(
            ChannelBinding::of_certificate(&pss)
                .unwrap()
                .as_bytes()
                .len(),
            expected
        );
    }
    let default = signed_with(RSASSA_PSS, &der(SEQUENCE, &[]));
    assert_eq!(
        ChannelBinding::of_certificate(&default)
            .unwrap()
            .as_bytes()
            .len(),
        32
    );
}

#[test]
fn ed25519_and_broken_certificates_have_no_binding() {
    assert_eq!(
        ChannelBinding::of_certificate(&signed_with(&[0x2b, 0x65, 0x70], &[])),
        None
    );
    let whole = certificate();
    for end in 0..whole.len() {
        assert_eq!(ChannelBinding::of_certificate(&whole[..end]), None, "{end}");
    }
    assert_eq!(
        ChannelBinding::of_certificate(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]),
        None
    );
}
