//! The document and the routes say the same.

use super::*;
use crate::route::Route;

#[test]
fn every_path_is_a_route_that_needs_the_role_it_says() {
    let document = document(|_| {});
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 15);
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().unwrap() {
            let id = if path.contains("/executions/{id}") { "j.0.us-east.0.m" } else { "j" };
            let there = path.replace("{id}", id);
            let route = Route::read(&method.to_uppercase(), &there).unwrap();
            let role = operation["x-beacon-role"].as_str();
            assert_eq!(role, route.needs().map(Role::name), "{method} {path}");
            assert_eq!(operation["security"].is_array(), role.is_some(), "{method} {path}");
        }
    }
}

#[test]
fn only_reads_that_show_nobodys_work_are_open() {
    let document = document(|_| {});
    let mut open = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            match operation["x-beacon-role"].as_str() {
                None => open.push(format!("{method} {path}")),
                Some(role) => assert!(
                    method == "get" || role == "submitter" || path.ends_with("/cross-region-diff"),
                    "{method} {path}"
                ),
            }
        }
    }
    assert_eq!(
        open,
        [
            "get /api/v1/health",
            "get /api/v1/questions",
            "get /health",
            "get /health/live",
            "get /health/ready",
            "get /openapi.json",
        ]
    );
}
