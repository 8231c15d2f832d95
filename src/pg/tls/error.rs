//! What can be wrong on our side of TLS, before anything is sent.

use std::io;
use std::path::PathBuf;

/// Why TLS could not be set up from the settings.
///
/// No variant holds a line of a file: one of the files is a private key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is there but cannot be read.
    #[error("could not read the {what} {}", .path.display())]
    Read {
        /// What the file is.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The file of root certificates does not exist.
    #[error("the file of root certificates {} does not exist", .path.display())]
    NoRootFile {
        /// The file.
        path: PathBuf,
    },
    /// A file holds nothing of what it should hold.
    #[error("{} holds no {what} in PEM form that can be used", .path.display())]
    NothingIn {
        /// What it should hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The operating system's store of root certificates is empty or cannot be read.
    #[error("the operating system has no root certificates that can be read{}", .problem.as_deref().map_or_else(String::new, |problem| format!(": {problem}")))]
    NoSystemRoots {
        /// What the first failing read said.
        problem: Option<String>,
    },
    /// There is a certificate of our own but no key for it.
    #[error("there is the client certificate {}, but no private key for it{}", .certificate.display(), .key.as_ref().map_or_else(String::new, |key| format!(" at {}", key.display())))]
    NoKey {
        /// The certificate.
        certificate: PathBuf,
        /// Where the key was expected.
        key: Option<PathBuf>,
    },
    /// Others may read the private key.
    #[error("the private key {} may be read by others; run: chmod 0600 {}", .path.display(), .path.display())]
    KeyIsOpen {
        /// The key.
        path: PathBuf,
    },
    /// The private key is encrypted.
    #[error("the private key {} is encrypted, which is not supported; write a decrypted copy with: openssl pkey -in {} -out FILE", .path.display(), .path.display())]
    KeyIsEncrypted {
        /// The key.
        path: PathBuf,
    },
    /// Certificate and key are refused, most often because they do not belong together.
    #[error("the client certificate {} and its private key cannot be used: {problem}", .certificate.display())]
    ClientCertificate {
        /// The certificate.
        certificate: PathBuf,
        /// What rustls says.
        problem: rustls::Error,
    },
    /// The list of revoked certificates or the root certificates are refused.
    #[error("the root certificates or the revocation list cannot be used: {problem}")]
    Verifier {
        /// What rustls says.
        problem: String,
    },
    /// The range of TLS versions leaves none.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}
