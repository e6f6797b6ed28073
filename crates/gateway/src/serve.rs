//! One connection from accept to close.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ledger::Ledger;
use ledger::event::{CancelledBy, PrincipalKind, SessionClose, SessionOpen, SessionRefused, Word};
use session::postgres::{Machine, attributed};
use session::{Cache, Catalogs};
use tokio::net::TcpStream;
use wire::postgres as pg;

use crate::gateway::{Port, Shared, note, policy_target, revoke};
use crate::login::{self, Opened, Proved};
use crate::metrics::{Metered, Worker};
use crate::random;
use crate::relay::{self, Control, Legs};
use crate::upstream::{Connected, Failure};

/// How long a session waits for its target's first catalog.
const CATALOG_PATIENCE: Duration = Duration::from_secs(10);
const ASK_AN_OPERATOR: &str = "Tell an operator; `weir check` says more.";
const NO_CATALOG: Told<'static> = Told {
    code: "57P03",
    message: "the database's catalog cannot be read, so statements cannot be judged",
    hint: Some(ASK_AN_OPERATOR),
    rule: None,
};

/// Counts a session for as long as it lives.
struct Counted<'a>(&'a Shared, Option<Arc<crate::target::Target>>);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.sessions.fetch_sub(1, Ordering::AcqRel);
        if let Some(target) = &self.1 {
            target.sessions.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// Where a connection is served.
#[derive(Clone, Copy)]
pub(crate) struct Here<'a> {
    pub shared: &'a Shared,
    pub cache: &'a Arc<Cache>,
    pub worker: &'a Worker,
}

pub(crate) async fn connection(tcp: TcpStream, peer: SocketAddr, port: &Port, here: Here<'_>) {
    let shared = here.shared;
    let open = shared.sessions.fetch_add(1, Ordering::AcqRel);
    let mut counted = Counted(shared, None);
    let full = open >= shared.state().limits.sessions;
    match login::open(tcp, peer, port, shared).await {
        Opened::Closed => {}
        Opened::Cancel {
            process_id,
            secret,
            from,
        } => {
            if let Some(control) = shared
                .registry
                .find(process_id, &secret, from, Instant::now())
            {
                let _ = control
                    .cancel(shared.store.as_ref(), CancelledBy::Client)
                    .await;
            }
        }
        Opened::Session(mut proved) => {
            if full {
                let told = Told {
                    code: "53300",
                    message: "too many sessions are open at Weir",
                    hint: Some("Try again later."),
                    rule: None,
                };
                return turn_away(&mut proved, BytesMut::new(), shared, told).await;
            }
            proved.target.sessions.fetch_add(1, Ordering::AcqRel);
            counted.1 = Some(Arc::clone(&proved.target));
            session(*proved, here).await;
        }
    }
}

async fn session(mut proved: Proved, here: Here<'_>) {
    let shared = here.shared;
    let Ok(id) = random::uuid() else { return };
    let mut greeting = BytesMut::new();
    pg::encode::authentication_ok(&mut greeting);

    let target = Arc::clone(&proved.target);
    // A look that starts after this moment; the first session of a while must
    // not be judged by an old catalog.
    let ticket = target.request_refresh();
    let StartUp { sent, settings } = start_up(&proved, &id);
    let mut login = match target.login(&proved.principal.tier) {
        Ok(login) => login.clone(),
        Err(failure) => return refuse(&mut proved, greeting, shared, &failure).await,
    };
    let application = proved
        .parameter("application_name")
        .unwrap_or_default()
        .to_owned();
    let mut who = session::Identity {
        principal: proved.principal.clone(),
        human: proved.human.clone(),
        target: policy_target(&target),
        session: id,
        address: proved.address.ip().to_string(),
        application,
        tls: proved.stream.is_encrypted(),
        observe: target.setup.observe,
        upstream_user: login.user.clone(),
    };
    let known = || tokio::time::timeout(CATALOG_PATIENCE, target.generation(ticket));
    if let Some(floor) = &target.setup.floor {
        // Who is masked logs in as another role, which must have no right too many.
        if known().await.is_err() {
            return turn_away(&mut proved, greeting, shared, NO_CATALOG).await;
        }
        let world = target.world();
        if session::masked_somewhere(&world, &who, crate::unix_ms()) {
            login = floor.clone();
            who.upstream_user.clone_from(&floor.user);
            let drift = session::floor_drift(&world, &who);
            drop(world);
            if let Some(refusal) = drift {
                return refuse_setting(&mut proved, greeting, shared, &refusal).await;
            }
        }
    }
    let refused = || {
        let now_ms = crate::unix_ms();
        settings.iter().find_map(|(name, value)| {
            session::startup_setting(&target.world(), &who, name, value, now_ms)
        })
    };
    // What is refused never reaches the database; the answer may depend on the
    // fresh catalog.
    if refused().is_some()
        && known().await.is_ok()
        && let Some(refusal) = refused()
    {
        return refuse_setting(&mut proved, greeting, shared, &refusal).await;
    }
    // A database that cannot be reached is told of at once.
    let catalog = async { Ok(known().await) };
    let (connected, catalog) =
        match tokio::try_join!(target.endpoint.log_in(&login, &sent), catalog) {
            Ok(both) => both,
            Err(failure) => return refuse(&mut proved, greeting, shared, &failure).await,
        };
    if catalog.is_err() {
        return turn_away(&mut proved, greeting, shared, NO_CATALOG).await;
    }
    if let Some(refusal) = refused() {
        return refuse_setting(&mut proved, greeting, shared, &refusal).await;
    }
    opened(proved, who, connected, &settings, greeting, here).await;
}

async fn opened(
    mut proved: Proved,
    who: session::Identity,
    connected: Connected,
    settings: &[(String, String)],
    mut greeting: BytesMut,
    here: Here<'_>,
) {
    let shared = here.shared;
    let target = Arc::clone(&proved.target);
    let id = who.session.clone();
    let open = SessionOpen {
        session: id.as_str().into(),
        principal: proved.principal.id.as_str().into(),
        principal_kind: match proved.principal.kind {
            identity::Kind::Human => PrincipalKind::Human,
            identity::Kind::Agent { .. } => PrincipalKind::Agent,
            identity::Kind::Workload => PrincipalKind::Workload,
        },
        on_behalf_of: proved.principal.on_behalf_of().map(Into::into),
        target: target.setup.name.as_str().into(),
        environment: target.setup.environment.as_str().into(),
        tls: proved.tls.clone(),
        protocol: protocol(&proved),
        key: proved.key.as_str().into(),
        address: Some(who.address.as_str().into()),
        application: Some(who.application.as_str().into()),
    };
    if let Err(unavailable) = shared.store.append(open.into()) {
        let _ = proved.stream.send(&mut greeting).await;
        let hint = format!("Tell an operator: {unavailable}.");
        let message = "no session can be opened, because Weir's ledger cannot record it";
        let _ = login::say(&mut proved.stream, "58030", message, Some(&hint)).await;
        return;
    }

    shared.metrics.session_opened(&target.setup.name);
    let process_id = connected.cancel.process_id;
    let control = Arc::new(Control::new(
        id.as_str().into(),
        proved.key.clone(),
        proved.principal.clone(),
        proved.human.clone(),
        Arc::clone(&target),
        connected.cancel,
    ));
    let secret: Box<[u8]> = match (
        proved.version >= pg::ProtocolVersion::V3_2,
        random::bytes::<32>(),
    ) {
        (true, Ok(secret)) => secret.into(),
        (false, Ok([a, b, c, d, ..])) => [a, b, c, d].into(),
        (_, Err(_)) => return,
    };
    shared
        .registry
        .add(process_id, secret.clone(), Arc::clone(&control));
    // The configuration may have changed while the client was logging in.
    if !shared.state().still_admits(&control) {
        revoke(
            &tokio::runtime::Handle::current(),
            vec![Arc::clone(&control)],
        );
    }

    let catalogs: Arc<dyn Catalogs> = Arc::clone(&target) as Arc<dyn Catalogs>;
    let labels = target.setup.labels.values().map(ToString::to_string);
    let ledger: Arc<dyn Ledger> = Arc::new(Metered {
        store: Arc::clone(&shared.store),
        cells: here.worker.cells(&target.setup.name, labels),
    });
    let mut machine = Machine::new(
        Arc::new(who),
        &target.world(),
        ledger,
        catalogs,
        Arc::clone(here.cache),
    );
    for (name, value) in settings {
        machine.declare(name, value);
    }
    // The client sees its own name, not what Weir makes of it.
    let application = proved.parameter("application_name").unwrap_or_default();
    pg::encode::parameter_status(&mut greeting, b"application_name", application.as_bytes());
    greeting.extend_from_slice(&connected.parameters);
    let _ = pg::encode::backend_key_data(&mut greeting, process_id, &secret);
    pg::encode::ready_for_query(&mut greeting, pg::TransactionStatus::Idle);
    machine.to_client().append(greeting);

    let legs = Legs {
        client: proved.stream,
        upstream: connected.stream,
        from_client: proved.rest,
        from_upstream: connected.rest,
    };
    let started = Instant::now();
    let reason = relay::run(legs, &mut machine, &control, &shared.store, here.worker).await;
    shared.registry.remove(process_id, &control);
    if !machine.at_rest() {
        // What still runs for nobody is stopped.
        let _ = control
            .cancel(shared.store.as_ref(), CancelledBy::Disconnect)
            .await;
    }
    machine.abandon();
    let counts = machine.counts();
    note(
        shared,
        SessionClose {
            session: id.as_str().into(),
            reason,
            statements: counts.statements,
            refused: counts.refused,
            rows: counts.rows,
            bytes: counts.bytes,
            masked_cells: counts.masked_cells,
            duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        },
    );
}

fn protocol(proved: &Proved) -> Word {
    let version = proved.version;
    format!("postgresql/{}.{}", version.major, version.minor).into()
}

/// What a client is told that gets no session, and the rule behind it.
struct Told<'a> {
    code: &'static str,
    message: &'a str,
    hint: Option<&'a str>,
    rule: Option<&'a str>,
}

/// Records and tells a proved client that it gets no session.
async fn turn_away(proved: &mut Proved, mut greeting: BytesMut, shared: &Shared, told: Told<'_>) {
    let event = SessionRefused {
        principal: proved.principal.id.as_str().into(),
        on_behalf_of: proved.principal.on_behalf_of().map(Into::into),
        target: proved.target.setup.name.as_str().into(),
        protocol: protocol(proved),
        key: proved.key.as_str().into(),
        sqlstate: told.code.into(),
        rule: told.rule.map(Into::into),
        address: Some(proved.address.ip().to_string().into()),
        application: proved.parameter("application_name").map(Into::into),
    };
    note(shared, event);
    let _ = proved.stream.send(&mut greeting).await;
    let _ = login::say(&mut proved.stream, told.code, told.message, told.hint).await;
}

/// A proved client may not connect with a setting.
async fn refuse_setting(
    proved: &mut Proved,
    greeting: BytesMut,
    shared: &Shared,
    refusal: &session::Refusal,
) {
    let told = Told {
        code: refusal.code,
        message: &refusal.message,
        hint: refusal.hint.as_deref(),
        rule: Some(&refusal.rule),
    };
    turn_away(proved, greeting, shared, told).await;
}

/// A proved client's database cannot be used; hosts are not named.
async fn refuse(proved: &mut Proved, greeting: BytesMut, shared: &Shared, failure: &Failure) {
    const OPTIONS: &str = "Look at the parameters and `options` of the connection.";
    let mut hint = ASK_AN_OPERATOR;
    let (code, message) = match failure {
        Failure::Refused { code, .. } if code == "53300" => {
            ("53300", "the database has no connection left")
        }
        Failure::Refused { code, .. } if code == "57P03" => {
            ("57P03", "the database is starting up or shutting down")
        }
        // Nothing of Weir's own among the settings is unknown or invalid.
        Failure::Refused { code, .. } if code == "42704" => {
            hint = OPTIONS;
            ("42704", "unrecognized configuration parameter at start-up")
        }
        Failure::Refused { code, .. } if code == "22023" => {
            hint = OPTIONS;
            ("22023", "invalid value for a parameter at start-up")
        }
        Failure::NoLogin { .. } => ("28000", "Weir has no login for you at this database"),
        Failure::Unreachable { .. } => ("08001", "the database cannot be reached"),
        _ => ("08001", "Weir cannot log in at the database"),
    };
    eprintln!("weir: target {}: {failure}", proved.target.setup.name);
    let told = Told {
        code,
        message,
        hint: Some(hint),
        rule: None,
    };
    turn_away(proved, greeting, shared, told).await;
}

/// What the server is sent when a session opens, and the settings among it that
/// the client asked for.
struct StartUp {
    sent: Vec<(String, String)>,
    settings: Vec<(String, String)>,
}

/// Everything passes unchanged, except what carries identity and the encoding.
fn start_up(proved: &Proved, session: &str) -> StartUp {
    let mut sent: Vec<(String, String)> = Vec::new();
    let mut settings: Vec<(String, String)> = Vec::new();
    for (name, value) in &proved.parameters {
        match name.as_str() {
            "user" | "database" | "replication" | "application_name" | "client_encoding" => {}
            "options" => {
                settings.extend(option_settings(value));
                sent.push((name.clone(), value.clone()));
            }
            _ => {
                settings.push((name.clone(), value.clone()));
                sent.push((name.clone(), value.clone()));
            }
        }
    }
    let principal = &proved.principal;
    let application = proved.parameter("application_name").unwrap_or_default();
    // Later ones win at the server, so ours come last.
    let mut own = |name: &str, value: &str| sent.push((name.to_owned(), value.to_owned()));
    // SQL_ASCII asks for the bytes as stored, which UTF8 gives as well, checked.
    own("client_encoding", "UTF8");
    own("standard_conforming_strings", "on");
    own("application_name", &attributed(application, &principal.id));
    own("weir.principal", &principal.id);
    own("weir.session", session);
    if let Some(human) = principal.on_behalf_of() {
        own("weir.on_behalf_of", human);
    }
    StartUp { sent, settings }
}

/// Settings in start-up options, names in lower case: `-c name=value` and
/// `--name=value` (PostgreSQL docs, 20.1.4; split as `pg_split_opts` splits).
///
/// The server takes every switch of `postgres` there (`-f s` is
/// `enable_seqscan=off`), so a word of any other form is given as a setting of
/// that name, which no rule knows to be harmless.
fn option_settings(options: &str) -> Vec<(String, String)> {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = options.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.get_or_insert_default().extend(chars.next()),
            // isspace(3) in the C locale; Rust's own lacks the vertical tab.
            ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    let mut found = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let setting = match word.strip_prefix("--").or_else(|| word.strip_prefix("-c")) {
            Some("") => words.next(),
            Some(setting) => Some(setting.to_owned()),
            None => None,
        };
        found.push(match setting.as_deref().and_then(|s| s.split_once('=')) {
            Some((name, value)) => (
                name.trim().to_ascii_lowercase().replace('-', "_"),
                value.to_owned(),
            ),
            None => (word, String::new()),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_settings_as_the_server_does() {
        let read = option_settings(r"-c weir.purpose=fix\ it --Search-Path=a -cjit=off");
        let expected = [
            ("weir.purpose", "fix it"),
            ("search_path", "a"),
            ("jit", "off"),
        ];
        assert_eq!(read, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn no_switch_of_the_server_passes_for_a_harmless_setting() {
        for options in [
            "-f s",
            "-O",
            "-ecenable_seqscan=off",
            "--jit=on\u{b}-c\u{b}enable_seqscan=off",
            "-B 5",
            "-c",
        ] {
            let read = option_settings(options);
            let harmless = |(name, _): &(String, String)| matches!(name.as_str(), "jit");
            assert!(
                read.iter().any(|setting| !harmless(setting)),
                "{options:?}: {read:?}"
            );
        }
    }
}
