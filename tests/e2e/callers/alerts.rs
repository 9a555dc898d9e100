//! Brokered questions' and alerts' part of the table.

use signpost_proto::v1;
use signpost_proto::v1::alert_service_client::AlertServiceClient;
use tonic::Status;
use tonic::transport::Channel;

use super::Drive;
use crate::harness::{eventually, question, request_id};

impl Drive<'_> {
    /// A call that would be done if it were let in.
    pub(super) async fn alert(&self, call: &str) -> Result<(), Status> {
        match call {
            "AskAsBroker" => self.ask_as_broker().await,
            "ListAlerts" => {
                let list = self.caller.request(v1::ListAlertsRequest::default());
                self.alerts().list_alerts(list).await.map(drop)
            }
            "CloseAlert" => self.close_alert().await,
            "IdentifyActor" => {
                let actor_id = self.actor().await;
                let identify = self.caller.request(v1::IdentifyActorRequest { actor_id });
                self.alerts().identify_actor(identify).await.map(drop)
            }
            "AddCanary" => {
                let (request_id, pseudonyms) = (request_id(), self.child.to_vec());
                let add = self.caller.request(v1::AddCanaryRequest { request_id, pseudonyms });
                self.alerts().add_canary(add).await.map(drop)
            }
            other => panic!("{other} is not driven"),
        }
    }

    fn alerts(&self) -> AlertServiceClient<Channel> {
        AlertServiceClient::new(self.caller.channel())
    }

    async fn ask_as_broker(&self) -> Result<(), Status> {
        let ask = v1::AskAsBrokerRequest {
            question: Some(v1::Question {
                purpose: v1::Purpose::S47Enquiry.into(),
                ..question(self.child)
            }),
            on_behalf_of_id: self.social_worker().await,
        };
        let ask = self.caller.request(ask);
        self.caller.signpost().ask_as_broker(ask).await.map(drop)
    }

    /// The register's id of the world's social worker.
    async fn social_worker(&self) -> String {
        if self.closed.is_some() {
            return request_id();
        }
        let administrators = self.service.administrators();
        let organisation = administrators.organisation("Northfield Council").await;
        for group in administrators.groups(&organisation.organisation_id).await {
            for person in administrators.people(&group.group_id).await {
                if person.staff_reference == "SOCIAL_WORKER" {
                    return person.person_id;
                }
            }
        }
        panic!("the world has a social worker");
    }

    /// Whom an alert names, where the caller may see one: it was raised by the row before.
    async fn actor(&self) -> String {
        if self.name != "PRIVACY_OFFICER" || self.closed.is_some() {
            return request_id();
        }
        let list =
            self.caller.request(v1::ListAlertsRequest { closed_too: true, ..Default::default() });
        let listed = self.alerts().list_alerts(list).await.unwrap().into_inner();
        listed.alerts.into_iter().map(|alert| alert.actor_id).find(|id| !id.is_empty()).unwrap()
    }

    /// Closes an alert that there is, where the caller may see one.
    async fn close_alert(&self) -> Result<(), Status> {
        let mut alert_id = request_id();
        if self.name == "PRIVACY_OFFICER" && self.closed.is_none() {
            let asked = v1::Question {
                purpose: v1::Purpose::S47Enquiry.into(),
                relationship: v1::Relationship::SelfClaimed.into(),
                ..question(self.child)
            };
            self.service.person("SOCIAL_WORKER").ask(asked).await.unwrap();
            alert_id = eventually("its alert", || async {
                let list = self.caller.request(v1::ListAlertsRequest::default());
                let listed = self.alerts().list_alerts(list).await.unwrap().into_inner();
                listed.alerts.into_iter().next().map(|alert| alert.alert_id)
            })
            .await;
        }
        let outcome = v1::AlertOutcome::Justified.into();
        let close = v1::CloseAlertRequest { request_id: request_id(), alert_id, outcome };
        self.alerts().close_alert(self.caller.request(close)).await.map(drop)
    }
}
