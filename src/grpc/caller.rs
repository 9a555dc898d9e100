//! Who calls: the verified certificate of the connection and the token in the metadata.

use signpost_core::directory::Presented;
use signpost_core::id::Fingerprint;
use signpost_core::token::{Token, TokenError};
use tonic::Extensions;
use tonic::metadata::MetadataMap;

use crate::connection::ClientCertificate;

/// What the request brings to be known by.
pub(super) fn presented(metadata: &MetadataMap, extensions: &Extensions) -> Presented {
    let certificate = extensions.get::<ClientCertificate>();
    // Our own acceptor sets it on every connection; without it nobody is known.
    let certificate = certificate.map_or(Fingerprint::new([0; 32]), |certificate| certificate.0);
    Presented { certificate, token: token(metadata) }
}

fn token(metadata: &MetadataMap) -> Option<Result<Token, TokenError>> {
    let mut values = metadata.get_all("authorization").iter();
    let value = values.next()?;
    if values.next().is_some() {
        return Some(Err(TokenError));
    }
    let text = value.to_str().ok().and_then(|text| text.strip_prefix("Bearer "));
    Some(text.ok_or(TokenError).and_then(Token::parse))
}
