//! The one check: client lines in, transcript out.

use std::sync::Arc;

use bytes::BytesMut;
use ledger::Ledger;
use session::postgres::{Machine, Now};
use session::{Cache, Catalogs, Durability, World};

use crate::fixture::{self, Current, Who};
use crate::model::Model;
use crate::recorder::Recorder;
use crate::text;

pub(crate) const NOW: Now = Now {
    monotonic_us: 1,
    unix_ms: 1,
};

/// Who answers the machine.
pub(crate) enum Server {
    /// The model.
    Model(Box<Model>),
    /// The model answers Weir's own questions only; the rest stands in the script.
    Script(Box<Model>),
    /// Nobody: all answers stand in the script.
    Silent,
}

/// A machine with everything around it.
pub(crate) struct Lab {
    pub(crate) machine: Machine,
    pub(crate) world: World,
    pub(crate) catalogs: Arc<Current>,
    /// The catalog is looked at as soon as somebody asks for it.
    pub(crate) looks: bool,
    pub(crate) ledger: Arc<Recorder>,
    pub(crate) server: Server,
    /// Entries become durable as soon as somebody waits for them.
    pub(crate) prompt_disk: bool,
    /// Part of a server's message.
    pub(crate) partial: BytesMut,
    to_machine: BytesMut,
    from_server: BytesMut,
    asking: bool,
    pub(crate) upstream: Vec<String>,
    pub(crate) client: Vec<String>,
    /// Weir's own questions, by kind.
    show_questions: bool,
}

impl Lab {
    pub(crate) fn new(who: Who, durability: Durability) -> Self {
        Self::of(fixture::identity(who), fixture::world(durability))
    }

    pub(crate) fn of(identity: session::Identity, world: World) -> Self {
        Self::sharing(Arc::default(), identity, world)
    }

    /// Another session of the same target.
    pub(crate) fn beside(&self, who: Who) -> Self {
        let world = fixture::world(Durability::Balanced);
        Self::sharing(Arc::clone(&self.catalogs), fixture::identity(who), world)
    }

    fn sharing(catalogs: Arc<Current>, identity: session::Identity, world: World) -> Self {
        let ledger = Arc::new(Recorder::default());
        let machine = Machine::new(
            Arc::new(identity),
            &world,
            Arc::clone(&ledger) as Arc<dyn Ledger>,
            Arc::clone(&catalogs) as Arc<dyn Catalogs>,
            Arc::new(Cache::default()),
        );
        Self {
            machine,
            world,
            catalogs,
            looks: true,
            server: Server::Model(Box::new(Model::new(|_| false).audited(Arc::clone(&ledger)))),
            ledger,
            prompt_disk: true,
            partial: BytesMut::new(),
            to_machine: BytesMut::new(),
            from_server: BytesMut::new(),
            asking: false,
            upstream: Vec::new(),
            client: Vec::new(),
            show_questions: false,
        }
    }

    /// With a server that says what the script says.
    pub(crate) fn scripted(mut self) -> Self {
        self.server = Server::Script(Box::new(Model::new(|_| false)));
        self
    }

    /// With a server that answers nothing by itself, Weir's questions included.
    pub(crate) fn silent(mut self) -> Self {
        self.server = Server::Silent;
        self
    }

    /// With Weir's own questions in the transcript.
    pub(crate) fn questions(mut self) -> Self {
        self.show_questions = true;
        self
    }

    /// Hands client bytes to the machine and lets everything settle.
    pub(crate) fn client_bytes(&mut self, bytes: &[u8]) {
        self.to_machine.extend_from_slice(bytes);
        self.settle();
    }

    /// Hands server bytes to the machine and lets everything settle.
    pub(crate) fn server_bytes(&mut self, bytes: &[u8]) {
        self.from_server.extend_from_slice(bytes);
        self.settle();
    }

    pub(crate) fn settle(&mut self) {
        for _ in 0..10_000 {
            if self.machine.end().is_some() {
                self.from_server.clear();
            }
            if self.looks {
                self.world.catalog_generation = self.catalogs.generation();
            }
            self.machine
                .upstream(&mut self.from_server, &self.world, NOW);
            self.machine.client(&mut self.to_machine, &self.world, NOW);
            if self.prompt_disk && self.machine.awaited().is_some() {
                let durable = self.ledger.sync();
                self.machine.durable(durable);
            }
            let sent = self.machine.to_upstream().ready().split();
            let shown = self.machine.to_client().ready().split();
            let waits = self.machine.awaits_catalog();
            let held = waits.is_some_and(|awaited| awaited > self.world.catalog_generation);
            let behind = self.looks && self.world.catalog_generation < self.catalogs.generation();
            let idle = self.from_server.is_empty() || (held && !self.looks);
            if sent.is_empty() && shown.is_empty() && idle && !behind {
                return;
            }
            let mut shown = shown;
            for raw in text::frames(&mut shown) {
                self.client.push(text::show_server(&raw));
            }
            assert!(shown.is_empty(), "half a message for the client");
            self.answer(sent);
        }
        panic!("never settles: {:?}", self.client);
    }

    fn answer(&mut self, mut sent: BytesMut) {
        for raw in text::frames(&mut sent) {
            let line = text::show_client(&raw);
            let own = line.starts_with("P weir_errand") || self.asking;
            if line.starts_with("P weir_errand") {
                if self.show_questions {
                    self.upstream.push(question(&line));
                }
                self.asking = true;
            }
            let ends = line == "S" || line == "H";
            if !own {
                self.upstream.push(line);
            }
            match &mut self.server {
                Server::Model(model) => model.feed(&raw),
                Server::Script(model) if own => model.feed(&raw),
                Server::Script(_) | Server::Silent => {}
            }
            if own && ends {
                self.asking = false;
            }
        }
        assert!(sent.is_empty(), "half a message for the server");
        if let Server::Model(model) | Server::Script(model) = &mut self.server {
            self.from_server.extend_from_slice(&model.sent.split());
        }
    }

    /// Runs a script. Lines with `>` are client messages, `<` the server's;
    /// consecutive lines of one side travel together. `disk` makes the ledger
    /// durable, `full` and `free` fill and empty its disk.
    pub(crate) fn play(&mut self, script: &str) -> String {
        let mut out = String::new();
        let mut lines = script
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .peekable();
        while let Some(line) = lines.next() {
            out.push_str(line);
            out.push('\n');
            match line.split_at(line.len().min(2)) {
                ("> ", message) => {
                    let mut bytes = BytesMut::new();
                    text::client(message, &mut bytes);
                    while let Some(next) = lines.next_if(|l| l.starts_with("> ")) {
                        out.push_str(next);
                        out.push('\n');
                        text::client(&next[2..], &mut bytes);
                    }
                    self.client_bytes(&bytes);
                }
                ("< ", message) => {
                    let mut bytes = BytesMut::new();
                    text::server(message, &mut bytes);
                    while let Some(next) = lines.next_if(|l| l.starts_with("< ")) {
                        out.push_str(next);
                        out.push('\n');
                        text::server(&next[2..], &mut bytes);
                    }
                    self.server_bytes(&bytes);
                }
                _ => match line {
                    "disk" => {
                        let durable = self.ledger.sync();
                        self.machine.durable(durable);
                        self.settle();
                    }
                    // Parts what is sent at once.
                    "wait" => {}
                    "full" => self.ledger.full(true),
                    "free" => self.ledger.full(false),
                    other => panic!("no line {other:?}"),
                },
            }
            for line in self.upstream.drain(..) {
                out.push_str(&format!("    server {line}\n"));
            }
            for line in self.client.drain(..) {
                out.push_str(&format!("  client {line}\n"));
            }
            if self.machine.wishes().cancel {
                out.push_str("  cancel\n");
            }
        }
        if let Some(end) = self.machine.end() {
            out.push_str(&format!("end {end:?}\n"));
        }
        out
    }
}

/// What a question of Weir's own is about.
fn question(line: &str) -> String {
    let text = line.split_once('|').map_or("", |(_, text)| text);
    let known = statement::catalog::LOAD.iter().any(|q| q.sql == text);
    let temporary = statement::catalog::LOAD_TEMP.iter().any(|q| q.sql == text);
    match text {
        _ if known => "ask catalog".into(),
        _ if temporary => "ask temporary catalog".into(),
        _ if text.contains("current_schemas") => "ask settings".into(),
        _ if text.contains("set_config('search_path'") => "ask path".into(),
        _ if text.contains("set_config('application_name'") => "ask name".into(),
        text => format!("ask description of {text}"),
    }
}

/// Plays `script` as `who` against the model server.
pub(crate) fn check(who: Who, script: &str, expected: expect_test::Expect) {
    expected.assert_eq(&Lab::new(who, Durability::Balanced).play(script));
}

/// Plays `script` as `who`; the server says what the script says.
pub(crate) fn check_scripted(who: Who, script: &str, expected: expect_test::Expect) {
    expected.assert_eq(&Lab::new(who, Durability::Balanced).scripted().play(script));
}
