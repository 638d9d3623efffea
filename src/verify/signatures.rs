//! Who signed a package.

use std::path::Path;

use super::{Check, Finding, Outcome, Question, chain};
use crate::package::reader::{Inspection, ReadError};
use crate::package::signing::{self, SigningError};
use crate::sign::{Certificate, VerifyError};

/// Asks for a good signature by one of the keys; without a key it tells what signature there is.
#[derive(Debug)]
pub struct Signatures {
    /// The certificates of who may have signed.
    pub certificates: Vec<Certificate>,
}

impl Question for Signatures {
    fn ask(&self, package: &Path, inspection: &Inspection) -> Vec<Finding> {
        vec![if self.certificates.is_empty() { told(package, inspection) } else { self.checked(package, inspection) }]
    }

    fn ask_of_damaged(&self, package: &Path, inspection: &Inspection) -> Vec<Finding> {
        self.ask(package, inspection)
    }
}

impl Signatures {
    fn checked(&self, package: &Path, inspection: &Inspection) -> Finding {
        match signing::verify(package, &self.certificates) {
            Ok(fingerprint) => {
                finding(Outcome::Good, format!("by key {fingerprint}")).with("key", fingerprint.as_str())
            }
            Err(SigningError::Unsigned) => finding(Outcome::Unproven, unsigned(inspection)),
            Err(SigningError::Verify(VerifyError::UnknownKey(issuer))) => {
                finding(Outcome::Unproven, format!("by key {issuer}, which is none of those given"))
                    .with("key", issuer.as_str())
            }
            Err(SigningError::Io(error) | SigningError::Read(ReadError::Io(error))) => {
                finding(Outcome::Unreadable, chain(&error))
            }
            Err(error) => finding(Outcome::Bad, chain(&error)),
        }
    }
}

/// What signature there is, where no key says whether it is good.
fn told(package: &Path, inspection: &Inspection) -> Finding {
    match signing::issuer(package) {
        Ok(Some(issuer)) => {
            let text = format!("by key {issuer}; `--key` names the keys that may sign");
            finding(Outcome::Unchecked, text).with("key", issuer.as_str())
        }
        Ok(None) => finding(Outcome::Unchecked, unsigned(inspection)),
        Err(error) => finding(Outcome::Bad, chain(&error)),
    }
}

fn unsigned(inspection: &Inspection) -> String {
    let names: Vec<&str> = inspection.signatures.iter().map(|signature| signature.name.as_str()).collect();
    match names.as_slice() {
        [] => "not signed".to_owned(),
        names => format!("signed in a form that is not checked: `{}`", names.join("`, `")),
    }
}

fn finding(outcome: Outcome, text: String) -> Finding {
    Finding::new(Check::Signature, outcome, text)
}
