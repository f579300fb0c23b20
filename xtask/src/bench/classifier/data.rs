//! Labelled answers from CSV files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use beacon_core::verdict::Verdict;
use csv::StringRecord;
use flate2::read::GzDecoder;

use super::error::ClassifierBenchError;

/// Columns that name what was asked, the first that a file has is its clusters.
const PROMPTS: [&str; 4] = ["prompt", "question", "question_id", "id"];

/// Which columns hold what.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    pub(super) response: &'a str,
    pub(super) label: &'a str,
    /// Those that a file has are its groups.
    pub(super) groups: &'a [String],
    pub(super) cluster: Option<&'a str>,
}

/// One labelled answer.
#[derive(Debug)]
pub(super) struct Row {
    /// In the file, from 1; the head is not counted.
    pub(super) number: usize,
    pub(super) response: String,
    pub(super) label: String,
    pub(super) verdict: Verdict,
    /// By column.
    pub(super) groups: BTreeMap<String, String>,
    pub(super) cluster: String,
}

/// A file's rows.
#[derive(Debug)]
pub(super) struct Data {
    pub(super) name: String,
    pub(super) rows: Vec<Row>,
    /// What the bootstrap draws: a column's name, or rows.
    pub(super) clusters: String,
    /// Rows left out, by their label that no verdict belongs to.
    pub(super) unmapped: BTreeMap<String, usize>,
}

/// Reads a CSV file, compressed if its name ends in `.gz`.
pub(super) fn read(
    path: &Path,
    columns: &Columns<'_>,
    verdicts: &BTreeMap<String, Verdict>,
) -> Result<Data, ClassifierBenchError> {
    let open = |source| ClassifierBenchError::Open { path: path.to_path_buf(), source };
    let file = File::open(path).map_err(open)?;
    let zipped = path.extension().is_some_and(|extension| extension == "gz");
    let bytes: Box<dyn Read> = if zipped { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
    let mut reader = csv::Reader::from_reader(bytes);
    let broken = |source| ClassifierBenchError::Csv { path: path.to_path_buf(), source };
    let head = reader.headers().map_err(broken)?.clone();
    let head = Head { path: path.to_path_buf(), head };
    let response = head.column(columns.response)?;
    let label = head.column(columns.label)?;
    let groups: Vec<(&String, usize)> =
        columns.groups.iter().filter_map(|name| Some((name, head.find(name)?))).collect();
    let cluster = match columns.cluster {
        Some(name) => Some((name, head.column(name)?)),
        None => PROMPTS.iter().find_map(|name| Some((*name, head.find(name)?))),
    };
    let mut data = Data {
        name: path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        rows: Vec::new(),
        clusters: cluster.map_or("rows", |(name, _)| name).to_owned(),
        unmapped: BTreeMap::new(),
    };
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(broken)?;
        let cell = |at: usize| record.get(at).unwrap_or_default().to_owned();
        let label = cell(label);
        let Some(verdict) = verdicts.get(&label) else {
            *data.unmapped.entry(label).or_default() += 1;
            continue;
        };
        data.rows.push(Row {
            number: index + 1,
            response: cell(response),
            label,
            verdict: *verdict,
            groups: groups.iter().map(|(name, at)| ((*name).clone(), cell(*at))).collect(),
            cluster: cluster.map_or_else(|| index.to_string(), |(_, at)| cell(at)),
        });
    }
    if data.rows.is_empty() {
        return Err(ClassifierBenchError::NoRows { path: path.to_path_buf() });
    }
    Ok(data)
}

struct Head {
    path: PathBuf,
    head: StringRecord,
}

impl Head {
    fn find(&self, name: &str) -> Option<usize> {
        self.head.iter().position(|column| column == name)
    }

    fn column(&self, name: &str) -> Result<usize, ClassifierBenchError> {
        self.find(name).ok_or_else(|| ClassifierBenchError::NoColumn {
            path: self.path.clone(),
            column: name.to_owned(),
            columns: self.head.iter().collect::<Vec<_>>().join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const TABLE: &str =
        "model,prompt,response,label\nm,\"a, b\",\"one\ntwo\",DENIAL\nn,c,three,ERROR\n";

    fn columns<'a>(groups: &'a [String], response: &'a str) -> Columns<'a> {
        Columns { response, label: "label", groups, cluster: None }
    }

    #[test]
    fn a_compressed_file_is_read_and_rows_without_a_verdict_are_counted() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("rows.csv.gz");
        let mut file = GzEncoder::new(File::create(&path).expect("a file"), Compression::fast());
        file.write_all(TABLE.as_bytes()).expect("written");
        file.finish().expect("finished");
        let groups = ["model".to_owned(), "set".to_owned()];
        let verdicts = BTreeMap::from([("DENIAL".to_owned(), Verdict::Refused)]);
        let data = read(&path, &columns(&groups, "response"), &verdicts).expect("rows");
        assert_eq!(data.clusters, "prompt");
        assert_eq!(data.unmapped, BTreeMap::from([("ERROR".to_owned(), 1)]));
        let row = data.rows.first().expect("a row");
        assert_eq!(
            (row.response.as_str(), row.cluster.as_str(), row.number),
            ("one\ntwo", "a, b", 1)
        );
        assert_eq!(row.groups, BTreeMap::from([("model".to_owned(), "m".to_owned())]));
    }

    #[test]
    fn a_column_that_is_not_there_is_named_with_those_that_are() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("rows.csv");
        std::fs::write(&path, TABLE).expect("written");
        let error =
            read(&path, &columns(&[], "answer"), &BTreeMap::new()).expect_err("no such column");
        assert!(error.to_string().contains("`answer`"), "{error}");
        assert!(error.to_string().contains("model, prompt, response, label"), "{error}");
    }
}
