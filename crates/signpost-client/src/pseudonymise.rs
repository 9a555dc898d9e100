//! From identifiers to pseudonyms: blind, let the service evaluate, unblind.

use rand_core::OsRng;
use signpost_proto::v1;
use signpost_pseudonym::identifier::Identifier;
use signpost_pseudonym::namespace::Namespace;
use signpost_pseudonym::oprf::{Blinded, EvaluatedPoint};

use crate::client::Client;
use crate::error::ClientError;

/// How many points one call evaluates.
pub(crate) const POINTS_MAX: usize = 64;
/// How many identifiers of one child a question or a write takes.
const IDENTIFIERS_MAX: usize = 4;

impl Client {
    /// Turns 1 to 64 identifiers into pseudonyms, in their order, by one call.
    ///
    /// Only blinded points are sent. Do not keep what comes back unless it is sealed under the
    /// organisation's own key: whoever may ask can ask with it.
    pub async fn pseudonymise(
        &self,
        identifiers: &[Identifier],
    ) -> Result<Vec<v1::Pseudonym>, ClientError> {
        if identifiers.is_empty() || identifiers.len() > POINTS_MAX {
            return Err(ClientError::IdentifierCount { max: POINTS_MAX });
        }
        let blinded: Vec<_> =
            identifiers.iter().map(|identifier| Blinded::new(identifier, &mut OsRng)).collect();
        let message = v1::EvaluateRequest {
            blinded_points: blinded
                .iter()
                .map(|blinded| blinded.message().to_bytes().to_vec())
                .collect(),
        };
        let send = |request| async move { self.pseudonyms().evaluate(request).await };
        finalize(identifiers, blinded, &self.call(message, send).await?)
    }

    /// The pseudonyms of one child.
    pub(crate) async fn pseudonymise_child(
        &self,
        identifiers: &[Identifier],
    ) -> Result<Vec<v1::Pseudonym>, ClientError> {
        if identifiers.len() > IDENTIFIERS_MAX {
            return Err(ClientError::IdentifierCount { max: IDENTIFIERS_MAX });
        }
        self.pseudonymise(identifiers).await
    }
}

fn finalize(
    identifiers: &[Identifier],
    blinded: Vec<Blinded>,
    evaluated: &v1::EvaluateResponse,
) -> Result<Vec<v1::Pseudonym>, ClientError> {
    if evaluated.evaluated_points.len() != blinded.len() {
        return Err(ClientError::Answer("another number of points than were sent"));
    }
    identifiers
        .iter()
        .zip(blinded)
        .zip(&evaluated.evaluated_points)
        .map(|((identifier, blinded), point)| {
            let point = EvaluatedPoint::try_from(point.as_slice())
                .map_err(|_| ClientError::Answer("a point that is none"))?;
            Ok(v1::Pseudonym {
                namespace: namespace(identifier).into(),
                evaluation_key_id: evaluated.evaluation_key_id,
                value: blinded.finalize(&point).as_bytes().to_vec(),
            })
        })
        .collect()
}

/// The organisation of a case number is part of its pseudonym and is not sent.
fn namespace(identifier: &Identifier) -> v1::Namespace {
    match identifier.namespace() {
        Namespace::Nhs => v1::Namespace::Nhs,
        Namespace::Chi => v1::Namespace::Chi,
        Namespace::Hcn => v1::Namespace::Hcn,
        Namespace::Upn => v1::Namespace::Upn,
        Namespace::UpnTemp => v1::Namespace::UpnTemp,
        Namespace::Uln => v1::Namespace::Uln,
        Namespace::Case(_) => v1::Namespace::Case,
    }
}

#[cfg(test)]
mod tests {
    use signpost_pseudonym::oprf::{BlindedPoint, EvaluationKey, EvaluationKeyId};

    use super::*;

    fn evaluate(key: &EvaluationKey, points: &[Vec<u8>]) -> v1::EvaluateResponse {
        let evaluated_points = points
            .iter()
            .map(|point| {
                let point = BlindedPoint::try_from(point.as_slice()).unwrap();
                key.evaluate(&point).point.to_bytes().to_vec()
            })
            .collect();
        v1::EvaluateResponse { evaluation_key_id: 5, evaluated_points, receipt: 1 }
    }

    fn round(key: &EvaluationKey, identifiers: &[Identifier]) -> Vec<v1::Pseudonym> {
        let blinded: Vec<_> = identifiers.iter().map(|i| Blinded::new(i, &mut OsRng)).collect();
        let points: Vec<_> = blinded.iter().map(|b| b.message().to_bytes().to_vec()).collect();
        finalize(identifiers, blinded, &evaluate(key, &points)).unwrap()
    }

    fn child() -> [Identifier; 2] {
        [
            Identifier::parse(Namespace::Nhs, "999 000 0018").unwrap(),
            Identifier::parse(Namespace::Case("E10000023".parse().unwrap()), "12-3").unwrap(),
        ]
    }

    #[test]
    fn the_same_identifiers_get_the_same_pseudonyms_in_their_order() {
        let key = EvaluationKey::generate(EvaluationKeyId(5), &mut OsRng);
        let pseudonyms = round(&key, &child());
        assert_eq!(pseudonyms, round(&key, &child()), "whatever the blinds");
        assert_ne!(pseudonyms[0].value, pseudonyms[1].value);
        assert_eq!(pseudonyms[0].namespace(), v1::Namespace::Nhs);
        assert_eq!(pseudonyms[1].namespace(), v1::Namespace::Case);
        assert!(pseudonyms.iter().all(|p| p.value.len() == 64 && p.evaluation_key_id == 5));
    }

    #[test]
    fn an_answer_that_does_not_fit_is_refused() {
        let blinded = || child().iter().map(|i| Blinded::new(i, &mut OsRng)).collect::<Vec<_>>();
        let evaluated = |evaluated_points| v1::EvaluateResponse {
            evaluation_key_id: 5,
            evaluated_points,
            receipt: 1,
        };
        for points in [vec![], vec![vec![1; 32]], vec![vec![0; 32], vec![0; 32]]] {
            let refused = finalize(&child(), blinded(), &evaluated(points));
            assert!(matches!(refused, Err(ClientError::Answer(_))));
        }
    }
}
