//! Checks where data lives. A location that is refused is not repeated in the message: somebody may have
//! written a password into it.

use std::net::Ipv6Addr;
use std::path::Path;

use super::report::Fault;
use crate::source::Location;

/// A folder on this machine, made absolute against the mesh folder.
pub(super) fn local(path: &str, mesh_folder: &Path) -> Result<Location, Fault> {
    if path.contains("://") || path.chars().any(char::is_control) {
        return Err(Fault::new("is not a path", "write a folder, absolute or relative to the mesh folder"));
    }
    Ok(Location::Local(mesh_folder.join(path)))
}

/// `s3://bucket/prefix`.
pub(super) fn s3(url: &str, endpoint: Option<&str>, region: Option<&str>) -> Result<Location, Fault> {
    let remedy = "write `s3://bucket/prefix`, without credentials";
    let bucket = split_url(url, &["s3"], remedy)?;
    if !is_host(bucket) {
        return Err(Fault::new("names no bucket", remedy));
    }
    Ok(Location::S3 { url: url.to_owned(), endpoint: endpoint.map(str::to_owned), region: region.map(str::to_owned) })
}

/// `gs://bucket/prefix`.
pub(super) fn gcs(url: &str, endpoint: Option<&str>) -> Result<Location, Fault> {
    let remedy = "write `gs://bucket/prefix`, without credentials";
    let bucket = split_url(url, &["gs"], remedy)?;
    if !is_host(bucket) {
        return Err(Fault::new("names no bucket", remedy));
    }
    Ok(Location::Gcs { url: url.to_owned(), endpoint: endpoint.map(str::to_owned) })
}

/// Base URL of an object store: `http://host:port` or `https://host:port`.
pub(super) fn store_endpoint(url: &str) -> Result<String, Fault> {
    let remedy = "write `https://host:port` or `http://host:port`, without credentials";
    let authority = split_url(url, &["http", "https"], remedy)?;
    if is_host(authority) || is_host_and_port(authority) {
        return Ok(url.trim_end_matches('/').to_owned());
    }
    Err(Fault::new("names no host", remedy))
}

/// `grpc://host:port` or `grpc+tls://host:port`.
pub(super) fn flight(url: &str) -> Result<String, Fault> {
    let remedy = "write `grpc://host:port` or `grpc+tls://host:port`, without credentials";
    let authority = split_url(url, &["grpc", "grpc+tls"], remedy)?;
    if url.ends_with(authority) && is_host_and_port(authority) {
        return Ok(url.to_owned());
    }
    Err(Fault::new("is not a scheme, a host and a port", remedy))
}

/// Whether a text is `host:port`.
pub(super) fn is_host_and_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let good_host = bracketed.map_or_else(|| is_host(host), |address| address.parse::<Ipv6Addr>().is_ok());
    good_host && digits && port.parse::<u16>().is_ok_and(|port| port != 0)
}

/// The authority of a URL with one of the schemes, after checking what follows it.
pub(super) fn split_url<'a>(url: &'a str, schemes: &[&str], remedy: &str) -> Result<&'a str, Fault> {
    let rest = schemes.iter().find_map(|scheme| url.strip_prefix(scheme)?.strip_prefix("://"));
    let Some(rest) = rest else {
        return Err(Fault::new(format!("does not begin with `{}://`", schemes.join("://` or `")), remedy));
    };
    if rest.chars().any(|letter| letter.is_control() || letter.is_whitespace() || "?#\\".contains(letter)) {
        return Err(Fault::new("holds a character that has no place in it", remedy));
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if path.split('/').any(|part| part == ".." || part == ".") {
        return Err(Fault::new("climbs with `..` or `.`", remedy));
    }
    Ok(authority)
}

/// Whether a text can be the name of a host or a bucket.
pub(super) fn is_host(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"._-$".contains(&byte);
    text.bytes().all(letter) && text.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::super::azure_location::azure;
    use super::*;

    fn check(read: fn(&str) -> bool, good: &[&str], bad: &[&str]) {
        good.iter().for_each(|text| assert!(read(text), "{text:?} is good"));
        bad.iter().for_each(|text| assert!(!read(text), "{text:?} is bad"));
    }

    #[test]
    fn an_object_store_url_names_a_bucket_and_nothing_secret() {
        check(
            |url| s3(url, None, None).is_ok(),
            &["s3://bucket/a/b", "s3://bucket", "s3://my-bucket.x/a_b=c/"],
            &[
                "",
                "bucket/a",
                "s3:/bucket",
                "s3:///a",
                "S3://bucket",
                "s3a://bucket/a",
                "https://bucket/a",
                "s3://key:secret@bucket/a",
                "s3://bucket/a?X-Amz-Signature=1",
                "s3://bucket/../other",
                "s3://bucket/a b",
                "s3://bucket/a\nb",
                "s3://./a",
            ],
        );
        check(|url| gcs(url, None).is_ok(), &["gs://bucket/a"], &["gs://", "gcs://bucket", "gs://key@bucket/a"]);
        check(
            |url| store_endpoint(url).is_ok(),
            &["http://127.0.0.1:9000", "https://minio.example", "https://minio.example:443/", "http://[::1]:9000"],
            &["127.0.0.1:9000", "ftp://a", "http://user:pass@host", "http://host:0", "http://host:99999", "http://"],
        );
    }

    #[test]
    fn a_flight_location_is_a_scheme_a_host_and_a_port() {
        check(
            |url| flight(url).is_ok(),
            &["grpc://127.0.0.1:50051", "grpc+tls://data.example:443", "grpc://[::1]:1"],
            &[
                "",
                "grpc://host",
                "grpc://:1",
                "grpc://host:0",
                "grpc://host:65536",
                "grpc://host:1/path",
                "grpc://host:1/",
                "grpc://user:pw@host:1",
                "http://host:1",
                "grpc+tcp://host:1",
                "grpc://host:+1",
                "grpc://a:b:1",
                "grpc://[x]:1",
                "grpc://host:1?a=b",
            ],
        );
    }

    #[test]
    fn a_local_path_is_absolute_against_the_mesh_folder() {
        let folder = Path::new("/mesh");
        assert_eq!(local("data/orders", folder), Ok(Location::Local("/mesh/data/orders".into())));
        assert_eq!(local("/lake/orders", folder), Ok(Location::Local("/lake/orders".into())));
        assert!(local("file:///lake", folder).is_err());
        assert!(local("a\0b", folder).is_err());
    }

    #[test]
    fn a_refused_location_is_not_repeated_in_the_message() {
        for url in ["s3://AKIA:hunter2@bucket/a", "hunter2", "grpc://u:hunter2@host:1", "az://c/a?sig=hunter2"] {
            let faults =
                [s3(url, None, None).err(), flight(url).err(), azure(url, None, None).err(), store_endpoint(url).err()];
            assert!(faults.into_iter().all(|fault| !format!("{fault:?}").contains("hunter2")), "{url}");
        }
    }
}
