//! The ledger's tree after a kill: it holds all of what was signed before, and every answer.

use std::sync::Arc;

use signpost_ledger::disk::OsDisk;
use signpost_ledger::log::reader::Reader;
use signpost_ledger::note::checkpoint::Checkpoint;
use signpost_ledger::tree::hash::Hash;

use super::Told;
use super::client::Line;
use crate::harness::World;

impl Told {
    /// The tree that the restarted service left, beside the entries that its store left.
    pub(super) fn compare_tree(&mut self, world: &World, lines: &[Line], given: Option<&[u8]>) {
        let key = signpost::ledger::verifier(&world.config(&[]).ledger).unwrap();
        let directory = world.path("ledger");
        let note = std::fs::read(directory.join("checkpoint")).unwrap();
        let (now, _) = Checkpoint::open(&note, &key).unwrap();
        assert_eq!(now.size, self.entries.len() as u64, "a stopped service has signed all");
        let reader = Reader::new(Arc::new(OsDisk), directory, now.clone());
        if let Some(given) = given {
            let (given, _) = Checkpoint::open(given, &key).unwrap();
            let proof = reader.consistency(given.size, now.size).unwrap();
            proof.verify(&given.root, &now.root).unwrap();
            self.checkpoints += 1;
        }
        for line in lines {
            let entry = &self.entries[usize::try_from(line.receipt).unwrap()];
            let proof = reader.inclusion(line.receipt, now.size).unwrap();
            proof.verify(&Hash::of_entry(entry.as_bytes()), &now.root).unwrap();
        }
    }
}
