//! What every write about a child takes: the child, the request, the connection.

use std::io::{stderr, stdin};

use clap::Args;
use signpost_client::Client;
use signpost_proto::v1;
use signpost_pseudonym::identifier::Identifier;

use super::identifiers::IdentifierArgs;
use super::profile::{ConnectionArgs, WriteArgs};

/// Which child a write is about, and how it is sent.
#[derive(Args, Debug)]
pub struct ChildWriteArgs {
    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    child: IdentifierArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// A write that can be sent.
#[derive(Debug)]
pub struct ChildWrite {
    /// Whoever sends it.
    pub client: Client,
    /// The id by which the very same again is known.
    pub request_id: String,
    /// The child, as the service is told of it.
    pub pseudonyms: Vec<v1::Pseudonym>,
}

impl ChildWriteArgs {
    /// Reads the identifiers and connects; gives the request's id between the two.
    pub async fn connect(self) -> anyhow::Result<(Client, String, Vec<Identifier>)> {
        let identifiers = self.child.parse(&mut stdin().lock(), &mut stderr())?;
        let client = self.connection.connect().await?;
        Ok((client, self.write.request_id(), identifiers))
    }

    /// Does so, and has the child's pseudonyms made.
    pub async fn begin(self) -> anyhow::Result<ChildWrite> {
        let (client, request_id, identifiers) = self.connect().await?;
        let pseudonyms = client.pseudonymise(&identifiers).await?;
        Ok(ChildWrite { client, request_id, pseudonyms })
    }
}
