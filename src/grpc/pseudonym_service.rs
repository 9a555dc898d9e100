//! `PseudonymService`: the server's side of the OPRF, inside this process.

use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use signpost_core::id::PersonId;
use signpost_core::refusal::Invalid;
use signpost_proto::v1;
use signpost_proto::v1::pseudonym_service_server::PseudonymService;
use signpost_pseudonym::oprf::BlindedPoint;
use tonic::{Request, Response, Status};

use super::Desk;
use crate::config::Limits;

/// The most points of one call.
const POINTS_MAX: usize = 64;

/// The service over the directory and the evaluation keys.
#[derive(Clone, Debug)]
pub(crate) struct Pseudonyms {
    desk: Desk,
    budgets: Arc<DefaultKeyedRateLimiter<PersonId>>,
}

impl Pseudonyms {
    pub(super) fn new(desk: Desk, limits: &Limits) -> Self {
        let minute = NonZeroU32::new(limits.evaluations_per_minute_max).unwrap_or(NonZeroU32::MIN);
        Self { desk, budgets: Arc::new(RateLimiter::keyed(Quota::per_minute(minute))) }
    }

    /// Takes points from a person's budget; one call larger than the whole budget never passes.
    fn spend(&self, person: PersonId, points: u32) -> bool {
        NonZeroU32::new(points)
            .is_some_and(|points| matches!(self.budgets.check_key_n(&person, points), Ok(Ok(()))))
    }
}

#[tonic::async_trait]
impl PseudonymService for Pseudonyms {
    async fn evaluate(
        &self,
        request: Request<v1::EvaluateRequest>,
    ) -> Result<Response<v1::EvaluateResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let points = parse(&message);
        let count = match &points {
            Ok(points) => Ok(u32::try_from(points.len()).unwrap_or(u32::MAX)),
            Err(invalid) => Err(invalid.clone()),
        };
        let spend = |person, points| self.spend(person, points);
        let work = pin!(self.desk.directory.permit_evaluation(&caller, &count, spend));
        let leave = self.desk.in_time(work).await?;

        let keys = Arc::clone(&self.desk.keys);
        // Some 60 microseconds a point: too long for a thread that others wait for.
        let evaluated = tokio::task::spawn_blocking(move || {
            let key = keys.current();
            let points = points.unwrap_or_default();
            points.iter().map(|point| key.evaluate(point).point.to_bytes().to_vec()).collect()
        });
        let evaluated_points = evaluated.await.map_err(|error| {
            tracing::error!(%error, "an evaluation did not end");
            Status::internal("the evaluation failed")
        })?;
        Ok(Response::new(v1::EvaluateResponse {
            evaluation_key_id: self.desk.keys.current().id().0,
            evaluated_points,
            receipt: leave.receipt.0,
        }))
    }
}

fn parse(message: &v1::EvaluateRequest) -> Result<Vec<BlindedPoint>, Invalid> {
    let wire = &message.blinded_points;
    if wire.is_empty() || wire.len() > POINTS_MAX {
        return Err(Invalid::field("blinded_points", "1 to 64 points are evaluated in one call"));
    }
    let point = |(index, bytes): (usize, &Vec<u8>)| {
        BlindedPoint::try_from(bytes.as_slice())
            .map_err(|error| Invalid::field(format!("blinded_points[{index}]"), error.to_string()))
    };
    wire.iter().enumerate().map(point).collect()
}
