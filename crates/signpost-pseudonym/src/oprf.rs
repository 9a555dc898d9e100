//! RFC 9497 OPRF(ristretto255, SHA-512), base mode: the client's side and the server's.

mod blinded;
mod key;
mod key_file;
mod point;

#[cfg(test)]
mod tests;

pub use self::blinded::Blinded;
pub use self::key::{Evaluation, EvaluationKey, EvaluationKeyId, EvaluationKeys, KeyError};
pub use self::key_file::KeyFileError;
pub use self::point::{BlindedPoint, EvaluatedPoint, PointError};
