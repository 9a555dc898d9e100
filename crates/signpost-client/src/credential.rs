//! The files a profile names: read once, secrets only where nobody else can read them.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tonic::metadata::{Ascii, MetadataValue};
use zeroize::Zeroizing;

use crate::profile::{Profile, ProfileError};

/// The longest certificate chain or private key, in bytes.
const PEM_BYTES_MAX: usize = 256 * 1024;
/// The longest token file, in bytes.
const TOKEN_BYTES_MAX: usize = 1024;

/// The certificates of those who may sign the service's.
pub(crate) fn authority(profile: &Profile) -> Result<Vec<CertificateDer<'static>>, ProfileError> {
    certificates("authority", &profile.authority)
}

/// This system's certificate, with those between it and its authority.
pub(crate) fn certificate(profile: &Profile) -> Result<Vec<CertificateDer<'static>>, ProfileError> {
    certificates("certificate", &profile.certificate)
}

/// This system's private key.
pub(crate) fn private_key(profile: &Profile) -> Result<PrivateKeyDer<'static>, ProfileError> {
    let pem = read_secret("key", &profile.key, PEM_BYTES_MAX)?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| ProfileError::FileContent {
        key: "key",
        expected: "a private key in PEM form",
    })
}

/// What goes into the metadata of every call, marked as sensitive.
pub(crate) fn authorization(profile: &Profile) -> Result<MetadataValue<Ascii>, ProfileError> {
    let malformed = ProfileError::FileContent { key: "token", expected: "a token" };
    let bytes = read_secret("token", &profile.token, TOKEN_BYTES_MAX)?;
    let token = bytes.trim_ascii();
    if token.is_empty() || !token.iter().all(u8::is_ascii_graphic) {
        return Err(malformed);
    }
    // The exact capacity: a vector that grows leaves unwiped copies behind.
    let mut header = Zeroizing::new(Vec::with_capacity(SCHEME.len() + token.len()));
    header.extend_from_slice(SCHEME);
    header.extend_from_slice(token);
    let mut value = MetadataValue::try_from(header.as_slice()).map_err(|_| malformed)?;
    value.set_sensitive(true);
    Ok(value)
}

const SCHEME: &[u8] = b"Bearer ";

fn certificates(
    key: &'static str,
    file: &Path,
) -> Result<Vec<CertificateDer<'static>>, ProfileError> {
    let pem = read(key, file, PEM_BYTES_MAX, |_| Ok(()))?;
    match CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>() {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(ProfileError::FileContent { key, expected: "a certificate in PEM form" }),
    }
}

fn read_secret(
    key: &'static str,
    file: &Path,
    bytes_max: usize,
) -> Result<Zeroizing<Vec<u8>>, ProfileError> {
    read(key, file, bytes_max, |metadata| {
        let open = open_to_others(metadata);
        if open { Err(ProfileError::OpenToOthers { key, file: file.into() }) } else { Ok(()) }
    })
}

/// Reads a whole file; what is checked is the file that is read, not another of its name.
fn read(
    key: &'static str,
    file: &Path,
    bytes_max: usize,
    check: impl Fn(&Metadata) -> Result<(), ProfileError>,
) -> Result<Zeroizing<Vec<u8>>, ProfileError> {
    let unreadable = |source| ProfileError::FileUnreadable { key, source };
    let opened = File::open(file).map_err(unreadable)?;
    check(&opened.metadata().map_err(unreadable)?)?;
    // One byte of room more than is allowed, at once: nothing grows, so no unwiped copies.
    let mut bytes = Zeroizing::new(Vec::with_capacity(bytes_max + 1));
    opened.take(bytes_max as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > bytes_max { Err(ProfileError::FileTooLong { key }) } else { Ok(bytes) }
}

#[cfg(unix)]
fn open_to_others(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    const GROUP_AND_OTHERS: u32 = 0o077;
    metadata.permissions().mode() & GROUP_AND_OTHERS != 0
}

/// Where access is not told by a mode, it is left to whoever set the file up.
#[cfg(not(unix))]
fn open_to_others(_: &Metadata) -> bool {
    false
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const TOKEN: &str = "sgnp_0123456789abcdef";

    fn profile(content: &str, mode: u32) -> (tempfile::TempDir, Profile) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let profile = Profile {
            address: "https://localhost:1".to_owned(),
            server_name: None,
            authority: file.clone(),
            certificate: file.clone(),
            key: file.clone(),
            token: file,
        };
        (folder, profile)
    }

    #[test]
    fn a_token_is_trimmed_and_does_not_print() {
        let (_folder, profile) = profile(&format!(" {TOKEN}\n"), 0o600);
        let value = authorization(&profile).unwrap();
        assert_eq!(value.to_str().unwrap(), format!("Bearer {TOKEN}"));
        assert!(value.is_sensitive());
        assert!(!format!("{value:?}").contains("sgnp"));
    }

    #[test]
    fn a_secret_that_others_can_use_is_refused() {
        for mode in [0o640, 0o604, 0o620, 0o601] {
            let (_folder, profile) = profile(TOKEN, mode);
            for error in [authorization(&profile).unwrap_err(), private_key(&profile).unwrap_err()]
            {
                assert!(matches!(error, ProfileError::OpenToOthers { .. }), "{mode:o}");
                assert!(!error.to_string().contains(TOKEN));
            }
        }
        let (_folder, profile) = profile("no certificate", 0o644);
        let error = certificate(&profile).unwrap_err();
        assert!(matches!(error, ProfileError::FileContent { .. }), "a certificate is no secret");
    }

    #[test]
    fn what_is_no_token_is_refused_without_being_shown() {
        for content in ["", " \n", "two words", "ünïcode"] {
            let (_folder, profile) = profile(content, 0o600);
            let message = authorization(&profile).unwrap_err().to_string();
            assert_eq!(message, "the file named by `token` does not hold a token");
        }
        let (_folder, profile) = profile(&"x".repeat(TOKEN_BYTES_MAX + 1), 0o600);
        assert!(matches!(authorization(&profile), Err(ProfileError::FileTooLong { .. })));
    }

    #[test]
    fn a_token_in_the_place_of_its_path_is_not_shown() {
        let (_folder, mut profile) = profile(TOKEN, 0o600);
        profile.token = TOKEN.into();
        let error = authorization(&profile).unwrap_err();
        assert!(matches!(error, ProfileError::FileUnreadable { key: "token", .. }));
        assert!(!error.to_string().contains("sgnp"));
    }
}
