//! What an exploration came to, and the way to a violation, for people.

use std::fmt::Write;
use std::time::{Duration, Instant};

use stateright::{Checker, Expectation, HasDiscoveries, Model};

use super::property::next;
use super::scope::Scope;
use super::state::{Stage, State, Task};
use super::system::System;

/// What one exploration came to.
pub(crate) struct Explored {
    pub(crate) states: usize,
    pub(crate) depth: usize,
    pub(crate) took: Duration,
}

/// Looks at every state of a scope. Panics at a property that does not hold, with the way there.
pub(crate) fn explore(scope: Scope, threads: usize) -> Explored {
    let begun = Instant::now();
    let system = System::new(scope);
    let checker = system.clone().checker().threads(threads);
    let checker = checker.finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    for property in system.properties() {
        let found = checker.discovery(property.name);
        let name = property.name;
        match (property.expectation, found) {
            (Expectation::Always, Some(path)) => {
                let way = way(&system, path.into_vec());
                panic!("{}: violated: {name}\n{way}", scope.name);
            }
            (Expectation::Sometimes | Expectation::Eventually, None) if checker.is_done() => {
                panic!("{}: never occurs: {name}", scope.name);
            }
            (Expectation::Always, None)
            | (Expectation::Sometimes | Expectation::Eventually, Some(_) | None) => {}
        }
    }
    let (states, depth) = (checker.unique_state_count(), checker.max_depth());
    Explored { states, depth, took: begun.elapsed() }
}

/// How long the end of a way is looked for.
const STEPS: usize = 200;

/// A way, one step a line; after it, what follows by itself.
fn way(system: &System, path: Vec<(State, Option<super::action::Action>)>) -> String {
    let mut text = String::new();
    let mut last = None;
    for (state, action) in path {
        writeln!(text, "  {}", shown(system, &state)).unwrap();
        if let Some(action) = action {
            writeln!(text, "{}", system.format_action(&action)).unwrap();
        }
        last = Some(state);
    }
    let Some(mut state) = last.filter(|state| state.broken.is_none()) else { return text };
    writeln!(text, "and from here on by itself:").unwrap();
    for _step in 0..STEPS {
        if state.job.status.is_final() {
            break;
        }
        let Some((action, following)) = next(system, &state) else {
            writeln!(text, "nothing happens any more").unwrap();
            break;
        };
        writeln!(text, "{}\n  {}", system.format_action(&action), shown(system, &following))
            .unwrap();
        state = following;
    }
    text
}

/// A state in a line.
fn shown(system: &System, state: &State) -> String {
    let mut text = String::new();
    write!(text, "job {} run {}", state.job.status, state.job.run).unwrap();
    let places = state.rows.len() / state.lanes.len();
    for (lane, rows) in state.lanes.iter().zip(state.rows.chunks(places)) {
        let holder = lane.holder.as_ref().map_or("nobody", |holder| holder.nonce.as_str());
        let mark = if lane.mark.is_some() { " marked" } else { "" };
        let (run, cursor) = (lane.run, lane.cursor);
        write!(text, "; lane run {run} {:?}{mark} at {cursor} of {holder}", lane.state).unwrap();
        for row in rows {
            match row {
                Some(row) => write!(text, " {}@{}", row.status, row.run).unwrap(),
                None => text.push_str(" -"),
            }
        }
    }
    for task in state.tasks.iter().flatten() {
        write!(text, "; {}", task_shown(system, task)).unwrap();
    }
    if let Some(broken) = state.broken {
        write!(text, "; {broken:?}").unwrap();
    }
    text
}

fn task_shown(system: &System, task: &Task) -> String {
    let nonce = task.nonce.map_or("?", |nonce| system.world.nonce(nonce).as_str());
    let stage = match &task.stage {
        Stage::Outside(way, _) => format!("outside: {}", way.name()),
        Stage::Inside(inside) => format!("inside: {:?} {}", inside.duty, inside.at.name()),
        Stage::Close(_) => "closes".to_owned(),
        Stage::Done(finished) => format!("done: {finished:?}"),
    };
    let (lane, position, run) = (task.message.lane, task.message.position, task.message.run);
    format!("worker {nonce} at lane {lane} question {position} run {run} {stage}")
}
