//! The files of TLS: root certificates, revocation lists, our own certificate and its key.

use std::io;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use super::error::TlsError;

/// Trusted authorities: as rustls wants them, and as they were in the file.
pub(super) struct Roots {
    pub(super) store: RootCertStore,
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

/// Reads a file of root certificates.
///
/// One that cannot be a trust anchor does not spoil the others, as files of many authorities hold all sorts.
pub(super) fn roots(path: &Path) -> Result<Roots, TlsError> {
    let content = std::fs::read(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => TlsError::NoRootFile { path: path.to_owned() },
        _ => TlsError::Read {
            what: "file of root certificates",
            path: path.to_owned(),
            source,
        },
    })?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&content).flatten().collect();
    let roots = collect(certificates);
    if roots.store.is_empty() {
        return Err(TlsError::NothingIn {
            what: "root certificate",
            path: path.to_owned(),
        });
    }
    Ok(roots)
}

/// Reads the operating system's root certificates. `SSL_CERT_FILE` and `SSL_CERT_DIR` are heeded, as OpenSSL does.
pub(super) fn system_roots() -> Result<Roots, TlsError> {
    let loaded = rustls_native_certs::load_native_certs();
    let roots = collect(loaded.certs);
    if roots.store.is_empty() {
        return Err(TlsError::NoSystemRoots {
            problem: loaded.errors.first().map(ToString::to_string),
        });
    }
    Ok(roots)
}

fn collect(certificates: Vec<CertificateDer<'static>>) -> Roots {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(certificates.iter().cloned());
    Roots { store, certificates }
}

/// Reads a file of revocation lists.
pub(super) fn revocation_lists(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    let content = read(path, "revocation list")?;
    let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&content).collect();
    match lists {
        Ok(lists) if !lists.is_empty() => Ok(lists),
        // A list that is dropped would let revoked certificates in, so one that cannot be read spoils the file.
        Ok(_) | Err(_) => Err(TlsError::NothingIn {
            what: "revocation list",
            path: path.to_owned(),
        }),
    }
}

/// Reads our own certificate and those that lead from it to an authority.
pub(super) fn client_certificate(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let content = read(path, "client certificate")?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&content).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) | Err(_) => Err(TlsError::NothingIn {
            what: "certificate",
            path: path.to_owned(),
        }),
    }
}

/// Reads a private key, in PEM or DER form.
///
/// As libpq, refuses a key that others may read, unless it belongs to root and only its group may.
pub(super) fn private_key(certificate: &Path, path: Option<&Path>) -> Result<PrivateKeyDer<'static>, TlsError> {
    let no_key = || TlsError::NoKey {
        certificate: certificate.to_owned(),
        key: path.map(Path::to_owned),
    };
    let path = path.ok_or_else(no_key)?;
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(no_key()),
        Err(source) => {
            return Err(TlsError::Read {
                what: "private key",
                path: path.to_owned(),
                source,
            });
        }
    };
    if is_open_to_others(&metadata) {
        return Err(TlsError::KeyIsOpen { path: path.to_owned() });
    }
    let content = read(path, "private key")?;
    if is_encrypted(&content) {
        return Err(TlsError::KeyIsEncrypted { path: path.to_owned() });
    }
    if let Ok(key) = PrivateKeyDer::from_pem_slice(&content) {
        return Ok(key);
    }
    PrivateKeyDer::try_from(content).map_err(|_| TlsError::NothingIn {
        what: "private key",
        path: path.to_owned(),
    })
}

/// Tells whether a key is encrypted: by its PEM label, or by the header that OpenSSL's older form has.
fn is_encrypted(content: &[u8]) -> bool {
    let text = String::from_utf8_lossy(content);
    text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED")
}

#[cfg(unix)]
fn is_open_to_others(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    metadata.is_file() && metadata.mode() & forbidden != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &std::fs::Metadata) -> bool {
    false
}

fn read(path: &Path, what: &'static str) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Read {
        what,
        path: path.to_owned(),
        source,
    })
}
