//! Long lists in pages of bounded JSON: a function's answer holds 6 MB.

use serde::Serialize;

/// Bytes of JSON after which a page ends, once it is escaped as a text within JSON, which is how a
/// function's answer travels.
pub const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of a JSON text within JSON.
pub fn escaped_bytes(json: &str) -> usize {
    json.len() + json.matches(['"', '\\']).count()
}

/// Cuts a page out of some lists, which count as one after the other.
#[derive(Debug)]
pub struct Cut {
    from: usize,
    room: usize,
    at: usize,
    is_empty: bool,
    next: Option<usize>,
}

impl Cut {
    /// From this entry on, in so many escaped bytes. A page has at least one entry.
    pub fn new(from: usize, room: usize) -> Self {
        Self { from, room, at: 0, is_empty: true, next: None }
    }

    /// The entry that a page's cursor names.
    pub fn read(cursor: &str) -> Option<usize> {
        cursor.parse().ok()
    }

    /// What of the next list is on this page.
    pub fn take<T: Serialize>(&mut self, list: Vec<T>) -> Result<Vec<T>, serde_json::Error> {
        let mut taken = Vec::new();
        for entry in list {
            let at = self.at;
            self.at += 1;
            if at < self.from || self.next.is_some() {
                continue;
            }
            let bytes = escaped_bytes(&serde_json::to_string(&entry)?) + 1;
            if bytes > self.room && !self.is_empty {
                self.next = Some(at);
                continue;
            }
            self.room = self.room.saturating_sub(bytes);
            self.is_empty = false;
            taken.push(entry);
        }
        Ok(taken)
    }

    /// Bytes that are left.
    pub fn room(&self) -> usize {
        self.room
    }

    /// The next page's cursor; none where this one is the last.
    pub fn cursor(&self) -> Option<String> {
        self.next.map(|next| next.to_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all_pages(first: &[String], second: &[String], room: usize) -> (Vec<String>, Vec<String>) {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        let mut from = Some(0);
        while let Some(at) = from {
            let mut cut = Cut::new(at, room);
            a.extend(cut.take(first.to_vec()).unwrap());
            b.extend(cut.take(second.to_vec()).unwrap());
            from = cut.cursor().map(|cursor| Cut::read(&cursor).unwrap());
            assert!(from.is_none_or(|next| next > at), "a page has an entry");
        }
        (a, b)
    }

    proptest! {
        #[test]
        fn all_pages_together_are_the_lists(
            first in prop::collection::vec("[a\"\\\\]{0,9}", 0..9),
            second in prop::collection::vec("[a\"\\\\]{0,9}", 0..9),
            room in 0_usize..200,
        ) {
            prop_assert_eq!(all_pages(&first, &second, room), (first, second));
        }
    }

    #[test]
    fn a_page_ends_where_its_escaped_bytes_do() {
        // Each is `"\"\""` in JSON: six bytes, twelve once they are escaped, and a comma.
        let list = vec!["\"\"".to_owned(); 5];
        let taken = |room| Cut::new(0, room).take(list.clone()).unwrap().len();
        assert_eq!([taken(0), taken(25), taken(26)], [1, 1, 2]);
        assert_eq!([taken(38), taken(39), taken(1000)], [2, 3, 5]);
    }
}
