//! How the server's certificate is checked under each `sslmode`.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerMisbehaved, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};

use super::names::common_name_matches;

/// What is asked of the certificate.
#[derive(Debug)]
pub(super) enum Policy {
    /// Nothing: the connection is encrypted, to whomever.
    Any,
    /// An authority must have signed it.
    Authority(Trust),
    /// An authority must have signed it, for this host.
    AuthorityAndName(Trust),
}

/// Whose signatures count.
#[derive(Debug)]
pub(super) struct Trust {
    /// Builds paths to the trusted authorities.
    pub(super) paths: Arc<WebPkiServerVerifier>,
    /// The trusted certificates themselves.
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

/// The verifier that is handed to rustls.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) policy: Policy,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let (trust, name_counts) = match &self.policy {
            Policy::Any => return Ok(ServerCertVerified::assertion()),
            Policy::Authority(trust) => (trust, false),
            Policy::AuthorityAndName(trust) => (trust, true),
        };
        let outcome = trust
            .paths
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let outcome = match outcome {
            Err(error) if trust.holds(end_entity) && is_about_the_path(&error) => {
                ParsedCertificate::try_from(end_entity)
                    .and_then(|certificate| rustls::client::verify_server_name(&certificate, server_name))
            }
            other => other.map(|_| ()),
        };
        match outcome {
            // webpki looks at the name only once the path stands.
            Err(error)
                if is_about_the_name(&error) && (!name_counts || common_name_matches(end_entity, server_name)) =>
            {
                Ok(ServerCertVerified::assertion())
            }
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(error) => Err(error),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
            .or_else(|error| self.verify_with_bare_key(message, certificate, signed, error))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
            .or_else(|error| self.verify_with_bare_key(message, certificate, signed, error))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl Verifier {
    /// Verifies the handshake's signature with nothing but the key from the certificate.
    ///
    /// webpki takes no certificate of X.509 version 1 apart, not even to read its key; old recipes make such certificates. Where nothing is
    /// asked of the certificate, the key is taken out by other means. `error` is what webpki said, and stays the answer
    /// unless the signature proves right.
    fn verify_with_bare_key(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
        error: Error,
    ) -> Result<HandshakeSignatureValid, Error> {
        let is_unreadable = matches!(
            error,
            Error::InvalidCertificate(CertificateError::BadEncoding | CertificateError::Other(_))
        );
        if !matches!(self.policy, Policy::Any) || !is_unreadable {
            return Err(error);
        }
        let Ok(parsed) = Certificate::from_der(certificate) else {
            return Err(error);
        };
        let key = &parsed.tbs_certificate.subject_public_key_info;
        let (Some(key_bytes), Ok(algorithm)) = (key.subject_public_key.as_bytes(), key.algorithm.to_der()) else {
            return Err(error);
        };
        let Some((_, candidates)) = self
            .algorithms
            .mapping
            .iter()
            .find(|(scheme, _)| *scheme == signed.scheme)
        else {
            return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
        };
        candidates
            .iter()
            // What is compared is the inside of the sequence; its tag and length come before it.
            .filter(|candidate| algorithm.ends_with(candidate.public_key_alg_id().as_ref()))
            .find(|candidate| {
                candidate
                    .verify_signature(key_bytes, message, signed.signature())
                    .is_ok()
            })
            .map(|_| HandshakeSignatureValid::assertion())
            .ok_or(Error::InvalidCertificate(CertificateError::BadSignature))
    }
}

impl Trust {
    /// Tells whether the server's certificate is itself one that is trusted: no path leads further than there.
    fn holds(&self, end_entity: &CertificateDer<'_>) -> bool {
        self.certificates
            .iter()
            .any(|trusted| trusted.as_ref() == end_entity.as_ref())
    }
}

/// Tells whether an error says only that no path leads from the certificate to an authority.
///
/// webpki will not have the certificate of an authority as that of a server ("CA used as end entity"), which is what every
/// self-signed certificate of `openssl req -x509` is. It looks at the dates before that, so an expired one never gets here.
fn is_about_the_path(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::Other(_))
    )
}

fn is_about_the_name(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. })
    )
}
