//! `cargo xtask faults --mutants`: production code broken in one place, and who sees it. What is
//! broken stands in `tests/mutants.toml`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Deserialize;
use thiserror::Error;

use crate::test::{TestError, built, cargo, shown};

/// Where the copy is, with a target folder of its own.
const COPY: &str = "target/mutants";
/// A mutant under which a check does not end in this time is not seen by it.
const LONGEST: Duration = Duration::from_secs(300);

/// What keeps the mutants from being judged, or that one of them was not seen.
#[derive(Debug, Error)]
pub(crate) enum MutantError {
    #[error("{}: cannot be used", file.display())]
    File {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("tests/mutants.toml is not understood")]
    List(#[from] toml::de::Error),
    #[error("mutant '{mutant}': {file} has the text {times} times, it must be once: {from}")]
    Text { mutant: String, file: String, from: String, times: usize },
    #[error("mutant '{mutant}' does not compile")]
    Compile {
        mutant: String,
        #[source]
        source: TestError,
    },
    #[error("`{command}` failed, but with no violation (mutant: '{mutant}'):\n{told}")]
    Other { mutant: String, command: String, told: String },
    #[error("without a mutant: {0}")]
    Baseline(String),
    #[error("not seen by who must see it: {}", .0.join(", "))]
    Unseen(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    mutant: Vec<Mutant>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutant {
    name: String,
    /// Each of these must see it.
    seen_by: Vec<Check>,
    change: Vec<Change>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    /// From the root of the repository.
    file: String,
    /// Text that is there once.
    from: String,
    to: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Check {
    Model,
    Simulation,
}

impl Check {
    const ALL: [Self; 2] = [Self::Model, Self::Simulation];
}

/// What a check said of a mutant.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Violated(String),
    Nothing,
    /// It did not come to an end.
    Endless,
}

impl Mutant {
    /// Its files as they become, beside the root that holds them as they are.
    fn files(&self, root: &Path) -> Result<Vec<(PathBuf, String)>, MutantError> {
        let mut files: Vec<(PathBuf, String)> = Vec::new();
        for Change { file, from, to } in &self.change {
            let path = root.join(file);
            let known = files.iter().position(|(other, _)| *other == path);
            let at = known.unwrap_or(files.len());
            if known.is_none() {
                let text = fs::read_to_string(&path).map_err(of(&path))?;
                files.push((path, text));
            }
            let text = &mut files[at].1;
            let times = text.matches(from.as_str()).count();
            if times != 1 {
                let (mutant, file, from) = (self.name.clone(), file.clone(), from.clone());
                return Err(MutantError::Text { mutant, file, from, times });
            }
            *text = text.replacen(from, to, 1);
        }
        Ok(files)
    }
}

/// Breaks one place after the other in a copy, and prints who saw it.
#[expect(clippy::print_stdout, reason = "a command line says what it found")]
pub(crate) fn run(seeds: u64) -> Result<(), MutantError> {
    let mutants = listed(Path::new("."))?;
    let copy = Path::new(COPY);
    copied(copy)?;
    for check in Check::ALL {
        let said = judged(check, copy, seeds, "none")?;
        if said != Said::Nothing {
            return Err(MutantError::Baseline(format!("{check:?}: {said:?}")));
        }
    }
    println!("| mutant | model | simulation, {seeds} seeds |\n|---|---|---|");
    let mut unseen = Vec::new();
    for mutant in mutants {
        let said = broken(&mutant, copy, seeds)?;
        let [model, simulation] = said.each_ref().map(told);
        println!("| {} | {model} | {simulation} |", mutant.name);
        let saw = |check: &Check| {
            let mut said = Check::ALL.iter().zip(&said);
            said.any(|(by, said)| by == check && matches!(said, Said::Violated(_)))
        };
        if !mutant.seen_by.iter().all(saw) {
            unseen.push(mutant.name);
        }
    }
    if unseen.is_empty() { Ok(()) } else { Err(MutantError::Unseen(unseen)) }
}

/// What the checks say of a copy in which a mutant is, which is whole again afterwards.
fn broken(mutant: &Mutant, copy: &Path, seeds: u64) -> Result<[Said; 2], MutantError> {
    let mut whole = Vec::new();
    for (file, text) in mutant.files(copy)? {
        whole.push((fs::read(&file).map_err(of(&file))?, file.clone()));
        fs::write(&file, text).map_err(of(&file))?;
    }
    let [model, simulation] = Check::ALL.map(|check| judged(check, copy, seeds, &mutant.name));
    for (bytes, file) in whole {
        fs::write(&file, bytes).map_err(of(&file))?;
    }
    Ok([model?, simulation?])
}

fn told(said: &Said) -> &str {
    match said {
        Said::Violated(what) => what,
        Said::Nothing => "-",
        Said::Endless => "did not end",
    }
}

fn listed(root: &Path) -> Result<Vec<Mutant>, MutantError> {
    let file = root.join("tests/mutants.toml");
    let text = fs::read_to_string(&file).map_err(of(&file))?;
    Ok(toml::from_str::<List>(&text)?.mutant)
}

/// The files of the repository, as they are now.
fn copied(to: &Path) -> Result<(), MutantError> {
    let git = Path::new("git");
    let mut list = Command::new(git);
    list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let files = list.output().map_err(of(git))?.stdout;
    for file in String::from_utf8_lossy(&files).split('\0').map(Path::new) {
        let Ok(bytes) = fs::read(file) else { continue };
        let into = to.join(file);
        // What has not changed is not built anew.
        if fs::read(&into).is_ok_and(|there| there == bytes) {
            continue;
        }
        if let Some(folder) = into.parent() {
            fs::create_dir_all(folder).map_err(of(folder))?;
        }
        fs::write(&into, bytes).map_err(of(&into))?;
    }
    Ok(())
}

fn judged(check: Check, copy: &Path, seeds: u64, mutant: &str) -> Result<Said, MutantError> {
    let output = copy.join("output");
    let target = std::path::absolute(copy.join("target")).map_err(of(copy))?;
    let program = |build: &[&str], name, test| {
        let mut build = cargo(build);
        build.current_dir(copy).env("CARGO_TARGET_DIR", &target);
        let compile = |source| MutantError::Compile { mutant: mutant.to_owned(), source };
        built(&mut build, name, test).map(Command::new).map_err(compile)
    };
    let (mut run, sign) = match check {
        Check::Model => {
            let build = ["test", "--workspace", "--locked", "--test", "model", "--no-run"];
            (program(&build, "model", true)?, "violated: ")
        }
        Check::Simulation => {
            let build = ["build", "--workspace", "--locked", "--bin", "faults"];
            let mut run = program(&build, "faults", false)?;
            run.args(["--seeds", &seeds.to_string()]);
            (run, "VIOLATED ")
        }
    };
    run.env("RUST_BACKTRACE", "0");
    let Some(status) = bounded(&mut run, &output)? else { return Ok(Said::Endless) };
    if status.success() {
        return Ok(Said::Nothing);
    }
    let text = fs::read_to_string(&output).map_err(of(&output))?;
    let violated = text.lines().find_map(|line| line.split_once(sign).map(|(_, what)| what));
    // Ids and items follow.
    let violated = violated.map(|what| Said::Violated(what.chars().take(100).collect()));
    violated.ok_or_else(|| {
        let (mutant, command, told) = (mutant.to_owned(), shown(&run), end(&text));
        MutantError::Other { mutant, command, told }
    })
}

/// Runs a command; none where it took longer than [`LONGEST`] and was ended.
fn bounded(command: &mut Command, output: &Path) -> Result<Option<ExitStatus>, MutantError> {
    let file = File::create(output).map_err(of(output))?;
    let both = file.try_clone().map_err(of(output))?;
    let program = PathBuf::from(command.get_program());
    let mut child = command.stdout(file).stderr(both).spawn().map_err(of(&program))?;
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(of(&program))? {
            return Ok(Some(status));
        }
        if begun.elapsed() > LONGEST {
            child.kill().and_then(|()| child.wait()).map_err(of(&program))?;
            return Ok(None);
        }
        sleep(Duration::from_millis(50));
    }
}

/// The last lines.
fn end(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

fn of(file: &Path) -> impl FnOnce(io::Error) -> MutantError {
    let file = file.to_owned();
    |source| MutantError::File { file, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mutant_applies_to_the_code_as_it_is() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mutants = listed(&root).unwrap();
        assert!(mutants.len() >= 15, "the list of what must be seen is short");
        for mutant in mutants {
            assert!(!mutant.seen_by.is_empty() && !mutant.change.is_empty(), "{}", mutant.name);
            for (file, text) in mutant.files(&root).unwrap() {
                assert_ne!(fs::read_to_string(file).unwrap(), text, "{}", mutant.name);
            }
        }
    }
}
