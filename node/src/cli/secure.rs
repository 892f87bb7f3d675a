//! TLS of commands of the shell, by the options that redis-cli has for it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use tokio_rustls::rustls::ClientConfig;

use crate::tls::Outgoing;

/// How to reach servers by TLS.
#[derive(clap::Args, Debug)]
pub(crate) struct TlsOptions {
    /// Connect with TLS
    #[arg(long, global = true, help_heading = HEADING)]
    tls: bool,
    /// Authorities whose certificates are trusted, under whatever name, in PEM; by default those that this system trusts, for their names
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    cacert: Option<PathBuf>,
    /// A folder of such files
    #[arg(long, global = true, value_name = "FOLDER", help_heading = HEADING)]
    cacertdir: Option<PathBuf>,
    /// Trust whoever answers
    #[arg(long, global = true, help_heading = HEADING)]
    insecure: bool,
    /// Certificate to show, in PEM
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    cert: Option<PathBuf>,
    /// Key of that certificate
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    key: Option<PathBuf>,
    /// Name to ask for, where one address serves several
    #[arg(long, global = true, value_name = "HOST", help_heading = HEADING)]
    sni: Option<String>,
}

const HEADING: &str = "Options of TLS";

/// What a connection with TLS needs.
#[derive(Clone, Debug)]
pub(crate) struct Secure {
    /// Whom to trust, and what to show.
    pub(crate) config: Arc<ClientConfig>,
    /// The name to ask for in place of the host's.
    pub(crate) name: Option<String>,
}

impl TlsOptions {
    /// What these options ask for; `None` without `--tls`.
    ///
    /// # Errors
    /// A file is missing or unfit, or options are given that make no sense together.
    pub(crate) fn secure(&self) -> anyhow::Result<Option<Secure>> {
        if !self.tls {
            let files = [&self.cacert, &self.cacertdir, &self.cert, &self.key];
            let is_without = files.iter().all(|file| file.is_none()) && self.sni.is_none() && !self.insecure;
            // Whoever names certificates does not mean to go without.
            ensure!(
                is_without,
                "--cacert, --cacertdir, --insecure, --cert, --key and --sni are for --tls: give it too"
            );
            return Ok(None);
        }
        ensure!(self.cert.is_some() == self.key.is_some(), "--cert and --key belong together: give both");
        let outgoing = Outgoing {
            authorities: self.cacert.clone(),
            authorities_folder: self.cacertdir.clone(),
            identity: self.cert.clone().zip(self.key.clone()),
            insecure: self.insecure,
        };
        let config = outgoing.client().context("TLS")?;
        Ok(Some(Secure { config, name: self.sni.clone() }))
    }
}
