//! A folder served over the protocols of object stores: just enough to list, to read, and to see who asks for what.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// The secret of an application that [`StoreServer`] gives tokens for.
pub(crate) const CLIENT_SECRET: &str = "hunter2-client";

/// The token that it gives.
pub(crate) const TOKEN: &str = "token-4711";

/// A running server of the bucket or container `bucket`, which also issues tokens; stops when it is dropped.
pub(crate) struct StoreServer {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: tokio::task::JoinHandle<()>,
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) url: Url,
    /// The header; empty for a request without one.
    pub(crate) authorization: String,
    body: String,
}

impl Seen {
    /// A parameter of the address.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        self.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The key of the object that was asked for, or the prefix of the listing; nothing for a token.
    pub(crate) fn key(&self) -> Option<String> {
        let path = object_store::path::Path::from_url_path(self.url.path()).unwrap();
        let (_, key) = path.as_ref().split_once("bucket")?;
        self.query("prefix").or_else(|| Some(key.trim_start_matches('/').to_owned()))
    }
}

impl StoreServer {
    /// Serves `folder` to everybody.
    pub(crate) async fn start(folder: &Path) -> Self {
        Self::start_for(folder, "").await
    }

    /// Serves `folder` to whoever has `wanted` in the `Authorization` header or in the address.
    pub(crate) async fn start_for(folder: &Path, wanted: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (folder, log) = (folder.to_owned(), Arc::clone(&seen));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, folder.clone(), wanted, Arc::clone(&log)));
            }
        });
        Self { address, seen, task }
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The `Authorization` headers of the requests to the store so far; empty for a request without one.
    pub(crate) fn authorizations(&self) -> Vec<String> {
        self.seen().into_iter().filter(|seen| seen.key().is_some()).map(|seen| seen.authorization).collect()
    }
}

impl Drop for StoreServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, folder: PathBuf, wanted: &'static str, log: Arc<Mutex<Vec<Seen>>>) {
    let (reading, mut writing) = stream.split();
    let mut reading = BufReader::new(reading);
    loop {
        let mut request = String::new();
        if !matches!(reading.read_line(&mut request).await, Ok(1..)) {
            return;
        }
        let (mut range, mut authorization, mut length) = (None, String::new(), 0);
        loop {
            let mut line = String::new();
            reading.read_line(&mut line).await.unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "range" | "x-ms-range" => range = Some(value.to_owned()),
                "authorization" => value.clone_into(&mut authorization),
                "content-length" => length = value.parse().unwrap(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reading.read_exact(&mut body).await.unwrap();
        let mut words = request.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let url = Url::parse("http://store").unwrap().join(target).unwrap();
        let seen = Seen { url, authorization, body: String::from_utf8(body).unwrap() };
        log.lock().unwrap().push(seen.clone());
        let (status, headers, body) = answer(&folder, &seen, range.as_deref(), wanted);
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
        writing.write_all(head.as_bytes()).await.unwrap();
        if method != "HEAD" {
            writing.write_all(&body).await.unwrap();
        }
    }
}

const DATES: &str = "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nETag: \"x\"\r\n";

type Answer = (&'static str, String, Vec<u8>);

fn answer(folder: &Path, seen: &Seen, range: Option<&str>, wanted: &str) -> Answer {
    let Some(key) = seen.key() else { return token(&seen.body) };
    let shown = format!("{} {}", seen.authorization, seen.url.query().unwrap_or_default());
    if !shown.contains(wanted) {
        return ("403 Forbidden", String::new(), b"<Error><Code>AuthenticationFailed</Code></Error>".to_vec());
    }
    if seen.query("list-type").is_some() {
        let after = seen.query("start-after").unwrap_or_default();
        return ("200 OK", String::new(), list(folder, &key, &after).into_bytes());
    }
    if seen.query("comp").is_some() {
        return ("200 OK", String::new(), list_blobs(folder, &key).into_bytes());
    }
    let Ok(body) = std::fs::read(folder.join(key)) else { return ("404 Not Found", String::new(), Vec::new()) };
    let Some(range) = range else { return ("200 OK", DATES.to_owned(), body) };
    let (from, to) = range.trim_start_matches("bytes=").split_once('-').unwrap();
    let end = body.len();
    let (from, to) = match (from.parse::<usize>(), to.parse::<usize>()) {
        (Ok(from), Ok(to)) => (from, (to + 1).min(end)),
        (Ok(from), Err(_)) => (from, end),
        (Err(_), Ok(last)) => (end - last, end),
        (Err(_), Err(_)) => (0, end),
    };
    let headers = format!("{DATES}Content-Range: bytes {from}-{}/{end}\r\n", to - 1);
    ("206 Partial Content", headers, body[from..to].to_vec())
}

/// What an issuer of tokens says to the secret of an application.
fn token(body: &str) -> Answer {
    if body.contains(&format!("client_secret={CLIENT_SECRET}")) {
        let token = format!(r#"{{"access_token":"{TOKEN}","expires_in":3600,"token_type":"Bearer"}}"#);
        return ("200 OK", String::new(), token.into_bytes());
    }
    ("401 Unauthorized", String::new(), br#"{"error":"invalid_client"}"#.to_vec())
}

/// The files whose key begins with `prefix`, with their sizes, sorted.
fn keys(folder: &Path, prefix: &str) -> Vec<(String, u64)> {
    let mut keys = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let size = path.metadata().unwrap().len();
                keys.push((path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned(), size));
            }
        }
    }
    keys.retain(|(key, _)| key.starts_with(prefix));
    keys.sort_unstable();
    keys
}

/// A listing as S3 and Google give it.
fn list(folder: &Path, prefix: &str, after: &str) -> String {
    let keys = keys(folder, prefix).into_iter().filter(|(key, _)| key.as_str() > after);
    let contents = keys.map(|(key, size)| {
        format!("<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>\"x\"</ETag><Size>{size}</Size></Contents>")
    });
    format!("<ListBucketResult><IsTruncated>false</IsTruncated>{}</ListBucketResult>", contents.collect::<String>())
}

/// A listing as Azure gives it; like Azurite it knows no offsets.
fn list_blobs(folder: &Path, prefix: &str) -> String {
    let blobs = keys(folder, prefix).into_iter().map(|(key, size)| {
        format!("<Blob><Name>{key}</Name><Properties><Last-Modified>Thu, 01 Jan 2026 00:00:00 GMT</Last-Modified><Etag>x</Etag><Content-Length>{size}</Content-Length><Content-Type>application/octet-stream</Content-Type></Properties></Blob>")
    });
    format!("<EnumerationResults><Blobs>{}</Blobs><NextMarker/></EnumerationResults>", blobs.collect::<String>())
}
