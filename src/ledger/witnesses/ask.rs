//! One witness is asked to cosign one checkpoint (C2SP tlog-witness, over HTTP/1.1).

use std::fmt::Display;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::http::uri::{Authority, Scheme};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use signpost_ledger::note::checkpoint::Checkpoint;
use signpost_ledger::note::key::{Algorithm, VerifierKey};
use signpost_ledger::note::{NOTE_LEN_MAX, Note, NoteError};
use signpost_ledger::witness::{name_of, request};
use tokio::net::TcpStream;

use crate::config;
use crate::exit::Failure;
use crate::ledger::keeper::{Cosigned, Published};
use crate::server::with_sources;
use crate::witness::http::{ADD_CHECKPOINT, CHECKPOINTS};

/// How long one exchange may take.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// So often a witness may name another size to begin from.
const ASKED_MAX: usize = 5;

/// A witness, and how to reach it.
#[derive(Debug)]
pub(crate) struct Witness {
    key: VerifierKey,
    /// Our own key, by which the ledger's checkpoints are signed.
    ledger: VerifierKey,
    authority: Authority,
    /// What its calls follow.
    prefix: String,
    /// The size that it cosigned last, as far as we know.
    from: u64,
}

/// Why there is no cosignature.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotCosigned {
    /// Nobody is reached there, or our own ledger cannot be read now.
    #[error("witness {witness}: {problem}")]
    Missing { witness: String, problem: String },
    /// Whoever answers there does not cosign, and says nothing of another history.
    #[error(
        "witness {witness} answers and does not cosign ({problem}): see who answers there, and that it \
         was told of this ledger's key"
    )]
    Refuses { witness: String, problem: String },
    /// It says, without showing it, that it has cosigned what is no part of our ledger: the word may be
    /// anybody's on the way.
    #[error(
        "witness {witness} says that it has seen another history of this ledger ({problem}), and shows \
         none: see who answers there, and whether an older copy of the ledger was put back"
    )]
    Claims { witness: String, problem: String },
    /// It shows, signed by the ledger's key and its own, what is no part of our ledger.
    #[error(
        "witness {witness} has seen another history of this ledger ({problem}): one of the two was \
         changed or put back; nothing is to be relied on until it is known which"
    )]
    Contradicts { witness: String, problem: String, seen: Box<Checkpoint> },
}

/// What a witness makes of one request.
enum Reply {
    Cosigned(Box<Cosigned>),
    /// It wants the proof from this size on.
    From(u64),
    NotConsistent,
}

impl Witness {
    /// The witness that the configuration names.
    pub(crate) fn new(config: &config::Witness, ledger: VerifierKey) -> Result<Self, Failure> {
        let wrong = |problem: &str| Failure::config(format!("ledger.witness: {problem}"));
        let key: VerifierKey =
            config.key.parse().map_err(|error| wrong(&format!("key: {error}")))?;
        if key.algorithm() != Algorithm::Cosignature {
            return Err(wrong("key: it is not the key of a witness"));
        }
        let uri: Uri = config.url.parse().map_err(|_| wrong("url: not a URL"))?;
        let authority = uri.authority().filter(|_| uri.scheme() == Some(&Scheme::HTTP));
        let authority = authority
            .ok_or_else(|| wrong("url: must begin with http:// and a host; put TLS before it"))?;
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { key, ledger, authority: authority.clone(), prefix, from: 0 })
    }

    /// Asks for the last checkpoint to be cosigned. Gives it with the witness's signature.
    pub(crate) async fn ask(&mut self, ledger: &Published) -> Result<Cosigned, NotCosigned> {
        let size = ledger.reader.checkpoint().size;
        for _ in 0..ASKED_MAX {
            match self.ask_from(ledger, self.from).await? {
                Reply::Cosigned(cosigned) => {
                    self.from = size;
                    return Ok(*cosigned);
                }
                Reply::From(from) if from <= size && from != self.from => self.from = from,
                // It has this size already, and another root; or a larger one.
                Reply::From(from) => return Err(self.contradiction(ledger, from).await),
                Reply::NotConsistent => return Err(self.contradiction(ledger, self.from).await),
            }
        }
        Err(self
            .refuses("it names another size each time: somebody else asks it for the same ledger"))
    }

    /// What the witness says to have cosigned, and whether it can show that.
    async fn contradiction(&self, ledger: &Published, from: u64) -> NotCosigned {
        let witness = self.key.name().to_owned();
        let ours = ledger.reader.checkpoint().size;
        let claims = |problem| NotCosigned::Claims { witness: witness.clone(), problem };
        let Some(seen) = self.shown().await else {
            return claims(format!("it names {from} entries, ours are {ours}"));
        };
        match is_part_of(ledger, &seen).await {
            Ok(true) => {
                claims(format!("it refuses, and what it shows is part of our {ours} entries"))
            }
            // A tile that cannot be read is no other history.
            Err(error) => claims(format!("what it shows cannot be compared: {error}")),
            Ok(false) => {
                let problem = format!("it shows {} entries, ours are {ours}", seen.size);
                NotCosigned::Contradicts { witness, problem, seen: Box::new(seen) }
            }
        }
    }

    /// The checkpoint that it shows to have cosigned, signed by the ledger's key and its own.
    async fn shown(&self) -> Option<Checkpoint> {
        let path = format!("{CHECKPOINTS}{}", name_of(self.ledger.name()));
        let sent = self.send(Method::GET, &path, String::new());
        let (status, body) = tokio::time::timeout(ANSWERS_WITHIN, sent).await.ok()?.ok()?;
        let (checkpoint, note) = Checkpoint::open(&body, &self.ledger).ok()?;
        note.verify(&self.key).ok()?;
        (status == StatusCode::OK).then_some(checkpoint)
    }

    async fn ask_from(&self, ledger: &Published, from: u64) -> Result<Reply, NotCosigned> {
        let body = self.request(ledger, from).await?;
        let sent = self.send(Method::POST, ADD_CHECKPOINT, body);
        let sent = tokio::time::timeout(ANSWERS_WITHIN, sent).await;
        let sent = sent.map_err(|_late| self.missing("it did not answer in time"))?;
        let (status, body) = sent.map_err(|error| self.missing(with_sources(&*error)))?;
        match status {
            StatusCode::OK => {
                let cosigned = self.cosigned(&ledger.note, &body);
                cosigned
                    .map(|it| Reply::Cosigned(Box::new(it)))
                    .map_err(|error| self.refuses(error))
            }
            StatusCode::CONFLICT => {
                let latest =
                    str::from_utf8(&body).ok().and_then(|text| text.trim_end().parse().ok());
                latest.map(Reply::From).ok_or_else(|| self.refuses("it named no size"))
            }
            StatusCode::UNPROCESSABLE_ENTITY => Ok(Reply::NotConsistent),
            // Somebody before it, who does not reach it either.
            StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
                Err(self.missing(format!("it is not reached: {status}")))
            }
            other => Err(self.refuses(format!("it answered {other}"))),
        }
    }

    /// The request, whose proof is read from the ledger's files.
    async fn request(&self, ledger: &Published, from: u64) -> Result<String, NotCosigned> {
        let (reader, note) = (ledger.reader.clone(), ledger.note.clone());
        let write = move || {
            let size = reader.checkpoint().size;
            let path =
                reader.consistency(from.min(size), size).map_err(|error| error.to_string())?.path;
            let note = Note::parse(note.as_bytes()).map_err(|error| error.to_string())?;
            Ok(request::Request { old_size: from.min(size), path, note }.to_string())
        };
        let written = tokio::task::spawn_blocking(write).await;
        written
            .unwrap_or_else(|error| Err(error.to_string()))
            .map_err(|error: String| self.missing(error))
    }

    /// The witness's signature among the lines of its answer.
    fn cosigned(&self, ours: &str, lines: &[u8]) -> Result<Cosigned, NoteError> {
        let text = Note::parse(ours.as_bytes())?.text().to_owned();
        // Without the signatures that ours may bear already: an old one would do for a new one.
        let answered = Note::parse(&[text.as_bytes(), b"\n", lines].concat())?;
        let not_signed = || NoteError::NotSigned { key: self.key.to_string() };
        // An empty line among its lines would make some of them part of the text.
        if answered.text() != text {
            return Err(not_signed());
        }
        answered.verify(&self.key)?;
        let signature = answered.signature_by(&self.key).cloned().ok_or_else(not_signed)?;
        Ok(Cosigned { text, key: self.key.clone(), signature })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: String,
    ) -> anyhow::Result<(StatusCode, Vec<u8>)> {
        let host = self.authority.host().trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, self.authority.port_u16().unwrap_or(80))).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.prefix))
            .header(HOST, self.authority.as_str())
            .body(Full::new(Bytes::from(body)))?;
        let exchange = async {
            let response = sender.send_request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), NOTE_LEN_MAX).collect().await;
            let body = body.map_err(|error| anyhow::anyhow!("its answer: {error}"))?;
            anyhow::Ok((status, body.to_bytes().to_vec()))
        };
        let mut exchange = std::pin::pin!(exchange);
        tokio::select! {
            done = &mut exchange => done,
            ended = connection => {
                ended?;
                exchange.await
            }
        }
    }

    pub(crate) fn missing(&self, problem: impl Display) -> NotCosigned {
        let witness = self.key.name().to_owned();
        NotCosigned::Missing { witness, problem: problem.to_string() }
    }

    fn refuses(&self, problem: impl Display) -> NotCosigned {
        let witness = self.key.name().to_owned();
        NotCosigned::Refuses { witness, problem: problem.to_string() }
    }
}

/// Whether our ledger holds all of what this checkpoint covers, as far as it is signed.
async fn is_part_of(ledger: &Published, seen: &Checkpoint) -> Result<bool, String> {
    let (reader, Checkpoint { size, root, .. }) = (ledger.reader.clone(), seen.clone());
    if size > reader.checkpoint().size {
        return Ok(false);
    }
    let ours = tokio::task::spawn_blocking(move || reader.root(size)).await;
    let ours = ours.map_err(|error| error.to_string())?;
    ours.map(|ours| ours == root).map_err(|error| with_sources(&error))
}
