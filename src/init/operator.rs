//! The operator's file: who operates the service, and two who administer it.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::Deserialize;
use signpost_core::directory::onboarding::{Invitation, NewOrganisation, Operator};
use signpost_core::register::Conditions;
use signpost_core::terms::{CodeScheme, LegalAuthority, OrganisationKind};
use signpost_core::text::{AreaCode, Name, OrganisationCode, Phone, StaffReference};
use signpost_core::token::CodeHash;

use crate::config::one_line;
use crate::exit::Failure;
use crate::seal::Recipient;

/// What the file says. It decides nothing but this beginning: nobody reads it afterwards.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OperatorFile {
    #[serde(default = "service_operator")]
    kind: String,
    name: Name,
    code_scheme: String,
    code: OrganisationCode,
    area: AreaCode,
    legal_authority: String,
    authority_until: Date,
    phone: Phone,
    /// By which names and addresses the service is reached.
    #[serde(default = "localhost")]
    pub(super) server_names: Vec<String>,
    /// A client certificate of the administrators that is there already, PEM.
    pub(super) certificate: Option<PathBuf>,
    pub(super) administrator: Vec<Administrator>,
}

/// Somebody who is to administer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Administrator {
    pub(super) staff_reference: StaffReference,
    vetting_on: Date,
    barred_list_checked_on: Date,
    training_on: Date,
    agreement_signed_on: Date,
    /// The public key to which the code is sealed.
    recipient: Option<String>,
}

fn service_operator() -> String {
    OrganisationKind::ServiceOperator.name().to_owned()
}

fn localhost() -> Vec<String> {
    vec!["localhost".to_owned()]
}

impl OperatorFile {
    /// Reads and checks a file; relative paths count from its folder.
    pub(super) fn load(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::config(format!("cannot read {}: {error}", path.display())))?;
        let mut file = Self::parse(&text)
            .map_err(|problem| Failure::config(format!("{}: {problem}", path.display())))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        file.certificate = file.certificate.map(|certificate| folder.join(certificate));
        Ok(file)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: Self = toml::from_str(text).map_err(|error| one_line(&error))?;
        file.operator().map_err(|failure| failure.message)?;
        let [first, second] = file.administrator.as_slice() else {
            return Err("[[administrator]] must be there twice".to_owned());
        };
        if first.staff_reference == second.staff_reference {
            return Err("the two administrators must be two people".to_owned());
        }
        for administrator in [first, second] {
            administrator.recipient().map_err(|failure| failure.message)?;
        }
        if file.server_names.is_empty() {
            return Err("server_names must name the service".to_owned());
        }
        Ok(file)
    }

    /// The operator.
    pub(super) fn operator(&self) -> Result<Operator, Failure> {
        let unknown = |key: &str| Failure::config(format!("{key} is none that there is"));
        let scheme = CodeScheme::from_name(&self.code_scheme);
        let authority = LegalAuthority::from_name(&self.legal_authority);
        Ok(Operator {
            organisation: NewOrganisation {
                kind: OrganisationKind::from_name(&self.kind).ok_or_else(|| unknown("kind"))?,
                scheme: scheme.ok_or_else(|| unknown("code_scheme"))?,
                code: self.code.clone(),
                name: self.name.clone(),
                area: self.area.clone(),
                authority: authority.ok_or_else(|| unknown("legal_authority"))?,
                authority_until: self.authority_until,
            },
            duty_phone: self.phone.clone(),
        })
    }
}

impl Administrator {
    /// The public key, if one is given.
    pub(super) fn recipient(&self) -> Result<Option<Recipient>, Failure> {
        let Some(text) = &self.recipient else { return Ok(None) };
        let problem = "recipient must be a public key of age, which begins with age1";
        Recipient::parse(text).map(Some).ok_or_else(|| Failure::config(problem))
    }

    /// What the register is given.
    pub(super) fn invitation(&self, code: CodeHash) -> Invitation {
        Invitation {
            staff: self.staff_reference.clone(),
            conditions: Conditions {
                vetting_on: self.vetting_on,
                barred_list_checked_on: self.barred_list_checked_on,
                training_on: self.training_on,
                agreement_signed_on: self.agreement_signed_on,
            },
            code,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../deploy/operator.example.toml");

    #[test]
    fn the_shipped_example_is_two_administrators_and_no_sealed_code() {
        let file = OperatorFile::parse(SHIPPED).unwrap();
        assert_eq!(file.operator().unwrap().organisation.kind, OrganisationKind::ServiceOperator);
        assert!(file.administrator.iter().all(|one| one.recipient().unwrap().is_none()));
        assert_eq!(file.certificate, None);
    }

    #[test]
    fn what_is_wrong_is_named_and_a_key_is_not_repeated() {
        let sealed =
            SHIPPED.replacen("staff_reference", "recipient = \"AGE-X\"\nstaff_reference", 1);
        let half = SHIPPED.rsplit_once("[[administrator]]").unwrap().0;
        for (text, named) in [
            (SHIPPED.replace("phone", "fone"), "fone"),
            (SHIPPED.replace("\"ODS\"", "\"ODD\""), "code_scheme"),
            (SHIPPED.replace("CONTRACTOR_OF_NAMED_BODY", "NONE"), "legal_authority"),
            (SHIPPED.replace("AH-0002", "AH-0001"), "two people"),
            (half.to_owned(), "twice"),
            (sealed, "age1"),
        ] {
            let problem = OperatorFile::parse(&text).unwrap_err();
            assert!(problem.contains(named) && !problem.contains("AGE-X"), "{problem}");
        }
    }
}
