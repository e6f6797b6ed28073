//! Addresses of servers: `https://siem.example/ingest`, `tls://syslog.example:6514`.

use std::fmt;
use std::net::IpAddr;

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the scheme of the same name")]
pub enum Scheme {
    Http,
    Https,
    Udp,
    Tcp,
    Tls,
}

impl Scheme {
    const ALL: [(&'static str, Scheme, Option<u16>); 5] = [
        ("http", Scheme::Http, Some(80)),
        ("https", Scheme::Https, Some(443)),
        ("udp", Scheme::Udp, Some(514)),
        ("tcp", Scheme::Tcp, None),
        ("tls", Scheme::Tls, Some(6514)),
    ];

    fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::Udp => "udp",
            Scheme::Tcp => "tcp",
            Scheme::Tls => "tls",
        }
    }
}

/// The address of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Host name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path with its leading `/`, and query; empty if there is none.
    pub path: String,
}

impl Endpoint {
    /// Reads an address of one of these schemes.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn parse(text: &str, schemes: &[Scheme]) -> Result<Endpoint, String> {
        let names: Vec<String> = schemes
            .iter()
            .map(|one| format!("{}://", one.name()))
            .collect();
        let form = || {
            let example = names.last().map_or("", String::as_str);
            format!("\"{text}\" is not an address: write \"{example}host:port\"")
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(form)?;
        let known = Scheme::ALL.into_iter().find(|(name, ..)| *name == scheme);
        let Some((_, scheme, usual)) = known.filter(|(_, one, _)| schemes.contains(one)) else {
            return Err(format!("\"{text}\" must begin with {}", names.join(" or ")));
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err(
                "an address holds no user and password; `token` says where one lies".into(),
            );
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(bracketed) => {
                let (host, after) = bracketed.split_once(']').ok_or_else(form)?;
                (
                    host,
                    after.strip_prefix(':').or((after.is_empty()).then_some("")),
                )
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, Some("")),
            },
        };
        let port = match port.ok_or_else(form)? {
            "" => usual.ok_or_else(|| format!("\"{text}\" has no port"))?,
            port => port
                .parse()
                .ok()
                .filter(|port| *port > 0)
                .ok_or_else(form)?,
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        let hyper = matches!(scheme, Scheme::Http | Scheme::Https);
        let visible = path.bytes().all(|byte| byte.is_ascii_graphic()) && !path.contains('#');
        if host.is_empty() || !host.chars().all(plain) || !visible || (!hyper && !path.is_empty()) {
            return Err(form());
        }
        let path = match path.strip_prefix('?') {
            Some(query) => format!("/?{query}"),
            None => path.to_owned(),
        };
        Ok(Endpoint {
            scheme,
            host: host.to_owned(),
            port,
            path,
        })
    }

    /// Whether what is sent can be read on the way.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        let loopback = self.host == "localhost"
            || self
                .host
                .parse::<IpAddr>()
                .is_ok_and(|ip| ip.to_canonical().is_loopback());
        !matches!(self.scheme, Scheme::Https | Scheme::Tls) && !loopback
    }

    /// Host and port as in a Host header.
    #[must_use]
    pub fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}{}",
            self.scheme.name(),
            self.authority(),
            self.path
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEB: &[Scheme] = &[Scheme::Http, Scheme::Https];
    const SYSLOG: &[Scheme] = &[Scheme::Udp, Scheme::Tcp, Scheme::Tls];

    #[test]
    fn reads_addresses() {
        for (text, schemes, read) in [
            (
                "https://siem.example/in?a=b",
                WEB,
                Some("https://siem.example:443/in?a=b"),
            ),
            ("http://127.0.0.1:8080", WEB, Some("http://127.0.0.1:8080")),
            ("https://[::1]:8443/x", WEB, Some("https://[::1]:8443/x")),
            ("https://[::1]", WEB, Some("https://[::1]:443")),
            ("https://host?x", WEB, Some("https://host:443/?x")),
            (
                "tls://logs.example",
                SYSLOG,
                Some("tls://logs.example:6514"),
            ),
            ("udp://logs.example", SYSLOG, Some("udp://logs.example:514")),
            (
                "tcp://logs.example:601",
                SYSLOG,
                Some("tcp://logs.example:601"),
            ),
            ("tcp://logs.example", SYSLOG, None),
            ("tcp://logs.example:601/x", SYSLOG, None),
            ("ftp://host", WEB, None),
            ("https://", WEB, None),
            ("https://user:secret@host", WEB, None),
            ("https://host:0", WEB, None),
            ("https://host:65536", WEB, None),
            ("https://host/a b", WEB, None),
            ("https://ho st/", WEB, None),
            ("https://host/#f", WEB, None),
            ("siem.example", WEB, None),
        ] {
            let found = Endpoint::parse(text, schemes)
                .ok()
                .map(|one| one.to_string());
            assert_eq!(found.as_deref(), read, "{text}");
        }
        let fault = Endpoint::parse("https://user:secret@host", WEB).unwrap_err();
        assert!(!fault.contains("secret"), "{fault}");
    }

    #[test]
    fn knows_what_can_be_read_on_the_way() {
        for (text, clear) in [
            ("http://siem.example", true),
            ("http://127.0.0.1", false),
            ("http://[::1]", false),
            ("http://localhost:1", false),
            ("https://siem.example", false),
        ] {
            assert_eq!(
                Endpoint::parse(text, WEB).unwrap().is_clear(),
                clear,
                "{text}"
            );
        }
    }
}
