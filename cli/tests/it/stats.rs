//! Paired comparisons of tables that others published.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::place::{Done, Place, within};

const COLUMNS: [&str; 6] = ["--unit", "patient", "--group", "drug", "--outcome", "favourable"];

/// 46 patients and three drugs: Agresti (1990); SAS/STAT user's guide, PROC FREQ, "Cochran's Q Test".
fn drugs() -> String {
    let patterns = [("111", 6), ("110", 16), ("101", 2), ("100", 4), ("011", 2), ("010", 4)];
    let patterns = patterns.into_iter().chain([("001", 6), ("000", 6)]);
    let patients = patterns.flat_map(|(pattern, times)| vec![pattern; times]);
    let rows = patients.enumerate().flat_map(|(patient, pattern)| {
        let drugs = ["A", "B", "C"].into_iter().zip(pattern.chars());
        drugs.map(move |(drug, outcome)| format!("{outcome},{drug},p{patient}"))
    });
    let header = ["favourable,drug,patient".to_owned()];
    header.into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

async fn stats(place: &Place, file: &str) -> Done {
    place.beacon(&[&["stats", "--paired", file], &COLUMNS[..]].concat()).await
}

async fn compared(table: &str) -> Value {
    let place = Place::new();
    let done = stats(&place, &place.write("table.csv", table)).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(!place.data().exists(), "no tables are needed");
    done.json()
}

#[track_caller]
fn is(value: &Value, expected: f64) {
    let number = value.as_f64().unwrap_or_else(|| panic!("{value} is no number"));
    assert!((number - expected).abs() <= 5e-7 * expected.abs(), "{number}, not {expected}");
}

#[tokio::test]
async fn three_drugs_are_compared_as_the_textbook_has_it() {
    let view = compared(&drugs()).await;
    assert_eq!(view["rows"], 138);
    assert_eq!((&view["units"], &view["groups"]), (&46.into(), &3.into()));
    assert_eq!(view["left_out"], json!({"units": 0, "named": []}));
    // Wilson's interval by statsmodels, `proportion_confint`.
    let rate = &view["rates"][2];
    assert_eq!(
        (&rate["group"], &rate["count"], &rate["rows"]),
        (&"C".into(), &16.into(), &46.into())
    );
    is(&rate["share"]["known"], 16.0 / 46.0);
    is(&rate["interval"]["known"]["low"], 0.226_809_934);
    is(&rate["interval"]["known"]["high"], 0.492_299_412);
    // By statsmodels, `mcnemar` and `multipletests`; 8 and 20 patients on one drug only.
    let [ab, ac, bc] = [0, 1, 2].map(|at| &view["comparisons"][at]);
    assert_eq!((&bc["a"], &bc["b"]), (&"B".into(), &"C".into()));
    assert_eq!(ab["test"]["known"]["p"], 1.0);
    for of in [ac, bc] {
        assert_eq!((&of["count_a"], &of["count_b"]), (&28.into(), &16.into()));
        assert_eq!(of["test"]["known"]["method"], "mcnemar_exact");
        is(&of["difference"]["known"], -1_200.0 / 46.0);
        is(&of["test"]["known"]["p"], 0.035_698_138_2);
        is(&of["test"]["known"]["p_holm"], 0.107_094_415);
        is(&of["test"]["known"]["p_bh"], 0.053_547_207_3);
        let interval = &of["interval"]["known"];
        assert!(interval["high"].as_f64() < Some(0.0), "{interval}");
    }
    let test = &view["omnibus"]["test"]["known"];
    assert_eq!(test["method"], "cochran_q");
    is(&test["statistic"], 8.470_588_24);
    is(&test["p"], 0.014_475_552_1);
}

/// Which way each of eight patients' rows differ, four of either drug: net 3, −1, 2, 0, 4, 1, −2 and 3. By
/// scipy 1.17.1, `permutation_test`.
#[tokio::test]
async fn several_rows_a_unit_are_permuted_together() {
    let mut rows = vec!["patient,drug,favourable".to_owned()];
    for (patient, net) in [3, -1, 2, 0, 4, 1, -2, 3].into_iter().enumerate() {
        for row in 0..4 {
            let b = if row < net { "Yes" } else { "NO" };
            rows.push(format!("{patient},A,{}", row < -net));
            rows.push(format!("{patient},B,{b}"));
        }
    }
    // One patient has a row more of one drug, another no other drug.
    rows.extend(["9,A,1", "9,A,0", "9,B,1", "8,B,0"].map(str::to_owned));
    let view = compared(&rows.join("\n")).await;
    let of = &view["comparisons"][0];
    assert_eq!((&of["pairs"], &of["units"]), (&32.into(), &8.into()), "{view}");
    assert_eq!((&of["unpaired_rows"], &of["units_left_out"]), (&3.into(), &2.into()), "{view}");
    is(&of["difference"]["known"], 31.25);
    assert_eq!(of["interval"], json!({"absent": "too_few_questions"}));
    let test = &of["test"]["known"];
    assert_eq!(test["method"], "cluster_permutation");
    is(&test["p"], 0.187_5);
    assert_eq!(test["draws"], Value::Null);
    let left_out = json!({"units": 1, "named": [{"unit": "8", "misses": ["A"]}]});
    assert_eq!((&view["left_out"], view.get("omnibus")), (&left_out, None));
}

/// Twelve patients with four rows of each of three drugs, and one with fewer of the last.
#[tokio::test]
async fn the_order_of_rows_changes_no_number() {
    let mut rows = Vec::new();
    for patient in 0..12 {
        for (at, drug) in ["A", "B", "C"].into_iter().enumerate() {
            for row in 0..4 {
                let outcome = u8::from((patient * 7 + at * 3 + row * row) % 5 < 2 + at % 2);
                rows.push(format!("{patient},{drug},{outcome}"));
            }
        }
    }
    rows.extend(["u,A,1", "u,A,0", "u,B,0", "u,B,1", "u,C,1"].map(str::to_owned));
    let table = |rows: &[String]| format!("patient,drug,favourable\n{}\n", rows.join("\n"));
    let view = compared(&table(&rows)).await;
    assert!(view["comparisons"][0]["interval"]["known"].is_object(), "{view}");
    assert!(view["omnibus"]["test"]["known"].is_object(), "{view}");
    assert_eq!(view["omnibus"]["units_left_out"], 1);
    let [ab, ac] = [0, 1].map(|at| &view["comparisons"][at]);
    assert_eq!((&ab["units_left_out"], &ab["unpaired_rows"]), (&0.into(), &0.into()));
    assert_eq!((&ac["units_left_out"], &ac["unpaired_rows"]), (&1.into(), &3.into()));
    // Groups and units keep their first rows; those within a unit and a group are sorted.
    let mut sorted = rows.clone();
    let place = |row: &String| {
        let name = row.rsplit_once(',').unwrap().0.to_owned();
        rows.iter().position(|row| row.starts_with(&format!("{name},"))).unwrap()
    };
    sorted.sort_by_key(|row| (place(row), row.ends_with('1')));
    assert_ne!(sorted, rows);
    assert_eq!(compared(&table(&sorted)).await, view);
    sorted.sort_by_key(|row| (place(row), row.ends_with('0')));
    assert_eq!(compared(&table(&sorted)).await, view);
}

#[tokio::test]
async fn what_cannot_be_computed_is_absent_with_its_reason() {
    let view = compared("patient,drug,favourable\nx,A,1\ny,A,1\ny,B,1\nz,C,0\n").await;
    let tests = [0, 1, 2].map(|at| view["comparisons"][at]["test"]["absent"].clone());
    assert_eq!(tests, ["no_variation", "no_pairs", "no_pairs"]);
    assert_eq!(view["comparisons"][1]["difference"], json!({"absent": "no_pairs"}));
    assert_eq!(view["omnibus"]["test"], json!({"absent": "no_pairs"}));
    assert_eq!(view["left_out"]["units"], 3);
}

#[tokio::test]
async fn standard_input_is_a_table_too() {
    let place = Place::new();
    let mut command = place.command(&[&["stats", "--paired", "-"], &COLUMNS[..]].concat());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(drugs().as_bytes()).await.unwrap();
    drop(input);
    let done = Done::from(within(child.wait_with_output()).await.unwrap());
    assert_eq!(done.json()["rows"], 138, "{done:?}");
}

#[tokio::test]
async fn what_is_wrong_with_a_table_is_said_with_its_line() {
    let place = Place::new();
    let header = "patient,drug,favourable\n";
    let many: Vec<String> = (0..21).map(|drug| format!("x,{drug},1")).collect();
    for (table, said) in [
        (
            &*format!("{header}x,A,1\ny,A,maybe\n"),
            "line 3: `maybe` in column `favourable` is none of",
        ),
        (&format!("{header}x,A,1\n,A,1\n"), "line 3: column `patient` is empty"),
        (&format!("{header}x,A\n"), "is not CSV with a header"),
        ("patient,drug\nx,A\n", "has no column `favourable`; it has patient, drug"),
        ("patient,drug,drug,favourable\n", "has several columns `drug`"),
        (&format!("{header}x,A,1\n"), "has one group in column `drug`: a comparison needs 2 to 20"),
        (header, "has no group in column `drug`"),
        (&format!("{header}{}", many.join("\n")), "has more groups in column `drug`"),
    ] {
        let done = stats(&place, &place.write("table.csv", table)).await;
        assert_eq!(done.code, Some(2), "{said}: {done:?}");
        assert!(done.stderr.contains(said), "{said}: {done:?}");
        assert!(done.stdout.is_empty(), "{done:?}");
    }
    let done = stats(&place, "missing.csv").await;
    assert!(done.stderr.contains("`missing.csv` cannot be read"), "{done:?}");
    let large = place.write("table.csv", &"x".repeat((16 << 20) + 1));
    let done = stats(&place, &large).await;
    assert!(done.stderr.contains("has more than 16777216 bytes"), "{:?}", done.code);
    let units: Vec<String> = (0..=200_000).map(|unit| format!("{unit},A,1\n")).collect();
    let done =
        stats(&place, &place.write("table.csv", &format!("{header}{}", units.concat()))).await;
    assert_eq!(done.code, Some(2), "{done:?}");
    assert!(
        done.stderr.contains("has more than 200000 units in column `patient`: leave out rows"),
        "{done:?}"
    );
    let twice = ["--unit", "drug", "--group", "drug", "--outcome", "favourable"];
    let file = place.write("table.csv", header);
    let done = place.beacon(&[&["stats", "--paired", &*file], &twice[..]].concat()).await;
    assert!(done.stderr.contains("column `drug` is named for two"), "{done:?}");
}
