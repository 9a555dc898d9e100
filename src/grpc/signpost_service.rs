//! `SignpostService`: the question, contacts, and the shield.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt, TryStreamExt};
use prost::bytes::Bytes;
use signpost_core::directory::{Directory, LiftProgress, Presented};
use signpost_core::id::{FlagId, LiftId};
use signpost_core::refusal::{Reason, Refusal};
use signpost_core::terms::Action;
use signpost_proto::v1;
use signpost_proto::v1::signpost_service_server::SignpostService;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::padding::pad;
use super::{Desk, in_time, parse, render, status};

/// How often an open caseload asks whether the service is closed.
const CLOSING_LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// The service over the directory.
#[derive(Clone, Debug)]
pub(crate) struct Signposts {
    desk: Desk,
}

type Reply<T> = Result<Response<T>, Status>;

impl Signposts {
    pub(super) fn new(desk: Desk) -> Self {
        Self { desk }
    }
}

#[tonic::async_trait]
impl SignpostService for Signposts {
    async fn ask(&self, request: Request<v1::AskRequest>) -> Reply<v1::AskResponse> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let question = parse::question(message.question, &self.desk.keys);
        let work = pin!(self.desk.directory.ask(&caller, &question, Action::Ask));
        let answer = self.desk.in_time(work).await?;
        let mut response =
            v1::AskResponse { answer: Some(render::answer(answer)), padding: Bytes::new() };
        pad(&mut response, |response| &mut response.padding);
        Ok(Response::new(response))
    }

    async fn ask_as_broker(
        &self,
        request: Request<v1::AskAsBrokerRequest>,
    ) -> Reply<v1::AskAsBrokerResponse> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let question = parse::brokered_question(message, &self.desk.keys);
        let work = pin!(self.desk.directory.ask_as_broker(&caller, &question));
        let answer = self.desk.in_time(work).await?;
        let mut response =
            v1::AskAsBrokerResponse { answer: Some(render::answer(answer)), padding: Bytes::new() };
        pad(&mut response, |response| &mut response.padding);
        Ok(Response::new(response))
    }

    type AskManyStream =
        Pin<Box<dyn Stream<Item = Result<v1::AskManyResponse, Status>> + Send + 'static>>;

    async fn ask_many(
        &self,
        request: Request<Streaming<v1::AskManyRequest>>,
    ) -> Reply<Self::AskManyStream> {
        let (_place, caller, questions) = self.desk.admit(request).await?;
        self.desk.in_time(self.desk.directory.may_ask_many(&caller)).await?;
        let in_flight_max = self.desk.caseload_in_flight_max;
        let closing = closed(self.desk.directory.clone());
        let asked = Arc::new((self.desk.clone(), caller));
        let answers = tokio_stream::StreamExt::timeout(questions, self.desk.caseload_idle_max)
            .map(|question| question.unwrap_or_else(|_idle| Err(status::idle())))
            .map_ok(move |message| {
                let asked = Arc::clone(&asked);
                // Boxed where it is made: it is large, and would be moved twice.
                Box::pin(async move { ask_one(&asked.0, &asked.1, message).await })
            })
            .try_buffer_unordered(in_flight_max);
        let answers = ended_by(answers, closing);
        Ok(Response::new(Box::pin(until_first_error(answers))))
    }

    async fn record_contact(
        &self,
        request: Request<v1::RecordContactRequest>,
    ) -> Reply<v1::RecordContactResponse> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let contact = parse::new_contact(message, &self.desk.keys);
        let work = pin!(self.desk.directory.record_contact(&caller, &contact));
        let written = self.desk.in_time(work).await?;
        Ok(Response::new(v1::RecordContactResponse {
            contact_id: flag_text(written.result),
            receipt: written.receipt.0,
        }))
    }

    async fn end_contact(
        &self,
        request: Request<v1::EndContactRequest>,
    ) -> Reply<v1::EndContactResponse> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let end = parse::contact_end(&message, &self.desk.keys);
        let work = pin!(self.desk.directory.end_contact(&caller, &end));
        let written = self.desk.in_time(work).await?;
        Ok(Response::new(v1::EndContactResponse {
            contact_id: flag_text(written.result),
            receipt: written.receipt.0,
        }))
    }

    async fn set_shield(
        &self,
        request: Request<v1::SetShieldRequest>,
    ) -> Reply<v1::SetShieldResponse> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let shield = parse::new_shield(&message, &self.desk.keys);
        let work = pin!(self.desk.directory.set_shield(&caller, &shield));
        let written = self.desk.in_time(work).await?;
        Ok(Response::new(v1::SetShieldResponse { receipt: written.receipt.0 }))
    }

    async fn lift_shield(
        &self,
        request: Request<v1::LiftShieldRequest>,
    ) -> Reply<v1::LiftShieldResponse> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let lift = parse::shield_lift(&message, &self.desk.keys);
        let work = pin!(self.desk.directory.lift_shield(&caller, &lift));
        let written = self.desk.in_time(work).await?;
        let (progress, id) = match written.result {
            LiftProgress::AwaitingSecondName(id) => (v1::LiftProgress::AwaitingSecondName, id),
            LiftProgress::Complete(id) => (v1::LiftProgress::Complete, id),
        };
        Ok(Response::new(v1::LiftShieldResponse {
            progress: progress.into(),
            lift_id: lift_text(id),
            receipt: written.receipt.0,
        }))
    }
}

/// One question of a caseload: identified and authorised anew, with an entry of its own.
async fn ask_one(
    desk: &Desk,
    caller: &Presented,
    message: v1::AskManyRequest,
) -> Result<v1::AskManyResponse, Status> {
    use v1::ask_many_response::Result as Answered;

    // A place for each question in progress, none for a stream that waits.
    let _place = desk.place().await?;
    let question = parse::question(message.question, &desk.keys);
    let answered = pin!(desk.directory.ask(caller, &question, Action::AskMany));
    let result = match in_time(desk.request_max, answered).await? {
        Ok(answer) => Answered::Answer(render::answer(answer)),
        Err(Refusal::Refused { reason: Reason::Invalid(invalid), receipt }) => {
            Answered::Malformed(render::malformed(invalid, receipt.0))
        }
        Err(refusal) => return Err(status::of(&refusal)),
    };
    let mut response =
        v1::AskManyResponse { number: message.number, result: Some(result), padding: Bytes::new() };
    pad(&mut response, |response| &mut response.padding);
    Ok(response)
}

/// Ends once the service is closed. A stream that waits for its next question would hear nothing of it.
async fn closed(directory: Directory) {
    loop {
        tokio::time::sleep(CLOSING_LOOKED_AT_EVERY).await;
        match directory.is_closed().await {
            Ok(true) => return,
            Ok(false) => {}
            // Whatever is asked next is refused by itself.
            Err(error) => tracing::debug!(%error, "whether the service is closed is not known"),
        }
    }
}

/// The stream, and where the closing comes before its end, that instead of the rest.
fn ended_by<T>(
    stream: impl Stream<Item = Result<T, Status>>,
    closing: impl Future<Output = ()>,
) -> impl Stream<Item = Result<T, Status>> {
    let stream = stream.map(Some).chain(futures::stream::iter([None]));
    let closing = futures::stream::once(closing).map(|()| Some(Err(status::closed())));
    futures::stream::select(stream, closing)
        .take_while(|item| std::future::ready(item.is_some()))
        .filter_map(std::future::ready)
}

/// The stream up to its first error, which ends it.
fn until_first_error<T>(
    stream: impl Stream<Item = Result<T, Status>>,
) -> impl Stream<Item = Result<T, Status>> {
    stream.scan(false, |ended, item| {
        let before = std::mem::replace(ended, item.is_err());
        std::future::ready((!before).then_some(item))
    })
}

fn flag_text(id: FlagId) -> String {
    Uuid::from_bytes(*id.as_bytes()).to_string()
}

fn lift_text(id: LiftId) -> String {
    Uuid::from_bytes(*id.as_bytes()).to_string()
}
