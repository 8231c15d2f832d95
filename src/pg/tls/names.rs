//! Certificates that have a common name and nothing else.

use rustls::pki_types::{CertificateDer, ServerName};
use x509_cert::Certificate;
use x509_cert::der::asn1::{Ia5StringRef, PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode, Tag, Tagged};

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const SUBJECT_ALTERNATIVE_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");

/// Tells whether the certificate has no alternative names at all, and its common name is the server's.
///
/// The recipe of the Postgres manual ("Creating Certificates") makes just such a certificate, and libpq accepts it
/// (`fe-secure-common.c`); webpki and with it rustls look at alternative names only. As in libpq a `*` may stand for the
/// leftmost label, and letters match in either case.
pub(super) fn common_name_matches(certificate: &CertificateDer<'_>, server_name: &ServerName<'_>) -> bool {
    let Ok(certificate) = Certificate::from_der(certificate) else {
        return false;
    };
    let has_alternative_names = certificate
        .tbs_certificate
        .extensions
        .iter()
        .flatten()
        .any(|extension| extension.extn_id == SUBJECT_ALTERNATIVE_NAME);
    !has_alternative_names && common_name(&certificate).is_some_and(|name| name_matches(&name, &server_name.to_str()))
}

/// Returns the first common name of the subject.
fn common_name(certificate: &Certificate) -> Option<String> {
    let value = certificate
        .tbs_certificate
        .subject
        .0
        .iter()
        .flat_map(|relative| relative.0.iter())
        .find(|attribute| attribute.oid == COMMON_NAME)
        .map(|attribute| &attribute.value)?;
    let text = match value.tag() {
        Tag::Utf8String => Utf8StringRef::try_from(value).ok()?.as_str().to_owned(),
        Tag::PrintableString => PrintableStringRef::try_from(value).ok()?.as_str().to_owned(),
        Tag::Ia5String => Ia5StringRef::try_from(value).ok()?.as_str().to_owned(),
        Tag::TeletexString => TeletexStringRef::try_from(value).ok()?.as_str().to_owned(),
        _ => return None,
    };
    // A NUL in a name is an old way to make two readers see two names.
    (!text.is_empty() && !text.contains('\0')).then_some(text)
}

fn name_matches(pattern: &str, host: &str) -> bool {
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    let Some(suffix) = pattern.strip_prefix('*').filter(|suffix| {
        // `*.example`, and more than one label after it: `*.com` would match half the world.
        suffix.starts_with('.') && suffix[1..].contains('.')
    }) else {
        return false;
    };
    match host.split_once('.') {
        Some((label, rest)) => !label.is_empty() && suffix[1..].eq_ignore_ascii_case(rest),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_leftmost_label() {
        for (pattern, host, expected) in [
            ("db.example.com", "db.example.com", true),
            ("DB.example.com", "db.Example.com", true),
            ("db.example.com", "db2.example.com", false),
            ("*.example.com", "db.example.com", true),
            ("*.example.com", "a.db.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.example.com", ".example.com", false),
            ("*.com", "example.com", false),
            ("*", "localhost", false),
            ("d*.example.com", "db.example.com", false),
        ] {
            assert_eq!(name_matches(pattern, host), expected, "{pattern} {host}");
        }
    }
}
