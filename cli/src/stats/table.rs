//! Reading units × groups × yes or no from CSV.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

use beacon_analysis::statistics::interval::Cluster;
use csv::StringRecord;
use thiserror::Error;

use crate::arguments::Stats;

/// Of a table.
const MOST_BYTES: u64 = 16 << 20;

/// Each two of them are compared.
const MOST_GROUPS: usize = 20;

/// Of each, every group has its counts.
const MOST_UNITS: usize = 200_000;

/// Why a table cannot be compared.
#[derive(Debug, Error)]
pub(crate) enum StatsError {
    #[error("`{path}` cannot be read")]
    Read {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("`{path}` has more than {MOST_BYTES} bytes: leave out columns that are not compared")]
    TooLarge { path: String },
    #[error("`{path}` is not CSV with a header")]
    Csv {
        path: String,
        #[source]
        source: csv::Error,
    },
    #[error("`{path}` has no column `{column}`; it has {known}")]
    NoColumn { path: String, column: String, known: String },
    #[error("`{path}` has several columns `{column}`: rename all but one")]
    SeveralColumns { path: String, column: String },
    #[error("column `{column}` is named for two of --unit, --group and --outcome")]
    OneForTwo { column: String },
    #[error("`{path}`, line {line}: column `{column}` is empty")]
    Empty { path: String, line: u64, column: String },
    #[error(
        "`{path}`, line {line}: `{value}` in column `{column}` is none of 0, 1, false, true, no and yes"
    )]
    Outcome { path: String, line: u64, column: String, value: String },
    #[error("`{path}` has {groups} in column `{column}`: a comparison needs 2 to {MOST_GROUPS}")]
    Groups { path: String, column: String, groups: &'static str },
    #[error(
        "`{path}` has more than {MOST_UNITS} units in column `{column}`: leave out rows, or name with --unit the \
         column of what was observed in each group"
    )]
    Units { path: String, column: String },
}

/// A unit without a row.
const NONE: Cluster = Cluster { count: 0, of: 0 };

/// What was read.
#[derive(Debug)]
pub(super) struct Table {
    /// In the order in which the table first names them.
    pub(super) groups: Vec<String>,
    pub(super) units: Vec<Unit>,
}

#[derive(Debug)]
pub(super) struct Unit {
    pub(super) name: String,
    /// By group: its rows, and how many of them are yes.
    pub(super) counts: Vec<Cluster>,
}

impl Table {
    /// Reads it from a file, or from standard input.
    pub(super) fn read(options: &Stats) -> Result<Self, StatsError> {
        let path = options.paired.display().to_string();
        let text = text(&options.paired)
            .map_err(|source| StatsError::Read { path: path.clone(), source })?;
        if text.len() as u64 > MOST_BYTES {
            return Err(StatsError::TooLarge { path });
        }
        let rows = Rows { path, options };
        let (groups, units) = rows.read(&text)?;
        let wrong = match groups.len() {
            0 => Some("no group"),
            1 => Some("one group"),
            2..=MOST_GROUPS => None,
            _ => Some("more groups"),
        };
        if let Some(groups) = wrong {
            let column = options.group.clone();
            return Err(StatsError::Groups { path: rows.path, column, groups });
        }
        let units = units.into_iter().map(|mut unit| {
            unit.counts.resize(groups.len(), NONE);
            unit
        });
        Ok(Self { units: units.collect(), groups })
    }
}

/// One byte more than it may have shows that it has too many.
fn text(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    if path == Path::new("-") {
        stdin().lock().take(MOST_BYTES + 1).read_to_end(&mut text)?;
    } else {
        File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut text)?;
    }
    Ok(text)
}

/// The rows of one table.
#[derive(Debug)]
struct Rows<'a> {
    path: String,
    options: &'a Stats,
}

impl Rows<'_> {
    /// Groups and units, each in the order of their first rows. Reading ends with one group too many.
    fn read(&self, text: &[u8]) -> Result<(Vec<String>, Vec<Unit>), StatsError> {
        let failed = |source| StatsError::Csv { path: self.path.clone(), source };
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
        let [unit_at, group_at, outcome_at] = self.columns(reader.headers().map_err(failed)?)?;
        let (mut groups, mut units) = (Places::default(), Places::default());
        let mut all: Vec<Unit> = Vec::new();
        for record in reader.records() {
            let record = record.map_err(failed)?;
            let unit = units.place(self.name(&record, unit_at, &self.options.unit)?);
            let group = groups.place(self.name(&record, group_at, &self.options.group)?);
            let outcome = self.outcome(&record, outcome_at)?;
            if unit == all.len() {
                let name = record[unit_at].to_owned();
                all.push(Unit { name, counts: Vec::new() });
            }
            let counts = &mut all[unit].counts;
            if counts.len() <= group {
                counts.resize(group + 1, NONE);
            }
            counts[group].count += u64::from(outcome);
            counts[group].of += 1;
            if all.len() > MOST_UNITS {
                let (path, column) = (self.path.clone(), self.options.unit.clone());
                return Err(StatsError::Units { path, column });
            }
            if groups.names.len() > MOST_GROUPS {
                break;
            }
        }
        Ok((groups.names, all))
    }

    /// Where unit, group and outcome stand.
    fn columns(&self, header: &StringRecord) -> Result<[usize; 3], StatsError> {
        let Stats { paired: _, unit, group, outcome } = self.options;
        let at = |column: &String| -> Result<usize, StatsError> {
            let mut places = header.iter().enumerate().filter(|(_, name)| name == column);
            let (path, column) = (self.path.clone(), column.clone());
            match (places.next(), places.next()) {
                (Some((at, _)), None) => Ok(at),
                (Some(_), Some(_)) => Err(StatsError::SeveralColumns { path, column }),
                (None, _) => {
                    let known = header.iter().collect::<Vec<_>>().join(", ");
                    Err(StatsError::NoColumn { path, column, known })
                }
            }
        };
        let places = [at(unit)?, at(group)?, at(outcome)?];
        for (a, b, column) in [(0, 1, unit), (0, 2, unit), (1, 2, group)] {
            if places[a] == places[b] {
                return Err(StatsError::OneForTwo { column: column.clone() });
            }
        }
        Ok(places)
    }

    fn name<'r>(
        &self,
        record: &'r StringRecord,
        at: usize,
        column: &str,
    ) -> Result<&'r str, StatsError> {
        match &record[at] {
            "" => Err(StatsError::Empty {
                path: self.path.clone(),
                line: line(record),
                column: column.to_owned(),
            }),
            name => Ok(name),
        }
    }

    fn outcome(&self, record: &StringRecord, at: usize) -> Result<bool, StatsError> {
        /// Of a wrong value; it may be a whole answer.
        const SHOWN: usize = 40;
        match record[at].to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" => Ok(true),
            "0" | "false" | "no" => Ok(false),
            _ => Err(StatsError::Outcome {
                path: self.path.clone(),
                line: line(record),
                column: self.options.outcome.clone(),
                value: record[at].chars().take(SHOWN).collect(),
            }),
        }
    }
}

fn line(record: &StringRecord) -> u64 {
    record.position().map_or(0, csv::Position::line)
}

/// Names in the order in which they first came.
#[derive(Debug, Default)]
struct Places {
    names: Vec<String>,
    places: BTreeMap<String, usize>,
}

impl Places {
    fn place(&mut self, name: &str) -> usize {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = self.names.len();
        self.names.push(name.to_owned());
        self.places.insert(name.to_owned(), place);
        place
    }
}
