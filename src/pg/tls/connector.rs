//! From settings to what the driver makes TLS connections with.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, SupportedProtocolVersion};
use tokio_postgres::Socket;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::TlsError;
use super::files::{self, Roots};
use super::verifier::{Policy, Trust, Verifier};
use crate::pg::settings::{Settings, SslMode, SslNegotiation, SslRootCert, TlsVersion};

type Inner = <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect;
type InnerFuture = <Inner as TlsConnect<Socket>>::Future;

/// What the driver makes TLS connections with. Remembers whether a handshake was begun.
#[derive(Clone)]
pub(in crate::pg) struct Connector {
    inner: MakeRustlsConnect,
    handshaken: Arc<AtomicBool>,
}

impl Connector {
    /// Returns a connector which shares everything but the memory of handshakes.
    pub(in crate::pg) fn fresh(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            handshaken: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Tells whether the server agreed to TLS, and the handshake was begun.
    pub(in crate::pg) fn was_used(&self) -> bool {
        self.handshaken.load(Ordering::Relaxed)
    }
}

impl MakeTlsConnect<Socket> for Connector {
    type Stream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;
    type TlsConnect = Handshake;
    type Error = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Error;

    fn make_tls_connect(&mut self, host: &str) -> Result<Handshake, Self::Error> {
        Ok(Handshake {
            inner: <MakeRustlsConnect as MakeTlsConnect<Socket>>::make_tls_connect(&mut self.inner, host)?,
            begun: Arc::clone(&self.handshaken),
        })
    }
}

/// One handshake to be.
pub(in crate::pg) struct Handshake {
    inner: Inner,
    begun: Arc<AtomicBool>,
}

impl TlsConnect<Socket> for Handshake {
    type Stream = <Inner as TlsConnect<Socket>>::Stream;
    type Error = <Inner as TlsConnect<Socket>>::Error;
    type Future = Pin<Box<dyn Future<Output = <InnerFuture as Future>::Output> + Send>>;

    fn connect(self, stream: Socket) -> Self::Future {
        self.begun.store(true, Ordering::Relaxed);
        Box::pin(self.inner.connect(stream))
    }
}

/// Reads the files which the settings name and builds the connector.
///
/// # Errors
///
/// [`TlsError`]: a file is missing, unreadable, or not what it should be.
pub(in crate::pg) fn build(settings: &Settings) -> Result<Connector, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier {
        policy: policy(settings, &provider)?,
        algorithms: provider.signature_verification_algorithms,
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(settings))
        .map_err(TlsError::Setup)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier) as Arc<dyn ServerCertVerifier>);
    let mut config = match &settings.sslcert {
        None => builder.with_no_client_auth(),
        Some(certificate) => {
            let chain = files::client_certificate(certificate)?;
            let key = files::private_key(certificate, settings.sslkey.as_deref())?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|problem| TlsError::ClientCertificate {
                    certificate: certificate.clone(),
                    problem,
                })?
        }
    };
    config.enable_sni = settings.sslsni;
    if settings.sslnegotiation == SslNegotiation::Direct {
        // Servers refuse a direct handshake that does not say what it is for (manual, "SSL Session Encryption").
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(Connector {
        inner: MakeRustlsConnect::new(config),
        handshaken: Arc::new(AtomicBool::new(false)),
    })
}

/// Decides what is asked of the certificate.
///
/// As in libpq, `require` with a file of root certificates asks for what `verify-ca` does. `allow` and `prefer` ask nothing,
/// file or no file: refusing a certificate would make them fall back to no encryption at all.
fn policy(settings: &Settings, provider: &Arc<CryptoProvider>) -> Result<Policy, TlsError> {
    let roots = match (settings.sslmode, &settings.sslrootcert) {
        (SslMode::Disable | SslMode::Allow | SslMode::Prefer, _) | (SslMode::Require, SslRootCert::Absent) => {
            return Ok(Policy::Any);
        }
        (SslMode::Require, SslRootCert::File(path)) if !path.exists() => return Ok(Policy::Any),
        (_, SslRootCert::File(path)) => files::roots(path)?,
        (_, SslRootCert::System) => files::system_roots()?,
        (SslMode::VerifyCa | SslMode::VerifyFull, SslRootCert::Absent) => {
            return Err(TlsError::NoRootFile {
                path: "~/.postgresql/root.crt".into(),
            });
        }
    };
    let trust = trust(roots, settings, provider)?;
    Ok(if settings.sslmode == SslMode::VerifyFull {
        Policy::AuthorityAndName(trust)
    } else {
        Policy::Authority(trust)
    })
}

fn trust(roots: Roots, settings: &Settings, provider: &Arc<CryptoProvider>) -> Result<Trust, TlsError> {
    let mut builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots.store), Arc::clone(provider));
    if let Some(path) = &settings.sslcrl {
        builder = builder.with_crls(files::revocation_lists(path)?);
    }
    let paths = builder.build().map_err(|problem| TlsError::Verifier {
        problem: problem.to_string(),
    })?;
    Ok(Trust {
        paths,
        certificates: roots.certificates,
    })
}

fn versions(settings: &Settings) -> Vec<&'static SupportedProtocolVersion> {
    let range = settings.ssl_min_protocol_version..=settings.ssl_max_protocol_version;
    [(TlsVersion::V1_3, &TLS13), (TlsVersion::V1_2, &TLS12)]
        .into_iter()
        .filter(|(version, _)| range.contains(version))
        .map(|(_, version)| version)
        .collect()
}
