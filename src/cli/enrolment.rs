//! `signpost enrol` and `signpost token`: a token is made here, and only its hash is sent.

use std::io::{Read, stdin};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use signpost_client::error::Refused;
use signpost_client::{Client, ClientError};
use signpost_core::token::{EnrolmentCode, Token};
use signpost_proto::v1;
use zeroize::Zeroizing;

use super::profile::ConnectionArgs;
use super::render::Output;
use super::render::fields::{Fields, print_done};
use crate::entropy::SystemEntropy;
use crate::exit::{Exit, Failure};
use crate::secret_file;

const ENROL_EXAMPLES: &str = "\
Examples:
  signpost enrol --profile me.toml --code-file NC-0101.code
  age --decrypt --identity key.txt NC-0101.code.age | signpost enrol --profile me.toml --code-file -

The token is written to the file that the profile names, or --token-file, before the code is
redeemed. After no answer run the same again: it takes the token that is there. The code is good
once, for 14 days.";

const RENEW_EXAMPLES: &str = "\
Example:
  signpost token renew --profile me.toml

The new token is written beside the old one (its file's name and .next), renewed, and only then put
in its place as a whole. If it is cut short, run the same again: it takes the token that is there.";

/// The longest code that is read from standard input, with whatever stands round it.
const INPUT_BYTES_MAX: usize = 1024;

/// The refusals after which a code will never be redeemed for this token.
const FOR_GOOD: [&str; 3] = ["CODE_UNKNOWN", "CODE_EXPIRED", "CODE_USED"];

/// Redeems an enrolment code for a token of your own
#[derive(Args, Debug)]
#[command(after_help = ENROL_EXAMPLES)]
pub struct EnrolCommand {
    /// File with the enrolment code, readable by its owner alone; "-" is standard input
    #[arg(long, value_name = "FILE|-")]
    code_file: PathBuf,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Renews your own token
#[derive(Args, Debug)]
#[command(after_help = RENEW_EXAMPLES)]
pub struct TokenCommand {
    #[command(subcommand)]
    action: TokenAction,
}

/// What is done about your own token.
#[derive(Debug, Subcommand)]
enum TokenAction {
    /// Renews your own token: the old one is destroyed
    #[command(after_help = RENEW_EXAMPLES)]
    Renew {
        #[command(flatten)]
        connection: ConnectionArgs,
    },
}

impl EnrolCommand {
    /// Makes the token, redeems the code, and says until when the token is good.
    pub async fn run(self, output: Output) -> anyhow::Result<()> {
        let code = read_code(&self.code_file)?;
        let token_file = self.connection.token_file()?;
        let client = self.connection.connect_system().await?;
        let waiting = Waiting::at(&token_file)?;
        let message = v1::RedeemCodeRequest {
            code: code.to_text().to_string(),
            token_hash: waiting.token.hash().as_bytes().to_vec(),
        };
        let done = match client.redeem_code(message).await {
            Ok(done) => done,
            Err(error) => return Err(waiting.after_redeeming(error)),
        };
        let fields =
            Fields::default().text("token_id", &done.token_id).day("valid_until", done.valid_until);
        let sentence = "Enrolled: your token is in its file. Delete the code's file.";
        print_done(sentence, fields, done.receipt, output)
    }
}

fn read_code(file: &Path) -> Result<EnrolmentCode, Failure> {
    let text = if file == Path::new("-") {
        let mut text = Zeroizing::new(String::with_capacity(INPUT_BYTES_MAX + 1));
        let read = stdin().lock().take(INPUT_BYTES_MAX as u64).read_to_string(&mut text);
        read.map_err(|_| Failure::config("standard input cannot be read as text"))?;
        text
    } else {
        secret_file::read(file)?
    };
    EnrolmentCode::parse(text.trim())
        .map_err(|error| Failure::config(format!("--code-file: {error}")))
}

/// A token in its file that does not count yet.
struct Waiting {
    file: PathBuf,
    token: Token,
    /// Whether this run made it. Another's is never removed.
    is_ours: bool,
}

impl Waiting {
    /// The token of an earlier run that was cut short, or a new one, written before it is sent: a
    /// token that counts is never lost.
    fn at(file: &Path) -> Result<Self, Failure> {
        let is_ours = !file.exists();
        let token = if is_ours {
            let token = Token::new(SystemEntropy.bytes());
            secret_file::create(file, &token.to_text())?;
            token
        } else {
            Token::parse(secret_file::read(file)?.trim()).map_err(|error| {
                Failure::config(format!("{} is there and is {error}", file.display()))
            })?
        };
        Ok(Self { file: file.to_owned(), token, is_ours })
    }

    /// What to say and to leave after a code was not redeemed.
    fn after_redeeming(self, error: ClientError) -> anyhow::Error {
        let for_good =
            matches!(&error, ClientError::Refused(refused) if is_reason(refused, &FOR_GOOD));
        if for_good && self.is_ours {
            // What cannot be removed is a token that nobody issued: it opens nothing.
            std::fs::remove_file(&self.file).ok();
            return error.into();
        }
        let file = self.file.display();
        let counts_already = matches!(&error, ClientError::Refused(refused)
            if is_reason(refused, &["ALREADY_REGISTERED"]));
        let advice = if counts_already {
            format!("the token in {file} was issued before: name another file by --token-file")
        } else {
            format!("{error}; the token stays in {file}: the same again is safe")
        };
        if for_good { error.into() } else { Failure::new(Exit::Refused, advice).into() }
    }
}

fn is_reason(refused: &Refused, reasons: &[&str]) -> bool {
    reasons.contains(&refused.reason.as_str())
}

impl TokenCommand {
    /// Does what the subcommand says.
    pub async fn run(self, output: Output) -> anyhow::Result<()> {
        let TokenAction::Renew { connection } = self.action;
        let file = connection.token_file()?;
        let old = connection.clone().connect().await?;
        let next_file = secret_file::beside(&file);
        let was_cut_short = next_file.exists();
        let message = renewal(&Waiting::at(&next_file)?.token);
        let by_next = connection.with_token_file(next_file.clone());
        // After a run that was cut short the next token may count already, and the old one no more.
        if was_cut_short && let Some(receipt) = renewed_before(by_next.clone(), &message).await? {
            return replaced(&file, &next_file, receipt, output);
        }
        let error = match old.renew_token(message.clone()).await {
            Ok(done) => return replaced(&file, &next_file, Some(done.receipt), output),
            Err(error) => error,
        };
        // A first try may have done it although a later one was refused, or there was no answer.
        if let Ok(Some(receipt)) = renewed_before(by_next, &message).await {
            return replaced(&file, &next_file, receipt, output);
        }
        let next = next_file.display();
        let advice = format!("{error}; the next token stays in {next}: the same again is safe");
        Err(Failure::new(Exit::Refused, advice).into())
    }
}

/// The renewal for this token. Its id comes from the token, so that a run after one that was cut
/// short sends the very same.
fn renewal(next: &Token) -> v1::RenewTokenRequest {
    let hash = *next.hash().as_bytes();
    let (id, _) = hash.split_first_chunk().expect("a hash has more than 16 bytes");
    let request_id = uuid::Builder::from_random_bytes(*id).into_uuid().to_string();
    v1::RenewTokenRequest { request_id, token_hash: hash.to_vec() }
}

/// Whether the next token counts already: it sends the renewal that made it. That is answered as the
/// first time, or refused as registered once the first answer is forgotten; a token that does not
/// count is unknown. The receipt is that of the renewal, where it is remembered.
async fn renewed_before(
    by_next: ConnectionArgs,
    message: &v1::RenewTokenRequest,
) -> anyhow::Result<Option<Option<u64>>> {
    let client: Client = by_next.connect().await?;
    match client.renew_token(message.clone()).await {
        Ok(done) => Ok(Some(Some(done.receipt))),
        Err(ClientError::Refused(refused)) if is_reason(&refused, &["ALREADY_REGISTERED"]) => {
            Ok(Some(None))
        }
        Err(ClientError::Refused(refused)) if is_reason(&refused, &["TOKEN_UNKNOWN"]) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Puts the next token into the place of the old one.
fn replaced(
    file: &Path,
    next_file: &Path,
    receipt: Option<u64>,
    output: Output,
) -> anyhow::Result<()> {
    secret_file::replace(file, next_file)?;
    let sentence = "Renewed: the new token is in the old one's place.";
    match receipt {
        Some(receipt) => print_done(sentence, Fields::default(), receipt, output),
        None => super::render::print(
            output,
            || sentence.to_owned(),
            &serde_json::json!({ "renewed": true }),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use uuid::Uuid;

    use super::*;

    fn refused(reason: &str) -> ClientError {
        ClientError::Refused(Box::new(Refused {
            code: tonic::Code::FailedPrecondition,
            reason: reason.to_owned(),
            message: "no".to_owned(),
            violations: Vec::new(),
            retry_after: None,
            receipt: Some(3),
            after_no_answer: false,
        }))
    }

    #[test]
    fn a_token_is_in_its_file_before_it_is_sent_and_the_next_run_takes_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let first = Waiting::at(&file).unwrap();
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!((mode & 0o777, first.is_ours), (0o600, true));
        let second = Waiting::at(&file).unwrap();
        assert!(second.token == first.token && !second.is_ours);
        std::fs::write(&file, "something else").unwrap();
        let message = Waiting::at(&file).err().unwrap().to_string();
        assert!(message.contains("not a token") && !message.contains("something"), "{message}");
    }

    #[test]
    fn only_a_token_of_this_run_goes_and_only_when_the_code_is_refused_for_good() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        for reason in ["BUSY", "SYSTEM_SUSPENDED", "DENIED_SUSPENDED"] {
            let waiting = Waiting { is_ours: true, ..Waiting::at(&file).unwrap() };
            let message = waiting.after_redeeming(refused(reason)).to_string();
            assert!(file.exists() && message.contains("the same again is safe"), "{message}");
        }
        let another = Waiting::at(&file).unwrap();
        another.after_redeeming(refused("CODE_USED"));
        assert!(file.exists(), "a token that was there is not this run's to remove");
        for reason in FOR_GOOD {
            let waiting = Waiting { is_ours: true, ..Waiting::at(&file).unwrap() };
            waiting.after_redeeming(refused(reason));
            assert!(!file.exists(), "{reason}");
        }
    }

    #[test]
    fn the_same_next_token_is_the_same_renewal() {
        let (one, other) = (Token::new([1; 32]), Token::new([2; 32]));
        assert_eq!(renewal(&one), renewal(&one));
        assert_ne!(renewal(&one).request_id, renewal(&other).request_id);
        assert!(Uuid::parse_str(&renewal(&one).request_id).is_ok());
        assert_eq!(renewal(&one).token_hash, one.hash().as_bytes());
    }

    #[test]
    fn a_code_is_read_from_a_private_file_and_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("code");
        let code = EnrolmentCode::new([5; 16]);
        secret_file::create(&file, &format!("{}\n", *code.to_text())).unwrap();
        assert!(read_code(&file).unwrap() == code);
        std::fs::write(&file, "sgne_0123").unwrap();
        let message = read_code(&file).unwrap_err().to_string();
        assert!(message.starts_with("--code-file: not an enrolment code"), "{message}");
        assert!(!message.contains("0123"));
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
        assert!(read_code(&file).unwrap_err().to_string().contains("chmod 600"));
    }
}
