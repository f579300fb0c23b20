//! The root of a job's receipts, the leaves under it in parts, and which job was signed for last.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use beacon_core::{ExecutionId, JobId, QuestionIndex, Run};
use beacon_evidence::canonical::read_canonical;
use beacon_evidence::hash::Hash;
use beacon_evidence::merkle::{PART, Sibling, part_roots, path_through};
use beacon_evidence::root::{Proof, Root};

use super::item::{Attributes, Item, bytes, number, text, time};
use super::key::{self, PK, SK};
use super::put::Put;
use super::{Table, TableError, request};

/// The signed root's canonical JSON.
const ROOT: &str = "root";
/// The roots of the parts, one after the other.
const PARTS: &str = "parts";
/// Where each part begins: its first leaf's place in a job.
const STARTS: &str = "starts";
const LEAVES: &str = "leaves";
/// Of each of them, its place in a job.
const PLACES: &str = "places";
const LAST_JOB: &str = "job";
const LAST_RUN: &str = "run";
const FINISHED_AT: &str = "finished_at";

/// Where in a job's order an execution stands: its region's index in the specification, and its question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// From 0.
    pub region: u16,
    /// From 0.
    pub question: QuestionIndex,
}

impl Place {
    /// Of a job's first question.
    pub const FIRST: Self = Self { region: 0, question: QuestionIndex(0) };

    const BYTES: usize = 6;

    fn write(self) -> [u8; Self::BYTES] {
        let ([r0, r1], [q0, q1, q2, q3]) =
            (self.region.to_be_bytes(), self.question.0.to_be_bytes());
        [r0, r1, q0, q1, q2, q3]
    }

    fn read(bytes: [u8; Self::BYTES]) -> Self {
        let [r0, r1, question @ ..] = bytes;
        let question = QuestionIndex(u32::from_be_bytes(question));
        Self { region: u16::from_be_bytes([r0, r1]), question }
    }
}

/// A leaf, and whose it is, about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// Of the receipt.
    pub hash: Hash,
    /// Of the execution.
    pub place: Place,
}

/// A root with what leads to its leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRoot {
    /// As it was signed.
    pub root: Root,
    parts: Vec<Hash>,
    starts: Vec<Place>,
}

impl StoredRoot {
    /// The parts in which leaves of a place are.
    fn parts_of(&self, place: Place) -> impl Iterator<Item = usize> + '_ {
        let after = move |part: usize| self.starts.get(part + 1).is_none_or(|next| *next >= place);
        let starts = self.starts.iter().enumerate();
        starts.filter(move |(part, start)| **start <= place && after(*part)).map(|(part, _)| part)
    }
}

impl Table {
    /// Stores a full part of a run's leaves, which are the same whoever stores them.
    pub async fn put_leaves(
        &self,
        job: &JobId,
        run: Run,
        part: usize,
        leaves: &[Leaf],
    ) -> Result<(), TableError> {
        let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf.hash).collect();
        let places: Vec<u8> = leaves.iter().flat_map(|leaf| leaf.place.write()).collect();
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .item(PK, text(key::job(job)))
            .item(SK, text(key::leaves(run, part)))
            .item(LEAVES, bytes(joined(&hashes)))
            .item(PLACES, bytes(places));
        self.put_if(job, put, "store leaves").await?;
        Ok(())
    }

    /// The leaves of a run in the full parts that are stored, up to the first that is not.
    pub async fn leaves_so_far(&self, job: &JobId, run: Run) -> Result<Vec<Leaf>, TableError> {
        let mut leaves: Vec<Leaf> = Vec::new();
        for part in 0.. {
            let found = self.get(key::job(job), key::leaves(run, part)).await?;
            let Some(attributes) = found else { break };
            let item = Item(&attributes);
            let places = chunks(item, PLACES)?.into_iter().map(Place::read);
            let part = hashes_of(item, LEAVES)?.into_iter().zip(places);
            let before = leaves.len();
            leaves.extend(part.map(|(hash, place)| Leaf { hash, place }));
            if leaves.len() < before + PART {
                leaves.truncate(before);
                break;
            }
        }
        Ok(leaves)
    }

    /// Stores a root over these leaves, of which the full parts are stored, unless its run has one; and
    /// remembers the job as the one that was signed for last, unless a later one was. Whether it is the root.
    pub async fn put_root(&self, root: &Root, leaves: &[Leaf]) -> Result<bool, TableError> {
        let (job, run) = (&root.body.job_id, root.body.run);
        let rest = leaves.chunks_exact(PART).remainder();
        if !rest.is_empty() {
            self.put_leaves(job, run, leaves.len() / PART, rest).await?;
        }
        let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf.hash).collect();
        let starts = leaves.chunks(PART).filter_map(|part| part.first());
        let starts: Vec<u8> = starts.flat_map(|leaf| leaf.place.write()).collect();
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .item(PK, text(key::job(job)))
            .item(SK, text(key::root(run)))
            .item(ROOT, text(String::from_utf8_lossy(&root.canonical())))
            .item(PARTS, bytes(joined(&part_roots(&hashes))))
            .item(STARTS, bytes(starts))
            .condition_expression("attribute_not_exists(pk)");
        let is_stored = match self.put_if(job, put, "store a root").await? {
            Put::Stored => true,
            Put::Refused(_) => false,
        };
        self.remember_root(root).await?;
        Ok(is_stored)
    }

    /// Remembers a root's job as the one that was signed for last, unless a later one was.
    pub async fn remember_root(&self, root: &Root) -> Result<(), TableError> {
        let body = &root.body;
        let update = self
            .client
            .update_item()
            .table_name(&self.name)
            .key(PK, text(key::LAST_ROOT))
            .key(SK, text(key::LAST_ROOT))
            .update_expression("SET #at = :at, #job = :job, #run = :run")
            .condition_expression("attribute_not_exists(pk) OR #at < :at")
            .expression_attribute_names("#at", FINISHED_AT)
            .expression_attribute_names("#job", LAST_JOB)
            .expression_attribute_names("#run", LAST_RUN)
            .expression_attribute_values(":at", time(body.finished_at))
            .expression_attribute_values(":job", text(body.job_id.as_str()))
            .expression_attribute_values(":run", number(body.run));
        match update.send().await.map_err(SdkError::into_service_error) {
            Ok(_) | Err(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
            Err(error) => Err(request("remember a root", error)),
        }
    }

    /// The job that was finalised last of those with a root, and its run.
    pub async fn last_root(&self) -> Result<Option<(JobId, Run)>, TableError> {
        let found = self.get(key::LAST_ROOT.to_owned(), key::LAST_ROOT.to_owned()).await?;
        let Some(attributes) = found else { return Ok(None) };
        let item = Item(&attributes);
        Ok(Some((item.required(LAST_JOB)?, Run(item.number(LAST_RUN)?))))
    }

    /// The root of a job's run, read strongly.
    pub async fn root(&self, job: &JobId, run: Run) -> Result<Option<StoredRoot>, TableError> {
        let found = self.get(key::job(job), key::root(run)).await?;
        found.as_ref().map(stored).transpose()
    }

    /// The root of the last run of a job that has one, read strongly.
    pub async fn latest_root(&self, job: &JobId) -> Result<Option<StoredRoot>, TableError> {
        let query = self.beginning(key::job(job), key::ROOTS).scan_index_forward(false).limit(1);
        let found = query.send().await.map_err(|error| request("read a root", error))?;
        found.items().first().map(stored).transpose()
    }

    /// Proves that the leaf of an index is under a root; none where there is no such leaf.
    pub async fn proof(&self, of: &StoredRoot, index: u64) -> Result<Option<Proof>, TableError> {
        let Ok(index) = usize::try_from(index) else { return Ok(None) };
        if index >= of.parts.len().saturating_mul(PART) {
            return Ok(None);
        }
        let (part, place) = (index / PART, index % PART);
        let leaves = self.leaves(of, part).await?;
        let path: Option<Vec<Sibling>> = path_through(place, &leaves, part, &of.parts);
        let (Some(path), Some(leaf)) = (path, leaves.get(place)) else { return Ok(None) };
        Ok(Some(Proof::new(None, index as u64, *leaf, &path, of.root.clone())))
    }

    /// Proves that an execution's receipt is under a root; none where it is not.
    pub async fn proof_of(
        &self,
        of: &StoredRoot,
        id: &ExecutionId,
        leaf: Leaf,
    ) -> Result<Option<Proof>, TableError> {
        for part in of.parts_of(leaf.place) {
            let leaves = self.leaves(of, part).await?;
            let Some(place) = leaves.iter().position(|hash| *hash == leaf.hash) else { continue };
            let Some(path) = path_through(place, &leaves, part, &of.parts) else { continue };
            let (index, root) = ((part * PART + place) as u64, of.root.clone());
            return Ok(Some(Proof::new(Some(id.clone()), index, leaf.hash, &path, root)));
        }
        Ok(None)
    }

    async fn leaves(&self, of: &StoredRoot, part: usize) -> Result<Vec<Hash>, TableError> {
        let (job, run) = (&of.root.body.job_id, of.root.body.run);
        let item = self.get(key::job(job), key::leaves(run, part)).await?.unwrap_or_default();
        hashes_of(Item(&item), LEAVES)
    }

    async fn get(&self, pk: String, sk: String) -> Result<Option<Attributes>, TableError> {
        let get = self.client.get_item().table_name(&self.name).key(PK, text(pk)).key(SK, text(sk));
        let get = get.consistent_read(true).send().await;
        Ok(get.map_err(|error| request("read a root", error))?.item)
    }
}

fn stored(attributes: &Attributes) -> Result<StoredRoot, TableError> {
    let item = Item(attributes);
    let root: Root =
        read_canonical(item.text(ROOT)?.as_bytes()).map_err(|_other| item.corrupt(ROOT))?;
    let parts = hashes_of(item, PARTS)?;
    let starts = chunks(item, STARTS)?.into_iter().map(Place::read).collect();
    Ok(StoredRoot { root, parts, starts })
}

fn joined(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

fn hashes_of(item: Item<'_>, name: &'static str) -> Result<Vec<Hash>, TableError> {
    Ok(chunks(item, name)?.into_iter().map(Hash::from).collect())
}

fn chunks<const N: usize>(item: Item<'_>, name: &'static str) -> Result<Vec<[u8; N]>, TableError> {
    let bytes = item.optional_bytes(name)?.ok_or_else(|| item.corrupt(name))?;
    let (chunks, rest) = bytes.as_chunks::<N>();
    if rest.is_empty() { Ok(chunks.to_vec()) } else { Err(item.corrupt(name)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(region: u16, question: u32) -> Place {
        Place { region, question: QuestionIndex(question) }
    }

    #[test]
    fn a_place_is_read_as_it_was_written_and_bytes_sort_as_places_do() {
        let places = [place(0, 0), place(0, 255), place(0, 256), place(1, 0), place(256, 9_999)];
        for of in places {
            assert_eq!(Place::read(of.write()), of);
        }
        assert!(places.is_sorted() && places.map(Place::write).is_sorted());
    }
}
