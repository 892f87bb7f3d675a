//! The certificates of `slotway dev --tls`: an authority, and those whom it vouches for, the nodes and a client.
//!
//! | file                       | is                                                             |
//! |----------------------------|----------------------------------------------------------------|
//! | `ca.crt`, `ca.key`         | the authority; found again in a folder where it was made before |
//! | `node.crt`, `node.key`     | of all nodes, for the addresses that clients are told          |
//! | `client.crt`, `client.key` | for a client that wants to show one, or has to                 |
//!
//! Of these the last two pairs are made anew at each start. So who trusts the authority of a folder once goes on to, at whatever addresses.
//! Without a folder all is in a temporary one, which goes when the process ends.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

use crate::tls;

/// How long an authority vouches: longer than its folder is of use.
const AUTHORITY_DAYS: i64 = 3650;
/// How long the others hold, which begin anew at each start: the longest that all clients take.
const DAYS: i64 = 825;

/// The files, and the folder that they are in.
pub(super) struct Certificates {
    folder: PathBuf,
    /// What removes the folder in the end.
    _temporary: Option<tempfile::TempDir>,
}

impl Certificates {
    /// Makes what is not there yet, in `folder` or in a temporary one, for nodes that are reached by `names`, be they addresses or names of hosts.
    ///
    /// # Errors
    /// The folder cannot be written, or has an authority that is not whole or does not hold any more.
    pub(super) fn make(folder: Option<&Path>, names: &[&str]) -> anyhow::Result<Self> {
        let certificates = Self::place(folder)?;
        let authority = certificates.authority()?;
        for who in ["node", "client"] {
            certificates.issue(who, &authority, names)?;
        }
        tls::check_issuer(&certificates.path("node.crt"), &certificates.path("ca.crt")).with_context(
            || format!("remove ca.crt and ca.key of {} to have new ones made", certificates.folder.display()),
        )?;
        Ok(certificates)
    }

    fn place(folder: Option<&Path>) -> anyhow::Result<Self> {
        let Some(folder) = folder else {
            let temporary = tempfile::Builder::new().prefix("slotway-dev-").tempdir();
            let temporary = temporary.context("no temporary folder for certificates: name one with --dir")?;
            return Ok(Self { folder: temporary.path().to_owned(), _temporary: Some(temporary) });
        };
        let folder =
            fs::canonicalize(folder).with_context(|| format!("{} for certificates", folder.display()))?;
        Ok(Self { folder, _temporary: None })
    }

    /// Where a file is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The authority of the folder, or a new one.
    fn authority(&self) -> anyhow::Result<Issuer<'static, KeyPair>> {
        let (certificate, key) = (self.path("ca.crt"), self.path("ca.key"));
        match (certificate.exists(), key.exists()) {
            (true, true) => {
                let text = fs::read_to_string(&key).with_context(|| key.display().to_string())?;
                let key = KeyPair::from_pem(&text).with_context(|| key.display().to_string())?;
                Ok(Issuer::new(authority()?, key))
            }
            (false, false) => {
                let (params, key) = (authority()?, KeyPair::generate()?);
                self.write("ca", &params.self_signed(&key)?.pem(), &key)?;
                Ok(Issuer::new(params, key))
            }
            (true, false) => {
                bail!("{} is there without ca.key: remove it to have both made", certificate.display())
            }
            (false, true) => bail!("{} is there without ca.crt: remove it to have both made", key.display()),
        }
    }

    fn issue(&self, who: &str, issuer: &Issuer<'_, KeyPair>, names: &[&str]) -> anyhow::Result<()> {
        let key = KeyPair::generate()?;
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut params = CertificateParams::new(names).context("not a name for certificates")?;
        params.distinguished_name.push(DnType::CommonName, format!("Slotway {who}"));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // Nodes are clients of each other.
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        holds(&mut params, DAYS);
        self.write(who, &params.signed_by(&key, issuer)?.pem(), &key)
    }

    /// Writes a certificate for everybody, and its key for this user only.
    fn write(&self, who: &str, certificate: &str, key: &KeyPair) -> anyhow::Result<()> {
        for (ending, text, mode) in [("crt", certificate, 0o644), ("key", &key.serialize_pem(), 0o600)] {
            let path = self.path(who).with_extension(ending);
            // Whoever has the old one open keeps it.
            let _ = fs::remove_file(&path);
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(mode)
                .open(&path)
                .and_then(|mut file| {
                    file.write_all(text.as_bytes())?;
                    // Whatever the mask: in a container it leaves nothing to others.
                    file.set_permissions(Permissions::from_mode(mode))
                })
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

/// What the certificate of the authority says. Its name is the same at each start: so those it vouches for later name it rightly.
fn authority() -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.distinguished_name.push(DnType::CommonName, "Slotway development authority");
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    holds(&mut params, AUTHORITY_DAYS);
    Ok(params)
}

/// From yesterday on, since clocks differ.
fn holds(params: &mut CertificateParams, days: i64) {
    let now = OffsetDateTime::now_utc();
    (params.not_before, params.not_after) = (now - Duration::days(1), now + Duration::days(days - 1));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(folder: &Path, name: &str) -> String {
        fs::read_to_string(folder.join(name)).unwrap()
    }

    #[test]
    fn the_authority_of_a_folder_stays_and_vouches_for_new_certificates() {
        let folder = tempfile::tempdir().unwrap();
        Certificates::make(Some(folder.path()), &["localhost"]).unwrap();
        let before = ["ca.crt", "ca.key", "node.crt", "client.key"].map(|name| read(folder.path(), name));
        // That the old authority vouches for the new certificates is looked at within.
        Certificates::make(Some(folder.path()), &["10.0.0.5", "::1"]).unwrap();
        let after = ["ca.crt", "ca.key", "node.crt", "client.key"].map(|name| read(folder.path(), name));
        assert_eq!(before[..2], after[..2]);
        assert!(before[2] != after[2] && before[3] != after[3]);
        let mode = fs::metadata(folder.path().join("ca.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn an_authority_that_is_not_ours_is_refused_in_words() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for folder in [&folder, &other] {
            Certificates::make(Some(folder.path()), &["localhost"]).unwrap();
        }
        fs::copy(other.path().join("ca.key"), folder.path().join("ca.key")).unwrap();
        let error = Certificates::make(Some(folder.path()), &["localhost"]).err().unwrap();
        assert!(error.to_string().contains("remove ca.crt and ca.key"), "{error:#}");
        fs::remove_file(folder.path().join("ca.key")).unwrap();
        let error = Certificates::make(Some(folder.path()), &["localhost"]).err().unwrap();
        assert!(error.to_string().contains("without ca.key"), "{error:#}");
    }

    #[test]
    fn a_temporary_folder_goes_with_the_certificates() {
        let certificates = Certificates::make(None, &["localhost"]).unwrap();
        let path = certificates.path("ca.crt");
        assert!(path.exists());
        drop(certificates);
        assert!(!path.exists());
    }
}
