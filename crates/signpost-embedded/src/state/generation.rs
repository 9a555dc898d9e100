//! A generation: its keys, and the index that lies under them.

use rand_core::{OsRng, RngCore};
use signpost_core::id::Receipt;
use signpost_core::record::{Record, RecordKey, Scope, Stored};
use signpost_core::store::StoreError;
use zeroize::Zeroizing;

use super::index::Index;
use crate::keyring::sealing::{SealingKey, open_record, seal_record};
use crate::keyring::{KeyError, KeySource, WrappedKey};

/// The keys of one generation.
#[derive(Debug)]
pub(crate) struct GenerationKeys {
    pub(crate) generation: u64,
    index: SealingKey,
    data: SealingKey,
}

/// A generation that can be read and written.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) keys: GenerationKeys,
    pub(crate) index: Index,
}

impl Generation {
    /// The record at a location.
    pub(crate) fn get(&self, location: &[u8; 48]) -> Result<Option<Stored>, StoreError> {
        let sealed = self.index.get(location).map_err(|error| unreadable(&error))?;
        sealed.map(|sealed| self.keys.unseal(location, &sealed)).transpose()
    }
}

/// What a read that the index fails comes to.
pub(crate) fn unreadable(error: &sled::Error) -> StoreError {
    tracing::error!(%error, "the index cannot be read");
    StoreError::Damaged
}

impl GenerationKeys {
    /// Makes new keys for a generation, wrapped under a new key-encryption key.
    pub(crate) fn create(generation: u64, source: &dyn KeySource) -> Result<WrappedKey, KeyError> {
        let mut secret = Zeroizing::new(vec![0; 2 * SealingKey::LEN]);
        OsRng.fill_bytes(&mut secret);
        source.create(&label(generation), &secret)
    }

    /// Unwraps the keys of a generation.
    pub(crate) fn unwrap(
        generation: u64,
        source: &dyn KeySource,
        bytes: &[u8],
    ) -> Result<Self, KeyError> {
        let label = label(generation);
        let secret = unwrap_labelled(source, bytes, &label)?;
        let halves = secret.split_at_checked(SealingKey::LEN).and_then(|(index, data)| {
            Some((SealingKey::from_slice(index)?, SealingKey::from_slice(data)?))
        });
        let (index, data) = halves.ok_or(KeyError::NotWrapped { label })?;
        Ok(Self { generation, index, data })
    }

    /// Where a record lies in this generation.
    pub(crate) fn locate(&self, key: &RecordKey) -> [u8; 48] {
        *key.locate(self.index.as_bytes()).as_bytes()
    }

    /// The first part of every location of a scope.
    pub(crate) fn locate_scope(&self, scope: &Scope) -> [u8; 32] {
        scope.locate(self.index.as_bytes())
    }

    /// The key of the seal on a closed index.
    pub(crate) fn seal_key(&self) -> [u8; 32] {
        *blake3::keyed_hash(self.index.as_bytes(), b"signpost index seal").as_bytes()
    }

    /// Seals a record for its place.
    pub(crate) fn seal(&self, location: &[u8; 48], version: Receipt, record: &Record) -> Vec<u8> {
        seal_record(&self.data, self.generation, location, version, record)
    }

    /// Opens a sealed record.
    pub(crate) fn unseal(&self, location: &[u8; 48], sealed: &[u8]) -> Result<Stored, StoreError> {
        open_record(&self.data, self.generation, location, sealed).map_err(|error| {
            tracing::error!(%error, "a record of the index is damaged");
            StoreError::Damaged
        })
    }
}

/// Unwraps a key that must be for this purpose: a key file cannot stand in for another.
pub(crate) fn unwrap_labelled(
    source: &dyn KeySource,
    bytes: &[u8],
    label: &str,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let wrapped = WrappedKey::decode(bytes).filter(|wrapped| wrapped.label == label);
    source.unwrap(&wrapped.ok_or_else(|| KeyError::NotWrapped { label: label.to_owned() })?)
}

fn label(generation: u64) -> String {
    format!("generation {generation}")
}
