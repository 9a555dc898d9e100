//! Reading and checking a policy file.

use serde::Deserialize;

use super::{EndedRule, Level, Levels, Policy, Row};
use crate::id::PolicyDigest;
use crate::permit::PRACTITIONERS;
use crate::terms::{Purpose, Role};

/// Why a policy file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not TOML of the expected form; the message names the line and the key.
    #[error("the policy file does not read: {0}")]
    Form(String),
    /// A format this build does not know.
    #[error("the policy file has format {0}; this build reads format 1")]
    Format(u32),
    /// A name that is no role, purpose or level.
    #[error("row {row}: {name} is not known as a {what}")]
    UnknownName {
        /// The row's name.
        row: String,
        /// The name found.
        name: String,
        /// What it should be.
        what: &'static str,
    },
    /// A role that administers, purges, audits, brokers or only contributes.
    #[error("row {row}: {} may never ask", role.name())]
    MayNotAsk {
        /// The row's name.
        row: String,
        /// The role.
        role: Role,
    },
    /// A purpose that is not one of asking.
    #[error("row {row}: {} is no purpose of a question", purpose.name())]
    NotAsked {
        /// The row's name.
        row: String,
        /// The purpose.
        purpose: Purpose,
    },
    /// Two rows for one role and purpose.
    #[error("row {row}: {} for {} stands in an earlier row too", role.name(), purpose.name())]
    Ambiguous {
        /// The later row's name.
        row: String,
        /// The role.
        role: Role,
        /// The purpose.
        purpose: Purpose,
    },
    /// A past longer than flags may be kept, or shorter than what is recent.
    #[error("ended: recent_months and past_years must satisfy months <= 12 * years <= 72")]
    Ended,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    row: Vec<FileRow>,
    broker: FileBroker,
    ended: FileEnded,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRow {
    name: String,
    roles: Vec<String>,
    purposes: Vec<String>,
    standard: String,
    restricted: String,
    sensitive_existence: String,
    ended: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileBroker {
    standard: String,
    restricted: String,
    sensitive_existence: String,
    shielded_child: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEnded {
    recent_months: u32,
    past_years: u32,
    past_purposes: Vec<String>,
}

impl Policy {
    /// Reads a policy file. Its digest is BLAKE3 of the text as it stands.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let file: File =
            toml::from_str(text).map_err(|error| PolicyError::Form(one_line(&error)))?;
        if file.format != 1 {
            return Err(PolicyError::Format(file.format));
        }
        let mut rows: Vec<Row> = Vec::new();
        for row in &file.row {
            let parsed = parse_row(row)?;
            check_unambiguous(&rows, &parsed, &row.name)?;
            rows.push(parsed);
        }
        let broker = parse_levels(
            "broker",
            &file.broker.standard,
            &file.broker.restricted,
            &file.broker.sensitive_existence,
        )?;
        Ok(Self {
            digest: PolicyDigest::new(*blake3::hash(text.as_bytes()).as_bytes()),
            rows,
            broker,
            broker_sees_shielded: file.broker.shielded_child,
            ended: parse_ended(&file.ended)?,
        })
    }
}

/// A TOML error without the picture that it draws of the text.
fn one_line(error: &toml::de::Error) -> String {
    let lines = error.to_string();
    let lines: Vec<_> = lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("; ")
}

fn parse_row(row: &FileRow) -> Result<Row, PolicyError> {
    let roles = parse_names(&row.name, &row.roles, "role", Role::from_name)?;
    if let Some(&role) = roles.iter().find(|role| !PRACTITIONERS.contains(role)) {
        return Err(PolicyError::MayNotAsk { row: row.name.clone(), role });
    }
    let purposes = parse_names(&row.name, &row.purposes, "purpose", Purpose::from_name)?;
    let not_asked = [Purpose::SubjectAccess, Purpose::DataQuality, Purpose::AuditInvestigation];
    if let Some(&purpose) = purposes.iter().find(|purpose| not_asked.contains(purpose)) {
        return Err(PolicyError::NotAsked { row: row.name.clone(), purpose });
    }
    let levels = parse_levels(&row.name, &row.standard, &row.restricted, &row.sensitive_existence)?;
    Ok(Row { roles, purposes, levels, ended: row.ended })
}

fn check_unambiguous(earlier: &[Row], row: &Row, name: &str) -> Result<(), PolicyError> {
    for &role in &row.roles {
        for &purpose in &row.purposes {
            let listed = |row: &Row| row.roles.contains(&role) && row.purposes.contains(&purpose);
            if earlier.iter().any(listed) {
                return Err(PolicyError::Ambiguous { row: name.to_owned(), role, purpose });
            }
        }
    }
    Ok(())
}

fn parse_levels(row: &str, std: &str, restricted: &str, sens: &str) -> Result<Levels, PolicyError> {
    let level = |name: &str| {
        Level::ALL.into_iter().find(|level| level.name() == name).ok_or_else(|| {
            PolicyError::UnknownName { row: row.to_owned(), name: name.to_owned(), what: "level" }
        })
    };
    Ok(Levels {
        standard: level(std)?,
        restricted: level(restricted)?,
        sensitive_existence: level(sens)?,
    })
}

fn parse_ended(ended: &FileEnded) -> Result<EndedRule, PolicyError> {
    let past_purposes = parse_names("ended", &ended.past_purposes, "purpose", Purpose::from_name)?;
    let months = ended.past_years.checked_mul(12).ok_or(PolicyError::Ended)?;
    if ended.recent_months > months || months > 72 {
        return Err(PolicyError::Ended);
    }
    Ok(EndedRule {
        recent_months: ended.recent_months,
        past_years: ended.past_years,
        past_purposes,
    })
}

fn parse_names<T>(
    row: &str,
    names: &[String],
    what: &'static str,
    from_name: fn(&str) -> Option<T>,
) -> Result<Vec<T>, PolicyError> {
    let unknown =
        |name: &String| PolicyError::UnknownName { row: row.to_owned(), name: name.clone(), what };
    names.iter().map(|name| from_name(name).ok_or_else(|| unknown(name))).collect()
}
