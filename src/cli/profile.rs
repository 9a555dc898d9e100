//! What the client's subcommands share: which service, as whom, and the id of a write.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use signpost_client::write::request_id;
use signpost_client::{Client, ClientError, Profile, SystemClient};
use thiserror::Error;
use uuid::Uuid;

use super::render::values::{Quiet, UUID};

/// Where the service is, and the files that prove who asks. An option overrides the profile.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "The service and who asks")]
pub struct ConnectionArgs {
    /// Profile: a TOML file with the address and the names of the files below
    #[arg(long, env = "SIGNPOST_PROFILE", value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Address of the service
    #[arg(long, env = "SIGNPOST_ADDRESS", value_name = "https://HOST:PORT")]
    address: Option<String>,
    /// Name in the service's certificate, where it is not the host
    #[arg(long, env = "SIGNPOST_SERVER_NAME", value_name = "NAME")]
    server_name: Option<String>,
    /// Certificates (PEM) that sign the service's
    #[arg(long, env = "SIGNPOST_AUTHORITY", value_name = "FILE")]
    authority: Option<PathBuf>,
    /// Certificate of this system (PEM)
    #[arg(long, env = "SIGNPOST_CERTIFICATE", value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Private key of this system (PEM), readable by its owner alone
    #[arg(long, env = "SIGNPOST_KEY", value_name = "FILE")]
    key: Option<PathBuf>,
    /// File with your token, readable by its owner alone
    #[arg(long, env = "SIGNPOST_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How long to wait for each answer, in seconds
    #[arg(
        long,
        env = "SIGNPOST_TIMEOUT",
        value_name = "SECONDS",
        default_value_t = 10,
        value_parser = SECONDS
    )]
    timeout: u16,
}

/// How long anybody waits at a terminal.
const SECONDS: Quiet<u16> = Quiet {
    parse: |text| text.parse().ok().filter(|seconds| (1..=300).contains(seconds)),
    expected: "1 to 300 seconds",
};

/// Something is said neither by an option nor by a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("give --profile, or {option} and the other options that say where the service is")]
pub struct MissingOption {
    /// The option.
    pub option: &'static str,
}

impl ConnectionArgs {
    /// Connects to the service.
    pub async fn connect(self) -> anyhow::Result<Client> {
        let timeout = Duration::from_secs(self.timeout.into());
        let client = Client::connect(&self.resolve()?).await?;
        Ok(client.with_timeout(timeout))
    }

    /// Connects as this system alone, in nobody's name; the token's file need not be there.
    pub async fn connect_system(self) -> anyhow::Result<SystemClient> {
        let timeout = Duration::from_secs(self.timeout.into());
        let client = SystemClient::connect(&self.resolve()?).await?;
        Ok(client.with_timeout(timeout))
    }

    /// The same, with another token.
    #[must_use]
    pub fn with_token_file(self, token_file: PathBuf) -> Self {
        Self { token_file: Some(token_file), ..self }
    }

    /// Where the token is, or is to be.
    pub fn token_file(&self) -> anyhow::Result<PathBuf> {
        Ok(self.clone().resolve()?.token)
    }

    /// Where this system's certificate is, and its key.
    pub fn certificate_files(&self) -> anyhow::Result<(PathBuf, PathBuf)> {
        let profile = self.clone().resolve()?;
        Ok((profile.certificate, profile.key))
    }

    fn resolve(self) -> anyhow::Result<Profile> {
        let Some(file) = self.profile else {
            let missing = |option| MissingOption { option };
            return Ok(Profile {
                address: self.address.ok_or(missing("--address"))?,
                server_name: self.server_name,
                authority: self.authority.ok_or(missing("--authority"))?,
                certificate: self.certificate.ok_or(missing("--certificate"))?,
                key: self.key.ok_or(missing("--key"))?,
                token: self.token_file.ok_or(missing("--token-file"))?,
            });
        };
        let profile = Profile::load(&file).map_err(ClientError::from)?;
        Ok(Profile {
            address: self.address.unwrap_or(profile.address),
            server_name: self.server_name.or(profile.server_name),
            authority: self.authority.unwrap_or(profile.authority),
            certificate: self.certificate.unwrap_or(profile.certificate),
            key: self.key.unwrap_or(profile.key),
            token: self.token_file.unwrap_or(profile.token),
        })
    }
}

/// The id of a write.
#[derive(Args, Clone, Debug)]
pub struct WriteArgs {
    /// Id of this write (a random one if left out): after no answer, the same again is safe
    #[arg(long, value_name = "UUID", value_parser = UUID)]
    request_id: Option<Uuid>,
}

impl WriteArgs {
    /// The id given, or a new one.
    #[must_use]
    pub fn request_id(&self) -> String {
        self.request_id.map_or_else(request_id, |id| id.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn nothing() -> ConnectionArgs {
        ConnectionArgs {
            profile: None,
            address: None,
            server_name: None,
            authority: None,
            certificate: None,
            key: None,
            token_file: None,
            timeout: 10,
        }
    }

    #[test]
    fn an_option_overrides_the_profile() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("profile.toml");
        let text =
            "address = 'https://a:1'\nauthority = 'a'\ncertificate = 'c'\nkey = 'k'\ntoken = 't'";
        std::fs::write(&file, text).unwrap();
        let args = ConnectionArgs {
            profile: Some(file),
            address: Some("https://b:2".to_owned()),
            token_file: Some("other".into()),
            ..nothing()
        };
        let profile = args.resolve().unwrap();
        assert_eq!(profile.address, "https://b:2");
        assert_eq!(profile.token, Path::new("other"));
        assert_eq!(profile.key, folder.path().join("k"));
    }

    #[test]
    fn without_a_profile_everything_must_be_said() {
        let args = ConnectionArgs {
            address: Some("https://a:1".to_owned()),
            authority: Some("a".into()),
            certificate: Some("c".into()),
            key: Some("k".into()),
            ..nothing()
        };
        let error = args.clone().resolve().unwrap_err();
        let missing = error.downcast_ref::<MissingOption>().unwrap();
        assert_eq!(missing.option, "--token-file");
        let whole = ConnectionArgs { token_file: Some("t".into()), ..args };
        assert_eq!(whole.resolve().unwrap().token, Path::new("t"));
    }

    #[test]
    fn a_request_id_is_kept_or_made() {
        let id = Uuid::from_u128(7);
        assert_eq!(WriteArgs { request_id: Some(id) }.request_id(), id.to_string());
        let random = WriteArgs { request_id: None };
        assert_ne!(random.request_id(), random.request_id());
    }
}
