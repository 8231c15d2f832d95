//! Certificates as people really have them.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType, IsCa, KeyIdMethod,
    KeyPair, PKCS_ED25519, RevokedCertParams, SigningKey, date_time_ymd,
};
use x509_cert::Certificate;
use x509_cert::der::asn1::BitString;
use x509_cert::der::{Decode, Encode};

/// The number of each server's certificate.
pub(super) const SERVER_NUMBER: u64 = 4711;

/// Something that signs certificates.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = named(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, key()).unwrap())
    }

    /// Returns its own certificate.
    pub(super) fn certificate_pem(&self) -> String {
        self.0.pem()
    }

    /// Returns a certificate for these hosts, and its key.
    pub(super) fn server(&self, hosts: &[&str]) -> (String, String) {
        let key = key();
        let mut params = named("server", hosts);
        params.serial_number = Some(SERVER_NUMBER.into());
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// Returns a list by which it takes back the certificates with these numbers.
    pub(super) fn revocation_list(&self, numbers: &[u64]) -> String {
        let revoked = numbers.iter().map(|&number| RevokedCertParams {
            serial_number: number.into(),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(2090, 1, 1),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.0).unwrap().pem().unwrap()
    }

    /// Returns a certificate for a role, and its key.
    pub(super) fn client(&self, role: &str) -> (String, String) {
        let key = key();
        let certificate = named(role, &[]).signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// Returns a certificate whose key has a kind of signature that names no digest, and its key.
    pub(super) fn ed25519(hosts: &[&str]) -> (String, String) {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let certificate = named("server", hosts).self_signed(&key).unwrap();
        // OpenSSL 3.0 does not read the second version of PKCS #8, which has the public key behind the private one.
        let der = key.serialized_der();
        let seed = der.windows(4).position(|it| it == [0x04, 0x22, 0x04, 0x20]).unwrap() + 4;
        let mut first_version = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        first_version.extend_from_slice(&der[seed..seed + 32]);
        (certificate.pem(), pem("PRIVATE KEY", &first_version))
    }
}

/// Returns what the recipe of the Postgres manual makes: self-signed, that of an authority, with a common name only.
pub(super) fn of_the_manual(common_name: &str, expired: bool) -> (String, String) {
    let key = key();
    let mut params = named(common_name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    if expired {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    }
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

/// Returns a self-signed certificate of X.509 version 1: no extensions, and no mention of the version.
pub(super) fn version_1(common_name: &str) -> (String, String) {
    let key = key();
    let template = named(common_name, &[]).self_signed(&key).unwrap();
    let mut certificate = Certificate::from_der(template.der()).unwrap();
    certificate.tbs_certificate.version = x509_cert::Version::V1;
    certificate.tbs_certificate.extensions = None;
    let signature = key.sign(&certificate.tbs_certificate.to_der().unwrap()).unwrap();
    certificate.signature = BitString::from_bytes(&signature).unwrap();
    (pem("CERTIFICATE", &certificate.to_der().unwrap()), key.serialize_pem())
}

fn named(common_name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

/// Writes PEM, for which the libraries at hand have a reader only.
fn pem(label: &str, der: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in der.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            if place > chunk.len() {
                text.push('=');
            } else {
                let index = (group >> (18 - 6 * place)) & 63;
                text.push(char::from(ALPHABET[index as usize]));
            }
        }
    }
    let lines: Vec<&str> = (0..text.len())
        .step_by(64)
        .map(|at| &text[at..text.len().min(at + 64)])
        .collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
