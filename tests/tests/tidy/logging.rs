//! `docs/logging.md` lists the messages and fields that the source logs, and no others.

use std::collections::BTreeSet;

use super::{collect, read, root};

/// An `info!`, `warn!` or `error!` in the source.
struct Event {
    level: &'static str,
    message: String,
    fields: Vec<String>,
}

#[test]
fn every_message_is_documented_with_its_level() {
    let logged = logged().into_iter().map(|event| format!("{} {}", event.level, event.message));
    let documented = rows("## Messages").into_iter().map(|cells| cells[..2].join(" "));
    assert_same(&documented.collect(), &logged.collect());
}

#[test]
fn every_field_is_documented() {
    let logged = logged().into_iter().flat_map(|event| event.fields);
    let documented = rows("## Fields");
    let documented = documented.iter().flat_map(|cells| cells[0].split(", "));
    assert_same(&documented.map(str::to_owned).collect(), &logged.collect());
}

#[test]
fn every_failure_code_is_documented() {
    let source = read(&root().join("shared/core/src/failure.rs"));
    let list = source.split("const FIXED").nth(1).unwrap().split("];").next().unwrap();
    let codes = list.split('"').skip(1).step_by(2).chain(["ROUTER_HTTP_<n>", "any other"]);
    let documented = rows("## Codes").into_iter().map(|cells| cells[0].clone());
    assert_eq!(documented.collect::<BTreeSet<_>>(), codes.map(str::to_owned).collect());
}

fn assert_same(documented: &BTreeSet<String>, logged: &BTreeSet<String>) {
    let unknown: Vec<&String> = logged.difference(documented).collect();
    let gone: Vec<&String> = documented.difference(logged).collect();
    assert!(
        unknown.is_empty() && gone.is_empty(),
        "docs/logging.md lacks {unknown:#?} and holds, though nothing logs them, {gone:#?}"
    );
}

/// The cells of a section's table, without code marks and the head.
fn rows(section: &str) -> Vec<Vec<String>> {
    let text = read(&root().join("docs/logging.md"));
    let section = text.split(section).nth(1).unwrap().split("\n## ").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    let cell = |cell: &str| cell.trim().replace('`', "");
    lines.map(|line| line.trim_matches('|').split(" | ").map(cell).collect()).collect()
}

fn logged() -> Vec<Event> {
    let mut files = Vec::new();
    for folder in ["cli/src", "functions", "infra", "shared/aws"] {
        collect(&root().join(folder), "rs", &mut files);
    }
    files.retain(|file| !file.ends_with("tests.rs") && !file.iter().any(|part| part == "tests"));
    let events: Vec<Event> = files.iter().flat_map(|file| events(&read(file))).collect();
    assert!(events.len() > 30, "only {} events were found", events.len());
    events
}

fn events(source: &str) -> Vec<Event> {
    let source = source.split("#[cfg(test)]").next().unwrap();
    let mut found = Vec::new();
    for level in ["info", "warn", "error"] {
        let call = format!("{level}!(");
        for (at, _) in source.match_indices(&call) {
            if source[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_') {
                continue;
            }
            let mut event = Event { level, message: String::new(), fields: Vec::new() };
            for argument in arguments(&source[at + call.len()..]) {
                match argument.strip_prefix('"') {
                    Some(text) => text.trim_end_matches('"').clone_into(&mut event.message),
                    None => event.fields.push(field(&argument)),
                }
            }
            assert!(!event.message.is_empty(), "a message is no literal: {}", &source[at..at + 80]);
            found.push(event);
        }
    }
    found
}

/// The name in `name = value`, `%name` or `?name`.
fn field(argument: &str) -> String {
    let name = argument.split(" = ").next().unwrap();
    name.trim_start_matches(['%', '?']).to_owned()
}

/// The arguments of a call whose opening parenthesis is behind us.
fn arguments(call: &str) -> Vec<String> {
    let (mut arguments, mut depth, mut quoted) = (vec![String::new()], 0, false);
    for c in call.chars() {
        match c {
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted && depth == 0 => break,
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                arguments.push(String::new());
                continue;
            }
            _ => {}
        }
        arguments.last_mut().unwrap().push(c);
    }
    let trimmed = arguments.iter().map(|argument| argument.trim().to_owned());
    trimmed.filter(|argument| !argument.is_empty()).collect()
}
