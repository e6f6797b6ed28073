//! Policy text to [`Policies`]: parse, validate strictly, lint. All or nothing.

use std::collections::{BTreeMap, HashSet};
use std::str::FromStr;

use cedar_policy::{
    Effect, Policy, PolicyId, PolicySet, Schema, ValidationError, ValidationMode, Validator,
};
use miette::Diagnostic;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::decision::Rule;
use crate::evaluate::{Entry, Policies};
use crate::problem::Problem;
use crate::requirement::Requirement;
use crate::schema::{SCHEMA, Words};
use crate::slice::Scope;

/// Annotations a policy may carry.
const ANNOTATIONS: &[&str] = &["id", "message", "hint", "require", "description"];

/// Policies per installation. A decision looks at each once per access.
const MAX_POLICIES: usize = 10_000;

impl Policies {
    /// Takes a set of policy files, or says everything that is wrong with them.
    ///
    /// Each file is (name for messages, Cedar text). Order does not matter.
    ///
    /// # Errors
    /// Every problem found, in the order of files and lines.
    pub fn load(files: &[(String, String)]) -> Result<Policies, Vec<Problem>> {
        let bug = |message: String| vec![Problem::at("schema.cedarschema", "", None, message)];
        let (schema, _) = Schema::from_cedarschema_str(SCHEMA).map_err(|e| bug(e.to_string()))?;
        let words = Words::new(&schema).map_err(bug)?;
        let hierarchy = schema.action_entities().map_err(|e| bug(e.to_string()))?;

        let mut problems = Vec::new();
        let mut taken: BTreeMap<String, usize> = BTreeMap::new();
        let mut found: Vec<Found<'_>> = Vec::new();
        for file in files {
            for policy in read(file, &mut problems) {
                lint(&policy, &mut problems);
                let Some(id) = policy.id() else { continue };
                match taken.get(id).and_then(|at| found.get(*at)) {
                    Some(first) => problems.push(policy.problem(format!(
                        "the id \"{id}\" is taken by a policy in {}",
                        first.place()
                    ))),
                    None => {
                        taken.insert(id.to_owned(), found.len());
                        found.push(policy);
                    }
                }
            }
        }
        if found.len() > MAX_POLICIES {
            problems.push(Problem::at(
                "policies",
                "",
                None,
                format!("more than {MAX_POLICIES} policies"),
            ));
        }
        validate(schema, &found, &taken, &mut problems);
        if !problems.is_empty() {
            problems.sort();
            problems.dedup();
            return Err(problems);
        }

        let mut mentioned = HashSet::new();
        let mut entries = Vec::new();
        for policy in &found {
            mentioned.extend(policy.mentions.strings.iter().cloned());
            entries.push(policy.entry(&words, &hierarchy));
        }
        entries.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Policies::new(
            words,
            hierarchy,
            entries,
            mentioned,
            version(files),
        ))
    }

    /// The policies a new installation begins with, as (file name, Cedar text)
    /// for its user to edit.
    #[must_use]
    pub fn starter() -> &'static [(&'static str, &'static str)] {
        crate::starter::FILES
    }
}

/// Hex prefix of a hash over schema and texts, whatever their order and names:
/// the same policies have one version on every machine.
fn version(files: &[(String, String)]) -> String {
    let mut texts: Vec<&str> = files.iter().map(|(_, text)| text.as_str()).collect();
    texts.sort_unstable();
    let mut hash = Sha256::new();
    for text in [SCHEMA].into_iter().chain(texts) {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    let digest = hash.finalize();
    digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// One policy with its place.
struct Found<'a> {
    file: &'a str,
    text: &'a str,
    offset: Option<usize>,
    policy: Policy,
    mentions: Mentions,
}

/// Strings and numbers that occur in a policy's conditions.
#[derive(Default)]
struct Mentions {
    strings: HashSet<String>,
    numbers: HashSet<i64>,
}

fn read<'a>((file, text): &'a (String, String), problems: &mut Vec<Problem>) -> Vec<Found<'a>> {
    let set = match PolicySet::from_str(text) {
        Ok(set) => set,
        Err(errors) => {
            problems.extend(errors.iter().map(|error| diagnosed(file, text, error)));
            return Vec::new();
        }
    };
    if set.num_of_templates() > 0 {
        problems.push(
            Problem::at(
                file,
                text,
                text.find("?principal").or(text.find("?resource")),
                "templates are not supported",
            )
            .help("Write one policy per principal or resource, or use a group."),
        );
    }
    let mut found: Vec<Found<'_>> = Vec::new();
    for policy in set.policies() {
        let offset = policy.as_ref().loc().map(|loc| loc.start());
        match mentions(policy) {
            Ok(mentions) => found.push(Found {
                file,
                text,
                offset,
                policy: policy.clone(),
                mentions,
            }),
            Err(fault) => problems.push(Problem::at(file, text, offset, fault)),
        }
    }
    found.sort_by_key(|policy| policy.offset);
    found
        .into_iter()
        .map(|mut found| {
            if let Some(id) = found.policy.annotation("id") {
                found.policy = found.policy.new_id(PolicyId::new(id));
            }
            found
        })
        .collect()
}

/// Everything the conditions of `policy` could look at.
fn mentions(policy: &Policy) -> Result<Mentions, String> {
    let json = policy.to_json().map_err(|e| e.to_string())?;
    let mut mentions = Mentions::default();
    if let Some(conditions) = json.get("conditions") {
        mentions.collect(conditions);
    }
    Ok(mentions)
}

impl Mentions {
    fn collect(&mut self, json: &Value) {
        match json {
            Value::String(text) => self.strings.extend([text.clone()]),
            Value::Number(number) => self.numbers.extend(number.as_i64()),
            Value::Array(items) => items.iter().for_each(|item| self.collect(item)),
            Value::Object(fields) => {
                for (key, value) in fields {
                    self.strings.insert(key.clone());
                    self.collect(value);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn has(&self, word: &str) -> bool {
        self.strings.contains(word)
    }
}

impl Found<'_> {
    fn id(&self) -> Option<&str> {
        self.policy.annotation("id")
    }

    fn place(&self) -> String {
        let Problem { file, line, .. } = self.problem("");
        format!("{file}, line {line}")
    }

    fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::at(self.file, self.text, self.offset, message)
    }

    /// A problem with the annotation `name`.
    fn annotated(&self, name: &str, message: impl Into<String>) -> Problem {
        let start = self.offset.unwrap_or(0);
        let at = self
            .text
            .get(start..)
            .and_then(|text| text.find(&format!("@{name}")))
            .map(|at| start + at);
        Problem::at(self.file, self.text, at.or(self.offset), message)
    }

    fn requirements(&self) -> Vec<Requirement> {
        self.policy
            .annotation("require")
            .and_then(|text| Requirement::parse_all(text).ok())
            .unwrap_or_default()
    }

    fn entry(&self, words: &Words, hierarchy: &cedar_policy::Entities) -> Entry {
        let named = [
            &words.dataset,
            &words.schema,
            &words.function,
            &words.object,
        ];
        let owned = |name: &str| {
            self.policy
                .annotation(name)
                .map(|text| text.trim_end_matches('.').to_owned())
        };
        Entry {
            id: self.id().unwrap_or_default().to_owned(),
            scope: Scope::of(&self.policy, words, hierarchy),
            message: owned("message").filter(|text| !text.is_empty()),
            hint: self
                .policy
                .annotation("hint")
                .map(str::to_owned)
                .filter(|text| !text.is_empty()),
            requirements: self.requirements(),
            by_name: ["name", "schema", "class"]
                .iter()
                .any(|word| self.mentions.has(word))
                || self
                    .policy
                    .entity_literals()
                    .iter()
                    .any(|uid| named.contains(&uid.type_name())),
            by_time: self.mentions.has("now"),
            policy: self.policy.clone(),
        }
    }
}

fn lint(found: &Found<'_>, problems: &mut Vec<Problem>) {
    match found.id() {
        None | Some("") => problems.push(
            found
                .problem("the policy has no @id")
                .help("Add a line such as @id(\"support-reads\"): refusals and the ledger name the rule by it."),
        ),
        Some(id) if Rule::ALL.iter().any(|rule| rule.id() == id) => {
            problems.push(found.annotated("id", format!("the id \"{id}\" is one of Weir's own rules")));
        }
        Some(_) => {}
    }
    for (name, _) in found.policy.annotations() {
        if !ANNOTATIONS.contains(&name) {
            let problem = found.annotated(name, format!("unknown annotation @{name}"));
            problems.push(problem.help(format!("There are @{}.", ANNOTATIONS.join(", @"))));
        }
    }
    let forbids = found.policy.effect() == Effect::Forbid;
    match found.policy.annotation("require") {
        Some(_) if !forbids => problems.push(
            found.annotated("require", "@require stands on a permit, where it has no effect").help(
                "Write `forbid (…) unless { … }` with the @require, and keep the permit plain.",
            ),
        ),
        Some(text) => match Requirement::parse_all(text) {
            Err(fault) => problems.push(found.annotated("require", fault.0)),
            Ok(requirements) => {
                problems.extend(requirements.iter().filter_map(|requirement| agreement(found, requirement)));
            }
        },
        None if forbids && found.mentions.has("enforced") => problems.push(
            found
                .problem("the condition waits for context.enforced, but no @require says what to enforce")
                .help("Add @require(\"mask:*\"), @require(\"mask:label=…\") or @require(\"row_cap:…\")."),
        ),
        None => {}
    }
}

/// What is wrong when the condition does not look at what the annotation
/// promises to provide.
fn agreement(found: &Found<'_>, requirement: &Requirement) -> Option<Problem> {
    let has = |word: &str| found.mentions.has(word);
    let wanted = match requirement {
        Requirement::MaskAll if has("masked") && has("labels") => return None,
        Requirement::MaskAll => "context.enforced.masked.containsAll(context.labels)".to_owned(),
        Requirement::Mask(label) if has("masked") && has(label) => return None,
        Requirement::Mask(label) => format!("context.enforced.masked.contains(\"{label}\")"),
        Requirement::RowCap(rows) => {
            let same =
                |number: &i64| u64::try_from(*number).is_ok_and(|n| n == *rows || n == rows + 1);
            if has("rowCap") && found.mentions.numbers.iter().any(same) {
                return None;
            }
            format!("context.enforced has rowCap && context.enforced.rowCap <= {rows}")
        }
        Requirement::Purpose if has("purpose") => return None,
        Requirement::Purpose => "context has purpose".to_owned(),
    };
    let message = format!("@require(\"{requirement}\") and the condition do not agree");
    Some(
        found
            .annotated("require", message)
            .help(format!("Write `unless {{ {wanted} }}`.")),
    )
}

fn validate(
    schema: Schema,
    found: &[Found<'_>],
    by_id: &BTreeMap<String, usize>,
    problems: &mut Vec<Problem>,
) {
    let set = match PolicySet::from_policies(found.iter().map(|found| found.policy.clone())) {
        Ok(set) => set,
        Err(error) => return problems.push(Problem::at("policies", "", None, error.to_string())),
    };
    let result = Validator::new(schema).validate(&set, ValidationMode::Strict);
    let place =
        |id: &PolicyId| -> Option<&Found<'_>> { found.get(*by_id.get::<str>(id.as_ref())?) };
    let mut report = |id: &PolicyId, fault: &dyn Diagnostic| {
        let problem = match place(id) {
            Some(found) => diagnosed(found.file, found.text, fault),
            None => Problem::at("policies", "", None, fault.to_string()),
        };
        // The same fault is reported once per action it concerns.
        let spot = |p: &Problem| (p.file.clone(), p.line, p.column);
        if !problems.iter().any(|other| spot(other) == spot(&problem)) {
            problems.push(problem);
        }
    };
    // That a policy applies to nothing often follows from a word that does not
    // exist; the word is the better report.
    let consequence =
        |error: &&ValidationError| matches!(error, ValidationError::InvalidActionApplication(_));
    let errors = || result.validation_errors();
    let mut faulty: HashSet<&PolicyId> = HashSet::new();
    for error in errors().filter(|e| !consequence(e)) {
        faulty.insert(error.policy_id());
        report(error.policy_id(), error);
    }
    for error in errors().filter(consequence) {
        if faulty.insert(error.policy_id()) {
            report(error.policy_id(), error);
        }
    }
    for warning in result
        .validation_warnings()
        .filter(|warning| !faulty.contains(warning.policy_id()))
    {
        report(warning.policy_id(), warning);
    }
}

fn diagnosed(file: &str, text: &str, error: &dyn Diagnostic) -> Problem {
    let label = error.labels().and_then(|mut labels| labels.next());
    let mut message = error.to_string();
    // "… for Action::"read"": see above; "… not found" may follow.
    if let Some((before, after)) = message.split_once(" for Action::\"") {
        let after = after.split_once('"').map_or("", |(_, after)| after);
        message = format!("{before}{after}");
    }
    if let Some(detail) = label.as_ref().and_then(|label| label.label()) {
        message = format!("{message}: {detail}");
    }
    let problem = Problem::at(file, text, label.map(|label| label.offset()), message);
    match error.help() {
        Some(help) => problem.help(help.to_string()),
        None => problem,
    }
}
