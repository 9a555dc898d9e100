//! Giving a certificate out: signed, proved to be under a checkpoint, and seen by every witness.

use std::sync::Arc;
use std::time::Duration;

use signpost_core::id::Receipt;
use signpost_ledger::error::LedgerError;
use signpost_ledger::note::Note;
use signpost_ledger::note::key::VerifierKey;
use signpost_ledger::note::signer::LogSigner;
use signpost_ledger::tree::hash::Hash;

use crate::certificate::file::CertificateFile;
use crate::config;
use crate::exit::Failure;
use crate::ledger;
use crate::ledger::keeper::{Published, Shelf};

/// How long whoever asks waits for the witnesses, who cosign behind each checkpoint.
const WITNESSES_WITHIN: Duration = Duration::from_secs(3);
const LOOKED_AT_EVERY: Duration = Duration::from_millis(20);

/// Who gives certificates out.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    signer: Arc<LogSigner>,
    witnesses: Vec<VerifierKey>,
    shelf: Shelf,
}

impl Issuer {
    pub(crate) fn new(config: &config::Ledger, shelf: Shelf) -> Result<Self, Failure> {
        let key = |witness: &config::Witness| {
            let key = witness.key.parse();
            key.map_err(|error| Failure::config(format!("ledger.witness: {error}")))
        };
        let witnesses = config.witness.iter().map(key).collect::<Result<_, _>>()?;
        Ok(Self { signer: Arc::new(ledger::signer(config)?), witnesses, shelf })
    }

    /// The file of the certificate of this text, which is on record with this entry; none as long as no
    /// checkpoint that every witness has cosigned covers that.
    pub(crate) async fn file(
        &self,
        text: String,
        entry: Receipt,
    ) -> Result<Option<CertificateFile>, LedgerError> {
        let Some(Published { note: checkpoint, reader }) = self.cosigned(entry).await else {
            return Ok(None);
        };
        let Ok(note) = Note::new(text) else {
            return Ok(None);
        };
        let signature = self.signer.sign(&note);
        let read = move || {
            let size = reader.checkpoint().size;
            let proof = reader.inclusion(entry.0, size)?;
            Ok(CertificateFile {
                certificate: note.with(signature).to_string(),
                entry: hex::encode(reader.entry(entry.0)?),
                index: entry.0,
                proof: proof.path.iter().map(Hash::to_string).collect(),
                checkpoint,
            })
        };
        match tokio::task::spawn_blocking(read).await {
            Ok(read) => read.map(Some),
            Err(_the_runtime_ends) => Ok(None),
        }
    }

    /// A checkpoint that covers this entry and that every witness has cosigned. The last one may be so
    /// young that they are still at it.
    async fn cosigned(&self, entry: Receipt) -> Option<Published> {
        let looking = async {
            let mut last = self.shelf.covering(entry.0).await.ok()?;
            loop {
                if entry.0 < last.reader.checkpoint().size && self.is_cosigned(&last) {
                    return Some(last);
                }
                tokio::time::sleep(LOOKED_AT_EVERY).await;
                last = self.shelf.last();
            }
        };
        tokio::time::timeout(WITNESSES_WITHIN, looking).await.ok().flatten()
    }

    fn is_cosigned(&self, published: &Published) -> bool {
        let Ok(note) = Note::parse(published.note.as_bytes()) else { return false };
        self.witnesses.iter().all(|witness| note.verify(witness).is_ok())
    }
}
