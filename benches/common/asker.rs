//! An asker that the store of a county knows, in the store's process.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use signpost::clock::SystemClock;
use signpost::connection::fingerprint;
use signpost::entropy::SystemEntropy;
use signpost_core::directory::{Directory, Presented, Question};
use signpost_core::policy::Policy;
use signpost_core::refusal::Invalid;
use signpost_core::store::Store;
use signpost_core::terms::{Action, Purpose, Relationship};
use signpost_core::token::Token;
use signpost_embedded::store::EmbeddedStore;

use crate::children::ChildOf;

/// How many children are asked about, half of them known, again and again.
pub(crate) const CHILDREN: usize = 10_000;

/// Asks one question after the other, below gRPC.
#[derive(Debug)]
pub(crate) struct Asker {
    directory: Directory,
    presented: Presented,
    questions: Vec<Result<Question, Invalid>>,
}

impl Asker {
    /// The social worker of a county with so many known children.
    pub(crate) async fn start(
        store: &Arc<EmbeddedStore>,
        folder: &Path,
        known: usize,
    ) -> anyhow::Result<Self> {
        let store = Arc::clone(store) as Arc<dyn Store>;
        let (policy, clock) = (Arc::new(Policy::default()), Arc::new(SystemClock));
        let directory = Directory::start(store, policy, clock, Arc::new(SystemEntropy)).await?;
        let certificate = CertificateDer::from_pem_file(folder.join("asker.pem"))?;
        let token = std::fs::read_to_string(folder.join("asker.token"))?;
        let token = Token::parse(&token).context("the asker's token")?;
        let presented =
            Presented { certificate: fingerprint(&certificate), token: Some(Ok(token)) };
        let children = (0..CHILDREN.min(2 * known)).map(ChildOf::alternating);
        Ok(Self {
            directory,
            presented,
            questions: children.map(|child| Ok(question(child))).collect(),
        })
    }

    /// Asks the question of this number; behind the last comes the first again.
    pub(crate) async fn ask(&self, number: usize) -> anyhow::Result<()> {
        let question = &self.questions[number % self.questions.len()];
        self.directory.ask(&self.presented, question, Action::Ask).await?;
        Ok(())
    }
}

fn question(child: ChildOf) -> Question {
    Question {
        subject: child.subject(),
        purpose: Purpose::S47Enquiry,
        relationship: Relationship::AllocatedCase,
    }
}
