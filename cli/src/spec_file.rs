//! Reading a specification from a file, with the question files that it names.

use std::path::{Path, PathBuf};

use beacon_core::json::{JsonError, read_json};
use beacon_core::spec::{CSV_COLUMNS, CsvError, CsvRow, Problem, limit, read_question_csv};
use serde_json::Value;
use thiserror::Error;

/// Why a specification cannot be read.
#[derive(Debug, Error)]
pub(crate) enum SpecFileError {
    #[error("`{path}` cannot be read")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("`{path}` has more than {limit} bytes")]
    TooLarge { path: PathBuf, limit: usize },
    #[error("`{path}` is not YAML: {message}")]
    Yaml { path: PathBuf, message: String },
    #[error("`{path}`")]
    Json {
        path: PathBuf,
        #[source]
        source: JsonError,
    },
    #[error("`{path}`, line {line}")]
    JsonLine {
        path: PathBuf,
        line: u64,
        #[source]
        source: JsonError,
    },
    #[error("`{path}` is not CSV with a header of {CSV_COLUMNS}")]
    Csv {
        path: PathBuf,
        #[source]
        source: csv::Error,
    },
    #[error("`{path}`: unknown column `{column}`; known are {CSV_COLUMNS}")]
    Column { path: PathBuf, column: String },
    #[error("`{path}`")]
    Rows {
        path: PathBuf,
        #[source]
        source: CsvError,
    },
    #[error("`{path}` is neither .csv nor .jsonl")]
    Kind { path: PathBuf },
    #[error("{field}: {problem}")]
    Entry { field: String, problem: &'static str },
}

/// A specification with all questions in it.
#[derive(Debug)]
pub(crate) struct SpecFile {
    pub(crate) document: Value,
    /// Where each question came from, if from a file of its own.
    origins: Vec<Option<String>>,
}

impl SpecFile {
    /// Reads YAML or, where the name ends in `.json`, JSON. Question files lie beside it.
    pub(crate) fn read(path: &Path, id: Option<&str>) -> Result<Self, SpecFileError> {
        let text = read_text(path)?;
        let mut document = if has_extension(path, "json") {
            read_json(text.as_bytes()).map_err(|source| json_error(path, source))?
        } else {
            serde_saphyr::from_str(&text).map_err(|error| SpecFileError::Yaml {
                path: path.to_owned(),
                message: error.to_string(),
            })?
        };
        let mut origins = Vec::new();
        if let Value::Object(spec) = &mut document {
            if let Some(Value::Array(questions)) = spec.get_mut("questions") {
                let directory = path.parent().unwrap_or_else(|| Path::new(""));
                let listed = std::mem::take(questions);
                (*questions, origins) = expand(directory, listed)?;
            }
            if let Some(id) = id {
                spec.insert("id".to_owned(), id.into());
            }
        }
        Ok(Self { document, origins })
    }

    /// The field of a problem, with the file and row that it came from.
    pub(crate) fn locate(&self, problem: &Problem) -> String {
        let index = problem
            .field
            .strip_prefix("questions[")
            .and_then(|rest| rest.split_once(']')?.0.parse::<usize>().ok());
        match index.and_then(|index| self.origins.get(index)?.as_ref()) {
            Some(origin) => format!("{} ({origin})", problem.field),
            None => problem.field.clone(),
        }
    }
}

type Questions = (Vec<Value>, Vec<Option<String>>);

fn expand(directory: &Path, listed: Vec<Value>) -> Result<Questions, SpecFileError> {
    let (mut questions, mut origins) = (Vec::new(), Vec::new());
    for (index, entry) in listed.into_iter().enumerate() {
        let Some(file) = entry.get("file") else {
            // Behind a file the indexes of the specification sent are not those of the file read.
            let moved = questions.len() != index;
            origins.push(moved.then(|| format!("entry {} of the file", index + 1)));
            questions.push(entry);
            continue;
        };
        let field = format!("questions[{index}].file");
        let entry_error = |problem| SpecFileError::Entry { field: field.clone(), problem };
        let name = file.as_str().ok_or_else(|| entry_error("must be a file's name"))?;
        if entry.as_object().is_some_and(|object| object.len() > 1) {
            return Err(entry_error("stands alone in its entry"));
        }
        let path = directory.join(name);
        let rows = if has_extension(&path, "csv") {
            read_csv(&path)?
        } else if has_extension(&path, "jsonl") {
            read_jsonl(&path)?
        } else {
            return Err(SpecFileError::Kind { path });
        };
        for (line, row) in rows {
            questions.push(row);
            origins.push(Some(format!("{name}, line {line}")));
        }
    }
    Ok((questions, origins))
}

type Rows = Vec<(u64, Value)>;

fn read_csv(path: &Path) -> Result<Rows, SpecFileError> {
    let rows = read_question_csv(&read_text(path)?).map_err(|error| {
        let path = path.to_owned();
        match error {
            CsvError::Malformed(source) => SpecFileError::Csv { path, source },
            CsvError::Column(column) => SpecFileError::Column { path, column },
            source @ (CsvError::Quote(_) | CsvError::Empty) => SpecFileError::Rows { path, source },
        }
    })?;
    Ok(rows.into_iter().map(|CsvRow { line, question }| (line, question)).collect())
}

fn read_jsonl(path: &Path) -> Result<Rows, SpecFileError> {
    let text = read_text(path)?;
    let lines = (1_u64..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let row = |(number, line): (u64, &str)| {
        let row = read_json(line.as_bytes()).map_err(|source| SpecFileError::JsonLine {
            path: path.to_owned(),
            line: number,
            source,
        })?;
        Ok((number, row))
    };
    lines.map(row).collect()
}

fn read_text(path: &Path) -> Result<String, SpecFileError> {
    let failed = |source| SpecFileError::Read { path: path.to_owned(), source };
    // Sizes are bounded again, exactly, where the specification is accepted.
    let limit = 4 * limit::SPEC_BYTES;
    if std::fs::metadata(path).map_err(failed)?.len() > limit as u64 {
        return Err(SpecFileError::TooLarge { path: path.to_owned(), limit });
    }
    std::fs::read_to_string(path).map_err(failed)
}

fn json_error(path: &Path, source: JsonError) -> SpecFileError {
    SpecFileError::Json { path: path.to_owned(), source }
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}
