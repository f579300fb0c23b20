//! Merkle trees: RFC 9162, §2.1 (Certificate Transparency 2.0), with SHA-256.
//!
//! A tree over many leaves is stored in parts of [`PART`] leaves, each a whole subtree but the last. A
//! proof is then made from one part and the roots of all.

use thiserror::Error;

use crate::hash::Hash;

/// Leaves of a part. A power of two, so that no subtree of the whole cuts through a part.
pub const PART: usize = 1024;

/// The hash of a leaf with this content.
pub fn leaf(content: &[u8]) -> Hash {
    Hash::of_parts(&[&[0], content])
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Hash::of_parts(&[&[1], left.as_bytes(), right.as_bytes()])
}

/// The root over leaves, or over whole subtrees of one size and a last one. Of none it is the hash of
/// nothing.
pub fn root(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => Hash::of(&[]),
        [one] => *one,
        several => {
            let (left, right) = several.split_at(split(several.len()));
            node(&root(left), &root(right))
        }
    }
}

/// The largest power of two that is smaller than a count of two or more.
fn split(count: usize) -> usize {
    1 << (count - 1).ilog2()
}

/// A hash beside the way from a leaf to the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sibling {
    /// Of the subtree beside.
    pub hash: Hash,
    /// Whether that is on the right.
    pub is_right: bool,
}

/// The inclusion path of a leaf, from the leaf upwards; none where there is no such leaf.
fn path(index: usize, hashes: &[Hash]) -> Option<Vec<Sibling>> {
    if index >= hashes.len() {
        return None;
    }
    if hashes.len() == 1 {
        return Some(Vec::new());
    }
    let (left, right) = hashes.split_at(split(hashes.len()));
    let is_right = index < left.len();
    let mut below = if is_right { path(index, left) } else { path(index - left.len(), right) }?;
    below.push(Sibling { hash: root(if is_right { right } else { left }), is_right });
    Some(below)
}

/// The inclusion path of the leaf at this place in its part, and of that part in the whole tree.
pub fn path_through(
    place: usize,
    part: &[Hash],
    index: usize,
    parts: &[Hash],
) -> Option<Vec<Sibling>> {
    let mut siblings = path(place, part)?;
    siblings.extend(path(index, parts)?);
    Some(siblings)
}

/// The roots of the parts of a tree.
pub fn part_roots(leaves: &[Hash]) -> Vec<Hash> {
    leaves.chunks(PART).map(root).collect()
}

/// Why a proof does not show what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotIncluded {
    /// The tree has no such leaf.
    #[error("leaf {index} is not in a tree of {size}")]
    NoSuchLeaf {
        /// From 0.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// A tree of this size has another path there.
    #[error("the siblings, or their directions, are not those of leaf {index} in a tree of {size}")]
    OtherPath {
        /// From 0.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// The path leads to another root.
    #[error("the leaf and its siblings give the root {computed}, not the one that is claimed")]
    OtherRoot {
        /// What they give.
        computed: Hash,
    },
}

/// Verifies an inclusion proof (RFC 9162, §2.1.3.2).
pub fn verify(
    index: u64,
    size: u64,
    leaf: Hash,
    siblings: &[Sibling],
    root: &Hash,
) -> Result<(), NotIncluded> {
    if index >= size {
        return Err(NotIncluded::NoSuchLeaf { index, size });
    }
    let other = NotIncluded::OtherPath { index, size };
    let (mut at, mut last, mut computed) = (index, size - 1, leaf);
    for Sibling { hash, is_right } in siblings {
        if last == 0 {
            return Err(other);
        }
        let is_left_of_it = at % 2 == 1 || at == last;
        if is_left_of_it == *is_right {
            return Err(other);
        }
        if is_left_of_it {
            computed = node(hash, &computed);
            // The last leaf of an incomplete level stands for its parents up to where it has a sibling.
            while at % 2 == 0 && at != 0 {
                at /= 2;
                last /= 2;
            }
        } else {
            computed = node(&computed, hash);
        }
        at /= 2;
        last /= 2;
    }
    if last != 0 {
        return Err(other);
    }
    if computed == *root { Ok(()) } else { Err(NotIncluded::OtherRoot { computed }) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn leaves(count: usize) -> Vec<Hash> {
        (0..count).map(|index| leaf(format!("tx{index}").as_bytes())).collect()
    }

    fn proof(index: usize, leaves: &[Hash]) -> Option<Vec<Sibling>> {
        let (part, place) = (index / PART, index % PART);
        let in_part = leaves.chunks(PART).nth(part)?;
        path_through(place, in_part, part, &part_roots(leaves))
    }

    #[test]
    fn hashes_are_those_of_the_public_test_vectors() {
        // Of the tree that implementations of Certificate Transparency are tested with (RFC 6962's and
        // RFC 9162's hashing are the same).
        let contents: [&[u8]; 8] = [
            b"",
            b"\0",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let leaves: Vec<Hash> = contents.iter().map(|content| leaf(content)).collect();
        for (count, expected) in [
            (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
            (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
            (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
        ] {
            assert_eq!(root(&leaves[..count]).to_string(), expected, "{count}");
        }
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_proved_and_nothing_else_is() {
        for count in 1..40 {
            let leaves = leaves(count);
            let (root, size) = (root(&leaves), count as u64);
            for index in 0..count {
                let siblings = proof(index, &leaves).unwrap();
                let check = |at: usize, size, leaf, siblings: &[Sibling]| {
                    verify(at as u64, size, leaf, siblings, &root)
                };
                assert_eq!(check(index, size, leaves[index], &siblings), Ok(()));
                for other in (0..count).filter(|other| *other != index) {
                    assert!(check(other, size, leaves[index], &siblings).is_err());
                    assert!(check(index, size, leaves[other], &siblings).is_err());
                }
                assert!(check(count, size, leaves[index], &siblings).is_err());
                for at in 0..siblings.len() {
                    let mut turned = siblings.clone();
                    turned[at].is_right = !turned[at].is_right;
                    assert!(check(index, size, leaves[index], &turned).is_err());
                    turned.remove(at);
                    assert!(check(index, size, leaves[index], &turned).is_err());
                }
                let longer = [siblings.clone(), siblings.clone()].concat();
                assert!(siblings.is_empty() || check(index, size, leaves[index], &longer).is_err());
            }
            assert_eq!(proof(count, &leaves), None);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn a_tree_in_parts_is_the_whole_tree(count in 1usize..6 * PART, at in any::<prop::sample::Index>()) {
            let leaves = leaves(count);
            let whole = root(&leaves);
            prop_assert_eq!(root(&part_roots(&leaves)), whole);
            let index = at.index(count);
            let siblings = proof(index, &leaves).unwrap();
            prop_assert_eq!(Some(siblings.clone()), path(index, &leaves));
            prop_assert_eq!(verify(index as u64, count as u64, leaves[index], &siblings, &whole), Ok(()));
        }
    }
}
