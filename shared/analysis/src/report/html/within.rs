//! The report's style for a report within a page of another make: it says nothing of what stands around it.

use super::STYLE;

/// [`STYLE`] for what stands in elements of this selector alone, such as `.report`. What it says of a whole page
/// is left out; a rule weighs as much as in a report of its own.
pub fn style_within(scope: &str) -> String {
    within(STYLE, scope)
}

/// The same of any rules without comments, and without a comma or brace in a selector or text.
fn within(style: &str, scope: &str) -> String {
    let (mut out, mut rest) = (String::new(), style);
    while let Some((head, behind)) = rest.split_once('{') {
        let (block, after) = behind.split_at(end(behind));
        rest = after.strip_prefix('}').unwrap_or(after);
        let head = head.trim();
        let (head, block) = if head.starts_with('@') {
            (head.to_owned(), format!("\n{}", within(block, scope)))
        } else {
            let selectors = head.split(',').filter_map(|selector| one(selector.trim(), scope));
            (selectors.collect::<Vec<_>>().join(", "), block.to_owned())
        };
        if !head.is_empty() {
            out.push_str(&head);
            out.push_str(" {");
            out.push_str(&block);
            out.push_str("}\n");
        }
    }
    out
}

/// Where a block ends whose beginning was read.
fn end(block: &str) -> usize {
    let mut depth = 0_usize;
    let closes = |(_, byte): &(usize, u8)| {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return true,
            b'}' => depth -= 1,
            _ => {}
        }
        false
    };
    block.bytes().enumerate().find(closes).map_or(block.len(), |(place, _)| place)
}

/// A selector; none where it is of the page.
fn one(selector: &str, scope: &str) -> Option<String> {
    match selector {
        "html" | "body" => None,
        ":root" => Some(scope.to_owned()),
        // It adds no weight, and browsers that know no `@scope` know it.
        of => Some(format!(":where({scope}) {of}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_hold_within_an_element_alone() {
        let style = ":root { --a: 1; }\nbody, p { margin: 0; }\nhtml { x: y; }\n\
            @media print {\n  :root { --a: 2; }\n  th[scope=row], td { x: y; }\n}\na { x: y; }\n";
        let expected = ".r { --a: 1; }\n:where(.r) p { margin: 0; }\n\
            @media print {\n.r { --a: 2; }\n:where(.r) th[scope=row], :where(.r) td { x: y; }\n}\n\
            :where(.r) a { x: y; }\n";
        assert_eq!(within(style, ".r"), expected);
    }

    #[test]
    fn every_rule_of_the_style_is_there_and_none_is_of_the_page() {
        let style = style_within(".report");
        for of_page in [":root", "html", "body", "@scope"] {
            assert!(!style.contains(of_page), "{of_page}: {style}");
        }
        assert_eq!(style.matches('{').count(), style.matches('}').count());
        let heads = style.lines().filter_map(|line| Some(line.split_once('{')?.0.trim()));
        for head in heads.filter(|head| !head.starts_with('@')) {
            let is_within = |one: &str| one == ".report" || one.starts_with(":where(.report) ");
            assert!(head.split(", ").all(is_within), "{head}");
        }
        let rules = |style: &str| style.matches('{').count();
        let of_page = STYLE.lines().filter(|line| {
            let line = line.trim_start();
            line.starts_with("body {") || line.starts_with("html {")
        });
        assert_eq!(rules(&style) + of_page.count(), rules(STYLE));
    }
}
