//! Asking about a whole caseload over one stream.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::stream::{self, Stream, StreamExt};
use signpost_proto::v1;
use signpost_pseudonym::identifier::Identifier;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::client::Client;
use crate::error::ClientError;
use crate::pseudonymise::POINTS_MAX;

/// How many questions are ready to be sent.
const QUESTIONS_WAITING_MAX: usize = 64;

/// One question of a caseload.
#[derive(Debug)]
pub struct CaseQuestion {
    /// The caller's number of it, given back with its answer.
    pub number: u32,
    /// 1 to 4 identifiers of the same child.
    pub identifiers: Vec<Identifier>,
    /// Why it is asked.
    pub purpose: v1::Purpose,
    /// What the asker claims to be to the child.
    pub relationship: v1::Relationship,
}

/// One answer of a caseload.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseAnswer {
    /// The number of the question.
    pub number: u32,
    /// The answer, or what is wrong with this question alone.
    pub result: Result<v1::Answer, v1::Malformed>,
}

impl Client {
    /// Asks about a caseload; answers come as they are ready, in any order.
    ///
    /// Identifiers are turned into pseudonyms on the way, up to 64 by one call. The first error
    /// ends the stream; it is not taken up again, since each question is on record once it is
    /// answered. A caseload that ends without an answer to each question ends with an error.
    pub fn ask_many(
        &self,
        questions: impl Stream<Item = CaseQuestion> + Send + 'static,
    ) -> impl Stream<Item = Result<CaseAnswer, ClientError>> + Send + 'static {
        let client = self.clone();
        let requests = questions
            .ready_chunks(POINTS_MAX)
            .flat_map(|chunk| stream::iter(batches(chunk)))
            .then(move |batch| {
                let client = client.clone();
                async move { client.requests(batch).await }
            })
            .flat_map(|requests| {
                stream::iter(match requests {
                    Ok(requests) => requests.into_iter().map(Ok).collect(),
                    Err(error) => vec![Err(error)],
                })
            });
        self.caseload(requests)
    }

    /// Pseudonymises a batch, by one call.
    async fn requests(
        &self,
        batch: Vec<CaseQuestion>,
    ) -> Result<Vec<v1::AskManyRequest>, ClientError> {
        let mut shapes = Vec::with_capacity(batch.len());
        let mut identifiers = Vec::with_capacity(POINTS_MAX);
        for question in batch {
            let CaseQuestion { number, identifiers: own, purpose, relationship } = question;
            shapes.push((number, own.len(), purpose, relationship));
            identifiers.extend(own);
        }
        let pseudonyms = match identifiers.as_slice() {
            // The service says which question is malformed; there is nothing to evaluate.
            [] => Vec::new(),
            identifiers => self.pseudonymise(identifiers).await?,
        };
        let mut pseudonyms = pseudonyms.into_iter();
        let requests = shapes.into_iter().map(|(number, count, purpose, relationship)| {
            let question = v1::Question {
                pseudonyms: pseudonyms.by_ref().take(count).collect(),
                purpose: purpose.into(),
                relationship: relationship.into(),
            };
            v1::AskManyRequest { number, question: Some(question) }
        });
        Ok(requests.collect())
    }

    fn caseload(
        &self,
        requests: impl Stream<Item = Result<v1::AskManyRequest, ClientError>> + Send + 'static,
    ) -> impl Stream<Item = Result<CaseAnswer, ClientError>> + Send + 'static {
        let deadline = self.caseload_deadline();
        let (sender, receiver) = mpsc::channel(QUESTIONS_WAITING_MAX);
        let left = deadline.saturating_duration_since(Instant::now());
        let request = self.request(ReceiverStream::new(receiver), left);
        let mut service = self.signposts();
        let answers =
            stream::once(async move { service.ask_many(request).await }).flat_map(|opened| {
                match opened {
                    Ok(response) => response.into_inner().left_stream(),
                    Err(status) => stream::iter([Err(status)]).right_stream(),
                }
            });
        exchange(requests, sender, answers, deadline)
    }
}

/// Splits questions into batches of at most 64 identifiers.
///
/// A question of more than 64 identifiers stays alone and is refused as a whole later.
fn batches(questions: Vec<CaseQuestion>) -> Vec<Vec<CaseQuestion>> {
    let mut batches: Vec<Vec<CaseQuestion>> = Vec::new();
    let mut points = POINTS_MAX;
    for question in questions {
        points += question.identifiers.len();
        match batches.last_mut() {
            Some(batch) if points <= POINTS_MAX => batch.push(question),
            _ => {
                points = question.identifiers.len();
                batches.push(vec![question]);
            }
        }
    }
    batches
}

/// Sends requests and takes answers at the same time, until both are done, the first error, or
/// the deadline.
fn exchange(
    requests: impl Stream<Item = Result<v1::AskManyRequest, ClientError>> + Send + 'static,
    sender: mpsc::Sender<v1::AskManyRequest>,
    answers: impl Stream<Item = Result<v1::AskManyResponse, Status>> + Send + 'static,
    deadline: Instant,
) -> impl Stream<Item = Result<CaseAnswer, ClientError>> + Send + 'static {
    // A question counts from the moment it is asked until it is answered.
    let open = Arc::new(AtomicUsize::new(0));
    let asked = Arc::clone(&open);
    let feed = stream::once(async move {
        let mut requests = pin!(requests);
        while let Some(request) = requests.next().await {
            asked.fetch_add(1, Ordering::Relaxed);
            match request {
                // Where nobody takes requests any more, the answers say why.
                Ok(request) => {
                    if sender.send(request).await.is_err() {
                        return None;
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
        None
    })
    .filter_map(std::future::ready);
    let answered = Arc::clone(&open);
    let answers = answers.map(move |answer| {
        answered
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |open| open.checked_sub(1))
            .map_err(|_| ClientError::Answer("an answer to no question"))?;
        case_answer(answer?)
    });
    let end = stream::once(async move { open.load(Ordering::Relaxed) }).filter_map(|open| {
        let cut = ClientError::Answer("it ended before each question was answered");
        std::future::ready((open > 0).then_some(Err(cut)))
    });
    until_error(stream::select(feed, answers).chain(end), deadline)
}

/// Ends a stream after its first error; not being done in time is one.
fn until_error<T: Send + 'static>(
    items: impl Stream<Item = Result<T, ClientError>> + Send + 'static,
    deadline: Instant,
) -> impl Stream<Item = Result<T, ClientError>> + Send + 'static {
    stream::unfold(Some(items.boxed()), move |items| async move {
        let mut items = items?;
        match timeout_at(deadline, items.next()).await {
            Ok(Some(Ok(item))) => Some((Ok(item), Some(items))),
            Ok(Some(Err(error))) => Some((Err(error), None)),
            Ok(None) => None,
            Err(_) => {
                let status = Status::deadline_exceeded("the caseload took too long");
                Some((Err(status.into()), None))
            }
        }
    })
}

fn case_answer(response: v1::AskManyResponse) -> Result<CaseAnswer, ClientError> {
    use v1::ask_many_response::Result as Wire;
    let result = match response.result {
        Some(Wire::Answer(answer)) => Ok(answer),
        Some(Wire::Malformed(malformed)) => Err(malformed),
        None => return Err(ClientError::Answer("no answer within")),
    };
    Ok(CaseAnswer { number: response.number, result })
}

#[cfg(test)]
mod tests {
    use signpost_pseudonym::namespace::Namespace;
    use tokio::time::Duration;

    use super::*;

    fn question(number: u32, identifiers: usize) -> CaseQuestion {
        let identifier = || Identifier::parse(Namespace::Nhs, "999 000 0018").unwrap();
        CaseQuestion {
            number,
            identifiers: (0..identifiers).map(|_| identifier()).collect(),
            purpose: v1::Purpose::TransferIn,
            relationship: v1::Relationship::DutyTeam,
        }
    }

    fn request(number: u32) -> v1::AskManyRequest {
        v1::AskManyRequest { number, question: None }
    }

    fn answer(number: u32) -> v1::AskManyResponse {
        let result = v1::ask_many_response::Result::Answer(v1::Answer::default());
        v1::AskManyResponse { number, result: Some(result), ..Default::default() }
    }

    /// Answers each request by `reply`, as the service would.
    async fn exchanged(
        requests: Vec<Result<v1::AskManyRequest, ClientError>>,
        reply: impl Fn(u32) -> Vec<Result<v1::AskManyResponse, Status>> + Send + 'static,
    ) -> Vec<Result<u32, ClientError>> {
        let (sender, receiver) = mpsc::channel(1);
        let answers = ReceiverStream::new(receiver)
            .flat_map(move |request: v1::AskManyRequest| stream::iter(reply(request.number)));
        let deadline = Instant::now() + Duration::from_secs(1);
        exchange(stream::iter(requests), sender, answers, deadline)
            .map(|item| item.map(|answer| answer.number))
            .collect()
            .await
    }

    #[test]
    fn a_batch_has_at_most_64_identifiers() {
        let questions = (0..40).map(|number| question(number, 4)).collect();
        let sizes: Vec<_> = batches(questions).iter().map(Vec::len).collect();
        assert_eq!(sizes, [16, 16, 8]);
        let questions = [60, 4, 1, 70, 0].into_iter().map(|count| question(0, count)).collect();
        let sizes: Vec<_> = batches(questions).iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 1, 1, 1]);
        assert!(batches(Vec::new()).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_caseload_may_take_as_long_as_was_told() {
        let nobody = tonic::transport::Endpoint::from_static("http://127.0.0.1:1").connect_lazy();
        let client = Client::over(nobody).with_caseload_timeout(Duration::from_mins(30));
        assert_eq!(client.caseload_deadline() - Instant::now(), Duration::from_mins(30));
    }

    #[tokio::test(start_paused = true)]
    async fn each_question_of_a_caseload_is_answered() {
        let items =
            exchanged((0..200).map(request).map(Ok).collect(), |number| vec![Ok(answer(number))])
                .await;
        let numbers: Vec<_> = items.into_iter().map(Result::unwrap).collect();
        assert_eq!(numbers, (0..200).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_ends_the_caseload() {
        let refuse = |number| match number {
            0 => vec![Ok(answer(0))],
            _ => vec![Err(Status::permission_denied("no"))],
        };
        let items = exchanged((0..200).map(request).map(Ok).collect(), refuse).await;
        assert!(matches!(items.as_slice(), [Ok(0), Err(ClientError::Refused(_))]));
    }

    #[tokio::test(start_paused = true)]
    async fn an_unanswered_question_is_an_error() {
        let items = exchanged((0..2).map(request).map(Ok).collect(), |number| match number {
            0 => vec![Ok(answer(0))],
            _ => Vec::new(),
        })
        .await;
        assert!(matches!(items.as_slice(), [Ok(0), Err(ClientError::Answer(_))]));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_to_no_question_is_an_error() {
        let items = exchanged(vec![Ok(request(0))], |_| vec![Ok(answer(0)), Ok(answer(1))]).await;
        assert!(matches!(items.as_slice(), [Ok(0), Err(ClientError::Answer(_))]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_pseudonym_ends_the_caseload() {
        let failed = || Err(ClientError::IdentifierCount { max: POINTS_MAX });
        let items = exchanged(vec![failed()], |number| vec![Ok(answer(number))]).await;
        assert!(matches!(items.as_slice(), [Err(ClientError::IdentifierCount { .. })]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_caseload_ends_at_its_deadline() {
        let (sender, _receiver) = mpsc::channel(1);
        let deadline = Instant::now() + Duration::from_secs(1);
        let mut items = pin!(exchange(stream::pending(), sender, stream::pending(), deadline));
        let first = items.next().await;
        assert!(matches!(first, Some(Err(ClientError::Unanswered { .. }))));
        assert!(items.next().await.is_none());
    }
}
