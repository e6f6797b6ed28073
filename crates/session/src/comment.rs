//! Context declared in a sqlcommenter comment
//! (<https://google.github.io/sqlcommenter/spec/>).

/// Declared keys Weir knows; claims, not proofs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Declared {
    /// `purpose`: why it is done.
    pub purpose: Option<String>,
    /// `task`: what it belongs to.
    pub task: Option<String>,
    /// `run`: which run of a pipeline or training.
    pub run: Option<String>,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

/// Reads `key='value'` pairs, percent-decoded; what is malformed is ignored.
pub(crate) fn declared(comment: &str) -> Declared {
    let mut found = Declared::default();
    let body = comment
        .trim()
        .trim_start_matches("/*")
        .trim_end_matches("*/")
        .trim_start_matches("--");
    for pair in body.split(',') {
        let Some((key, value)) = pair.trim().split_once('=') else {
            continue;
        };
        let Some(value) = value
            .trim()
            .strip_prefix('\'')
            .and_then(|v| v.strip_suffix('\''))
        else {
            continue;
        };
        let slot = match key.trim() {
            "purpose" | "weir.purpose" => &mut found.purpose,
            "task" | "weir.task" => &mut found.task,
            "run" | "weir.run" => &mut found.run,
            "traceparent" => &mut found.traceparent,
            _ => continue,
        };
        *slot = Some(percent_decoded(value));
    }
    found
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let mut digits = bytes.clone();
                let high = digits.next().and_then(hex);
                let low = digits.next().and_then(hex);
                if let (Some(high), Some(low)) = (high, low) {
                    out.push(high << 4 | low);
                    bytes = digits;
                } else {
                    out.push(byte);
                }
            }
            b'\\' => {}
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|d| u8::try_from(d).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sqlcommenter_pairs() {
        let found =
            declared("/*purpose='fix%20bug',task='T-1', traceparent='00-ab-cd-01',action='x'*/");
        assert_eq!(found.purpose.as_deref(), Some("fix bug"));
        assert_eq!(found.task.as_deref(), Some("T-1"));
        assert_eq!(found.traceparent.as_deref(), Some("00-ab-cd-01"));
        assert_eq!(found.run, None);
    }

    #[test]
    fn ignores_what_is_malformed() {
        assert_eq!(
            declared("/* purpose=fix, task='open , = '' */"),
            Declared::default()
        );
        assert_eq!(declared("/*run='%zz%4'*/").run.as_deref(), Some("%zz%4"));
    }
}
