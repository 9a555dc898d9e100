//! `signpost certificate`: a system renews its own certificate with a key that is made here.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use rcgen::{CertificateParams, KeyPair, PublicKeyData};
use rustls::pki_types::CertificateDer;
use signpost_proto::v1;

use super::profile::ConnectionArgs;
use super::render::fields::{Fields, print_done};
use super::render::{Output, print};
use crate::connection::fingerprint;
use crate::exit::{Exit, Failure};
use crate::issuer::public_key_of;
use crate::{secret_file, tls};

const EXAMPLES: &str = "\
Examples:
  signpost certificate renew --profile system.toml
  signpost certificate renew --profile system.toml --output json

A new key is written beside the present one (its file's name and .next), the service's own authority
signs a certificate for it, and both are put in their places. The present certificate counts until
its own time is over. If it is cut short, run the same again: it ends what was begun.";

/// Renews this system's own certificate
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct CertificateCommand {
    #[command(subcommand)]
    action: CertificateAction,
}

/// What is done about this system's own certificate.
#[derive(Debug, Subcommand)]
enum CertificateAction {
    /// Renews this system's certificate, with a new key
    #[command(after_help = EXAMPLES)]
    Renew {
        #[command(flatten)]
        connection: ConnectionArgs,
    },
}

impl CertificateCommand {
    /// Makes the key, asks for its certificate over the present one, and puts both in place.
    pub async fn run(self, output: Output) -> anyhow::Result<()> {
        let CertificateAction::Renew { connection } = self.action;
        let (certificate, key) = connection.certificate_files()?;
        let files = Files::beside(certificate, key);
        if files.is_answered() {
            // An earlier run was cut short then.
            let fields = files.replace()?;
            return print(output, || "Renewed by the run before.".to_owned(), &fields);
        }
        let pair = files.next_pair()?;
        let client = connection.connect_system().await?;
        let message = v1::RenewCertificateRequest { certificate_request: request(&pair)? };
        let done = client.renew_certificate(message).await.map_err(|error| {
            let next = files.next_key.display();
            let advice = format!("{error}; the next key stays in {next}: the same again is safe");
            Failure::new(Exit::Refused, advice)
        })?;
        files.keep(&pair, done.certificate)?;
        let sentence = "Renewed: the new certificate and its key are in the old ones' places.";
        print_done(sentence, files.replace()?, done.receipt, output)
    }
}

/// The present files, and those of the next, which wait beside them.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    next_certificate: PathBuf,
    next_key: PathBuf,
}

impl Files {
    fn beside(certificate: PathBuf, key: PathBuf) -> Self {
        let next_certificate = secret_file::beside(&certificate);
        let next_key = secret_file::beside(&key);
        Self { certificate, key, next_certificate, next_key }
    }

    /// Whether the next certificate is there. What was cut short in being written is none, and
    /// stands in nobody's way.
    fn is_answered(&self) -> bool {
        let is_there = tls::certificates(&self.next_certificate).is_ok();
        if !is_there {
            std::fs::remove_file(&self.next_certificate).ok();
        }
        is_there
    }

    /// The next key: of an earlier run that was cut short, or a new one, written before it is used.
    fn next_pair(&self) -> Result<KeyPair, Failure> {
        if !self.next_key.exists() {
            let pair = KeyPair::generate().map_err(|error| failed(&error))?;
            secret_file::create(&self.next_key, &pair.serialize_pem())?;
            return Ok(pair);
        }
        let pem = secret_file::read(&self.next_key)?;
        KeyPair::from_pem(&pem).map_err(|_| {
            let next = self.next_key.display();
            Failure::config(format!("{next} is there and holds no private key in PEM"))
        })
    }

    /// Writes the certificate beside the present one, if it is one for this key.
    fn keep(&self, pair: &KeyPair, der: Vec<u8>) -> Result<(), Failure> {
        let of = public_key_of(&CertificateDer::from(der.as_slice()));
        if of.as_deref() != Some(&*pair.subject_public_key_info()) {
            let problem = "the service's answer is no certificate for the key that was sent";
            return Err(Failure::new(Exit::Refused, problem));
        }
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        let text = pem::encode_config(&pem::Pem::new("CERTIFICATE", der), config);
        secret_file::create_public(&self.next_certificate, &text)
    }

    /// Puts both in place: the key first, for the certificate beside it says that it was answered.
    fn replace(&self) -> Result<Fields, Failure> {
        let next = tls::certificates(&self.next_certificate)?;
        let until = tls::not_after(&next[0])?;
        if self.next_key.exists() {
            secret_file::replace(&self.key, &self.next_key)?;
        }
        secret_file::replace(&self.certificate, &self.next_certificate)?;
        let fingerprint = hex::encode(fingerprint(&next[0]).as_bytes());
        Ok(Fields::default()
            .text("fingerprint", &fingerprint)
            .text("until", &Timestamp::to_string(&until)))
    }
}

/// A request (PKCS #10, DER) that is signed with this key. It names nobody: the service does.
fn request(pair: &KeyPair) -> Result<Vec<u8>, Failure> {
    let request = CertificateParams::default().serialize_request(pair);
    Ok(request.map_err(|error| failed(&error))?.der().to_vec())
}

fn failed(error: &rcgen::Error) -> Failure {
    Failure::new(Exit::Bug, format!("a key or its request could not be made: {error}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use std::path::Path;

    use signpost_core::store::Clock;

    use super::*;
    use crate::clock::SystemClock;
    use crate::pki::Authority;

    fn files(folder: &Path) -> Files {
        Files::beside(folder.join("system.pem"), folder.join("system.key"))
    }

    #[test]
    fn a_run_that_was_cut_short_anywhere_is_ended_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        let authority = Authority::new("Fictional", SystemClock.now()).unwrap();
        authority.issue_client("old", &files.certificate, &files.key).unwrap();

        let pair = files.next_pair().unwrap();
        let mode = std::fs::metadata(&files.next_key).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = files.next_pair().unwrap();
        assert_eq!(again.serialize_pem(), pair.serialize_pem(), "cut short before the answer");

        let (pem, key) = (folder.path().join("next.pem"), folder.path().join("next.key"));
        authority.issue_client("next", &pem, &key).unwrap();
        let other = tls::certificates(&pem).unwrap()[0].to_vec();
        assert!(files.keep(&pair, other.clone()).is_err(), "of another key");
        assert!(!files.next_certificate.exists());

        std::fs::write(&files.next_certificate, "-----BEGIN CERTIF").unwrap();
        assert!(!files.is_answered() && !files.next_certificate.exists(), "half of one");
        std::fs::copy(&key, &files.next_key).unwrap();
        files.keep(&files.next_pair().unwrap(), other.clone()).unwrap();
        assert!(files.is_answered());
        // Cut short between the two.
        secret_file::replace(&files.key, &files.next_key).unwrap();
        files.replace().unwrap();
        assert_eq!(tls::certificates(&files.certificate).unwrap()[0].to_vec(), other);
        assert_eq!(std::fs::read(&files.key).unwrap(), std::fs::read(&key).unwrap());
        assert!(!files.next_key.exists() && !files.next_certificate.exists());
    }
}
