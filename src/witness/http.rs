//! The one call of C2SP tlog-witness, and what its outcomes are called in HTTP; and one of our own, by
//! which the witness shows what it has seen.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use signpost_ledger::witness::Refused;
use signpost_ledger::witness::request::REQUEST_LEN_MAX;

use super::{ARRIVES_WITHIN, Desk};
use crate::server::with_sources;

/// The path of the one call.
pub(crate) const ADD_CHECKPOINT: &str = "/add-checkpoint";
/// What the name of a log follows, to be shown the note that was cosigned last: a refusal is unsigned,
/// and anybody between could have made it.
pub(crate) const CHECKPOINTS: &str = "/checkpoints/";
/// The content type of a size (C2SP tlog-witness, "add-checkpoint").
const SIZE_TYPE: HeaderValue = HeaderValue::from_static("text/x.tlog.size");
const TEXT_TYPE: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Answers one request.
pub(super) async fn answer(
    desk: Arc<Desk>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if let Some(name) = request.uri().path().strip_prefix(CHECKPOINTS) {
        return Ok(shown(desk, name.to_owned()).await);
    }
    if request.uri().path() != ADD_CHECKPOINT {
        return Ok(text(StatusCode::NOT_FOUND, "this is a witness; it has /add-checkpoint"));
    }
    if request.method() != Method::POST {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "send it with POST");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return Ok(response);
    }
    let body = Limited::new(request.into_body(), REQUEST_LEN_MAX).collect();
    let body = match tokio::time::timeout(ARRIVES_WITHIN, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => return Ok(text(StatusCode::BAD_REQUEST, "it is cut short, or too long")),
        Err(_) => return Ok(text(StatusCode::REQUEST_TIMEOUT, "it did not arrive in time")),
    };
    let answered = tokio::task::spawn_blocking(move || desk.add_checkpoint(&body)).await;
    Ok(match answered {
        Ok(Ok(signature)) => text(StatusCode::OK, &signature.to_string()),
        Ok(Err(refused)) => refusal(&refused),
        Err(_panicked) => text(StatusCode::INTERNAL_SERVER_ERROR, "a bug of the witness"),
    })
}

/// The note that was cosigned last of the log of this name. Another request may hold the witness while
/// it waits for the disk.
async fn shown(desk: Arc<Desk>, name: String) -> Response<Full<Bytes>> {
    match tokio::task::spawn_blocking(move || desk.kept(&name)).await {
        Ok(Some(note)) => Response::new(Full::new(Bytes::from(note))),
        Ok(None) => text(StatusCode::NOT_FOUND, "nothing was cosigned of that log"),
        Err(_panicked) => text(StatusCode::INTERNAL_SERVER_ERROR, "a bug of the witness"),
    }
}

/// The status of each refusal (C2SP tlog-witness, "add-checkpoint").
fn refusal(refused: &Refused) -> Response<Full<Bytes>> {
    let status = match refused {
        Refused::Malformed(_) | Refused::Note(_) | Refused::Backwards => StatusCode::BAD_REQUEST,
        Refused::UnknownLog => StatusCode::NOT_FOUND,
        Refused::NotSigned(_) => StatusCode::FORBIDDEN,
        Refused::OtherSize { latest: size } | Refused::OtherRoot { size } => {
            let mut response = text(StatusCode::CONFLICT, &size.to_string());
            response.headers_mut().insert(CONTENT_TYPE, SIZE_TYPE);
            return response;
        }
        Refused::NotConsistent(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Refused::NotKept(_) => {
            // Why stands in the witness's own log: its paths are nobody's business.
            return text(StatusCode::SERVICE_UNAVAILABLE, &refused.to_string());
        }
    };
    text(status, &with_sources(refused))
}

fn text(status: StatusCode, line: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{line}\n"))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, TEXT_TYPE);
    response
}
