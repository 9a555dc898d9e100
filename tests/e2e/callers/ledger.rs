//! The ledger's part of the table, and that of histories.

use signpost_proto::v1;
use tonic::Status;

use super::Drive;
use crate::harness::{question, request_id};

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
            "GetFigures" => {
                let month = Some(v1::Month { year: 2026, month: 5 });
                let page_token = String::new();
                let get = v1::GetFiguresRequest { from: month, until: month, page_token };
                ledgers.get_figures(self.caller.request(get)).await.map(drop)
            }
            other => panic!("{other} is not driven"),
        }
    }

    /// A call on a history that is there, where the caller may have one.
    pub(super) async fn history(&self, call: &str) -> Result<(), Status> {
        let may = self.name == "PRIVACY_OFFICER";
        match call {
            "RequestHistory" => self.caller.request_history(self.child).await.map(drop),
            "ConsentToHistory" => {
                let mut history = request_id();
                if may {
                    let other = self.service.person("other-officer");
                    history = other.request_history(self.child).await.unwrap().history_id;
                }
                self.caller.consent_to_history(&history, self.child).await.map(drop)
            }
            "AccessHistory" | "ListWithheld" | "ReviewAccess" => {
                let (mut history, mut entry) = (request_id(), 0);
                if may {
                    entry = if let Some(before) = self.closed {
                        before.entry
                    } else {
                        let asker = self.service.person("SOCIAL_WORKER");
                        asker.ask(question(self.child)).await.unwrap().receipt
                    };
                    history = self.service.history_of(self.child).await;
                }
                match call {
                    "AccessHistory" => self.caller.access_history(&history).await.map(drop),
                    "ListWithheld" => self.caller.list_withheld(&history).await.map(drop),
                    _ => self.caller.review_access(&history, entry, None).await.map(drop),
                }
            }
            other => panic!("{other} is not driven"),
        }
    }
}
