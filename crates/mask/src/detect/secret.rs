//! Secrets: tokens that say themselves what they are, URLs with a password, hashes of passwords, and what looks
//! as random as a key.

use std::sync::OnceLock;

use super::kind::Kind;

/// How the rest of a token of a known beginning looks: its characters, fewest and most of them.
struct Shape {
    prefix: &'static str,
    body: fn(u8) -> bool,
    min: usize,
    max: usize,
    kind: Kind,
}

fn word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')
}
fn dotted(b: u8) -> bool {
    word(b) || b == b'.'
}
fn upper(b: u8) -> bool {
    b.is_ascii_uppercase() || b.is_ascii_digit()
}
fn hex(b: u8) -> bool {
    b.is_ascii_hexdigit()
}
fn base64(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'_' | b'-')
}
fn crypt(b: u8) -> bool {
    b.is_ascii_alphanumeric()
        || matches!(
            b,
            b'.' | b'/' | b'$' | b'=' | b',' | b'+' | b'_' | b'-' | b':'
        )
}

macro_rules! shapes {
    ($($prefix:literal $body:ident $min:literal $max:literal $kind:ident;)*) => {
        /// From the vendors' documentation of their token formats.
        static SHAPES: &[Shape] = &[$(Shape {
            prefix: $prefix, body: $body, min: $min, max: $max, kind: Kind::$kind,
        }),*];
    };
}

shapes! {
    "AKIA" upper 16 16 ApiKey; "ASIA" upper 16 16 ApiKey; "ABIA" upper 16 16 ApiKey; "ACCA" upper 16 16 ApiKey;
    "AIza" word 30 45 ApiKey; "ya29." dotted 20 2000 ApiKey; "GOCSPX-" word 20 40 ApiKey;
    "ghp_" word 30 255 ApiKey; "gho_" word 30 255 ApiKey; "ghu_" word 30 255 ApiKey; "ghs_" word 30 255 ApiKey; "ghr_" word 30 255 ApiKey;
    "github_pat_" word 22 255 ApiKey;
    "glpat-" dotted 18 300 ApiKey; "gldt-" word 18 300 ApiKey; "glrt-" dotted 18 300 ApiKey; "glptt-" word 18 300 ApiKey; "glcbt-" word 18 300 ApiKey;
    "xoxb-" word 10 300 ApiKey; "xoxp-" word 10 300 ApiKey; "xoxa-" word 10 300 ApiKey; "xoxr-" word 10 300 ApiKey; "xoxs-" word 10 300 ApiKey; "xoxe-" word 10 300 ApiKey; "xapp-" word 10 300 ApiKey; "xoxe.xoxp-" word 10 300 ApiKey;
    "sk_live_" word 10 300 ApiKey; "sk_test_" word 10 300 ApiKey; "rk_live_" word 10 300 ApiKey; "rk_test_" word 10 300 ApiKey; "pk_live_" word 10 300 ApiKey; "pk_test_" word 10 300 ApiKey; "whsec_" base64 16 300 ApiKey;
    "sk-" word 20 300 ApiKey; "hf_" word 25 100 ApiKey; "r8_" word 30 60 ApiKey; "gsk_" word 30 100 ApiKey; "xai-" word 30 150 ApiKey; "pplx-" word 30 100 ApiKey; "nvapi-" word 30 150 ApiKey;
    "npm_" word 30 60 ApiKey; "pypi-" word 40 400 ApiKey; "rubygems_" hex 40 64 ApiKey; "crates-io-" word 20 80 ApiKey; "dckr_pat_" word 20 60 ApiKey;
    "SG." dotted 40 100 ApiKey; "key-" hex 32 32 ApiKey; "SK" hex 32 32 ApiKey; "AC" hex 32 32 ApiKey;
    "dop_v1_" hex 40 80 ApiKey; "doo_v1_" hex 40 80 ApiKey; "shpat_" hex 30 40 ApiKey; "shpss_" hex 30 40 ApiKey; "shpca_" hex 30 40 ApiKey; "shppa_" hex 30 40 ApiKey;
    "sq0atp-" word 20 60 ApiKey; "sq0csp-" word 30 60 ApiKey; "EAAA" word 50 100 ApiKey;
    "dapi" hex 32 36 ApiKey; "PMAK-" word 30 80 ApiKey; "lin_api_" word 30 60 ApiKey; "ntn_" word 30 60 ApiKey; "secret_" word 30 60 ApiKey; "ATATT3" base64 50 400 ApiKey; "figd_" word 30 80 ApiKey; "glsa_" word 30 80 ApiKey; "glc_" base64 30 300 ApiKey;
    "hvs." word 20 200 ApiKey; "hvb." word 20 300 ApiKey; "dp.pt." word 30 60 ApiKey; "sntrys_" base64 40 300 ApiKey; "sntryu_" hex 40 80 ApiKey; "HRKU-" word 30 80 ApiKey; "NRAK-" upper 20 40 ApiKey; "dt0c01." dotted 40 120 ApiKey; "xkeysib-" word 60 100 ApiKey;
    "sbp_" hex 30 60 ApiKey; "pscale_tkn_" dotted 30 80 ApiKey; "pscale_pw_" dotted 30 80 ApiKey; "AGE-SECRET-KEY-1" upper 40 80 ApiKey; "tskey-" word 20 100 ApiKey; "phc_" word 30 60 ApiKey; "sk_" word 24 300 ApiKey; "pat-" word 30 100 ApiKey; "fo1_" word 30 80 ApiKey; "eyJ" dotted 30 8000 Secret;
    "$2a$" crypt 50 60 Password; "$2b$" crypt 50 60 Password; "$2y$" crypt 50 60 Password; "$argon2" crypt 30 300 Password; "$6$" crypt 40 140 Password; "$5$" crypt 30 100 Password; "$1$" crypt 20 50 Password; "$y$" crypt 30 140 Password; "pbkdf2_sha256$" crypt 20 200 Password; "pbkdf2:sha256:" crypt 20 300 Password; "scrypt:" crypt 30 300 Password; "{SSHA}" base64 20 100 Password; "{SHA}" base64 20 60 Password; "{bcrypt}" crypt 50 80 Password; "SCRAM-SHA-256$" crypt 40 300 Password;
}

/// The secret a text begins with: how many bytes, and of which kind. What follows must not go on.
pub(crate) fn at_start(text: &str) -> Option<(usize, Kind)> {
    let bytes = text.as_bytes();
    let first = *bytes.first()?;
    if first.is_ascii_digit() {
        return telegram(bytes)
            .or_else(|| mailchimp(bytes))
            .map(|end| (end, Kind::ApiKey));
    }
    beginning_with(first)
        .iter()
        .filter(|shape| text.starts_with(shape.prefix))
        .find_map(|shape| {
            let body = text.get(shape.prefix.len()..)?.as_bytes();
            let length = body.iter().take_while(|b| (shape.body)(**b)).count();
            let trimmed = body
                .get(..length)?
                .iter()
                .rev()
                .take_while(|b| matches!(b, b'.' | b',' | b':' | b'-'))
                .count();
            let length = length - trimmed;
            let body = body.get(..length)?;
            let mixed = body.iter().any(u8::is_ascii_digit) || classes(body) >= 3;
            let dots = body.iter().filter(|b| **b == b'.').count();
            let jwt = shape.prefix != "eyJ" || dots >= 1;
            ((shape.min..=shape.max).contains(&length) && mixed && jwt && !wordy(body))
                .then_some((shape.prefix.len() + length, shape.kind))
        })
        .or_else(|| mailchimp(bytes).map(|end| (end, Kind::ApiKey)))
}

/// The shapes whose prefix begins with a byte.
fn beginning_with(first: u8) -> &'static [&'static Shape] {
    static BY_FIRST: OnceLock<Vec<Vec<&'static Shape>>> = OnceLock::new();
    let all = BY_FIRST.get_or_init(|| {
        (0..=u8::MAX)
            .map(|b| {
                let begins = |shape: &&Shape| shape.prefix.as_bytes().first() == Some(&b);
                SHAPES.iter().filter(begins).collect()
            })
            .collect()
    });
    all.get(usize::from(first)).map_or(&[], Vec::as_slice)
}

/// Words joined by hyphens or underscores are a name, not a key: `sk-learn-contrib-examples`.
fn wordy(body: &[u8]) -> bool {
    body.split(|b| matches!(b, b'-' | b'_' | b'.')).all(|part| {
        part.len() < 12 && part.iter().filter(|b| b.is_ascii_digit()).count() * 4 <= part.len()
    }) && !body.iter().any(u8::is_ascii_uppercase)
}

/// `123456789:AA…`, a bot's.
fn telegram(bytes: &[u8]) -> Option<usize> {
    let id = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let body = bytes.get(id + 1..)?;
    let length = body.iter().take_while(|b| word(**b)).count();
    ((8..=10).contains(&id) && bytes.get(id) == Some(&b':') && (34..=36).contains(&length))
        .then_some(id + 1 + length)
}

/// 32 hex digits and a data centre.
fn mailchimp(bytes: &[u8]) -> Option<usize> {
    let hexes = bytes.iter().take_while(|b| hex(**b)).count();
    let tail = bytes.get(hexes..)?;
    let digits = tail
        .get(3..)?
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .count();
    (hexes == 32 && tail.starts_with(b"-us") && (1..=2).contains(&digits)).then_some(35 + digits)
}

/// `-----BEGIN … PRIVATE KEY-----` up to its end, or to the end of the text.
pub(crate) fn pem(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("-----BEGIN ")?;
    let head = rest.get(..rest.find("-----")?)?;
    if !head.contains("PRIVATE KEY") {
        return None;
    }
    let end = text.find("-----END ").and_then(|at| {
        let tail = text.get(at + 9..)?;
        Some(at + 9 + tail.find("-----")? + 5)
    });
    Some(end.unwrap_or(text.len()))
}

/// Whether a URL carries a password: `scheme://user:password@host`, or a key among its parameters.
pub(crate) fn url_with_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let with_at = rest
        .rsplit_once('@')
        .filter(|(user, _)| !user.contains(['/', '?', ' ']));
    let password = with_at
        .map(|(user, _)| user)
        .or_else(|| authority.rsplit_once('@').map(|(user, _)| user))
        .and_then(|user| user.split_once(':'))
        .is_some_and(|(_, password)| !password.is_empty());
    let webhook = [
        "hooks.slack.com/services/",
        "discord.com/api/webhooks/",
        "discordapp.com/api/webhooks/",
        "webhook.office.com/",
    ]
    .iter()
    .any(|place| rest.contains(place));
    let signed = rest.split_once('?').is_some_and(|(_, query)| {
        query.split('&').any(|pair| {
            pair.split_once('=').is_some_and(|(key, value)| {
                value.len() >= 12
                    && matches!(
                        key.to_ascii_lowercase().as_str(),
                        "sig"
                            | "token"
                            | "access_token"
                            | "api_key"
                            | "apikey"
                            | "key"
                            | "secret"
                            | "x-amz-signature"
                            | "password"
                            | "code"
                    )
            })
        })
    });
    password || webhook || signed
}

/// `Server=…;Password=…;`, `AccountKey=…`: a connection string with its secret.
pub(crate) fn connection_string(text: &str) -> bool {
    let mut pairs = 0;
    let mut secret = false;
    for part in text.split([';', ' ']) {
        if let Some((key, value)) = part.split_once('=') {
            let key = key.trim().to_ascii_lowercase();
            pairs += 1;
            secret |= matches!(
                key.as_str(),
                "password" | "pwd" | "accountkey" | "sharedaccesskey" | "accesskey"
            ) && value.len() >= 3;
        }
    }
    secret && pairs >= 2
}

/// Small letters, capitals, digits, others: how many sorts are there.
pub(crate) fn classes(bytes: &[u8]) -> usize {
    let sorts: [fn(&u8) -> bool; 4] = [
        u8::is_ascii_lowercase,
        u8::is_ascii_uppercase,
        u8::is_ascii_digit,
        |b| !b.is_ascii_alphanumeric(),
    ];
    sorts.iter().filter(|sort| bytes.iter().any(sort)).count()
}

/// Shannon's entropy, bits per byte.
pub(crate) fn entropy(bytes: &[u8]) -> f32 {
    let mut counts = [0u16; 256];
    for b in bytes {
        if let Some(count) = counts.get_mut(usize::from(*b)) {
            *count = count.saturating_add(1);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "lengths of tokens are small")]
    let total = bytes.len() as f32;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let p = f32::from(*count) / total;
            -p * p.log2()
        })
        .sum()
}

/// As random as a key: letters of both sizes and digits, without the rhythm of words.
pub(crate) fn is_random(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 20 || bytes.len() > 512 || !bytes.iter().all(|b| base64(*b) || *b == b'.') {
        return false;
    }
    let body = text.trim_end_matches('=').as_bytes();
    let mixed = body.iter().any(u8::is_ascii_lowercase)
        && body.iter().any(u8::is_ascii_uppercase)
        && body.iter().any(u8::is_ascii_digit);
    let slashes = body
        .iter()
        .filter(|b| matches!(b, b'/' | b'.' | b'_' | b'-'))
        .count();
    let changes = body
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if sort(*a) != sort(*b)))
        .count();
    mixed && slashes * 8 <= body.len() && changes * 3 >= body.len() && entropy(body) > 3.6
}

fn sort(b: u8) -> u8 {
    match b {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    }
}

/// What people make up when asked for a password: no blanks, three sorts of characters or more, not long.
pub(crate) fn is_password_like(text: &str) -> bool {
    let bytes = text.as_bytes();
    (8..=40).contains(&bytes.len())
        && bytes.iter().all(u8::is_ascii_graphic)
        && classes(bytes) == 4
        && bytes.iter().any(|b| b"!@#$%^&*()+=?~".contains(b))
        && !text.contains("://")
}
