//! What a case system links: pseudonyms, retries, typed calls.
//!
//! An identifier is parsed, checked and blinded here, and only blinded points and pseudonyms go
//! to the service: no call of this crate takes the text of an identifier, and none sends one.
//! Pseudonyms are made anew for each call and not kept.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use signpost_client::{Client, Profile};
//! use signpost_proto::v1::{Purpose, Relationship};
//! use signpost_pseudonym::identifier::Identifier;
//! use signpost_pseudonym::namespace::Namespace;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let profile = Profile::load(Path::new("/etc/signpost/profile.toml"))?;
//! let client = Client::connect(&profile).await?;
//! let child = [Identifier::parse(Namespace::Nhs, "999 000 0018")?];
//! let answer = client.ask(&child, Purpose::S47Enquiry, Relationship::AllocatedCase).await?;
//! for signpost in &answer.signposts {
//!     println!("{}, {}", signpost.team_name, signpost.organisation_name);
//! }
//! # Ok(())
//! # }
//! ```

pub mod alerts;
mod ask;
pub mod caseload;
mod client;
mod connection;
mod credential;
pub mod error;
#[cfg(test)]
mod fake;
pub mod gathered;
pub mod history;
pub mod ledger;
pub mod onboarding;
pub mod profile;
mod pseudonymise;
pub mod purges;
mod retry;
mod system;
pub mod write;

pub use client::Client;
pub use error::ClientError;
pub use profile::Profile;
pub use system::SystemClient;
