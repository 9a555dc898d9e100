//! Where the service is and what this system shows it: a TOML file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use toml::{Table, Value};

/// Every key a profile may have; all but `server_name` are needed.
const KEYS: [&str; 6] = ["address", "server_name", "authority", "certificate", "key", "token"];

/// Where the service is, and the files this system proves itself with.
///
/// ```toml
/// address = "https://signpost.example:8443"
/// authority = "authority.pem"      # who signs the service's certificate
/// certificate = "system.pem"       # this system's certificate, as the service knows it
/// key = "system.key"               # its private key
/// token = "token"                  # the file that holds the person's token
/// ```
///
/// Files are named relative to the profile's folder. The token and the private key are only ever
/// named, never written into the profile, and their files must be readable by their owner alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// `https://host:port`.
    pub address: String,
    /// The name in the service's certificate, where it is not the host.
    pub server_name: Option<String>,
    /// The certificates (PEM) that sign the service's.
    pub authority: PathBuf,
    /// This system's certificate (PEM).
    pub certificate: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
    /// The file that holds the person's token.
    pub token: PathBuf,
}

impl Profile {
    /// Reads a profile; the files it names are read when connecting.
    pub fn load(file: &Path) -> Result<Self, ProfileError> {
        let text = fs::read_to_string(file)
            .map_err(|source| ProfileError::Unreadable { file: file.into(), source })?;
        Self::parse(&text, file)
    }

    fn parse(text: &str, file: &Path) -> Result<Self, ProfileError> {
        let table = text.parse::<Table>().map_err(|error| ProfileError::Syntax {
            file: file.into(),
            line: line_of(text, error.span().map_or(0, |span| span.start)),
        })?;
        if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(ProfileError::UnknownKey { file: file.into(), key: key.clone() });
        }
        let text_of = |key: &'static str| match table.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(ProfileError::NotText { file: file.into(), key }),
        };
        let needed = |key: &'static str| {
            text_of(key)?.ok_or(ProfileError::MissingKey { file: file.into(), key })
        };
        let folder = file.parent().unwrap_or(Path::new(""));
        Ok(Self {
            address: needed("address")?,
            server_name: text_of("server_name")?,
            authority: folder.join(needed("authority")?),
            certificate: folder.join(needed("certificate")?),
            key: folder.join(needed("key")?),
            token: folder.join(needed("token")?),
        })
    }
}

/// What is wrong with a profile or with a file it names. Never holds the content of either.
#[derive(Debug, Error)]
pub enum ProfileError {
    /// The profile itself cannot be read.
    #[error("the profile {} cannot be read", .file.display())]
    Unreadable {
        /// The profile.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not TOML.
    #[error("{}, line {line}: not valid TOML", .file.display())]
    Syntax {
        /// The profile.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// A key no profile has.
    #[error("{}: unknown key `{key}`", .file.display())]
    UnknownKey {
        /// The profile.
        file: PathBuf,
        /// The key.
        key: String,
    },
    /// A needed key is missing.
    #[error("{}: the key `{key}` is missing", .file.display())]
    MissingKey {
        /// The profile.
        file: PathBuf,
        /// The key.
        key: &'static str,
    },
    /// A value that is not a text.
    #[error("{}: the value of `{key}` must be a text in quotation marks", .file.display())]
    NotText {
        /// The profile.
        file: PathBuf,
        /// The key.
        key: &'static str,
    },
    /// The address has another form.
    #[error("`address` must be of the form https://host:port")]
    Address,
    /// The server's name has another form.
    #[error("`server_name` must be a host name or an IP address")]
    ServerName,
    /// A named file cannot be read. It is not named here: a token may stand in its place.
    #[error("the file named by `{key}` cannot be read")]
    FileUnreadable {
        /// The key that names it.
        key: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A file with a secret can be read by more than its owner.
    #[error(
        "the file named by `{key}` can be used by others than its owner: \
         restrict it (chmod 600 {})", .file.display()
    )]
    OpenToOthers {
        /// The key that names it.
        key: &'static str,
        /// The file.
        file: PathBuf,
    },
    /// A file far longer than what belongs in it.
    #[error("the file named by `{key}` is too long to be what it should be")]
    FileTooLong {
        /// The key that names it.
        key: &'static str,
    },
    /// A file without what belongs in it.
    #[error("the file named by `{key}` does not hold {expected}")]
    FileContent {
        /// The key that names it.
        key: &'static str,
        /// What belongs in it.
        expected: &'static str,
    },
    /// The private key is not the certificate's, or neither can be used.
    #[error("the files named by `certificate` and `key` do not belong together")]
    KeyOfOtherCertificate,
}

/// The line, counted from 1, of a place in a text.
fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
address = "https://signpost.example:8443"
authority = "authority.pem"
certificate = "system.pem"
key = "keys/system.key"
token = "/run/token"
"#;

    fn parse(text: &str) -> Result<Profile, ProfileError> {
        Profile::parse(text, Path::new("/etc/signpost/profile.toml"))
    }

    fn refusal(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn files_are_named_relative_to_the_profiles_folder() {
        let profile = parse(WHOLE).unwrap();
        assert_eq!(profile.address, "https://signpost.example:8443");
        assert_eq!(profile.server_name, None);
        assert_eq!(profile.authority, Path::new("/etc/signpost/authority.pem"));
        assert_eq!(profile.key, Path::new("/etc/signpost/keys/system.key"));
        assert_eq!(profile.token, Path::new("/run/token"), "an absolute path stays");
    }

    #[test]
    fn a_server_name_may_be_given() {
        let profile = parse(&format!("{WHOLE}server_name = \"localhost\"")).unwrap();
        assert_eq!(profile.server_name.as_deref(), Some("localhost"));
    }

    #[test]
    fn unknown_missing_and_ill_typed_keys_are_named() {
        assert_eq!(
            refusal(&format!("{WHOLE}tokn = \"x\"")),
            "/etc/signpost/profile.toml: unknown key `tokn`"
        );
        assert_eq!(
            refusal(&WHOLE.replace("key = \"keys/system.key\"", "")),
            "/etc/signpost/profile.toml: the key `key` is missing"
        );
        assert_eq!(
            refusal(&WHOLE.replace("\"/run/token\"", "5")),
            "/etc/signpost/profile.toml: the value of `token` must be a text in quotation marks"
        );
    }

    #[test]
    fn an_error_of_syntax_names_the_line_and_not_its_content() {
        let message = refusal("address = \"https://a:1\"\ntoken = sgnp_00112233 x");
        assert_eq!(message, "/etc/signpost/profile.toml, line 2: not valid TOML");
    }

    #[test]
    fn a_missing_profile_is_named() {
        let error = Profile::load(Path::new("/nowhere/profile.toml")).unwrap_err();
        assert!(error.to_string().starts_with("the profile /nowhere/profile.toml cannot be read"));
    }
}
