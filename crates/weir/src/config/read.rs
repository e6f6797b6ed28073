//! Sections to typed values, with everything that spans sections checked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use identity::{Kind, Principal, check_principal_id};
use toml::de::DeTable;

use super::fault::{Fault, nearest};
use super::ledger::ledger;
use super::reader::{Entry, Section, Source};
use super::search::search;
use super::url::{SslMode, Url};
use super::{
    Admin, ColumnName, Config, Limits, Listener, Login, Masking, PolicySource, SecretSource,
    Target, TlsFiles, keys, unit,
};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

pub(super) fn config(text: &str, file: &Path) -> Result<Config, Vec<Fault>> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let source = Source::new(text, folder);
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        for error in errors {
            source.fault(
                error.span().unwrap_or_default(),
                error.message().trim_end_matches('.').to_owned(),
                None,
            );
        }
        return Err(source.into_faults());
    }
    let config = top(&Section::top(&source, document.get_ref()), file);
    match (config, source.into_faults()) {
        (Some(config), faults) if faults.is_empty() => Ok(config),
        (_, faults) => Err(faults),
    }
}

fn top(top: &Section<'_>, file: &Path) -> Option<Config> {
    let listeners = listeners(top);
    let admin = admin(top);
    let ledger = ledger(top);
    let search = search(top, ledger.as_ref().map_or(Path::new(""), |l| &l.directory));
    let keys = top.section("keys", keys::KEYS).map_or_else(
        || Some(top.relative("keys.json")),
        |s| s.need("file", "\"keys.json\"")?.path(),
    );
    let masking = masking(top);
    let policy = match top.section("policy", keys::POLICY) {
        None => Some(PolicySource::Starter),
        Some(section) => policy_files(&section),
    };
    let targets = targets(top);
    let principals = principals(top, &targets);
    let limits = limits(top);
    let outputs = super::output::outputs(top);
    Some(Config {
        file: file.to_owned(),
        listeners,
        admin: admin?,
        ledger: ledger?,
        search: search?,
        keys: keys?,
        masking: masking?,
        policy: policy?,
        targets,
        principals,
        limits,
        outputs,
    })
}

fn listeners(top: &Section<'_>) -> Vec<Listener> {
    let mut listeners = Vec::new();
    match (top.get("listen"), top.get("listeners")) {
        (Some(_), Some(several)) => {
            several.fault("[listen] and [[listeners]] exclude each other", None)
        }
        (Some(one), None) => listeners.extend(one.section().and_then(|s| listener(&s))),
        (None, Some(several)) => {
            let entries = several.array();
            if entries.is_empty() {
                several.fault("there is no listener", None);
            }
            listeners.extend(
                entries
                    .iter()
                    .filter_map(Entry::section)
                    .filter_map(|s| listener(&s)),
            );
        }
        (None, None) => drop(top.need("listen", "{ address = \"127.0.0.1:6432\" }")),
    }
    let mut taken: Vec<SocketAddr> = Vec::new();
    for listener in &listeners {
        if taken.contains(&listener.address) {
            top.fault(
                format!("two listeners have the address {}", listener.address),
                None,
            );
        }
        taken.push(listener.address);
    }
    listeners
}

fn listener(section: &Section<'_>) -> Option<Listener> {
    let section = section.clone().checked(keys::LISTEN);
    let entry = section.need("address", "\"127.0.0.1:6432\"");
    let address = entry.as_ref().and_then(address);
    let tls = match section.section("tls", keys::TLS) {
        None => None,
        Some(tls) => {
            let certificate = tls
                .need("certificate", "\"server.pem\"")
                .and_then(|e| e.path());
            let key = tls.need("key", "\"server.key\"").and_then(|e| e.path());
            Some(TlsFiles {
                certificate: certificate?,
                key: key?,
            })
        }
    };
    let insecure = flag(&section, "insecure", false)?;
    let channel_binding = flag(&section, "channel_binding", true)?;
    let proxy_protocol = flag(&section, "proxy_protocol", false)?;
    let address = address?;
    if tls.is_none() && !insecure && !address.ip().to_canonical().is_loopback() {
        let help = "Add [listen.tls] with certificate and key, or insecure = true if the network in between is yours.";
        section.fault(
            format!("[{}] would serve {address} without TLS", section.name()),
            Some(help.to_owned()),
        );
    }
    Some(Listener {
        address,
        tls,
        insecure,
        proxy_protocol,
        channel_binding,
    })
}

pub(super) fn address(entry: &Entry<'_>) -> Option<SocketAddr> {
    entry.parsed(|text| {
        text.parse().map_err(|_| {
            format!("\"{text}\" is not an address: write \"127.0.0.1:6432\" or \"[::]:6432\"")
        })
    })
}

pub(super) fn flag(section: &Section<'_>, key: &str, default: bool) -> Option<bool> {
    section.get(key).map_or(Some(default), |entry| entry.flag())
}

fn admin(top: &Section<'_>) -> Option<Admin> {
    let default = SocketAddr::from(([127, 0, 0, 1], 6480));
    let Some(section) = top.section("admin", keys::ADMIN) else {
        return Some(Admin { address: default });
    };
    let address = section
        .get("address")
        .map_or(Some(default), |entry| address(&entry))?;
    let insecure = flag(&section, "insecure", false)?;
    if !insecure && !address.ip().to_canonical().is_loopback() {
        let help =
            "Use a loopback address, or insecure = true if only operators and probes can reach it.";
        section.fault(
            format!("[admin] would serve {address} to whoever reaches it"),
            Some(help.to_owned()),
        );
    }
    Some(Admin { address })
}

fn masking(top: &Section<'_>) -> Option<Masking> {
    let section = match top.section("masking", keys::MASKING) {
        Some(section) => section,
        None => {
            let help = "[masking]\n        key = { file = \"mask.key\" }    # openssl rand -hex 32 > mask.key";
            top.fault(
                "weir.toml has no [masking]",
                Some(format!("For example: {help}")),
            );
            return None;
        }
    };
    let key = section
        .need("key", "{ file = \"mask.key\" }")
        .and_then(|entry| secret(&entry));
    let scope = section
        .get("scope")
        .map_or(Some("default"), |entry| entry.text());
    let epoch = section
        .get("epoch")
        .map_or(Some(1), |entry| entry.number(0..=u64::from(u32::MAX)));
    let newest = u32::try_from(epoch?).ok()?;
    let first = newest.saturating_sub(mask::MAX_EPOCHS - 1);
    let oldest = section
        .get("oldest_epoch")
        .map_or(Some(u64::from(newest)), |entry| {
            entry.number(u64::from(first)..=u64::from(newest))
        });
    Some(Masking {
        key: key?,
        scope: scope?.to_owned(),
        epochs: u32::try_from(oldest?).ok()?..=newest,
    })
}

/// `{ file = "…" }` or `{ env = "…" }`.
pub(super) fn secret(entry: &Entry<'_>) -> Option<SecretSource> {
    let help = || Some("Write { file = \"path\" } or { env = \"NAME\" }.".to_owned());
    if !entry.is_table() {
        entry.fault(
            format!(
                "`{}` must say where the secret lies, not hold it",
                entry.name
            ),
            help(),
        );
        return None;
    }
    let section = entry.section()?.checked(keys::SECRET);
    match (section.get("file"), section.get("env")) {
        (Some(file), None) => file.path().map(SecretSource::File),
        (None, Some(name)) => name
            .text()
            .map(|name| SecretSource::Environment(name.to_owned())),
        _ => {
            entry.fault(
                format!("`{}` needs one of file and env", entry.name),
                help(),
            );
            None
        }
    }
}

fn policy_files(section: &Section<'_>) -> Option<PolicySource> {
    let files: Vec<PathBuf> = section
        .need("files", "[\"policies/*.cedar\"]")?
        .array()
        .iter()
        .filter_map(Entry::path)
        .collect();
    if files.is_empty() {
        section.fault(
            "[policy] names no files",
            Some("Without [policy], the starter pack holds.".to_owned()),
        );
    }
    Some(PolicySource::Files(files))
}

fn targets(top: &Section<'_>) -> BTreeMap<String, Target> {
    let section = top
        .need("targets", "{ … }: `weir init` writes one")
        .and_then(|entry| entry.section());
    let mut targets = BTreeMap::new();
    let Some(section) = section else {
        return targets;
    };
    for (name, entry) in section.named() {
        if name.is_empty() || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
            entry.fault("a target's name has no spaces", None);
        }
        if let Some(target) = entry
            .section()
            .and_then(|s| target(name, &s.checked(keys::TARGET)))
        {
            targets.insert(name.to_owned(), target);
        }
    }
    if section.named().next().is_none() {
        section.fault("there is no target", None);
    }
    targets
}

fn target(name: &str, section: &Section<'_>) -> Option<Target> {
    let environment = section
        .need("environment", "\"prod\"")
        .and_then(|e| e.text());
    let url = section.need("url", "\"postgres://db.internal:5432/app?sslmode=verify-full\"").and_then(|entry| {
        let url = entry.parsed(Url::parse)?;
        if url.password.is_some() || url.user.is_some() {
            let help = format!("[{}.logins.default]\n        user = \"…\"\n        password = {{ env = \"…\" }}", section.name());
            entry.fault("a target's URL holds no user and password: logins do", Some(help));
            return None;
        }
        Some(url)
    });
    let observe = flag(section, "observe", false);
    let discover = flag(section, "discover", false);
    let ca = section.get("ca").map(|entry| entry.path());
    let logins = logins(section);
    let floor = floor(section, logins.as_ref());
    let labels = labels(section);
    let url = url?;
    let sslmode = url
        .sslmode
        .unwrap_or_else(|| SslMode::default_for(&url.host));
    Some(Target {
        name: name.to_owned(),
        environment: environment?.to_owned(),
        host: url.host,
        port: url.port,
        database: url.database,
        sslmode,
        ca: match ca {
            None => None,
            Some(path) => Some(path?),
        },
        discover: discover?,
        observe: observe?,
        logins: logins?,
        floor: match floor {
            None => None,
            Some(login) => Some(login?),
        },
        labels,
    })
}

fn logins(target: &Section<'_>) -> Option<BTreeMap<String, Login>> {
    let section = target
        .need(
            "logins",
            "{ default = { user = \"app\", password = { env = \"APP_PASSWORD\" } } }",
        )?
        .section()?;
    let mut logins = BTreeMap::new();
    for (tier, entry) in section.named() {
        let Some(login) = entry.section().map(|s| s.checked(keys::LOGIN)) else {
            continue;
        };
        let user = login.need("user", "\"app\"").and_then(|e| e.text());
        let password = login.get("password").map(|entry| secret(&entry));
        let password = match password {
            None => None,
            Some(source) => Some(source?),
        };
        logins.insert(
            tier.to_owned(),
            Login {
                user: user?.to_owned(),
                password,
            },
        );
    }
    if logins.is_empty() {
        section.fault(format!("[{}] has no login", section.name()), None);
    }
    Some(logins)
}

/// The floor's login: none, a faulty one, or one that is nobody else's.
fn floor(target: &Section<'_>, logins: Option<&BTreeMap<String, Login>>) -> Option<Option<Login>> {
    let section = target.section("floor", keys::FLOOR)?;
    Some((|| {
        let entry = section.need("role", "\"weir_masked\"")?;
        let user = entry.text()?;
        if user.is_empty()
            || user.starts_with("pg_")
            || user.contains(|c: char| c.is_control() || c == '$')
        {
            entry.fault(
                format!("\"{user}\" cannot be the name of a floor's role"),
                None,
            );
            return None;
        }
        if let Some((tier, _)) = logins
            .iter()
            .flat_map(|l| l.iter())
            .find(|(_, l)| l.user == user)
        {
            let help = "The floor's role is for masked sessions only: it reads no labelled column.";
            entry.fault(
                format!("the login \"{tier}\" has the same role"),
                Some(help.to_owned()),
            );
            return None;
        }
        let password = match section.get("password") {
            None => None,
            Some(entry) => Some(secret(&entry)?),
        };
        Some(Login {
            user: user.to_owned(),
            password,
        })
    })())
}

fn labels(target: &Section<'_>) -> BTreeMap<ColumnName, mask::Label> {
    let Some(section) = target.get("labels").and_then(|entry| entry.section()) else {
        return BTreeMap::new();
    };
    let mut labels = BTreeMap::new();
    for (column, entry) in section.named() {
        let name = ColumnName::parse(column)
            .map_err(|fault| entry.fault(fault, None))
            .ok();
        let label = entry.parsed(|word| mask::Label::new(word).map_err(|e| e.to_string()));
        if let (Some(name), Some(label)) = (name, label)
            && labels.insert(name, label).is_some()
        {
            entry.fault(format!("the column {column} is labelled twice"), None);
        }
    }
    labels
}

fn principals(
    top: &Section<'_>,
    targets: &BTreeMap<String, Target>,
) -> BTreeMap<String, Principal> {
    let mut principals = BTreeMap::new();
    let Some(section) = top.get("principals").and_then(|entry| entry.section()) else {
        return principals;
    };
    let tiers: Vec<&str> = targets
        .values()
        .flat_map(|t| t.logins.keys())
        .map(String::as_str)
        .collect();
    for (id, entry) in section.named() {
        if check_principal_id(id).is_err() {
            entry.fault("a principal's id has no spaces and at most 128 bytes", None);
        }
        if let Some(principal) = entry
            .section()
            .and_then(|s| principal(id, &s.checked(keys::PRINCIPAL), &tiers))
        {
            principals.insert(id.to_owned(), principal);
        }
    }
    for (id, entry) in section.named() {
        let human = principals.get(id).and_then(Principal::on_behalf_of);
        let known = human.and_then(|human| principals.get(human));
        match (human, known.map(|p| &p.kind)) {
            (None, _) | (_, Some(Kind::Human)) => {}
            (Some(human), Some(Kind::Agent { .. } | Kind::Workload)) => {
                entry.fault(
                    format!("`{id}` acts for `{human}`, which is not a human"),
                    None,
                );
            }
            (Some(human), None) => {
                let ids = section.named().map(|(id, _)| id);
                let help = nearest(human, ids).map(|meant| format!("Did you mean \"{meant}\"?"));
                entry.fault(
                    format!("`{id}` acts for `{human}`, who is not among the principals"),
                    help,
                );
            }
        }
    }
    principals
}

fn principal(id: &str, section: &Section<'_>, tiers: &[&str]) -> Option<Principal> {
    #[derive(Clone, Copy)]
    enum Word {
        Human,
        Agent,
        Workload,
    }
    let kind = section.need("kind", "\"human\"").and_then(|e| {
        e.word(&[
            ("human", Word::Human),
            ("agent", Word::Agent),
            ("workload", Word::Workload),
        ])
    });
    let human = section.get("on_behalf_of");
    let groups: Vec<String> = section
        .get("groups")
        .map(|e| e.texts())
        .unwrap_or_default()
        .into_iter()
        .map(str::to_owned)
        .collect();
    let tier = match section.get("tier") {
        None => "default",
        Some(entry) => {
            let tier = entry.text()?;
            if !tiers.is_empty() && !tiers.contains(&tier) {
                let help = nearest(tier, tiers.iter().copied())
                    .map(|meant| format!("Did you mean \"{meant}\"?"));
                entry.fault(format!("no target has a login of tier \"{tier}\""), help);
            }
            tier
        }
    };
    let kind = match (kind?, human) {
        (Word::Human, None) => Kind::Human,
        (Word::Workload, None) => Kind::Workload,
        (Word::Agent, Some(human)) => Kind::Agent {
            on_behalf_of: human.text()?.to_owned(),
        },
        (Word::Agent, None) => {
            drop(section.need("on_behalf_of", "\"alice\""));
            return None;
        }
        (Word::Human | Word::Workload, Some(human)) => {
            human.fault(
                format!("`{id}` acts for itself: on_behalf_of is for kind = \"agent\""),
                None,
            );
            return None;
        }
    };
    Some(Principal {
        id: id.to_owned(),
        kind,
        groups,
        tier: tier.to_owned(),
    })
}

fn limits(top: &Section<'_>) -> Limits {
    let mut limits = Limits {
        statement_bytes: MIB,
        message_bytes: 64 * MIB,
        connections: 1000,
        login_timeout: Duration::from_secs(60),
        connect_timeout: Duration::from_secs(10),
        catalog_poll: Duration::from_secs(1),
        shutdown_grace: Duration::from_secs(10),
    };
    let Some(section) = top.section("limits", keys::LIMITS) else {
        return limits;
    };
    let bytes = |key: &str, range, value: &mut u64| {
        if let Some(bytes) = section.get(key).and_then(|e| e.bytes(range)) {
            *value = bytes;
        }
    };
    bytes("statement", KIB..=16 * MIB, &mut limits.statement_bytes);
    bytes("message", 16 * KIB..=GIB - 1, &mut limits.message_bytes);
    if let Some(connections) = section
        .get("connections")
        .and_then(|e| e.number(1..=1_000_000))
    {
        limits.connections = connections;
    }
    let time = |key: &str, shortest: Duration, value: &mut Duration| {
        let Some(entry) = section.get(key) else {
            return;
        };
        let longest = Duration::from_secs(3600);
        match entry.parsed(unit::duration) {
            Some(time) if (shortest..=longest).contains(&time) => *value = time,
            Some(_) => entry.fault(
                format!("`limits.{key}` must be from {shortest:?} to 1h"),
                None,
            ),
            None => {}
        }
    };
    time(
        "login_timeout",
        Duration::from_secs(1),
        &mut limits.login_timeout,
    );
    time(
        "connect_timeout",
        Duration::from_secs(1),
        &mut limits.connect_timeout,
    );
    time(
        "catalog_poll",
        Duration::from_millis(100),
        &mut limits.catalog_poll,
    );
    time("shutdown_grace", Duration::ZERO, &mut limits.shutdown_grace);
    limits
}
