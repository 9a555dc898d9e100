//! Certificates and keys: what is there is taken, what is not is made by the service's own authority.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rcgen::{KeyPair, PublicKeyData};
use signpost_core::directory::onboarding::NewSystem;
use signpost_core::id::SystemId;

use super::made::Made;
use super::operator::OperatorFile;
use crate::admission::ClientAuthorities;
use crate::config::Config;
use crate::entropy::SystemEntropy;
use crate::exit::{Exit, Failure};
use crate::issuer::OwnAuthority;
use crate::{pki, tls};

/// For how long a new authority is valid.
const AUTHORITY_YEARS: i64 = 10;

/// A new system and, where they were made here, the files of its certificate and key.
pub(super) struct Papers {
    pub(super) system: NewSystem,
    pub(super) files: Option<(PathBuf, PathBuf)>,
}

/// Makes what the configuration names of certificates and keys and is not there. Gives the
/// service's own authority, if it has one.
pub(super) fn make(
    config: &Config,
    server_names: &[String],
    now: Timestamp,
    made: &mut Made,
) -> Result<Option<OwnAuthority>, Failure> {
    let server = &config.server;
    let own_authority = match &config.authority {
        None => None,
        Some(authority) => {
            if !are_there(&authority.certificate, &authority.key)? {
                let new = pki::Authority::lasting("signpost authority", now, AUTHORITY_YEARS)?;
                made.file(&authority.certificate)?;
                new.write_certificate(&authority.certificate)?;
                made.file(&authority.key)?;
                new.write_key(&authority.key)?;
                if !server.client_authority.exists() {
                    made.file(&server.client_authority)?;
                    new.write_certificate(&server.client_authority)?;
                }
            }
            Some(OwnAuthority::read(authority, server)?)
        }
    };
    if !are_there(&server.certificate, &server.key)? {
        let Some(authority) = &own_authority else {
            let path = server.certificate.display();
            let problem = "is not there, and there is no [authority] to sign one";
            return Err(Failure::config(format!("{path} {problem}")));
        };
        let (certificate, key) = authority.issue_server(server_names, now)?;
        made.public(&server.certificate, &certificate)?;
        made.secret(&server.key, &key)?;
    }
    Ok(own_authority)
}

/// A system for the administrators: with the certificate that the file names, or a new one. None
/// where there is neither.
pub(super) fn system(
    config: &Config,
    operator: &OperatorFile,
    own_authority: Option<&OwnAuthority>,
    out: &Path,
    now: Timestamp,
    made: &mut Made,
) -> Result<Option<Papers>, Failure> {
    let id = SystemId::new(SystemEntropy.bytes());
    if let Some(path) = &operator.certificate {
        let certificates = tls::certificates(path)?;
        let [certificate] = certificates.as_slice() else {
            return Err(Failure::config(format!("{} must hold one certificate", path.display())));
        };
        let authorities = ClientAuthorities::read(&config.server)?;
        let admissible = authorities
            .check(certificate.to_vec(), now)
            .map_err(|problem| Failure::config(format!("{} {problem}", path.display())))?;
        let (fingerprint, until) = (admissible.fingerprint, admissible.until);
        return Ok(Some(Papers { system: NewSystem { id, fingerprint, until }, files: None }));
    }
    let Some(authority) = own_authority else { return Ok(None) };
    let failed = |problem: String| Failure::new(Exit::Bug, problem);
    let pair = KeyPair::generate().map_err(|error| failed(error.to_string()))?;
    let issued = authority
        .issue_for(&pair.subject_public_key_info(), id, now)
        .map_err(|error| Failure::config(error.to_string()))?;
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    let text = pem::encode_config(&pem::Pem::new("CERTIFICATE", issued.der), config);
    let files = (out.join("administration.pem"), out.join("administration.key"));
    made.public(&files.0, &text)?;
    made.secret(&files.1, &pair.serialize_pem())?;
    let system = NewSystem { id, fingerprint: issued.fingerprint, until: issued.until };
    Ok(Some(Papers { system, files: Some(files) }))
}

/// Whether both are there; one without the other is refused.
fn are_there(certificate: &Path, key: &Path) -> Result<bool, Failure> {
    let (has_certificate, has_key) = (certificate.exists(), key.exists());
    if has_certificate == has_key {
        return Ok(has_certificate);
    }
    let (there, missing) = if has_certificate { (certificate, key) } else { (key, certificate) };
    let (there, missing) = (there.display(), missing.display());
    Err(Failure::config(format!("{there} is there, and {missing} that belongs to it is not")))
}
