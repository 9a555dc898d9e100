//! The ledger's part of the table.

use signpost_proto::v1;
use tonic::Status;

use super::Drive;

impl Drive<'_> {
    /// A call that would be done if it were let in.
    pub(super) async fn ledger(&self, call: &str) -> Result<(), Status> {
        let mut ledgers = self.caller.ledgers();
        match call {
            "GetCheckpoint" => {
                let get = self.caller.request(v1::GetCheckpointRequest {});
                ledgers.get_checkpoint(get).await.map(drop)
            }
            "ProveInclusion" => {
                let prove = self.caller.request(v1::ProveInclusionRequest { index: 0, size: 0 });
                ledgers.prove_inclusion(prove).await.map(drop)
            }
            "ProveConsistency" => {
                let prove = v1::ProveConsistencyRequest { old_size: 0, new_size: 0 };
                ledgers.prove_consistency(self.caller.request(prove)).await.map(drop)
            }
            "ListEntries" => {
                let list = self.caller.request(v1::ListEntriesRequest::default());
                ledgers.list_entries(list).await.map(drop)
            }
            other => panic!("{other} is not driven"),
        }
    }
}
