//! The ledger: checkpoints, proofs and entries, for whoever checks it. What is given is to be verified
//! by its caller; nothing here is.

use signpost_proto::v1;

use crate::client::Client;
use crate::error::ClientError;
use crate::onboarding::{Listed, PAGE_SIZE, next_page};

impl Client {
    /// The last checkpoint: a signed note, byte for byte.
    pub async fn checkpoint(&self) -> Result<Vec<u8>, ClientError> {
        let send = |request| async move { self.ledgers().get_checkpoint(request).await };
        Ok(self.call(v1::GetCheckpointRequest {}, send).await?.checkpoint)
    }

    /// The proof that an entry is in the tree of this size; 0 for the last checkpoint's.
    pub async fn prove_inclusion(
        &self,
        index: u64,
        size: u64,
    ) -> Result<v1::ProveInclusionResponse, ClientError> {
        let send = |request| async move { self.ledgers().prove_inclusion(request).await };
        self.call(v1::ProveInclusionRequest { index, size }, send).await
    }

    /// The proof that the tree of the new size, 0 for the last checkpoint's, holds that of the old.
    pub async fn prove_consistency(
        &self,
        old_size: u64,
        new_size: u64,
    ) -> Result<v1::ProveConsistencyResponse, ClientError> {
        let send = |request| async move { self.ledgers().prove_consistency(request).await };
        self.call(v1::ProveConsistencyRequest { old_size, new_size }, send).await
    }

    /// The entry of this index, if it is on record. The look is on record too.
    pub async fn ledger_entry(&self, index: u64) -> Result<Option<v1::LedgerEntry>, ClientError> {
        let send = |request| async move { self.ledgers().list_entries(request).await };
        let page_token = format!("{index:016x}");
        let asked = v1::ListEntriesRequest { page_size: 1, page_token, ..Default::default() };
        let listed = self.call(asked, send).await?.entries;
        Ok(listed.into_iter().find(|entry| entry.index == index))
    }

    /// Lists the entries that fit, over all pages. Each page is on record.
    pub async fn list_entries(
        &self,
        filter: v1::ListEntriesRequest,
    ) -> Result<Listed<v1::LedgerEntry>, ClientError> {
        let mut listed = Listed { items: Vec::new(), receipts: Vec::new() };
        let mut asked = v1::ListEntriesRequest { page_size: PAGE_SIZE, ..filter };
        loop {
            let send = |request| async move { self.ledgers().list_entries(request).await };
            let page = self.call(asked.clone(), send).await?;
            listed.items.extend(page.entries);
            listed.receipts.push(page.receipt);
            match next_page(&asked.page_token, page.next_page_token)? {
                Some(next) => asked.page_token = next,
                None => return Ok(listed),
            }
        }
    }

    /// The figures of the months from one to another, both included, over all pages. Each page is on
    /// record.
    pub async fn figures(
        &self,
        from: v1::Month,
        until: v1::Month,
    ) -> Result<Listed<v1::MonthFigures>, ClientError> {
        let mut listed = Listed { items: Vec::new(), receipts: Vec::new() };
        let (from, until) = (Some(from), Some(until));
        let mut asked = v1::GetFiguresRequest { from, until, page_token: String::new() };
        loop {
            let send = |request| async move { self.ledgers().get_figures(request).await };
            let page = self.call(asked.clone(), send).await?;
            listed.items.extend(page.months);
            listed.receipts.push(page.receipt);
            match next_page(&asked.page_token, page.next_page_token)? {
                Some(next) => asked.page_token = next,
                None => return Ok(listed),
            }
        }
    }
}
