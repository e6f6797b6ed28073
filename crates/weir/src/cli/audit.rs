//! `weir audit`: finding what happened, and asking the ledger questions.
//!
//! It works beside a running gateway: sealed segments of the index are read where
//! they are, what is in none of them from the ledger.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use jiff::{Span, Timestamp, civil, tz::TimeZone};
use serde_json::json;
use store::read::Reader;
use store::search::{
    Answer, Index, Query, SEGMENT_ENTRIES, Searcher, Snapshot, compare, default_folder, rebuild,
};

use super::ledger::{Place, cut, printable};
use super::output::{Output, Paint, count};
use super::{Ended, Format};
use crate::config::nearest;

/// Between two looks for new statements.
const FOLLOW: Duration = Duration::from_millis(250);
/// Widest text in a cell of an answer.
const CELL: usize = 100;

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Find statements, newest first
    Search(Box<Search>),
    /// Answer a SELECT over entries, statements, sessions, decisions and masks
    Sql(Sql),
    /// Make the search index anew from the ledger
    Reindex(Reindex),
}

/// All that is given must fit.
#[derive(Debug, Args)]
pub(crate) struct Search {
    /// Text in the statement, in upper or lower case; literals are not searched
    text: Option<String>,
    /// Principal that sent it
    #[arg(long, value_name = "PRINCIPAL")]
    who: Option<String>,
    /// Human on whose behalf an agent sent it
    #[arg(long = "for", value_name = "PRINCIPAL")]
    on_behalf_of: Option<String>,
    /// Target it was sent to
    #[arg(long)]
    target: Option<String>,
    /// Table, view or function it uses: public.orders, or orders in any schema
    #[arg(long, value_name = "NAME")]
    object: Option<String>,
    /// Labelled column it uses: public.users.email, users.email or email
    #[arg(long, value_name = "NAME")]
    column: Option<String>,
    /// What it does to an object, such as read, delete or drop
    #[arg(long)]
    verb: Option<String>,
    /// What policy said
    #[arg(long, value_enum)]
    decision: Option<Decision>,
    /// How it ended, such as ok, error or cancelled
    #[arg(long)]
    status: Option<String>,
    /// Label of a column it uses
    #[arg(long)]
    label: Option<String>,
    /// Fingerprint of its shape, or the beginning of one
    #[arg(long, value_name = "HEX")]
    fingerprint: Option<String>,
    /// Session it was sent in
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// From this time on: 2026-11-20, 2026-11-20T22:50:00Z, or 2h, 7d ago
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Most statements to show
    #[arg(long, short = 'n', value_name = "NUMBER", default_value_t = 20)]
    limit: usize,
    /// Go on with new statements as they end
    #[arg(long, short)]
    follow: bool,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Decision {
    Allow,
    Deny,
    Ask,
}

#[derive(Debug, Args)]
pub(crate) struct Sql {
    /// The SELECT; docs/audit-search.md has the tables
    #[arg(value_name = "SELECT")]
    text: String,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Reindex {
    /// Change nothing, but compare the index with the ledger row by row
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    format: Format,
}

impl Audit {
    pub(crate) fn run(self, output: &mut Output) -> Result<Ended> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start")?;
        runtime.block_on(async {
            match self {
                Audit::Search(search) => search.run(output).await.map(|()| Ended::Well),
                Audit::Sql(sql) => sql.run(output).await.map(|()| Ended::Well),
                Audit::Reindex(reindex) => reindex.run(output).await,
            }
        })
    }
}

/// The ledger and the place of its index.
fn open(place: &Place) -> Result<(Reader, store::search::Place)> {
    let reader = place.reader()?;
    let index = match &place.directory {
        Some(directory) => store::search::Place::Folder(default_folder(directory)),
        None => place.config.load()?.search.place,
    };
    Ok((reader, index))
}

/// Asks the index; once more, if what it was reading is replaced or proves damaged.
async fn ask(
    reader: &Reader,
    searcher: &Searcher,
    question: impl AsyncFn(&Snapshot) -> Result<Answer, store::search::Error>,
) -> Result<(Snapshot, Answer)> {
    let mut snapshot = searcher.snapshot(reader).await?;
    let mut answer = question(&snapshot).await;
    if let Err(store::search::Error::Read(_)) = answer {
        snapshot = searcher.readable_snapshot(reader).await?;
        answer = question(&snapshot).await;
    }
    let paint = Paint::for_stderr();
    for fault in snapshot.faults() {
        eprintln!(
            "{} {fault}; the ledger is read instead, `weir audit reindex` makes it anew",
            paint.yellow("warning:")
        );
    }
    Ok((snapshot, answer?))
}

impl Search {
    async fn run(self, output: &mut Output) -> Result<()> {
        let query = self.query(Timestamp::now())?;
        let (reader, place) = open(&self.place)?;
        let searcher = Searcher::new(Index::open(&reader, &place)?)?;
        let search = async |snapshot: &Snapshot| snapshot.search(&query).await;
        let (snapshot, found) = ask(&reader, &searcher, search).await?;
        if !self.follow {
            if found.is_empty() {
                self.say_nothing_found();
            }
            return self.print(&found, output);
        }
        self.print(&found.reversed()?, output)?;
        let mut follow = searcher.follow(&reader, snapshot.entries()).await?;
        loop {
            let new = follow.next(&query).await?;
            if new.is_empty() {
                tokio::time::sleep(FOLLOW).await;
            } else {
                self.print(&new, output)?;
            }
        }
    }

    fn query(&self, now: Timestamp) -> Result<Query> {
        let time = |text: &Option<String>| text.as_deref().map(|text| time(text, now)).transpose();
        Ok(Query {
            who: self.who.clone(),
            on_behalf_of: self.on_behalf_of.clone(),
            session: self.session.clone(),
            target: self.target.clone(),
            object: self.object.clone(),
            column: self.column.clone(),
            verb: self.verb.clone(),
            decision: self.decision.map(|decision| {
                let word = match decision {
                    Decision::Allow => "allow",
                    Decision::Deny => "deny",
                    Decision::Ask => "ask",
                };
                word.to_owned()
            }),
            status: self.status.clone(),
            label: self.label.clone(),
            fingerprint: self.fingerprint.clone(),
            text: self.text.clone(),
            since_us: time(&self.since)?,
            until_us: time(&self.until)?,
            limit: self.limit,
        })
    }

    /// Who is not in the configuration may have been; a typing error is likelier.
    fn say_nothing_found(&self) {
        if self.json {
            return;
        }
        eprintln!("no statement fits");
        let Ok(config) = self.place.config.load() else {
            return;
        };
        for name in self.who.iter().chain(&self.on_behalf_of) {
            let known = || config.principals.keys().map(String::as_str);
            if known().any(|known| known == name) {
                continue;
            }
            match nearest(name, known()) {
                Some(meant) => eprintln!("there is no principal {name}: did you mean {meant}?"),
                None => eprintln!("there is no principal {name} in the configuration"),
            }
        }
    }

    fn print(&self, answer: &Answer, output: &mut Output) -> Result<()> {
        if self.json {
            return print_json(answer, output);
        }
        let columns = [
            "seq",
            "at",
            "principal",
            "on_behalf_of",
            "target",
            "decision",
            "status",
            "rows",
            "shape",
            "command",
        ];
        let mut table = Vec::new();
        for row in answer.rows(&columns)? {
            let cell = |place: usize| printable(row.get(place).map_or("", String::as_str));
            let who = match cell(3) {
                human if human.is_empty() => cell(2),
                human => format!("{} for {human}", cell(2)),
            };
            let statement = match cell(8) {
                shape if shape.is_empty() => cell(9),
                shape => shape,
            };
            table.push([
                cell(0),
                cell(1)
                    .chars()
                    .take(19)
                    .collect::<String>()
                    .replace('T', " "),
                who,
                cell(4),
                cell(5),
                cell(6),
                cell(7),
                cut(&statement, CELL),
            ]);
        }
        if table.is_empty() {
            return Ok(());
        }
        output.table(
            [
                "SEQ",
                "TIME",
                "WHO",
                "TARGET",
                "DECISION",
                "STATUS",
                "ROWS",
                "STATEMENT",
            ],
            &table,
        )
    }
}

impl Sql {
    async fn run(self, output: &mut Output) -> Result<()> {
        let (reader, place) = open(&self.place)?;
        let searcher = Searcher::new(Index::open(&reader, &place)?)?;
        let sql = async |snapshot: &Snapshot| snapshot.sql(&self.text).await;
        let (_, answer) = ask(&reader, &searcher, sql).await?;
        if self.json {
            return print_json(&answer, output);
        }
        let names: Vec<&str> = answer.names().iter().map(String::as_str).collect();
        let rows: Vec<Vec<String>> = answer
            .rows(&names)?
            .into_iter()
            .map(|row| row.iter().map(|cell| cut(&printable(cell), CELL)).collect())
            .collect();
        let header: Vec<String> = names.iter().map(|name| name.to_uppercase()).collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        output.rows(&header, &rows)
    }
}

impl Reindex {
    async fn run(self, output: &mut Output) -> Result<Ended> {
        let (reader, place) = open(&self.place)?;
        let begun = std::time::Instant::now();
        let mut said = begun;
        let mut progress = |done: u64, of: u64| {
            if said.elapsed() >= Duration::from_secs(2) {
                said = std::time::Instant::now();
                eprintln!("{done} of {of} entries");
            }
        };
        if self.check {
            let index = Index::open(&reader, &place)?;
            let faults = compare(&reader, &index, &mut progress).await?;
            return self.print_check(&faults, output);
        }
        let index = Index::create(&reader, &place)?;
        let done = rebuild(&reader, &index, SEGMENT_ENTRIES, &mut progress).await?;
        if self.format.json {
            output.json(&json!({
                "place": place.to_string(),
                "entries": done.entries,
                "segments": done.segments,
                "bytes": done.bytes,
                "removed": done.removed,
            }))?;
            return Ok(Ended::Well);
        }
        let entries = count(usize::try_from(done.entries)?, "entry").replace("entrys", "entries");
        output.line(format!(
            "Indexed {entries} in {} ({} bytes) in {place}; removed {}.",
            count(usize::try_from(done.segments)?, "segment"),
            done.bytes,
            count(done.removed, "other file"),
        ))?;
        Ok(Ended::Well)
    }

    fn print_check(&self, faults: &[store::search::Fault], output: &mut Output) -> Result<Ended> {
        if self.format.json {
            let problems: Vec<String> = faults.iter().map(ToString::to_string).collect();
            output.json(&json!({ "ok": faults.is_empty(), "problems": problems }))?;
        } else if faults.is_empty() {
            let good = output.paint.green("sound:");
            output.line(format!("{good} every segment holds what the ledger does"))?;
        } else {
            for fault in faults {
                output.line(format!("{} {fault}", output.paint.red("error:")))?;
            }
            output.line("`weir audit reindex` makes the index anew.")?;
        }
        Ok(if faults.is_empty() {
            Ended::Well
        } else {
            Ended::WithFindings
        })
    }
}

fn print_json(answer: &Answer, output: &mut Output) -> Result<()> {
    let mut lines = Vec::new();
    answer.write_json(&mut lines)?;
    let lines = String::from_utf8(lines)?;
    lines.lines().try_for_each(|line| output.line(line))
}

/// A time, or how long ago, in microseconds since 1970 UTC.
fn time(text: &str, now: Timestamp) -> Result<i64> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_microsecond());
    }
    let utc = |time: civil::DateTime| time.to_zoned(TimeZone::UTC);
    if let Ok(time) = text.parse::<civil::DateTime>() {
        return Ok(utc(time)?.timestamp().as_microsecond());
    }
    if let Ok(span) = text.trim_end_matches(" ago").parse::<Span>() {
        let then = now.to_zoned(TimeZone::UTC).checked_sub(span.abs())?;
        return Ok(then.timestamp().as_microsecond());
    }
    bail!("\"{text}\" is no time: write 2026-11-20, 2026-11-20T22:50:00Z, or 2h for two hours ago")
}
