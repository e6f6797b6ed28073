//! `postgres://user:password@host:port/database?sslmode=…` (PostgreSQL docs,
//! 34.1.1.2), as far as Weir uses it.

use identity::Secret;

/// What a URL says about an upstream database.
pub struct Url {
    /// Role, if the URL names one.
    pub user: Option<String>,
    /// Password, if the URL holds one.
    pub password: Option<Secret<String>>,
    /// Host name or IP address, without brackets.
    pub host: String,
    /// 5432 unless given.
    pub port: u16,
    /// Database.
    pub database: String,
    /// How the connection is encrypted, if the URL says it.
    pub sslmode: Option<SslMode>,
}

/// How a connection to an upstream database is encrypted. Modes that can be
/// downgraded by whoever sits between (`allow`, `prefer`) do not exist here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    /// Not at all.
    Disable,
    /// Encrypted, to whoever answers.
    Require,
    /// Encrypted, to whoever has a certificate of a trusted authority.
    VerifyCa,
    /// Encrypted, to the host of that name.
    VerifyFull,
}

impl SslMode {
    /// The word in the URL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            SslMode::Disable => "disable",
            SslMode::Require => "require",
            SslMode::VerifyCa => "verify-ca",
            SslMode::VerifyFull => "verify-full",
        }
    }

    /// What holds when the URL does not say: verified encryption, or none to
    /// this machine itself.
    #[must_use]
    pub fn default_for(host: &str) -> SslMode {
        if is_loopback(host) {
            SslMode::Disable
        } else {
            SslMode::VerifyFull
        }
    }
}

/// Whether `host` is this machine.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback())
}

impl Url {
    /// Reads a URL. The error is one sentence that never repeats the password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let form = "a database URL looks like postgres://host:5432/database?sslmode=verify-full";
        let rest = text
            .strip_prefix("postgres://")
            .or_else(|| text.strip_prefix("postgresql://"))
            .ok_or_else(|| form.to_owned())?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest
            .split_once('/')
            .ok_or_else(|| format!("the URL names no database: {form}"))?;
        let (credentials, place) = match authority.rsplit_once('@') {
            Some((credentials, place)) => (Some(credentials), place),
            None => (None, authority),
        };
        let (user, password) =
            match credentials.map(|c| c.split_once(':').map_or((c, None), |(u, p)| (u, Some(p)))) {
                Some((user, password)) => (
                    Some(decode(user)?),
                    password.map(decode).transpose()?.map(Secret::new),
                ),
                None => (None, None),
            };
        let (host, port) = match place.strip_prefix('[') {
            Some(bracketed) => {
                let (host, port) = bracketed.split_once(']').ok_or("the URL's [ has no ]")?;
                (host, port.strip_prefix(':'))
            }
            None => place
                .rsplit_once(':')
                .map_or((place, None), |(host, port)| (host, Some(port))),
        };
        if host.is_empty() {
            return Err("the URL names no host".to_owned());
        }
        if host.contains([',', '%', ' ']) {
            return Err("the URL must name exactly one host".to_owned());
        }
        let port = match port {
            None => 5432,
            Some(port) => port
                .parse()
                .ok()
                .filter(|p| *p > 0)
                .ok_or_else(|| format!("\"{port}\" is not a port"))?,
        };
        let database = decode(database)?;
        if database.is_empty() || database.contains('/') {
            return Err(format!("the URL names no database: {form}"));
        }
        let mut sslmode = None;
        for parameter in query.split('&').filter(|p| !p.is_empty()) {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match (key, value) {
                ("sslmode", "disable") => sslmode = Some(SslMode::Disable),
                ("sslmode", "require") => sslmode = Some(SslMode::Require),
                ("sslmode", "verify-ca") => sslmode = Some(SslMode::VerifyCa),
                ("sslmode", "verify-full") => sslmode = Some(SslMode::VerifyFull),
                ("sslmode", "allow" | "prefer") => {
                    return Err(format!(
                        "sslmode={value} can be downgraded by whoever sits between: use verify-full"
                    ));
                }
                ("sslmode", _) => {
                    return Err("sslmode is disable, require, verify-ca or verify-full".to_owned());
                }
                _ => return Err(format!("unknown URL parameter \"{key}\": there is sslmode")),
            }
        }
        Ok(Self {
            user,
            password,
            host: host.to_owned(),
            port,
            database,
            sslmode,
        })
    }
}

/// Percent-decodes (RFC 3986 §2.1). No character is refused silently.
fn decode(text: &str) -> Result<String, String> {
    let wrong = || "the URL's percent-encoding is wrong".to_owned();
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || {
            rest.next()
                .and_then(|b| char::from(b).to_digit(16))
                .and_then(|d| u8::try_from(d).ok())
        };
        let (high, low) = (digit().ok_or_else(wrong)?, digit().ok_or_else(wrong)?);
        bytes.push(high * 16 + low);
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'))
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let url = Url::parse(text)?;
        let password = url.password.as_ref().map(|p| p.expose().as_str());
        Ok(format!(
            "{:?} {password:?} {} {} {} {:?}",
            url.user, url.host, url.port, url.database, url.sslmode
        ))
    }

    #[test]
    fn reads_what_libpq_reads() {
        for (text, expected) in [
            ("postgres://db/app", "None None db 5432 app None"),
            (
                "postgresql://u@db:6000/app",
                "Some(\"u\") None db 6000 app None",
            ),
            (
                "postgres://u%40x:p%2Fw@[::1]:1/a%20b",
                "Some(\"u@x\") Some(\"p/w\") ::1 1 a b None",
            ),
            (
                "postgres://db/app?sslmode=verify-full",
                "None None db 5432 app Some(VerifyFull)",
            ),
        ] {
            assert_eq!(read(text).unwrap(), expected);
        }
    }

    #[test]
    fn refuses_what_it_would_misread() {
        for text in [
            "db:5432/app",
            "mysql://db/app",
            "postgres://db",
            "postgres://db/",
            "postgres:///app",
            "postgres://db:0/app",
            "postgres://db:x/app",
            "postgres://a,b/app",
            "postgres://db/app?sslmode=prefer",
            "postgres://db/app?sslmode=on",
            "postgres://db/app?sslmod=disable",
            "postgres://u:%zz@db/app",
            "postgres://u:%00@db/app",
            "postgres://[::1/app",
        ] {
            let fault = read(text).unwrap_err();
            assert!(!fault.contains("zz"), "{fault}");
        }
    }
}
