//! Inclusion and consistency proofs (RFC 9162, section 2.1, which gives the algorithms that RFC
//! 6962 describes).

use super::hash::Hash;

/// That an entry is the one at some index of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// The entry's index, from 0.
    pub index: u64,
    /// The size of the tree.
    pub size: u64,
    /// The hashes beside the way from the entry to the root, from below: at most 64.
    pub path: Vec<Hash>,
}

/// That a tree holds all of an older one, at the same places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// The size of the older tree.
    pub old_size: u64,
    /// The size of the newer tree.
    pub new_size: u64,
    /// The hashes of RFC 9162, section 2.1.4.1: at most 65.
    pub path: Vec<Hash>,
}

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Index and sizes belong to no tree, or the proof has not as many hashes as they ask for.
    #[error("this is no proof for these sizes: ask the log for it anew")]
    Shape,
    /// The proof leads to another root.
    #[error(
        "the proof does not lead to the root of the checkpoint: \
         log and checkpoint contradict each other"
    )]
    Root,
}

impl InclusionProof {
    /// Verifies that the entry of this hash is in the tree of this root (RFC 9162, section
    /// 2.1.3.2).
    pub fn verify(&self, entry: &Hash, root: &Hash) -> Result<(), ProofError> {
        if self.index >= self.size {
            return Err(ProofError::Shape);
        }
        let mut hash = *entry;
        climb(self.path.iter(), self.index, self.size - 1, |side, beside| {
            hash = match side {
                Side::Left => Hash::of_children(beside, &hash),
                Side::Right => Hash::of_children(&hash, beside),
            };
        })?;
        if hash == *root { Ok(()) } else { Err(ProofError::Root) }
    }
}

impl ConsistencyProof {
    /// Verifies that the tree of the new root holds that of the old (RFC 9162, section 2.1.4.2).
    ///
    /// A tree without entries is in every tree, by an empty proof; so is each tree in itself.
    pub fn verify(&self, old_root: &Hash, new_root: &Hash) -> Result<(), ProofError> {
        let (old_size, new_size) = (self.old_size, self.new_size);
        if old_size > new_size || (old_size == 0 || old_size == new_size) != self.path.is_empty() {
            return Err(ProofError::Shape);
        }
        if old_size == 0 || old_size == new_size {
            let expected = if old_size == 0 { Hash::of_nothing() } else { *new_root };
            return if *old_root == expected { Ok(()) } else { Err(ProofError::Root) };
        }
        let mut path = self.path.iter();
        let first = if old_size.is_power_of_two() { Some(old_root) } else { path.next() };
        let first = *first.ok_or(ProofError::Shape)?;
        let (mut old, mut new) = (first, first);
        let shift = (old_size - 1).trailing_ones();
        climb(path, (old_size - 1) >> shift, (new_size - 1) >> shift, |side, beside| match side {
            Side::Left => {
                old = Hash::of_children(beside, &old);
                new = Hash::of_children(beside, &new);
            }
            Side::Right => new = Hash::of_children(&new, beside),
        })?;
        if old == *old_root && new == *new_root { Ok(()) } else { Err(ProofError::Root) }
    }
}

/// On which side of the way to the root a hash stands.
enum Side {
    Left,
    Right,
}

/// Goes from a node to the root, `last` being the last node of the same height, and says of each
/// hash of the path on which side it stands. The root must be reached with the last of them.
fn climb<'p>(
    path: impl Iterator<Item = &'p Hash>,
    mut node: u64,
    mut last: u64,
    mut step: impl FnMut(Side, &Hash),
) -> Result<(), ProofError> {
    for beside in path {
        if last == 0 {
            return Err(ProofError::Shape);
        }
        if node & 1 == 1 || node == last {
            step(Side::Left, beside);
            let alone = node.trailing_zeros(); // so far up nothing stands to its right
            (node, last) = (node >> alone, last >> alone);
        } else {
            step(Side::Right, beside);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last == 0 { Ok(()) } else { Err(ProofError::Shape) }
}

/// The hashes of complete subtrees, wherever they are kept.
pub(crate) trait Nodes {
    type Error;

    /// The hash of the subtree of this height over the entries from `index << height` on.
    fn node(&mut self, height: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// The root of the tree's first entries.
pub(crate) fn root<N: Nodes>(nodes: &mut N, size: u64) -> Result<Hash, N::Error> {
    if size == 0 { Ok(Hash::of_nothing()) } else { subtree(nodes, 0, size) }
}

/// The path of RFC 9162, section 2.1.3.1. The index is below the size.
pub(crate) fn inclusion<N: Nodes>(
    nodes: &mut N,
    index: u64,
    size: u64,
) -> Result<InclusionProof, N::Error> {
    let (mut start, mut end, mut path) = (0, size, Vec::new());
    while end - start > 1 {
        let middle = start + largest_power_below(end - start);
        if index < middle {
            path.push(subtree(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(subtree(nodes, start, middle)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(InclusionProof { index, size, path })
}

/// The path of RFC 9162, section 2.1.4.1. The old size is at most the new.
pub(crate) fn consistency<N: Nodes>(
    nodes: &mut N,
    old_size: u64,
    new_size: u64,
) -> Result<ConsistencyProof, N::Error> {
    let (mut start, mut end, mut path) = (0, new_size, Vec::new());
    while old_size != 0 && old_size != end {
        let middle = start + largest_power_below(end - start);
        if old_size <= middle {
            path.push(subtree(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(subtree(nodes, start, middle)?);
            start = middle;
        }
    }
    if start > 0 {
        path.push(subtree(nodes, start, end)?);
    }
    path.reverse();
    Ok(ConsistencyProof { old_size, new_size, path })
}

/// The hash over the entries from `start` to before `end`, which is a subtree of some tree:
/// complete, or at its right edge.
fn subtree<N: Nodes>(nodes: &mut N, start: u64, end: u64) -> Result<Hash, N::Error> {
    let len = end - start;
    if len.is_power_of_two() {
        let height = len.trailing_zeros();
        return nodes.node(height, start >> height);
    }
    let middle = start + largest_power_below(len);
    let right = subtree(nodes, middle, end)?;
    Ok(Hash::of_children(&subtree(nodes, start, middle)?, &right))
}

/// The largest power of two that is less than a number above 1.
fn largest_power_below(number: u64) -> u64 {
    1 << (number - 1).ilog2()
}
