//! The links of `README.md` and of the documentation lead to files, and to headings, that are there.

use std::collections::BTreeSet;
use std::path::Path;

use super::{collect, read, root};

#[test]
fn every_relative_link_leads_somewhere() {
    let mut files = vec![root().join("README.md")];
    collect(&root().join("docs"), "md", &mut files);
    let (mut broken, mut seen) = (Vec::new(), 0);
    for file in &files {
        for link in links(&read(file)) {
            seen += 1;
            if !leads(file, &link) {
                broken.push(format!("{}: {link}", file.display()));
            }
        }
    }
    assert!(seen > 100, "only {seen} links were found");
    assert!(broken.is_empty(), "{broken:#?}");
}

/// What stands in `](…)`, and is no address.
fn links(markdown: &str) -> Vec<String> {
    let text = without_code(markdown);
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://")).map(str::to_owned).collect()
}

/// Blocks of code hold no links.
fn without_code(markdown: &str) -> String {
    let mut in_code = false;
    let mut outside = |line: &&str| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    };
    markdown.lines().filter(|line| outside(line)).collect::<Vec<_>>().join("\n")
}

fn leads(from: &Path, link: &str) -> bool {
    let (path, heading) = link.split_once('#').unwrap_or((link, ""));
    let file = match path {
        "" => from.to_owned(),
        path => from.parent().unwrap().join(path),
    };
    file.exists() && (heading.is_empty() || headings(&read(&file)).contains(heading))
}

/// As the addresses of pages have them.
fn headings(markdown: &str) -> BTreeSet<String> {
    let text = without_code(markdown);
    let heading = |line: &str| {
        let title = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?;
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        Some(kept.collect::<String>().to_lowercase().replace(' ', "-"))
    };
    text.lines().filter_map(heading).collect()
}
