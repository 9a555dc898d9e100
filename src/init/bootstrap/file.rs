//! What a bootstrap file says: who and what the calls of onboarding are about.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::Deserialize;
use signpost_core::text::{AreaCode, Name, OrganisationCode, Phone, StaffReference};

use crate::config::one_line;
use crate::exit::Failure;

/// A bootstrap file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bootstrap {
    pub(super) organisation: Vec<BootstrapOrganisation>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BootstrapOrganisation {
    pub(super) kind: String,
    pub(super) scheme: String,
    pub(super) code: OrganisationCode,
    pub(super) name: Name,
    pub(super) area: AreaCode,
    /// The law under which it takes part.
    pub(super) authority: String,
    /// The last day of its legal authority.
    pub(super) authority_until: Date,
    #[serde(default)]
    pub(super) system: Vec<BootstrapSystem>,
    #[serde(default)]
    pub(super) team: Vec<BootstrapTeam>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BootstrapSystem {
    pub(super) name: Name,
    /// Its client certificate, PEM.
    pub(super) certificate: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BootstrapTeam {
    pub(super) name: Name,
    pub(super) duty_phone: Phone,
    pub(super) days: u8,
    pub(super) opens_minute: u16,
    pub(super) closes_minute: u16,
    #[serde(default)]
    pub(super) group: Vec<BootstrapGroup>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BootstrapGroup {
    pub(super) role: String,
    #[serde(default)]
    pub(super) purposes: Vec<String>,
    pub(super) members_max: u32,
    pub(super) valid_from: Date,
    pub(super) valid_until: Date,
    /// What is taken from the group again once its members are in: onboarding opens none that is over
    /// or has no purpose.
    pub(super) narrowed: Option<BootstrapNarrowing>,
    #[serde(default)]
    pub(super) member: Vec<BootstrapMember>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BootstrapNarrowing {
    pub(super) valid_until: Date,
    pub(super) purposes: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BootstrapMember {
    /// What the organisation calls the person.
    pub(super) staff: StaffReference,
    /// Where the new token is written.
    pub(super) token: PathBuf,
    /// Whether the person is suspended at the end.
    #[serde(default)]
    pub(super) suspended: bool,
}

impl Bootstrap {
    /// Reads a file; relative paths count from its folder.
    pub(super) fn load(path: &Path) -> Result<(Self, PathBuf), Failure> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::config(format!("cannot read {}: {error}", path.display())))?;
        let bootstrap = toml::from_str(&text).map_err(|error| {
            Failure::config(format!("{}: {}", path.display(), one_line(&error)))
        })?;
        Ok((bootstrap, path.parent().unwrap_or(Path::new(".")).to_owned()))
    }
}
