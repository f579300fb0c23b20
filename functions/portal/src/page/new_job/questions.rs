//! A person's own questions, a line each.

use beacon_core::QuestionId;

/// A question of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Which line, from 1.
    pub(super) number: usize,
    /// What the line calls it; none where a name is to be made.
    pub(super) id: Option<String>,
    pub(super) text: String,
}

/// The questions of a text, those of blank lines left out.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let lines = (1..).zip(text.lines()).map(|(number, line)| (number, line.trim()));
    let questions = lines.filter(|(_, line)| !line.is_empty()).map(|(number, line)| {
        let (id, text) = named(line);
        Line { number, id, text: text.to_owned() }
    });
    questions.collect()
}

/// `id: text` where what stands before the colon is an id and a blank behind it, else the text alone.
fn named(line: &str) -> (Option<String>, &str) {
    match line.split_once(':') {
        Some((id, text)) if text.starts_with([' ', '\t']) && QuestionId::new(id).is_ok() => {
            (Some(id.to_owned()), text.trim_start())
        }
        Some(_) | None => (None, line),
    }
}

/// Names for questions that have none: `q1`, `q2` and so on, those that are taken left out.
#[derive(Debug, Default)]
pub(super) struct Names {
    last: usize,
}

impl Names {
    /// The next that is not taken.
    pub(super) fn next(&mut self, is_taken: impl Fn(&str) -> bool) -> String {
        loop {
            self.last += 1;
            let name = format!("q{}", self.last);
            if !is_taken(&name) {
                return name;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_question_and_may_say_what_it_is_called() {
        let text = "Who are you?\r\n\r\n  me-2: Who am I?  \nAt 12:30, what happens?\nNo id: is this?\n:\nq1:\n\
                    a.b:\tYes?";
        let read: Vec<_> =
            lines(text).into_iter().map(|line| (line.number, line.id, line.text)).collect();
        let line =
            |number, id: Option<&str>, text: &str| (number, id.map(str::to_owned), text.to_owned());
        assert_eq!(
            read,
            [
                line(1, None, "Who are you?"),
                line(3, Some("me-2"), "Who am I?"),
                line(4, None, "At 12:30, what happens?"),
                line(5, None, "No id: is this?"),
                line(6, None, ":"),
                line(7, None, "q1:"),
                line(8, Some("a.b"), "Yes?"),
            ]
        );
    }

    #[test]
    fn names_that_are_made_are_nobody_elses() {
        let mut names = Names::default();
        let mut made = || names.next(|name| name == "q2");
        assert_eq!([made(), made(), made()], ["q1", "q3", "q4"]);
    }
}
