//! `signpost admin certificate`: which certificates name a system.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use rustls::pki_types::CertificateSigningRequestDer;
use rustls::pki_types::pem::PemObject;
use signpost_proto::v1;
use signpost_proto::v1::admit_certificate_request::Presented;
use uuid::Uuid;

use super::super::profile::ConnectionArgs;
use super::super::render::Output;
use super::super::render::fields::{Fields, Shown, print_done, print_listed};
use super::super::render::values::UUID;
use super::ChangeArgs;
use crate::connection::fingerprint;
use crate::exit::Failure;
use crate::tls;

const EXAMPLES: &str = "\
Examples:
  signpost admin certificate admit --system 0190b2a4-7c1e-7000-8000-000000000003 \\
      --pem ashby-system.pem
  signpost admin certificate admit --system 0190b2a4-7c1e-7000-8000-000000000003 \\
      --request ashby-system.csr --out ashby-system.pem
  signpost admin certificate revoke --pem ashby-system.pem
  signpost admin certificate list --system 0190b2a4-7c1e-7000-8000-000000000003

Compare the fingerprint with whoever runs the system before you admit a certificate. A revoked one
is nobody's from the next request on, on open connections too.";

/// The certificates of systems
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct CertificateCommand {
    #[command(subcommand)]
    action: Action,
}

/// What is done about certificates.
#[derive(Debug, Subcommand)]
enum Action {
    /// Admits a certificate for a system, or has one signed for it
    Admit(Admit),
    /// Revokes a certificate
    Revoke(Revoke),
    /// Lists the certificates that were ever admitted for a system
    #[command(after_help = EXAMPLES)]
    List {
        /// The system
        #[arg(long, value_name = "ID", value_parser = UUID)]
        system: Uuid,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
}

/// What is needed to admit a certificate.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
#[group(id = "presented", required = true, multiple = false, args = ["pem", "request"])]
struct Admit {
    /// The system
    #[arg(long, value_name = "ID", value_parser = UUID)]
    system: Uuid,
    /// Certificate of an authority that the service trusts (PEM)
    #[arg(long, value_name = "FILE")]
    pem: Option<PathBuf>,
    /// Request (PKCS #10, PEM) to be signed by the service's own authority
    #[arg(long, value_name = "FILE", requires = "out")]
    request: Option<PathBuf>,
    /// New file for the certificate that is signed (PEM)
    #[arg(long, value_name = "FILE", conflicts_with = "pem")]
    out: Option<PathBuf>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// What is needed to revoke a certificate.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct Revoke {
    /// The certificate (PEM)
    #[arg(long, value_name = "FILE")]
    pem: PathBuf,
    #[command(flatten)]
    change: ChangeArgs,
}

impl CertificateCommand {
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        match self.action {
            Action::Admit(admit) => admit.run(output).await,
            Action::Revoke(revoke) => revoke.run(output).await,
            Action::List { system, connection } => {
                let client = connection.connect().await?;
                print_listed(&client.list_certificates(&system.to_string()).await?, output)
            }
        }
    }
}

impl Shown for v1::Certificate {
    const MANY: &'static str = "certificates";

    fn fields(&self) -> Fields {
        let until = Timestamp::from_millisecond(self.until_ms).map(|until| until.to_string());
        Fields::default()
            .text("fingerprint", &hex::encode(&self.fingerprint))
            .text("until", &until.unwrap_or_default())
            .term::<v1::Standing>("standing", self.standing)
    }
}

impl Admit {
    async fn run(self, output: Output) -> anyhow::Result<()> {
        let presented = match (&self.pem, &self.request) {
            (Some(file), _) => Presented::Certificate(leaf(file)?),
            (None, Some(file)) => Presented::CertificateRequest(request(file)?),
            (None, None) => return Err(Failure::config("give --pem or --request").into()),
        };
        // Nothing is signed that could not be kept.
        let kept = self.out.as_deref().map(new_file).transpose()?;
        let (client, request_id) = self.change.begin().await?;
        let system_id = self.system.to_string();
        let message =
            v1::AdmitCertificateRequest { request_id, system_id, presented: Some(presented) };
        let answer = client.admit_certificate(message).await;
        if let (Err(_), Some(path)) = (&answer, &self.out) {
            std::fs::remove_file(path).ok();
        }
        let done = answer?;
        if let (Some(file), Some(path)) = (kept, &self.out) {
            write(file, path, &done.certificate)?;
        }
        let fingerprint = hex::encode(fingerprint(&done.certificate).as_bytes());
        let fields = Fields::default().text("fingerprint", &fingerprint);
        print_done("Admitted.", fields, done.receipt, output)
    }
}

impl Revoke {
    async fn run(self, output: Output) -> anyhow::Result<()> {
        let fingerprint = fingerprint(&leaf(&self.pem)?).as_bytes().to_vec();
        let (client, request_id) = self.change.begin().await?;
        let message = v1::RevokeCertificateRequest { request_id, fingerprint };
        let done = client.revoke_certificate(message).await?;
        print_done("Revoked.", Fields::default(), done.receipt, output)
    }
}

/// The first certificate of a file, DER.
fn leaf(file: &Path) -> Result<Vec<u8>, Failure> {
    let certificates = tls::certificates(file)?;
    Ok(certificates[0].to_vec())
}

fn request(file: &Path) -> Result<Vec<u8>, Failure> {
    let read = CertificateSigningRequestDer::from_pem_file(file);
    let request = read.map_err(|_| {
        let file = file.display();
        Failure::config(format!("{file} cannot be read, or holds no certificate request (PEM)"))
    })?;
    Ok(request.to_vec())
}

fn new_file(path: &Path) -> Result<std::fs::File, Failure> {
    std::fs::File::create_new(path)
        .map_err(|error| Failure::config(format!("cannot create {}: {error}", path.display())))
}

fn write(mut file: std::fs::File, path: &Path, certificate: &[u8]) -> Result<(), Failure> {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    let text = pem::encode_config(&pem::Pem::new("CERTIFICATE", certificate), config);
    std::io::Write::write_all(&mut file, text.as_bytes())
        .map_err(|error| Failure::config(format!("cannot write {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;
    use crate::clock::SystemClock;
    use crate::pki::Authority;

    #[test]
    fn a_request_and_a_certificate_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("system.csr");
        let key = KeyPair::generate().unwrap();
        let made = CertificateParams::default().serialize_request(&key).unwrap();
        std::fs::write(&path, made.pem().unwrap()).unwrap();
        assert_eq!(request(&path).unwrap(), made.der().to_vec());
        assert!(leaf(&path).is_err());
    }

    #[test]
    fn a_certificate_reads_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let (path, again) = (folder.path().join("a.pem"), folder.path().join("b.pem"));
        let now = signpost_core::store::Clock::now(&SystemClock);
        Authority::new("Fictional", now).unwrap().write_certificate(&path).unwrap();
        let certificate = leaf(&path).unwrap();
        write(new_file(&again).unwrap(), &again, &certificate).unwrap();
        assert_eq!(leaf(&again).unwrap(), certificate);
        assert!(new_file(&again).is_err(), "no file is overwritten");
        assert!(request(&again).is_err());
    }
}
