//! Child identifiers, their checks, and both sides of the OPRF that turns them into pseudonyms.
//!
//! [`identifier`] brings what people type into one canonical form and checks it. [`oprf`] blinds
//! it on the client, evaluates the blinded point on the server and unblinds the result into a
//! [`pseudonym`], so that the server never sees an identifier and the client never sees the key.
//!
//! ```
//! use rand_core::OsRng;
//! use signpost_pseudonym::identifier::Identifier;
//! use signpost_pseudonym::namespace::Namespace;
//! use signpost_pseudonym::oprf::{Blinded, BlindedPoint, EvaluatedPoint};
//! use signpost_pseudonym::oprf::{EvaluationKey, EvaluationKeyId};
//! use signpost_pseudonym::pseudonym::Pseudonym;
//!
//! fn pseudonym(key: &EvaluationKey, text: &str) -> Result<Pseudonym, Box<dyn std::error::Error>> {
//!     // The client parses and blinds; 32 bytes that say nothing travel to the server.
//!     let identifier = Identifier::parse(Namespace::Nhs, text)?;
//!     let blinded = Blinded::new(&identifier, &mut OsRng);
//!     let request = blinded.message().to_bytes();
//!
//!     // The server evaluates, and names the key it used.
//!     let evaluation = key.evaluate(&BlindedPoint::try_from(&request[..])?);
//!     assert_eq!(evaluation.key, EvaluationKeyId(1));
//!     let reply = evaluation.point.to_bytes();
//!
//!     // The client unblinds.
//!     Ok(blinded.finalize(&EvaluatedPoint::try_from(&reply[..])?))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = EvaluationKey::generate(EvaluationKeyId(1), &mut OsRng);
//! assert!(pseudonym(&key, "999 000 0018")? == pseudonym(&key, "999-000-0018")?);
//! # Ok(())
//! # }
//! ```

pub mod identifier;
pub mod namespace;
pub mod oprf;
pub mod pseudonym;
