//! Secrets: what sort they are, and four digits to tell them apart. Nothing of the secret.

use super::{Draw, hex};

/// What secrets of a sort start with, as their issuers publish it.
const SORTS: &[(&str, &str)] = &[
    ("AKIA", "aws"),
    ("ASIA", "aws"),
    ("ghp_", "github"),
    ("gho_", "github"),
    ("ghs_", "github"),
    ("ghu_", "github"),
    ("github_pat_", "github"),
    ("glpat-", "gitlab"),
    ("xoxb-", "slack"),
    ("xoxp-", "slack"),
    ("xapp-", "slack"),
    ("sk_live_", "stripe"),
    ("sk_test_", "stripe"),
    ("rk_live_", "stripe"),
    ("whsec_", "stripe"),
    ("sk-ant-", "anthropic"),
    ("sk-", "openai"),
    ("AIza", "google"),
    ("ya29.", "google"),
    ("hf_", "huggingface"),
    ("npm_", "npm"),
    ("pypi-", "pypi"),
    ("dop_v1_", "digitalocean"),
    ("SG.", "sendgrid"),
    ("hvs.", "vault"),
    ("eyJ", "jwt"),
    ("-----BEGIN", "pem"),
    ("postgres://", "url"),
    ("postgresql://", "url"),
    ("mysql://", "url"),
    ("mongodb", "url"),
    ("redis://", "url"),
    ("$2a$", "hash"),
    ("$2b$", "hash"),
    ("$2y$", "hash"),
    ("$argon2", "hash"),
    ("SCRAM-SHA-256$", "hash"),
];

pub(super) fn write(draw: &mut Draw, raw: &str, chars: usize, out: &mut Vec<u8>) -> Option<()> {
    const DIGITS: usize = 4;
    let sort = SORTS
        .iter()
        .find(|(start, _)| raw.starts_with(start))
        .map(|(_, sort)| *sort);
    let long = sort.map(|sort| format!("secret:{sort}:"));
    let fits = |open: &&str| open.chars().count() + DIGITS + 2 <= chars;
    let open = [long.as_deref().unwrap_or("secret:"), "secret:", ""]
        .into_iter()
        .find(fits)?;
    out.extend("‹".bytes().chain(open.bytes()));
    for _ in 0..DIGITS {
        out.push(hex(draw.bits(4) as u8));
    }
    out.extend("›".bytes());
    Some(())
}
