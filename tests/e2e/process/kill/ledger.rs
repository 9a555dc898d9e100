//! The ledger's tree after a kill: it holds all of what was ever signed, and every answer.

use std::sync::Arc;

use signpost_ledger::disk::OsDisk;
use signpost_ledger::log::reader::Reader;
use signpost_ledger::note::checkpoint::Checkpoint;
use signpost_ledger::tree::hash::Hash;
use signpost_ledger::verify::Verification;
use signpost_ledger::verify::entries::EntryRules;

use super::Told;
use super::client::{Burst, Line};
use crate::harness::World;

impl Told {
    /// The tree that the restarted service left, beside the entries that its store left. Every
    /// checkpoint that was given to a client, in this round or an earlier one, is of its first
    /// entries: then each is also of the first of every later one.
    pub(super) fn compare_tree(&mut self, world: &World, burst: &Burst, lines: &[Line]) {
        let key = signpost::ledger::verifier(&world.config(&[]).ledger).unwrap();
        let directory = world.path("ledger");
        let note = std::fs::read(directory.join("checkpoint")).unwrap();
        let (now, _) = Checkpoint::open(&note, &key).unwrap();
        assert_eq!(now.size, self.entries.len() as u64, "a stopped service has signed all");

        for (given, is_proven) in burst.checkpoints() {
            let (given, _) = Checkpoint::open(&given, &key).unwrap();
            let earlier = self.given.last().map_or(0, |earlier| earlier.size);
            assert!(
                given.size >= earlier,
                "{} entries were signed, and then {}",
                earlier,
                given.size
            );
            assert!(is_proven, "{} entries, and no proof of those signed before", given.size);
            self.given.push(given);
        }
        self.given.push(now.clone());
        let reader = Reader::new(Arc::new(OsDisk), directory.clone(), now.clone());
        for given in &self.given {
            let is_a_part = reader.root(given.size).unwrap() == given.root;
            assert!(is_a_part, "another tree of {} entries was signed before the kill", given.size);
        }
        let mut rules = EntryRules::default();
        let verified = Verification::new(&directory, &key);
        let verified = match &self.note {
            Some(since) => verified.since(since),
            None => verified,
        };
        verified.run(|_, entry| rules.check(entry), |_, _| {}).unwrap();
        for line in lines {
            let entry = &self.entries[usize::try_from(line.receipt).unwrap()];
            let proof = reader.inclusion(line.receipt, now.size).unwrap();
            proof.verify(&Hash::of_entry(entry.as_bytes()), &now.root).unwrap();
        }
        self.note = Some(note);
    }
}
