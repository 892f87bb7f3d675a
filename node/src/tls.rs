//! TLS, by rustls: certificates and rules as the `tls-*` directives say, for those who come and for those this node goes to.
//!
//! As in Redis, a certificate has to come from an authority that is trusted here; for whose name it was made is not asked, since nodes know each
//! other by addresses.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail, ensure};
use slotway_engine::config::{Config, TlsAuthClients};
use slotway_engine::node::Node as _;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::{NoServerSessionStorage, ServerSessionMemoryCache, WebPkiClientVerifier};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, ServerConfig,
    SignatureScheme, SupportedCipherSuite, SupportedProtocolVersion,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::shared::Shared;
use crate::stream::{Stream, dial};

/// Directives that need all of it made anew.
pub(crate) fn concerns(directive: &str) -> bool {
    directive.starts_with("tls-")
}

/// What the node needs of TLS, as its configuration says.
#[derive(Clone)]
pub(crate) struct Tls {
    /// For those who come.
    pub(crate) acceptor: TlsAcceptor,
    /// For those this node goes to, where it goes to any by TLS.
    connector: Option<TlsConnector>,
}

impl Tls {
    /// `None` where nothing uses TLS.
    ///
    /// # Errors
    /// A file is missing or unfit, or a directive asks for what there is not.
    pub(crate) fn of(config: &Config) -> anyhow::Result<Option<Self>> {
        let goes_out = config.tls_replication() || config.tls_cluster();
        if config.tls_port() == 0 && !goes_out {
            return Ok(None);
        }
        let provider = Arc::new(provider(config)?);
        let versions = versions(config.tls_protocols())?;
        let acceptor = TlsAcceptor::from(Arc::new(server(config, &provider, &versions)?));
        let connector = match goes_out {
            true => Some(TlsConnector::from(Arc::new(client(config, &provider, &versions)?))),
            false => None,
        };
        Ok(Some(Self { acceptor, connector }))
    }
}

/// Connects to another server, by TLS if `with_tls`.
///
/// # Errors
/// It cannot be reached, speaks no TLS, shows no certificate that is trusted, or does not trust this node's.
pub(crate) async fn connect(shared: &Shared, host: &str, port: u16, with_tls: bool) -> io::Result<Stream> {
    let stream = dial(&shared.config(), host, port).await?;
    stream.set_nodelay(true)?;
    if !with_tls {
        return Ok(Stream::Tcp(stream));
    }
    let connector = shared.tls().and_then(|tls| tls.connector.clone());
    let connector = connector.ok_or_else(|| io::Error::other("TLS is not set up"))?;
    let address = stream.peer_addr()?.ip();
    let name =
        ServerName::try_from(host.to_owned()).unwrap_or_else(|_| ServerName::IpAddress(address.into()));
    let stream = connector.connect(name, stream).await?;
    Ok(Stream::Tls(Box::new(stream.into())))
}

/// How somebody goes to servers of a cluster that this process has no part in.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// Whose certificates are trusted, under whatever name, as redis-cli does: in a file; where neither that nor the folder is given, those that
    /// this system trusts, for their names only.
    pub(crate) authorities: Option<PathBuf>,
    /// A folder of such files.
    pub(crate) authorities_folder: Option<PathBuf>,
    /// A certificate to show, and its key.
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
    /// Trust whoever answers.
    pub(crate) insecure: bool,
}

impl Outgoing {
    /// What connects like that.
    ///
    /// # Errors
    /// A file is missing or unfit.
    pub(crate) fn connector(&self) -> anyhow::Result<TlsConnector> {
        Ok(TlsConnector::from(self.client()?))
    }

    /// The rules for connections like that.
    ///
    /// # Errors
    /// A file is missing or unfit.
    pub(crate) fn client(&self) -> anyhow::Result<Arc<ClientConfig>> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS12, &TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier(provider)?);
        let client = match &self.identity {
            Some((certificate, key)) => {
                let (chain, key) = identity(&certificate.to_string_lossy(), &key.to_string_lossy(), "")?;
                builder.with_client_auth_cert(chain, key).map_err(in_words)?
            }
            None => builder.with_no_client_auth(),
        };
        Ok(Arc::new(client))
    }

    fn verifier(&self, provider: Arc<CryptoProvider>) -> anyhow::Result<Arc<dyn ServerCertVerifier>> {
        if self.insecure {
            return Ok(Arc::new(Anybody(provider)));
        }
        if self.authorities.is_some() || self.authorities_folder.is_some() {
            let name = |path: &Option<PathBuf>| {
                path.as_ref().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
            };
            let (file, folder) = (name(&self.authorities), name(&self.authorities_folder));
            return any_name(read_authorities(&file, &folder)?, &provider);
        }
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        ensure!(!store.is_empty(), "This system trusts no authority: name one with --cacert");
        Ok(WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider).build()?)
    }
}

fn server(
    config: &Config,
    provider: &Arc<CryptoProvider>,
    versions: &[&'static SupportedProtocolVersion],
) -> anyhow::Result<ServerConfig> {
    ensure!(!config.tls_cert_file().is_empty(), "No tls-cert-file configured!");
    ensure!(!config.tls_key_file().is_empty(), "No tls-key-file configured!");
    let (chain, key) = identity(config.tls_cert_file(), config.tls_key_file(), config.tls_key_file_pass())?;
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(provider)).with_protocol_versions(versions)?;
    let builder = match config.tls_auth_clients() {
        TlsAuthClients::No => builder.with_no_client_auth(),
        asked => {
            let verifier = WebPkiClientVerifier::builder_with_provider(
                Arc::new(authorities(config)?),
                Arc::clone(provider),
            );
            let verifier = match asked {
                TlsAuthClients::Optional => verifier.allow_unauthenticated(),
                TlsAuthClients::Yes | TlsAuthClients::No => verifier,
            };
            builder.with_client_cert_verifier(verifier.build()?)
        }
    };
    let mut server =
        builder.with_single_cert(chain, key).map_err(in_words).context("tls-cert-file and tls-key-file")?;
    server.ignore_client_order = config.tls_prefer_server_ciphers();
    server.session_storage = match config.tls_session_caching() {
        true => ServerSessionMemoryCache::new(match config.tls_session_cache_size() {
            0 => usize::MAX,
            size => size as usize,
        }),
        false => Arc::new(NoServerSessionStorage {}),
    };
    Ok(server)
}

fn client(
    config: &Config,
    provider: &Arc<CryptoProvider>,
    versions: &[&'static SupportedProtocolVersion],
) -> anyhow::Result<ClientConfig> {
    let own =
        (config.tls_client_cert_file(), config.tls_client_key_file(), config.tls_client_key_file_pass());
    let (certificate, key, pass) = match own.0 {
        "" => (config.tls_cert_file(), config.tls_key_file(), config.tls_key_file_pass()),
        _ => own,
    };
    let (chain, key) = identity(certificate, key, pass)?;
    let verifier = any_name(authorities(config)?, provider)?;
    ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(versions)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_auth_cert(chain, key)
        .map_err(in_words)
        .context("tls-client-cert-file and tls-client-key-file")
}

fn any_name(
    authorities: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> anyhow::Result<Arc<dyn ServerCertVerifier>> {
    let chained =
        WebPkiServerVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(provider)).build()?;
    Ok(Arc::new(AnyName(chained)))
}

/// The same, where an old kind of certificate is the reason, with what to do.
pub(crate) fn in_words(error: impl std::error::Error + Send + Sync + 'static) -> anyhow::Error {
    let is_old = error.to_string().contains("UnsupportedCertVersion");
    let error = anyhow::Error::from(error);
    match is_old {
        true => error.context("a certificate of X.509 version 1 is not taken: make one of version 3"),
        false => error,
    }
}

/// Makes sure that `authority` vouches for `certificate`, both files.
///
/// # Errors
/// It does not, or a file is missing or unfit.
pub(crate) fn check_issuer(certificate: &Path, authority: &Path) -> anyhow::Result<()> {
    let provider = Arc::new(ring::default_provider());
    let verifier = any_name(read_authorities(&authority.to_string_lossy(), "")?, &provider)?;
    let chain = certificates(certificate)?;
    let name = ServerName::try_from("localhost").expect("it is a name");
    verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], UnixTime::now())?;
    Ok(())
}

/// A certificate with those that vouch for it, and its key.
fn identity(
    certificate: &str,
    key: &str,
    pass: &str,
) -> anyhow::Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    ensure!(
        pass.is_empty(),
        "Keys with a passphrase are not read: give tls-key-file without one, readable for this user only"
    );
    let chain: Vec<_> = certificates(Path::new(certificate))?;
    let key = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| anyhow!("Failed to load private key: {key}: {error}"))?;
    Ok((chain, key))
}

fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let told = |error| anyhow!("Failed to load certificate: {}: {error}", path.display());
    let all: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(told)?.collect();
    let all = all.map_err(told)?;
    ensure!(!all.is_empty(), "Failed to load certificate: {}: there is none in it", path.display());
    Ok(all)
}

/// Who is trusted: the file, and each file of the folder.
fn authorities(config: &Config) -> anyhow::Result<RootCertStore> {
    let (file, folder) = (config.tls_ca_cert_file(), config.tls_ca_cert_dir());
    if file.is_empty() && folder.is_empty() {
        bail!(
            "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or tls-auth-clients are enabled!"
        );
    }
    read_authorities(file, folder).context("tls-ca-cert-file and tls-ca-cert-dir")
}

fn read_authorities(file: &str, folder: &str) -> anyhow::Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    if !file.is_empty() {
        for certificate in certificates(Path::new(file))? {
            store.add(certificate).with_context(|| file.to_owned())?;
        }
    }
    if !folder.is_empty() {
        let entries = std::fs::read_dir(folder).with_context(|| folder.to_owned())?;
        let found: Vec<_> =
            entries.flatten().filter_map(|entry| certificates(&entry.path()).ok()).flatten().collect();
        store.add_parsable_certificates(found);
    }
    ensure!(!store.is_empty(), "there is no certificate of an authority in it");
    Ok(store)
}

/// `tls-protocols`: both that are safe, if it is empty.
fn versions(words: &str) -> anyhow::Result<Vec<&'static SupportedProtocolVersion>> {
    let mut versions = Vec::new();
    for word in words.split_ascii_whitespace() {
        match word.to_ascii_lowercase().as_str() {
            "tlsv1.2" => versions.push(&TLS12),
            "tlsv1.3" => versions.push(&TLS13),
            "tlsv1" | "tlsv1.1" => {
                bail!("tls-protocols: {word} is not safe any more, and not served: use TLSv1.2 or TLSv1.3")
            }
            _ => bail!("Invalid tls-protocols specified. Use a combination of 'TLSv1.2' and 'TLSv1.3'."),
        }
    }
    Ok(if versions.is_empty() { vec![&TLS12, &TLS13] } else { versions })
}

/// The ciphers allowed: `tls-ciphers` for TLS 1.2 by OpenSSL's names, `tls-ciphersuites` for TLS 1.3.
fn provider(config: &Config) -> anyhow::Result<CryptoProvider> {
    let mut provider = ring::default_provider();
    provider.cipher_suites = ring::ALL_CIPHER_SUITES.to_vec();
    let is_newer = |suite: &SupportedCipherSuite| suite.tls13().is_some();
    for (directive, words, newer) in
        [("tls-ciphers", config.tls_ciphers(), false), ("tls-ciphersuites", config.tls_ciphersuites(), true)]
    {
        if words.is_empty() || words == "DEFAULT" {
            continue;
        }
        let named: Vec<String> = words.split([':', ' ', ',']).map(plain).collect();
        let name = |suite: &SupportedCipherSuite| plain(suite.suite().as_str().unwrap_or_default());
        let is_named = |suite: &SupportedCipherSuite| named.contains(&name(suite));
        provider.cipher_suites.retain(|suite| is_newer(suite) != newer || is_named(suite));
        let any = provider.cipher_suites.iter().any(|suite| is_newer(suite) == newer);
        ensure!(any, "Failed to configure ciphers: none of {directive} '{words}' is there");
    }
    Ok(provider)
}

/// One name for a cipher, whoever has written it: `ECDHE-RSA-AES128-GCM-SHA256` and `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` are the same.
fn plain(name: &str) -> String {
    let name = name.to_ascii_uppercase().replace("_WITH_", "_").replace("TLS13_", "TLS_");
    let name = name.strip_prefix("TLS_").unwrap_or(&name).to_owned();
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    // OpenSSL leaves out what goes without saying.
    name.strip_suffix("SHA256").filter(|rest| rest.ends_with("POLY1305")).map(str::to_owned).unwrap_or(name)
}

/// Trusts whoever an authority vouches for, under whatever name.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.0.verify_server_cert(certificate, chain, name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Trusts whoever answers, and only sees to it that they have the key of what they show.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cipher_has_one_name_whoever_has_written_it() {
        for (openssl, iana) in [
            ("ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
            ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
            ("ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
            ("TLS_AES_128_GCM_SHA256", "TLS13_AES_128_GCM_SHA256"),
        ] {
            assert_eq!(plain(openssl), plain(iana), "{openssl}");
        }
    }

    #[test]
    fn versions_that_are_not_safe_are_refused_in_words() {
        assert_eq!(versions("").unwrap().len(), 2);
        assert_eq!(versions("TLSv1.3").unwrap(), [&TLS13]);
        assert!(versions("TLSv1.1 TLSv1.2").unwrap_err().to_string().contains("not safe"));
        assert!(versions("SSLv3").unwrap_err().to_string().contains("Use a combination"));
    }
}
