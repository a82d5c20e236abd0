//! Whose a client certificate is (RFC 5280). That it is good was proven when the connection was made.

use std::time::SystemTime;

use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Tag, Tagged};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::users::is_user_name;
use crate::config::CertificateName;

/// `commonName` of X.520.
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// The user that a certificate names where `name` says to look; the first place where it has any name decides. `None`
/// where there is no name, more than one, one that is no user's, or where the certificate is out of date: connections
/// outlive certificates.
pub(super) fn user(der: &[u8], name: CertificateName, now: SystemTime) -> Option<String> {
    let certificate = Certificate::from_der(der).ok()?;
    let validity = certificate.tbs_certificate().validity();
    let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let holds = validity.not_before.to_unix_duration() <= now && now <= validity.not_after.to_unix_duration();
    let names = match name {
        CertificateName::EmailOrCommonName => {
            let emails = alternatives(&certificate, email)?;
            if emails.is_empty() { common_names(&certificate)? } else { emails }
        }
        CertificateName::Email => alternatives(&certificate, email)?,
        CertificateName::Dns => alternatives(&certificate, dns)?,
        CertificateName::CommonName => common_names(&certificate)?,
    };
    let [only] = names.as_slice() else { return None };
    (holds && is_user_name(only)).then(|| only.clone())
}

/// The subject alternative names of one kind; `None` where they cannot be read.
fn alternatives(certificate: &Certificate, kind: fn(&GeneralName) -> Option<&str>) -> Option<Vec<String>> {
    let names = certificate.tbs_certificate().get_extension::<SubjectAltName>().ok()?;
    let Some((_critical, SubjectAltName(names))) = names else { return Some(Vec::new()) };
    Some(names.iter().filter_map(kind).map(str::to_owned).collect())
}

fn email(name: &GeneralName) -> Option<&str> {
    if let GeneralName::Rfc822Name(email) = name { Some(email.as_str()) } else { None }
}

fn dns(name: &GeneralName) -> Option<&str> {
    if let GeneralName::DnsName(dns) = name { Some(dns.as_str()) } else { None }
}

/// The common names of the subject; `None` where one is in an encoding of other times.
fn common_names(certificate: &Certificate) -> Option<Vec<String>> {
    let parts = certificate.tbs_certificate().subject().iter().filter(|part| part.oid == COMMON_NAME);
    let text = |part: &x509_cert::attr::AttributeTypeAndValue| {
        let plain = matches!(part.value.tag(), Tag::Utf8String | Tag::PrintableString | Tag::Ia5String);
        let text = plain.then(|| part.value.value())?;
        std::str::from_utf8(text).ok().map(str::to_owned)
    };
    parts.map(text).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use std::time::Duration;

    use rcgen::{CertificateParams, DnType, DnValue, KeyPair, SanType};

    use super::*;

    /// A certificate with these common names and alternative names, good for some decades.
    fn certificate(common_names: &[&str], alternatives: &[SanType]) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for name in common_names {
            params.distinguished_name.push(DnType::CommonName, DnValue::Utf8String((*name).to_owned()));
        }
        params.subject_alt_names = alternatives.to_vec();
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn email(text: &str) -> SanType {
        SanType::Rfc822Name(text.try_into().unwrap())
    }

    fn dns(text: &str) -> SanType {
        SanType::DnsName(text.try_into().unwrap())
    }

    fn check(der: &[u8], name: CertificateName, expected: Option<&str>) {
        assert_eq!(user(der, name, SystemTime::now()).as_deref(), expected, "{name:?}");
    }

    #[test]
    fn a_certificate_names_its_user_where_the_mesh_says() {
        let der = certificate(&["ann"], &[dns("etl.example"), email("ann@x.org")]);
        check(&der, CertificateName::EmailOrCommonName, Some("ann@x.org"));
        check(&der, CertificateName::Email, Some("ann@x.org"));
        check(&der, CertificateName::Dns, Some("etl.example"));
        check(&der, CertificateName::CommonName, Some("ann"));
        let der = certificate(&["ann"], &[]);
        check(&der, CertificateName::EmailOrCommonName, Some("ann"));
        check(&der, CertificateName::Email, None);
        check(&der, CertificateName::Dns, None);
    }

    #[test]
    fn a_certificate_with_two_names_or_an_odd_one_names_nobody() {
        check(&certificate(&["ann"], &[email("a@x"), email("b@x")]), CertificateName::EmailOrCommonName, None);
        check(&certificate(&["ann"], &[email("a b@x")]), CertificateName::EmailOrCommonName, None);
        for odd in ["", "*", "a b", "ann\0", "user:ann", "änn", "CN=ann"] {
            check(&certificate(&[odd], &[]), CertificateName::CommonName, None);
        }
        check(&certificate(&[], &[dns("*.example")]), CertificateName::Dns, None);
        check(b"", CertificateName::CommonName, None);
        check(b"\x30\x03\x02\x01\x01", CertificateName::CommonName, None);
    }

    #[test]
    fn a_certificate_that_is_out_of_date_names_nobody() {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "ann");
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec();
        let at = |seconds: u64| {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            user(&der, CertificateName::CommonName, now)
        };
        assert_eq!(at(1_590_000_000).as_deref(), Some("ann"));
        assert_eq!((at(1_500_000_000), at(1_700_000_000)), (None, None));
    }
}
