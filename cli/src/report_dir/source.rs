//! An export of a job, read question by question: what is held of it is where each question's lines are.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use beacon_core::prompt::hex;
use beacon_core::spec::Spec;
use beacon_core::verdict::RulesVersion;
use beacon_core::view::ExecutionView;
use beacon_core::{JobId, QuestionIndex};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::problem::{LineProblem, Origin, ReportError};

/// More bytes than a line has: the largest answer three times, with every byte escaped, and its prompt.
const MAX_LINE: u64 = 16 * 1024 * 1024;

/// export.jsonl of a job.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    origin: Origin,
    job: &'a JobId,
    spec: &'a Spec,
    lines: BufReader<File>,
    /// Of each entry of the question list.
    stretches: Vec<Vec<Stretch>>,
    /// Of the whole file, lower-case hex.
    pub(crate) sha256: String,
}

/// Lines of one question, one after the other.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    /// First byte.
    at: u64,
    /// Number of the first line.
    line: u64,
    /// How many.
    count: u32,
}

/// What tells where a line belongs.
#[derive(Deserialize)]
struct Place {
    job_id: JobId,
    question: QuestionIndex,
}

impl<'a> Source<'a> {
    /// Reads a file once, to its end.
    pub(crate) fn open(
        path: &Path,
        origin: Origin,
        job: &'a JobId,
        spec: &'a Spec,
    ) -> Result<Self, ReportError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(source) => return Err(ReportError::Export { origin, source }),
        };
        let mut source = Self {
            origin,
            job,
            spec,
            lines: BufReader::with_capacity(64 * 1024, file),
            stretches: vec![Vec::new(); spec.questions.len()],
            sha256: String::new(),
        };
        let (mut hash, mut text) = (Sha256::new(), Vec::new());
        let (mut at, mut number) = (0, 0);
        while source.line(number + 1, &mut text)? {
            number += 1;
            hash.update(&text);
            source.place(Stretch { at, line: number, count: 1 }, &text)?;
            at += text.len() as u64;
        }
        source.sha256 = hex(&hash.finalize());
        let expected = spec.expected();
        if number == expected {
            Ok(source)
        } else {
            Err(ReportError::Missing { origin: source.origin, there: number, expected })
        }
    }

    /// The next line with its end; none at the end of the file.
    fn line(&mut self, number: u64, text: &mut Vec<u8>) -> Result<bool, ReportError> {
        text.clear();
        let read = (&mut self.lines).take(MAX_LINE + 1).read_until(b'\n', text);
        read.map_err(|source| self.unreadable(source))?;
        if text.len() as u64 > MAX_LINE {
            return Err(self.wrong(number, LineProblem::TooLong { most: MAX_LINE }));
        }
        Ok(!text.is_empty())
    }

    /// Remembers where a line is.
    fn place(&mut self, line: Stretch, text: &[u8]) -> Result<(), ReportError> {
        let Place { job_id, question } = self.read(line.line, text)?;
        if job_id != *self.job {
            let problem = LineProblem::OtherJob { found: job_id, expected: self.job.clone() };
            return Err(self.wrong(line.line, problem));
        }
        let of_question = usize::try_from(question.0).ok();
        let Some(stretches) = of_question.and_then(|index| self.stretches.get_mut(index)) else {
            return Err(self.wrong(line.line, LineProblem::NoQuestion { question }));
        };
        match stretches.last_mut() {
            Some(last) if last.line + u64::from(last.count) == line.line => last.count += 1,
            Some(_) | None => stretches.push(line),
        }
        Ok(())
    }

    fn read<'b, T: Deserialize<'b>>(&self, line: u64, text: &'b [u8]) -> Result<T, ReportError> {
        serde_json::from_slice(text)
            .map_err(|error| self.wrong(line, LineProblem::of(&error, text.len())))
    }

    fn wrong(&self, line: u64, problem: LineProblem) -> ReportError {
        ReportError::Line { origin: self.origin.clone(), line, problem }
    }

    fn unreadable(&self, source: std::io::Error) -> ReportError {
        ReportError::Export { origin: self.origin.clone(), source }
    }

    /// All pairs of an entry of the question list, in the file's order, without what stands in them twice.
    pub(crate) fn question(
        &mut self,
        question: QuestionIndex,
    ) -> Result<Vec<ExecutionView>, ReportError> {
        let stretches = usize::try_from(question.0).ok().and_then(|at| self.stretches.get(at));
        let (mut rows, mut text) = (Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        for stretch in stretches.cloned().unwrap_or_default() {
            let sought = self.lines.seek(SeekFrom::Start(stretch.at));
            sought.map_err(|source| self.unreadable(source))?;
            for number in (stretch.line..).take(stretch.count as usize) {
                self.line(number, &mut text)?;
                let mut row: ExecutionView = self.read(number, &text)?;
                let (id, spec) = (&row.id, self.spec);
                let same = (&id.model, &id.region, id.sample, id.question)
                    == (&row.model_id, &row.region, row.sample, question);
                if !same || spec.question_of(id).is_none() {
                    return Err(self.wrong(number, LineProblem::NotOfTheJob));
                }
                if !seen.insert(row.id.clone()) {
                    return Err(self.wrong(number, LineProblem::Twice));
                }
                row.output = None;
                rows.push(row);
            }
        }
        Ok(rows)
    }

    /// Learns from rows the version of the rules that all of the job's texts were judged by; two are none.
    pub(super) fn check_rules(
        &self,
        rows: &[ExecutionView],
        seen: &mut Option<RulesVersion>,
    ) -> Result<(), ReportError> {
        for rules in rows.iter().filter_map(|row| row.verdict.as_ref()).map(|view| &view.rules) {
            let first = seen.get_or_insert_with(|| rules.clone());
            if first != rules {
                let (first, second) = (first.clone(), rules.clone());
                return Err(ReportError::Rules { origin: self.origin.clone(), first, second });
            }
        }
        Ok(())
    }
}
