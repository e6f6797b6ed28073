//! The world of the tests: catalog, labels, policies, principals.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use identity::{Kind, Principal};
use mask::{Label, Masker};
use policy::Policies;
use session::{Catalogs, Definitions, Durability, Identity, Labels, World};
use statement::catalog::Builder;
use statement::{Catalog, ColumnId, Limits};

/// Rows of `statement::catalog::LOAD` from a real server.
const ROWS: &str = include_str!("../../../statement/tests/everyday/catalog.tsv");

/// A table of the same name in another schema, whose columns have no labels.
const MORE: &str = "relation\t90001\tapp\tcustomers\tr\tp\t90002\t9001\tfalse\tfalse\tfalse\t\\N
column\t90001\t1\tid\t23\t-1\tfalse\tfalse\t\t
column\t90001\t2\temail\t25\t-1\tfalse\tfalse\t\t";

/// `public.customers`, `public.clean` and `app.customers`.
pub(crate) const CUSTOMERS: u32 = 17095;
pub(crate) const CLEAN: u32 = 17105;
pub(crate) const APP_CUSTOMERS: u32 = 90001;

/// Who a test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// An engineer: labelled columns are masked.
    Alice,
    /// An engineer who sees raw values.
    Raw,
    /// Holds every action, `opaque` included, and sees raw values.
    Root,
    /// An engineer who sees raw values, two rows of them at most.
    Capped,
    /// An engineer who sees masked values, two rows of them at most.
    MaskedAndCapped,
    /// An engineer who sees masked values and may look values up until the year 2100.
    Looking,
}

impl Who {
    fn groups(self) -> &'static [&'static str] {
        match self {
            Who::Alice => &["engineers"],
            Who::Raw => &["engineers", "pii-readers"],
            Who::Root => &["engineers", "pii-readers", "root"],
            Who::Capped => &["engineers", "pii-readers", "capped"],
            Who::MaskedAndCapped => &["engineers", "capped"],
            Who::Looking => &["engineers", "looking"],
        }
    }
}

const POLICY: &str = r#"
@id("root-may") permit (principal in Group::"root", action, resource);
@id("looking-looks-up")
permit (principal in Group::"looking", action == Action::"lookup", resource)
when { context.now < datetime("2100-01-01") };
@id("cap")
@require("row_cap:2")
@message("At most two rows")
forbid (principal in Group::"capped", action in Action::"query", resource)
unless { context.enforced has rowCap && context.enforced.rowCap <= 2 };
"#;

/// Sections and rows, for a server that is asked for its catalog.
pub(crate) fn rows() -> impl Iterator<Item = (&'static str, Vec<Option<String>>)> {
    ROWS.lines().chain(MORE.lines()).filter_map(|line| {
        let (section, rest) = line.split_once('\t')?;
        (section != "fingerprint").then(|| (section, rest.split('\t').map(field).collect()))
    })
}

fn field(text: &str) -> Option<String> {
    (text != "\\N").then(|| text.replace("\\n", "\n").replace("\\t", "\t"))
}

pub(crate) fn catalog() -> Catalog {
    let mut builder = Builder::new();
    for (section, fields) in rows() {
        let fields: Vec<Option<&str>> = fields.iter().map(Option::as_deref).collect();
        builder.row(section, &fields).unwrap();
    }
    builder.finish("fixture".into())
}

fn policies() -> Policies {
    let mut files: Vec<(String, String)> = [
        "10-groups",
        "20-production",
        "30-agents",
        "40-masking",
        "50-dangerous-functions",
    ]
    .iter()
    .map(|name| {
        let path = format!(
            "{}/../policy/starter/{name}.cedar",
            env!("CARGO_MANIFEST_DIR")
        );
        (
            format!("{name}.cedar"),
            std::fs::read_to_string(path).unwrap(),
        )
    })
    .collect();
    files.push(("test.cedar".into(), POLICY.into()));
    Policies::load(&files).unwrap()
}

/// Catalog and policies, made once.
static MADE: LazyLock<(Arc<Catalog>, Arc<Policies>)> =
    LazyLock::new(|| (Arc::new(catalog()), Arc::new(policies())));

/// A world under `durability`.
pub(crate) fn world(durability: Durability) -> World {
    let (catalog, policies) = MADE.clone();
    let label = |relation, attribute, word| {
        (
            ColumnId {
                relation,
                attribute,
            },
            Label::new(word).unwrap(),
        )
    };
    let labels = HashMap::from([label(CUSTOMERS, 2, "email"), label(CUSTOMERS, 3, "ssn")]);
    World {
        epoch: 1,
        catalog_generation: 0,
        policies,
        catalog,
        labels: Arc::new(Labels::new(labels, Vec::new())),
        floor: None,
        masker: Arc::new(Masker::new(&[7; 32], "test", 1)),
        limits: Limits::default(),
        message_limit_bytes: 1 << 20,
        durability,
    }
}

pub(crate) fn identity(who: Who) -> Identity {
    Identity {
        principal: Principal {
            id: format!("{who:?}").to_lowercase(),
            kind: Kind::Human,
            groups: who.groups().iter().map(|g| (*g).to_owned()).collect(),
            tier: "default".into(),
        },
        target: policy::Target {
            name: "app".into(),
            environment: "prod".into(),
        },
        session: "s".into(),
        address: "127.0.0.1".into(),
        application: "test".into(),
        tls: true,
        observe: false,
        upstream_user: "postgres".into(),
        human: None,
    }
}

/// Counts refreshes, and knows what the sessions that share it define.
#[derive(Default)]
pub(crate) struct Current {
    definitions: Definitions,
    generation: AtomicU64,
}

impl Current {
    /// The latest generation that was asked for.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }
}

impl Catalogs for Current {
    fn request_refresh(&self) -> u64 {
        self.generation.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn definitions_changed(&self) -> u64 {
        self.request_refresh()
    }

    fn required(&self) -> u64 {
        self.generation()
    }

    fn definitions(&self) -> &Definitions {
        &self.definitions
    }
}
